"""Targets are found by name or file; every shipped one is usable; a mistake in a file is named."""

from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.errors import RecipeError, UsageError

BOARD = """
name = "my-board"
description = "a board"
cpu = "cortex-m4"
clock_hz = 80_000_000
flash = { name = "flash", origin = 0x0800_0000, bytes = 0x4_0000 }
ram = [{ name = "sram", origin = 0x2000_0000, bytes = 0x1_0000 }]
"""

# From the manufacturers' data sheets, not from our files: name, CPU, flash KiB, flash origin, all RAM KiB, MHz.
DATA_SHEETS = [
    ("nucleo-l4r5zi", "cortex-m4", 2048, 0x08000000, 640, 120),
    ("nucleo-h743zi", "cortex-m7", 2048, 0x08000000, 128 + 512 + 256, 480),
    ("nucleo-f446re", "cortex-m4", 512, 0x08000000, 128, 180),
    ("bluepill", "cortex-m3", 64, 0x08000000, 20, 72),
    ("nrf52840-dk", "cortex-m4", 1024, 0, 256, 64),
    ("microbit-v2", "cortex-m4", 512, 0, 128, 64),
    ("rpi-pico", "cortex-m0plus", 2048, 0x10000000, 264, 133),
    ("rpi-pico-2", "cortex-m33", 4096, 0x10000000, 520, 150),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "edgecompress" / "targets"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(("name", "cpu", "flash", "origin", "ram", "mhz"), DATA_SHEETS)
def test_boards_are_as_their_data_sheets_say(name: str, cpu: str, flash: int, origin: int, ram: int, mhz: int) -> None:
    board = targets.find(name)
    assert board.cpu.name == cpu
    assert (board.flash.bytes, board.flash.origin) == (flash * 1024, origin)
    assert sum(region.bytes for region in board.ram) == ram * 1024
    assert board.clock_hz == mhz * 1_000_000


def test_every_shipped_target_is_known_and_consistent() -> None:
    generic = {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"}
    assert set(targets.names()) >= generic | {row[0] for row in DATA_SHEETS}
    for name in targets.names():
        target = targets.find(name)
        assert target.name == name
        assert target.description
        assert target.stack_bytes < target.ram[0].bytes
        assert (target.clock_hz is None) == (name in generic)
        assert target.cpu.runner == ("qemu" if target.cpu.mve else "unicorn")


def test_generic_targets_lie_where_plain_emulators_have_memory() -> None:
    for name in ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"):
        memory = targets.find(name).memory
        assert memory.vectors is None
        assert memory.flash.end <= 0x1000000
        assert all(region.origin >= 0x20000000 and region.end <= 0x21000000 for region in memory.ram)


def test_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean nucleo-l4r5zi"):
        targets.find("nucleo-l4r5")
    with pytest.raises(UsageError, match="known: "):
        targets.find("zzzzzz")


def test_users_own_board_is_found_by_name_and_by_file(home: Path) -> None:
    file = home / "mine.toml"
    file.write_text(BOARD)
    assert targets.find("my-board") == targets.find(str(file))
    assert "my-board" in targets.names()
    assert targets.find("my-board").clock_hz == 80_000_000


def test_broken_file_of_the_users_does_not_hide_shipped_targets(home: Path) -> None:
    (home / "broken.toml").write_text("name = ")
    assert targets.find("cortex-m4").name == "cortex-m4"
    with pytest.raises(RecipeError, match=r"broken\.toml is not TOML"):
        targets.find("my-board")


def test_users_board_with_a_shipped_name_is_refused(home: Path) -> None:
    (home / "mine.toml").write_text(BOARD.replace("my-board", "rpi-pico"))
    with pytest.raises(RecipeError, match="exists already"):
        targets.names()


def test_missing_board_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        targets.find(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("clock_hz", "clock_herz"), "unknown key 'clock_herz'\ntry: did you mean 'clock_hz'"),
        (('cpu = "cortex-m4"', 'cpu = "cortex-m5"'), "unknown cpu 'cortex-m5'"),
        (('cpu = "cortex-m4"', ""), "'cpu' is missing"),
        (("80_000_000", '"80 MHz"'), "'clock_hz' must be a int"),
        (("80_000_000", "true"), "'clock_hz' must be a int"),
        (("80_000_000", "0"), "clock_hz must be positive"),
        (("0x4_0000", "-4"), "multiples of 4 within 32 bits"),
        (("0x4_0000", "0xFFFF_FFFC"), "multiples of 4 within 32 bits"),
        (("0x4_0000", "0x2000_0000"), "overlap"),
        (('name = "sram"', 'name = "flash"'), "two regions have the same name"),
        (('name = "sram"', 'name = "> FLASH"'), "C identifier"),
        (("[{ name", "[] # [{ name"), "at least one region"),
        (("bytes = 0x1_0000", "bytes = 0x1_0000, speed = 3"), r"ram\[0\]: unknown key 'speed'"),
        (("cpu =", "stack_bytes = 9\ncpu ="), "stack_bytes must be a multiple of 8"),
        (("cpu =", "stack_bytes = 0x10000\ncpu ="), "stack_bytes must be a multiple of 8"),
        (("ram = [{ name", "ram = [4, { name"), r"ram\[0\] must be a table"),
    ],
)
def test_mistakes_in_a_board_file_are_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "board.toml"
    file.write_text(BOARD.replace(*change))
    with pytest.raises(RecipeError, match=message) as raised:
        targets.find(str(file))
    assert "board.toml" in str(raised.value)


TIMING = """
[flash_timing]
wait_states = 5
prefetch = true
instructions = { bytes = 1024, line = 16, ways = 4 }
source = "a manual"
"""


def test_board_may_say_what_its_flash_costs(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(BOARD + TIMING)
    timing = targets.find(str(file)).flash_timing
    assert timing is not None
    assert (timing.wait_states, timing.instructions.sets, timing.data) == (5, 16, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("line = 16", "line = 12"), "line must be a power of two.*\n.*line 12"),
        (("line = 16", "line = 0"), "line must be a power of two"),
        (("ways = 4", "ways = 0"), "line must be a power of two"),
        (("bytes = 1024", "bytes = 1000"), "line must be a power of two"),
        (("bytes = 1024", "bytes = 0"), "line must be a power of two"),
        (("wait_states = 5", "wait_states = -1"), "wait_states must be 0 to 10000"),
        (("source", "sauce"), "'source' is missing"),
        (("prefetch = true", "prefetch = true\npreload = 1"), "unknown key 'preload'"),
    ],
)
def test_mistakes_in_what_flash_costs_are_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "board.toml"
    file.write_text(BOARD + TIMING.replace(*change))
    with pytest.raises(RecipeError, match=message) as raised:
        targets.find(str(file))
    assert "flash_timing" in str(raised.value)


def test_board_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="not TOML"):
        targets.find(str(file))
