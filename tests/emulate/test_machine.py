"""The emulated device: memory as the target's, faults where the device faults, limits that hold."""

from collections.abc import Callable

import pytest

from edgecompress import emulate, targets
from edgecompress.device.port import Limit
from edgecompress.emulate.machine import Machine
from edgecompress.errors import DeviceError, UnsupportedError
from edgecompress.targets.image import Image

Toy = Callable[..., Image]
Assembly = Callable[[str, str], Image]


def test_memory_reads_back_and_nothing_else_exists(toy: Toy) -> None:
    target = targets.find("nucleo-l4r5zi")
    with emulate.open(target, toy("standalone", target)) as port:
        last = target.ram[0].end - 4
        port.write_memory(last, b"\x01\x02\x03\x04")
        assert port.read_memory(last, 4) == b"\x01\x02\x03\x04"
        with pytest.raises(DeviceError, match="no 8 bytes of memory to read"):
            port.read_memory(last, 8)
        with pytest.raises(DeviceError, match="to write at 0x60000000"):
            port.write_memory(0x60000000, b"1")


def test_program_for_another_memory_map_is_refused(toy: Toy) -> None:
    with pytest.raises(DeviceError, match="linked for another memory map"):
        Machine(targets.find("nucleo-l4r5zi"), toy("standalone", "cortex-m4"))


def test_core_without_emulator_is_refused(toy: Toy) -> None:
    with pytest.raises(UnsupportedError, match="QEMU"):
        Machine(targets.find("cortex-m55"), toy("standalone", "cortex-m55"))


@pytest.mark.parametrize("name", [name for name in targets.names() if targets.find(name).cpu.runner == "unicorn"])
def test_toy_runs_to_its_end_on_every_target(toy: Toy, name: str) -> None:
    with emulate.open(targets.find(name), toy("standalone", name)) as port:
        stop = port.run()
    assert (stop.reason, stop.status) == ("exit", 0)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("movs r0, #0\nstr r0, [r0]\nbx lr", "write to flash at 0x00000000"),
        ("ldr r0, =0x30000000\nldr r1, [r0]\nbx lr\n.pool", "read from no memory at 0x30000000"),
        ("ldr r0, =0x30000001\nbx r0\n.pool", "branch to no memory"),
        ("udf #0", "undefined instruction"),
        ("svc #0", "supervisor call"),
        ("movs r0, #0x20\nbx r0", "Thumb bit missing"),
        ("movs r0, #1\nbkpt #0xAB", "semihosting call 0x1"),
    ],
)
def test_faults_are_described(assembly: Assembly, body: str, detail: str) -> None:
    image = assembly("cortex-m4", body)
    with emulate.open(targets.find("cortex-m4"), image) as port:
        stop = port.run(Limit(instructions=100_000))
    assert stop.reason == "fault"
    assert detail in stop.detail


def test_fault_in_the_middle_of_a_block_is_located_exactly(assembly: Assembly) -> None:
    image = assembly("cortex-m4", "mov.w r0, #0x30000000\nnop\nnop\nldr r1, [r0]\nbx lr")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        stop = port.run()
    assert image.symbol_at(stop.pc) == "measured+0x8"


@pytest.mark.parametrize("native", [True, False])
def test_endless_loop_ends_at_the_limit(assembly: Assembly, native: bool) -> None:
    image = assembly("cortex-m4", "1: b 1b")
    machine = Machine(targets.find("cortex-m4"), image, native=native)
    stop = machine.run(Limit(instructions=100_000))
    assert stop.reason == "limit"
    assert image.symbol_at(stop.pc) == "measured"


def test_limit_counts_anew_for_each_run(assembly: Assembly) -> None:
    image = assembly("cortex-m4", "ldr r0, =20000\n1: subs r0, #1\nbne 1b\nbkpt #1\nb measured\n.pool")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        for _ in range(5):
            assert port.run(Limit(instructions=50_000)).reason == "breakpoint"


def test_run_continues_behind_a_breakpoint(assembly: Assembly) -> None:
    image = assembly("cortex-m4", "bkpt #1\nbkpt #2\nbx lr")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        places = [image.symbol_at(port.run().pc) for _ in range(2)]
        assert places == ["measured", "measured+0x2"]
        assert port.run().reason == "exit"


def test_reset_runs_again_with_the_same_outcome(toy: Toy) -> None:
    machine = Machine(targets.find("cortex-m4"), toy("standalone", "cortex-m4"))
    first = machine.run()
    machine.reset()
    assert machine.run() == first


def test_what_the_emulator_lacks_is_told(assembly: Assembly) -> None:
    image = assembly("cortex-m7", "vadd.f64 d0, d1, d2\nbx lr")
    with emulate.open(targets.find("cortex-m7"), image) as port:
        stop = port.run()
    assert (stop.reason, image.symbol_at(stop.pc)) == ("fault", "measured")
    assert "double-precision floating point, which this emulator's cortex-m7 lacks" in stop.detail
