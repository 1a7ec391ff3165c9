"""What a Linux computer says about itself, as a Raspberry Pi 4 says it, and as nobody should."""

import pytest

from edgecompress.errors import DeviceError
from edgecompress.linux.facts import parse_condition, parse_machine, read_condition, read_machine
from edgecompress.linux.here import Here
from edgecompress.report.linux_records import Condition

PI_4 = """machine=aarch64
kernel=Linux 6.6.20+rpt-rpi-v8
system=Debian GNU/Linux 12 (bookworm)
model=Raspberry Pi 4 Model B Rev 1.4
cores=4
memory=3884392
governor=ondemand
cpuinfo=
processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd08
"""


def test_a_pi_is_read():
    machine = parse_machine(PI_4)
    assert (machine.architecture, machine.cpu, machine.cores) == ("aarch64", "Cortex-A72", 4)
    assert machine.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.memory_bytes == 3884392 * 1024
    assert (machine.governor, machine.emulator) == ("ondemand", None)
    assert machine.system == "Debian GNU/Linux 12 (bookworm), Linux 6.6.20+rpt-rpi-v8"


def test_what_a_computer_does_not_tell_is_unknown():
    machine = parse_machine("machine=aarch64\nkernel=Linux 5\nsystem=\nmodel=\ncores=\nmemory=\ngovernor=\ncpuinfo=\n")
    assert (machine.cpu, machine.model, machine.cores, machine.memory_bytes, machine.governor) == (None,) * 5
    assert parse_condition("vcgencmd=\nfrequency=\n") == Condition()


def test_an_emulator_is_recognized_by_the_processor_that_it_shows():
    text = PI_4.partition("processor")[0] + "vendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)\n"
    assert parse_machine(text).emulator == "QEMU's user mode"
    assert parse_machine(text.replace("aarch64", "x86_64")).emulator is None


@pytest.mark.parametrize(
    ("answer", "now", "words"),
    [
        ("throttled=0x0", False, ()),
        ("throttled=0x4", True, ("throttled now",)),
        ("throttled=0x50005", True,
         ("under-voltage now", "throttled now", "under-voltage since start", "throttled since start")),
        ("throttled=0x20000", False, ("frequency capped since start",)),
        ("VCHI initialization failed", None, ()),
    ],
)  # fmt: skip
def test_the_bits_of_throttling_are_words(answer, now, words):
    found = parse_condition(f"vcgencmd={answer}\nfrequency=1500000\n")
    assert (found.throttled, found.throttling, found.frequency_hz) == (now, words, 1_500_000_000)


def test_temperature_is_the_processors_not_the_hottest_zones():
    assert parse_condition("zone=gpu-thermal 71000\nzone=cpu-thermal 48312\n").temperature_c == 48.312
    assert parse_condition("zone=a 20000\nzone=b 30000\nzone=* \n").temperature_c == 30.0


@pytest.mark.parametrize("text", ["", "Welcome!\n", "machine=x86_64\nkernel=Darwin 23\n", "\x1b[2J" * 50, "machine=\n"])
def test_an_answer_that_is_not_linuxs_is_an_error(text):
    with pytest.raises(DeviceError, match="does not answer as a Linux system"):
        parse_machine(text)


def test_control_characters_do_not_come_through():
    hostile = PI_4.replace("Raspberry Pi 4", "Pi\x1b]0;owned\x07")
    assert parse_machine(hostile).model == "Pi]0;owned Model B Rev 1.4"


def test_this_computer_answers():
    computer = Here()
    try:
        machine = read_machine(computer)
        assert machine.cores and machine.memory_bytes and machine.architecture
        assert isinstance(read_condition(computer), Condition)
    finally:
        computer.close()
