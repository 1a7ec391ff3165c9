"""Boards' UARTs as data: what the C driver does with it, register by register, and files that hold nonsense."""

from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.device.port import Limit
from edgecompress.device.serial_link import STOPPED, Decoder, Frame
from edgecompress.device.serial_port import _read_info
from edgecompress.emulate.machine import Machine
from edgecompress.errors import RecipeError
from edgecompress.targets import toolchain, uart
from edgecompress.targets.target import Target

TOY = Path(__file__).parent / "toy"
BOARDS = [name for name in targets.names() if targets.find(name).serial]
QEMU = (TOY.parent.parent / "device" / "mps2-an386.toml").read_text()


class Peripherals:
    """Plain memory at every register that the program touches; a status is always what the driver waits for."""

    def __init__(self, machine: Machine, target: Target) -> None:
        import unicorn

        assert target.serial is not None
        self.uart, self.uc = target.serial, machine._uc
        self.writes: list[tuple[int, int, int]] = []
        self.sent = bytearray()
        steps = [step.write for step in self.uart.setup] + list(target.register_writes)
        touched = {write.address for write in steps} | set(target.registers_of_startup)
        touched |= {way.data for way in (self.uart.send, self.uart.receive)}
        touched |= {way.status for way in (self.uart.send, self.uart.receive)}
        mapped: set[int] = set()
        for address in touched:
            page = address & ~0xFFF
            if page not in mapped:
                mapped.add(page)
                if not any(first <= page <= last for first, last, _ in self.uc.mem_regions()):
                    self.uc.mem_map(page, 0x1000)
                self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._written, begin=page, end=page + 0xFFF)
        for step in self.uart.setup:
            if step.wait:
                self._word(step.write.address, step.write.value)
        self._word(self.uart.send.status, self.uart.send.ready)

    def _word(self, address: int, value: int) -> None:
        self.uc.mem_write(address, value.to_bytes(4, "little"))

    def _written(self, uc: object, access: int, address: int, size: int, value: int, _: object) -> None:
        value &= (1 << 8 * size) - 1
        if address == self.uart.send.data:
            self.sent.append(value & 0xFF)
        elif not (self.uart.send.clear and address == self.uart.send.status and self.sent):
            self.writes.append((address, value, size))


@pytest.mark.parametrize("name", BOARDS)
def test_boards_writes_are_done_in_order_and_the_first_frame_goes_out(name: str, tmp_path: Path) -> None:
    import unicorn

    target = targets.find(name)
    board = target.serial
    assert board is not None
    sources = (
        {path.name: path.read_text() for path in TOY.iterdir()}
        | program_sources("serial")
        | uart.sources(target.serial, target.name, target.register_writes)
    )
    image = toolchain.compile(sources, target, tmp_path / "serial.elf", defines={**program_defines(), "EC_SERIAL": "1"})
    machine = Machine(target, image)
    chip = Peripherals(machine, target)

    def events(uc: object, access: int, address: int, size: int, value: int, _: object) -> None:
        chip._word(board.send.status, board.send.ready)

    machine._uc.hook_add(unicorn.UC_HOOK_MEM_READ, events, begin=board.send.status, end=board.send.status + 3)
    machine.run(Limit(instructions=3_000_000))  # it ends up waiting for the host's first byte
    expected = [*target.register_writes, *(step.write for step in board.setup if not step.wait)]
    startup = len(chip.writes) - len(expected)
    assert [(a, s) for a, _, s in chip.writes[startup:]] == [(w.address, w.width) for w in expected]
    for (_, value, _), write in zip(chip.writes[startup:], expected, strict=True):
        assert value & write.mask == write.value
    frames = Decoder().feed(bytes(chip.sent))
    assert [(frame.kind, frame.sequence) for frame in frames] == [(STOPPED, 0)]
    info = _read_info(frames[0].payload)
    assert (info.state, info.stops, info.mailbox) == (1, 1, image.symbol("ec_mailbox").address)


@pytest.mark.parametrize("name", BOARDS)
def test_baud_rates_of_divided_clocks_are_within_two_percent(name: str) -> None:
    """What the comment divides is what the register is given."""
    import re

    board = targets.find(name).serial
    assert board is not None
    for step in board.setup:
        found = re.search(r"BRR: (?:(\d+) \* )?(\d+) MHz / (\d+)$", step.write.comment)
        if found:
            clock = int(found[1] or 1) * int(found[2]) * 1_000_000
            assert abs(clock / step.write.value / board.baud - 1) < 0.02
            assert int(found[3]) == board.baud


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baud = 1_000_000", "baud = 1", "baud must be 300"),
        ("baud = 1_000_000", "", "'baud' is missing"),
        ('name = "UART0"', 'name = "UART0"\nparity = 1', "unknown key 'parity'"),
        ("mask = 2, ready = 2", "mask = 2, ready = 4", "ready must lie within"),
        ("mask = 2, ready = 2", "mask = 0, ready = 0", "mask must name bits"),
        ("mask = 2, ready = 2", "mask = 2, ready = 2, after = true", "is for sending only"),
        ("status = 0x4000_4004, mask = 2", "status = 0x4000_4002, mask = 2", "addresses multiples of 4"),
        ("value = 3,", "value = 3, width = 1, wait = true,", "waiting is for whole words"),
        ("value = 3,", "value = 3, often = true,", "unknown key 'often'"),
    ],
)
def test_nonsense_in_the_serial_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in QEMU
    file = tmp_path / "board.toml"
    file.write_text(QEMU.replace(old, new, 1))
    with pytest.raises(RecipeError, match=message):
        targets.find(str(file))
    file.write_text(QEMU)
    assert targets.find(str(file)).serial is not None


def test_driver_writes_bytes_and_half_words_with_their_own_width(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(
        QEMU.replace("value = 3,", "value = 3, width = 1,").replace("value = 25,", "value = 25, width = 2,")
    )
    board = targets.find(str(file))
    text = uart.sources(board.serial, board.name, board.register_writes)["ec_board.h"]
    assert "{0x40004010u, 0x19u, 0xffffu, 2, 0}" in text
    assert "{0x40004008u, 0x3u, 0xffu, 1, 0}" in text


def test_frame_constants_of_both_sides_agree() -> None:
    """The host's numbers are those of the header that the firmware is compiled with."""
    import re

    from edgecompress.device import serial_link, serial_port

    header = program_sources("serial")["serial.h"]
    found = {name: int(value, 0) for name, value in re.findall(r"EC_SERIAL_(\w+) ?=? ?(0x[0-9A-F]+|\d+)", header)}
    assert bytes([found["SYNC_0"], found["SYNC_1"]]) == serial_link.SYNC
    for name in ("INFO", "READ", "WRITE", "RUN", "CHECKSUM", "ANSWER", "STOPPED", "ERROR", "MOST"):
        assert found[name] == getattr(serial_link, name)
    assert found["VERSION"] == serial_port.VERSION
    assert (found["AT_MAILBOX"], found["AT_FAULT"]) == (serial_port.AT_MAILBOX, serial_port.AT_FAULT)
    assert Frame(found["INFO"], 0, b"").kind == 1
