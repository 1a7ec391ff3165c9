"""A board behind a UART: the firmware's own C, as a process behind a pseudo-terminal, and on QEMU's UART."""

import os
import subprocess
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from serial_board import Board, NoisyLine, build, image_of, pytestmark  # noqa: F401

pytest.importorskip("serial")

from edgecompress import targets
from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.device import serial_port
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.opening import connect
from edgecompress.device.places import read_place
from edgecompress.device.port import Limit
from edgecompress.device.serial_link import MOST, RUN, STOPPED, SerialLink
from edgecompress.device.serial_port import PySerialLine, SerialPort, open_serial
from edgecompress.errors import DeviceError, UnsupportedError
from edgecompress.targets import toolchain, uart
from edgecompress.targets.image import Image, Segment

HERE = Path(__file__).parent
TOY = HERE.parent / "targets" / "toy"
INPUT = bytes(range(3, 67))
FIRST_BYTES = bytes([12, 19])
QUICK = 0.05
Start = Callable[..., Board]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("board"))


@pytest.fixture
def start(program: Path) -> Iterator[Start]:
    boards = []

    def make(**environment: str) -> Board:
        boards.append(Board(program, **environment))
        return boards[-1]

    yield make
    for board in boards:
        board.close()


def test_mailbox_works_unchanged_over_the_line(start: Start, program: Path) -> None:
    link = SerialLink(start().line)
    port = SerialPort(link, image_of(program))
    mailbox = Mailbox(port, image_of(program))
    assert (mailbox.layers, mailbox.arena_bytes, mailbox.counter) == (3, 192, "dwt")
    assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES
    assert mailbox.cycles() == 1000
    mailbox.write_inputs([INPUT])
    mailbox.run_layers(0, 3)
    assert mailbox.layer_cycles() == (1000, 1000, 1000)
    assert mailbox.read_outputs()[0][:2] == FIRST_BYTES
    assert link.repeated == 0


def test_long_memory_goes_in_several_frames(start: Start, program: Path) -> None:
    image = image_of(program)
    port = SerialPort(SerialLink(start().line), image)
    where = image.symbol("ec_mailbox").address
    assert len(port.read_memory(where, 2 * MOST + 100)) == 2 * MOST + 100


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lost_damaged_inserted_and_late_bytes_change_no_result(start: Start, program: Path, seed: int) -> None:
    noisy = NoisyLine(start().line, seed, lose=0.0007, damage=0.0007, insert=0.0005, hold=0.3)
    link = SerialLink(noisy, answer_seconds=QUICK)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program))
    for number in range(12):
        data = bytes((number * 31 + i) & 255 for i in range(64))
        once = mailbox.run([data])[0]
        first = [(x + 1) * 3 & 255 for x in data]
        table = [5, 4, 3, 2, 1]
        assert list(once) == [(y + (table[i] if i < 5 and y & 1 else 0)) & 255 for i, y in enumerate(first)]
    assert noisy.spoilt > 5
    assert link.repeated > 0


def test_run_whose_acknowledgement_was_lost_does_not_run_twice(start: Start, program: Path) -> None:
    image = image_of(program)
    board = start()

    class Deaf:
        """Loses everything that the device says after the first RUN, until it is asked again."""

        baud = board.line.baud
        asked = 0

        def read(self, seconds: float) -> bytes:
            data = board.line.read(seconds)
            return b"" if self.asked == 1 else data

        def write(self, data: bytes) -> None:
            self.asked += data[2:3] == bytes([RUN])
            board.line.write(data)

        def close(self) -> None: ...

    line = Deaf()
    port = SerialPort(SerialLink(line, answer_seconds=QUICK), image)
    mailbox = Mailbox(port, image)
    assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES
    assert mailbox._read_box().runs == 1
    assert port._ask_info("asking").stops == 2
    assert line.asked == 2


def test_lost_word_of_the_stop_is_asked_for(start: Start, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "LOOK_SECONDS", 0.05)
    board = start()
    link = SerialLink(board.line)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program))
    feed = link._decoder.feed
    monkeypatch.setattr(link._decoder, "feed", lambda data: [f for f in feed(data) if f.kind != STOPPED])
    assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES


def test_unplugged_in_the_middle_is_told_at_once(start: Start, program: Path) -> None:
    board = start()
    mailbox = Mailbox(SerialPort(SerialLink(board.line), image_of(program)), image_of(program))
    board.unplug()
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"writing input 0: the serial port .* is gone") as raised:
        mailbox.run([INPUT])
    assert time.monotonic() - started < 5
    assert "plug the board in again" in raised.value.hint
    assert raised.value.exit_code == 14


def test_device_that_dies_in_the_run_does_not_hang_the_host(start: Start, program: Path) -> None:
    board = start(TEST_DIE_AFTER="2")
    link = SerialLink(board.line, answer_seconds=QUICK)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program), limit=Limit(seconds=1))
    assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES
    with pytest.raises(DeviceError, match="running the model: "):
        mailbox.run([INPUT])


def test_device_that_hangs_is_given_up(start: Start, program: Path) -> None:
    link = SerialLink(start(TEST_HANG_AFTER="1").line, answer_seconds=QUICK)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program), limit=Limit(seconds=1))
    started = time.monotonic()
    with pytest.raises(DeviceError, match="running the model: the firmware did not come to an end"):
        mailbox.run([INPUT])
    assert time.monotonic() - started < 5


def test_device_that_resets_in_the_run_gives_no_result(start: Start, program: Path) -> None:
    link = SerialLink(start(TEST_RESET_AFTER="2").line)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program))
    assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES
    with pytest.raises(DeviceError, match="running the model: the device has been reset") as raised:
        mailbox.run([INPUT])
    assert "power supply" in raised.value.hint


def test_fault_is_told_over_the_line(start: Start, program: Path) -> None:
    link = SerialLink(start(TEST_FAULT_AFTER="1").line)
    mailbox = Mailbox(SerialPort(link, image_of(program)), image_of(program))
    with pytest.raises(DeviceError, match="running the model: the firmware faulted") as raised:
        mailbox.run([INPUT])
    assert "exception 3" in raised.value.found


def test_other_firmware_is_refused(start: Start, program: Path) -> None:
    image = image_of(program)
    board = start()
    symbols = {**image.symbols, "ec_mailbox": replace(image.symbols["ec_mailbox"], address=0x2000_0000)}
    with pytest.raises(DeviceError, match="the device holds another program") as raised:
        SerialPort(SerialLink(board.line), replace(image, symbols=symbols))
    assert "flash this serial.elf" in raised.value.hint
    port = SerialPort(SerialLink(board.line), image)
    where = image.symbol("ec_mailbox").address
    with pytest.raises(DeviceError, match="another program") as raised:
        serial_port.check_checksums(port, replace(image, segments=(Segment(address=where, data=b"nothing like it"),)))
    assert "checksum of 15 bytes" in raised.value.found


def test_port_that_is_not_there_says_what_to_check() -> None:
    with pytest.raises(DeviceError, match="/dev/nothing cannot be opened") as raised:
        PySerialLine("/dev/nothing", 115200)
    assert "dialout" in raised.value.hint


def test_silent_line_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    try:
        line = PySerialLine(os.ttyname(slave), 115200)
        with pytest.raises(DeviceError, match="connecting: the device does not answer on the serial line"):
            SerialPort(SerialLink(line, answer_seconds=0.02), None)  # type: ignore[arg-type]
        line.close()
    finally:
        os.close(master)
        os.close(slave)


def test_board_without_a_uart_is_told_to_have_none() -> None:
    with pytest.raises(UnsupportedError, match="cortex-m4 has no UART"):
        open_serial(read_place("serial:///dev/null"), targets.find("cortex-m4"), None)  # type: ignore[arg-type]


def serial_firmware(folder: Path, trouble: str = "") -> tuple[targets.Target, Image]:
    """`serial.elf` of the toy for QEMU's machine, whose UART is board data like any other."""
    target = targets.find(str(HERE / "mps2-an386.toml"))
    sources = {path.name: path.read_text() for path in TOY.iterdir()}
    sources |= program_sources("serial") | uart.sources(target.serial, target.name, target.register_writes)
    defines = {**program_defines(), "EC_SERIAL": "1", **({"TOY_TROUBLE": trouble} if trouble else {})}
    return target, toolchain.compile(sources, target, folder / "serial.elf", defines=defines)


@pytest.fixture
def qemu(tmp_path: Path) -> Iterator[Callable[[Image], str]]:
    """Runs a program with its UART on a pseudo-terminal, and gives the terminal's name."""
    master, slave = os.openpty()
    tty.setraw(slave)
    processes = []

    def run(image: Image) -> str:
        command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "stdio"]
        processes.append(subprocess.Popen([*command, "-kernel", str(image.path)], stdin=master, stdout=master))
        return os.ttyname(slave)

    yield run
    for process in processes:
        process.kill()
        process.wait()
    os.close(master)
    os.close(slave)


@pytest.mark.needs("qemu-system-arm")
def test_serial_firmware_answers_on_an_arm_core(qemu: Callable[[Image], str], tmp_path: Path) -> None:
    target, image = serial_firmware(tmp_path)
    with connect(read_place("serial://" + qemu(image)), target, image) as connection:
        assert connection.runner.startswith("serial /dev/")
        mailbox = Mailbox(connection.port, image)
        assert mailbox.run([INPUT])[0][:2] == FIRST_BYTES
        mailbox.write_inputs([INPUT])
        mailbox.run_layers(0, 3)
        assert mailbox.read_outputs()[0][:2] == FIRST_BYTES
        assert mailbox.stack_bytes()


@pytest.mark.needs("qemu-system-arm")
def test_fault_on_an_arm_core_is_told_over_the_line(qemu: Callable[[Image], str], tmp_path: Path) -> None:
    target, image = serial_firmware(tmp_path, "__builtin_trap()")
    with connect(read_place("serial://" + qemu(image)), target, image) as connection:
        mailbox = Mailbox(connection.port, image)
        with pytest.raises(DeviceError, match="running the model: the firmware faulted in model_layer_2") as raised:
            mailbox.run([INPUT])
        assert "exception 3" in raised.value.found
