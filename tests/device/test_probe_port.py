"""The probe's port: pyOCD's own code on a fake probe, whose core is the emulator's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

pytest.importorskip("pyocd")

from fake_probe import FakeCore, FakeProbe
from pyocd.core import exceptions

from edgecompress import targets
from edgecompress.device.connection import Connection
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.places import read_place
from edgecompress.device.port import Limit
from edgecompress.device.probe_port import attach, open_probe
from edgecompress.errors import DeviceError
from edgecompress.flash import probe as probes
from edgecompress.targets.image import Image
from edgecompress.targets.silicon import Flashing, RegisterWrite
from edgecompress.targets.target import Target

Firmware = Callable[..., Image]
INPUT = bytes(range(3, 67))
ACR = 0x4002_3C00
TARGET = replace(
    targets.find("cortex-m4"),
    flashing=Flashing(pyocd="cortex_m"),
    register_writes=(RegisterWrite(ACR, 0x705, mask=0x70F, comment="FLASH_ACR"),),
)


class Bench:
    """A core, its probe, and the open connections to it."""

    def __init__(self) -> None:
        self.stack = ExitStack()

    def connect(
        self, image: Image, holds: Image | None = None, target: Target = TARGET
    ) -> tuple[Connection, FakeProbe]:
        core = FakeCore(target, holds or image)
        core.registers[ACR] = 0xFF00_0000
        probe = FakeProbe(core)
        session = self.stack.enter_context(probes.session(probe, target))
        return attach(session, target, image, "fake", lambda: None), probe


@pytest.fixture
def bench() -> Iterator[Bench]:
    value = Bench()
    with value.stack:
        yield value


def test_connecting_resets_and_sets_the_registers_before_the_first_instruction(
    firmware: Firmware, bench: Bench
) -> None:
    connection, probe = bench.connect(firmware("cortex-m4"))
    core = probe.core
    assert (connection.runner, connection.is_silicon, connection.writes) == ("probe fake", True, TARGET.register_writes)
    assert core.written == [(ACR, 0xFF00_0705, 4)]
    assert (core.runs, core.halted) == (0, True)
    assert core.resets >= 2


def test_outputs_and_cycles_come_back_through_the_probe(firmware: Firmware, bench: Bench) -> None:
    image = firmware("cortex-m4")
    connection, probe = bench.connect(image)
    mailbox = Mailbox(connection.port, image)
    assert mailbox.counter == "dwt"
    outputs = mailbox.run([INPUT])
    assert outputs[0][:3] == bytes([(4 * 3) & 255, (5 * 3 + 4) & 255, (6 * 3) & 255])
    cycles = mailbox.cycles()
    mailbox.run([INPUT])
    assert cycles is not None
    assert mailbox.cycles() == cycles
    mailbox.write_inputs([INPUT])
    mailbox.run_layers(0, 3)
    layers = mailbox.layer_cycles()
    assert layers is not None
    assert sum(layers) == mailbox.cycles()
    assert 0 < sum(layers) - cycles < 600  # what reading the counter three times costs
    used = mailbox.stack_bytes()
    assert used is not None
    assert 0 < used < 500
    assert probe.core.runs == 4


def test_faults_are_told_by_the_firmwares_own_handler(firmware: Firmware, bench: Bench) -> None:
    image = firmware("cortex-m4", '__asm__ volatile("bkpt #3")')
    connection, _ = bench.connect(image)
    mailbox = Mailbox(connection.port, image)
    with pytest.raises(DeviceError, match=r"running the model: the firmware stopped unexpectedly \(breakpoint\)"):
        mailbox.run([INPUT])


def test_locked_up_core_is_a_fault(firmware: Firmware, bench: Bench) -> None:
    image = firmware("cortex-m4", "*(volatile int *)0x60000000 = 1")
    connection, _ = bench.connect(image)
    mailbox = Mailbox(connection.port, image)
    with pytest.raises(DeviceError, match="faulted in model_layer_2") as raised:
        mailbox.run([INPUT])
    assert "locked up" in raised.value.found


def test_endless_program_is_given_up_after_its_seconds(firmware: Firmware, bench: Bench) -> None:
    image = firmware("cortex-m4", 'for (;;) __asm__ volatile("nop")')
    connection, probe = bench.connect(image)
    probe.core.limit = 100_000
    mailbox = Mailbox(connection.port, image, limit=Limit(seconds=0.1))
    with pytest.raises(DeviceError, match="did not come to an end in model_layer_2") as raised:
        mailbox.run([INPUT])
    assert "more than 0.1 s" in raised.value.found
    assert probe.core.halted


def test_another_program_in_the_flash_is_noticed_before_anything_runs(firmware: Firmware, bench: Bench) -> None:
    with pytest.raises(DeviceError, match="the device holds another program") as raised:
        bench.connect(firmware("cortex-m4"), holds=firmware("cortex-m4", "arena[0] = 7"))
    assert "bytes differ, the first at 0x" in raised.value.found
    assert "edgecompress flash" in raised.value.hint


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (exceptions.ProbeDisconnected("no such device"), "the debug probe is gone"),
        (exceptions.TransferError("no ACK"), "the chip does not answer"),
        (exceptions.TransferTimeoutError("WAIT"), "the chip does not answer"),
        (OSError("[Errno 19] No such device"), "the debug probe is gone"),
    ],
)
def test_probe_that_goes_away_in_the_middle_is_told_with_the_step(
    firmware: Firmware, bench: Bench, trouble: Exception, message: str
) -> None:
    image = firmware("cortex-m4")
    connection, probe = bench.connect(image)
    mailbox = Mailbox(connection.port, image)

    def unplug(run: int) -> None:
        probe.trouble = trouble

    probe.core.before_run = unplug
    with pytest.raises(DeviceError, match=f"running the model: {message}") as raised:
        mailbox.run([INPUT])
    assert raised.value.hint
    with pytest.raises(DeviceError, match=f"writing input 0: {message}"):
        mailbox.run([INPUT])
    probe.trouble = None


def test_reset_in_the_middle_of_a_run_is_no_result(firmware: Firmware, bench: Bench) -> None:
    image = firmware("cortex-m4")
    connection, probe = bench.connect(image)
    mailbox = Mailbox(connection.port, image)
    first = mailbox.run([INPUT])

    def brown_out(run: int) -> None:
        probe.core.demcr = 0  # start-up runs and comes to the mailbox's stop, as after a run
        probe.core.reset()

    probe.core.before_run = brown_out
    with pytest.raises(DeviceError, match="running the model: the device has been reset in the meantime") as raised:
        mailbox.run([INPUT])
    assert "power supply" in raised.value.hint
    probe.core.before_run = lambda _: None
    connection.port.run()
    with pytest.raises(DeviceError, match="has been reset"):
        mailbox.run([INPUT])  # nor is what comes after it
    assert first


def test_no_probe_at_all_says_what_to_try(firmware: Firmware, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "find_probes", lambda name=None: [])
    with pytest.raises(DeviceError, match="no debug probe is connected") as raised:
        open_probe(read_place("probe"), TARGET, firmware("cortex-m4"))
    assert raised.value.exit_code == 14
    assert "USB" in raised.value.hint
