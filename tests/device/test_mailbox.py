"""The mailbox: results that can be checked by hand, layer by layer, and troubles that are told plainly."""

import struct
from collections.abc import Callable

import pytest

from edgecompress import emulate, targets
from edgecompress.device.mailbox import Mailbox, Slot
from edgecompress.device.port import Limit
from edgecompress.errors import DeviceError, ToolError
from edgecompress.targets.image import Image

Firmware = Callable[..., Image]
TABLE = bytes([5, 4, 3, 2, 1]) + bytes(59)
INPUT = bytes(range(3, 67))
FIRST = bytes((x + 1) & 255 for x in INPUT)
SECOND = bytes(x * 3 & 255 for x in FIRST)
THIRD = bytes((x + (t if x & 1 else 0)) & 255 for x, t in zip(SECOND, TABLE, strict=True))


@pytest.mark.parametrize(
    "name", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "nucleo-h743zi", "rpi-pico"]
)
def test_model_and_its_layers_compute_what_they_should(firmware: Firmware, name: str) -> None:
    image = firmware(name)
    with emulate.open(targets.find(name), image) as port:
        mailbox = Mailbox(port, image)
        assert (mailbox.layers, mailbox.arena_bytes) == (3, 192)
        assert (mailbox.inputs, mailbox.outputs) == ((Slot(0, 64),), (Slot(64, 64),))
        assert mailbox.run([INPUT]) == (THIRD,)
        assert mailbox.run([bytes(64)]) != (THIRD,)
        mailbox.write_inputs([INPUT])
        mailbox.run_layers(0)
        assert mailbox.read_arena(64, 64) == FIRST
        mailbox.run_layers(1)
        assert mailbox.read_arena(128, 64) == SECOND
        mailbox.run_layers(2)
        assert mailbox.read_outputs() == (THIRD,)
        mailbox.write_inputs([INPUT])
        mailbox.run_layers(0, 3)
        assert mailbox.read_outputs() == (THIRD,)
        used = mailbox.stack_bytes()
        assert used is not None
        assert 0 < used < 500


@pytest.mark.needs("qemu-system-arm")
def test_vector_unit_computes_the_same(firmware: Firmware) -> None:
    image = firmware("cortex-m55")
    with emulate.open(targets.find("cortex-m55"), image) as port:
        mailbox = Mailbox(port, image)
        assert mailbox.run([INPUT]) == (THIRD,)
        mailbox.write_inputs([INPUT])
        mailbox.run_layers(0)
        assert mailbox.read_arena(64, 64) == FIRST


def test_any_prefix_will_do(firmware: Firmware) -> None:
    image = firmware("cortex-m4", prefix="kws_v2")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        assert Mailbox(port, image).run([INPUT]) == (THIRD,)


def test_cycles_of_an_emulator_are_unknown(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        mailbox = Mailbox(port, image)
        mailbox.run([INPUT])
        assert mailbox.counter == "none"
        assert mailbox.cycles() is None
        assert mailbox.layer_cycles() is None


@pytest.mark.parametrize(
    ("trouble", "message", "detail"),
    [
        (
            "*(volatile int *)0x60000000 = 1",
            r"running the model: the firmware faulted in model_layer_2",
            "write to no memory",
        ),
        ("*(volatile int *)0x100 = 1", r"faulted in model_layer_2", "write to flash"),
        ("__builtin_trap()", r"faulted in model_layer_2", "undefined instruction"),
        ("((void (*)(void))0x60000001)()", r"faulted in 0x60000000", "branch to no memory"),
        ('for (;;) __asm__ volatile("nop")', r"did not come to an end in model_layer_2", "more than 1,000,000"),
        ('__asm__ volatile("bkpt #3")', r"stopped unexpectedly \(breakpoint\) in model_layer_2", ""),
        (
            '__asm__ volatile("sub sp, #4000\\n sub sp, #4000\\n sub sp, #4000\\n push {r0}")',
            r"faulted in model_layer_2",
            "write to no memory at 0x1fff",
        ),
    ],
)
def test_troubles_name_place_and_cause(firmware: Firmware, trouble: str, message: str, detail: str) -> None:
    image = firmware("cortex-m4", trouble)
    with emulate.open(targets.find("cortex-m4"), image) as port:
        mailbox = Mailbox(port, image, limit=Limit(instructions=1_000_000))
        with pytest.raises(DeviceError, match=message) as raised:
            mailbox.run([INPUT])
    assert detail in raised.value.found
    assert raised.value.hint


def test_wrong_requests_are_refused_before_anything_runs(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        mailbox = Mailbox(port, image)
        for request, message in (
            (lambda: mailbox.run([]), "has 1 inputs"),
            (lambda: mailbox.run([bytes(63)]), "input 0 takes 64 bytes"),
            (lambda: mailbox.run_layers(2, 2), "has 3 layers"),
            (lambda: mailbox.run_layers(-1), "has 3 layers"),
            (lambda: mailbox.read_arena(190, 3), "arena has 192 bytes"),
            (lambda: mailbox.read_arena(-1, 3), "arena has 192 bytes"),
        ):
            with pytest.raises(DeviceError, match=message):
                request()
        assert mailbox.run([INPUT]) == (THIRD,)


def test_firmware_itself_refuses_unknown_commands_and_layers(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        mailbox = Mailbox(port, image)
        address = image.symbol("ec_mailbox").address
        for command, status in (
            ((9, 0, 0), -1000),
            ((2, 3, 1), -1001),
            ((2, 0, 0xFFFFFFFF), -1001),
            ((2, 0xFFFFFFFF, 2), -1001),
        ):
            port.write_memory(address + 16, struct.pack("<3I", *command))
            port.run()
            assert struct.unpack("<i", port.read_memory(address + 28, 4)) == (status,)
        assert mailbox.run([INPUT]) == (THIRD,)


def test_model_that_returns_an_error_is_reported(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        mailbox = Mailbox(port, image)
        address = image.symbol("ec_mailbox").address
        real_run = port.run

        def run_and_fail(limit: Limit) -> object:
            stop = real_run(limit)
            port.write_memory(address + 28, struct.pack("<i", 7))
            return stop

        port.run = run_and_fail  # type: ignore[method-assign,assignment]
        with pytest.raises(DeviceError, match="returned an error") as raised:
            mailbox.run([INPUT])
    assert raised.value.found == "status 7"


@pytest.mark.parametrize(("offset", "word"), [(0, 0), (4, 1), (8, 84)])
def test_foreign_or_other_firmware_is_refused(firmware: Firmware, offset: int, word: int) -> None:
    image = firmware("cortex-m4")
    with emulate.open(targets.find("cortex-m4"), image) as port:
        real_run = port.run

        def run_and_spoil(limit: Limit) -> object:
            stop = real_run(limit)
            port.write_memory(image.symbol("ec_mailbox").address + offset, struct.pack("<I", word))
            return stop

        port.run = run_and_spoil  # type: ignore[method-assign,assignment]
        with pytest.raises(DeviceError, match="not one that this version understands"):
            Mailbox(port, image)


def test_program_without_a_mailbox_is_refused(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    bare = Image(**{**image.__dict__, "symbols": {k: v for k, v in image.symbols.items() if k != "ec_mailbox"}})
    with (
        emulate.open(targets.find("cortex-m4"), image) as port,
        pytest.raises(ToolError, match="no symbol 'ec_mailbox'"),
    ):
        Mailbox(port, bare)
