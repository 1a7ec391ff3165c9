"""UF2 and Intel HEX: the files byte for byte, and drives that are missing, full, read-only, another board's, or vanish."""

import errno
import os
import struct
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from intelhex import IntelHex

from edgecompress import targets
from edgecompress.errors import DeviceError, OutputError, UsageError
from edgecompress.flash import drives, flash, intel_hex, probes, uf2
from edgecompress.targets import image as images
from edgecompress.targets.image import Segment

RunDir = Callable[..., Path]

INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"
SEGMENTS = (
    Segment(address=0x1000_0000, data=bytes(range(256)) + b"tail"),
    Segment(address=0x1000_01F8, data=b"12345678ab"),
    Segment(address=0x1001_FFFE, data=b"wxyz"),
)


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The drives that are mounted; none at first. Nothing settles for long."""
    found: list[Path] = []
    monkeypatch.setattr(drives, "mounted", lambda: tuple(found))
    monkeypatch.setattr(drives, "SETTLE_SECONDS", 0.2)
    return found


@pytest.fixture
def pico(mounts: list[Path], tmp_path: Path) -> Path:
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text(INFO)
    mounts.append(drive)
    return drive


def read_uf2(content: bytes) -> tuple[dict[int, bytes], set[int]]:
    """An independent reading of the format's description."""
    assert len(content) % 512 == 0
    pages, families = {}, set()
    for number in range(len(content) // 512):
        block = content[512 * number : 512 * (number + 1)]
        first, second, flags, address, size, index, count, family = struct.unpack_from("<8I", block)
        assert (first, second, struct.unpack_from("<I", block, 508)[0]) == (0x0A324655, 0x9E5D5157, 0x0AB16F30)
        assert (flags, size, index, count) == (0x2000, 256, number, len(content) // 512)
        assert address % 256 == 0
        pages[address] = block[32:288]
        assert block[288:508] == bytes(220)
        families.add(family)
    return pages, families


def memory_of(pages: dict[int, bytes], address: int, size: int) -> bytes:
    return bytes(pages[(address + i) & ~0xFF][(address + i) & 0xFF] for i in range(size))


def test_uf2_holds_all_bytes_in_whole_pages_in_order() -> None:
    pages, families = read_uf2(uf2.encode(SEGMENTS, 0xE48BFF56))
    assert families == {0xE48BFF56}
    assert list(pages) == [0x1000_0000, 0x1000_0100, 0x1000_0200, 0x1001_FF00, 0x1002_0000]
    for segment in SEGMENTS:
        assert memory_of(pages, segment.address, len(segment.data)) == segment.data
    assert pages[0x1000_0100][4:0xF8] == b"\xff" * (0xF8 - 4)


def test_hex_is_read_back_by_another_program_with_the_same_bytes() -> None:
    text = intel_hex.encode(SEGMENTS).decode()
    assert text.startswith(":020000041000EA\r\n")
    assert text.endswith(":00000001FF\r\n")
    reader = IntelHex()
    reader.loadhex(StringIO(text))
    for segment in SEGMENTS:
        assert reader.tobinstr(start=segment.address, size=len(segment.data)) == segment.data
    assert len(reader) == sum(len(segment.data) for segment in SEGMENTS)


def test_families_of_the_boards_are_those_of_the_official_list() -> None:
    wanted = {"rpi-pico": 0xE48BFF56, "rpi-pico-2": 0xE48BFF59, "nrf52840-dk": 0xADA52840, "microbit-v2": 0x621E937A}
    assert {name: targets.find(name).flashing.uf2_family for name in wanted} == wanted
    assert set(uf2.FAMILIES.values()) == set(wanted.values())


def test_uf2_lands_on_the_drive_that_says_it_is_the_board(pico: Path, run_dir: RunDir) -> None:
    result = flash(run_dir("rpi-pico"), via="uf2")
    pages, families = read_uf2((pico / "EDGECOMP.UF2").read_bytes())
    assert families == {0xE48BFF56}
    image = images.read(run_dir("rpi-pico") / "firmware.elf")
    for segment in image.segments:
        assert memory_of(pages, segment.address, len(segment.data)) == segment.data
    done = {step.name: step.detail for step in result.steps if step.done}
    assert done["checking the chip"] == "Raspberry Pi RP2, Board-ID RPI-RP2"
    assert "verifying" not in done
    assert result.selftest.startswith("not done: a drive gives no answers")


def test_auto_finds_the_drive_and_probes_lists_it(
    pico: Path, run_dir: RunDir, boards: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # no OpenOCD
    result = flash(run_dir("rpi-pico"))
    assert (result.via, result.why) == ("uf2", f"found {pico}")
    assert [(d.kind, d.id, d.description) for d in probes()] == [("uf2 drive", str(pico), "Raspberry Pi RP2 (RPI-RP2)")]


def test_no_drive_and_a_missing_folder_are_device_errors(mounts: list[Path], run_dir: RunDir, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="connecting: no drive of rpi-pico is mounted") as raised:
        flash(run_dir("rpi-pico"), via="uf2")
    assert "BOOTSEL" in raised.value.hint
    for via, target in (("uf2", "rpi-pico"), ("hex", "microbit-v2")):
        with pytest.raises(DeviceError, match="there is no drive"):
            flash(run_dir(target), via=via, drive=tmp_path / "none")


def test_drive_of_another_board_is_refused(mounts: list[Path], pico: Path, run_dir: RunDir) -> None:
    with pytest.raises(DeviceError, match="no drive of rpi-pico-2 is mounted") as raised:
        flash(run_dir("rpi-pico-2"), via="uf2")
    assert "(RPI-RP2)" in raised.value.found
    with pytest.raises(DeviceError, match="checking the chip: the drive is another board's"):
        flash(run_dir("rpi-pico-2"), via="uf2", drive=pico)
    assert sorted(path.name for path in pico.iterdir()) == ["INFO_UF2.TXT"]


def test_full_drive_is_an_output_error_and_leaves_nothing_behind(
    pico: Path, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 100

    with monkeypatch.context() as patched:
        patched.setattr(drives.shutil, "disk_usage", lambda _: Usage)
        with pytest.raises(OutputError, match=r"copying: .*EDGECOMP\.UF2 cannot be written") as raised:
            flash(run_dir("rpi-pico"), via="uf2")
        assert "100 are free" in raised.value.found
    if Path("/dev/full").exists():  # full at the first byte, whatever it said before
        (pico / "EDGECOMP.UF2").symlink_to("/dev/full")
        with pytest.raises(OutputError, match="cannot be written") as raised:
            flash(run_dir("rpi-pico"), via="uf2")
        assert raised.value.exit_code == 13
        assert "run the same command again" in raised.value.hint


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_read_only_drive_is_an_output_error(
    pico: Path, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = Path.open

    def refuse(self: Path, mode: str = "r", *args: object, **more: object) -> object:
        if "w" in mode and self.parent == pico:
            raise OSError(number, os.strerror(number))
        return real(self, mode, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match=r"copying: .*EDGECOMP\.UF2 cannot be written") as raised:
        flash(run_dir("rpi-pico"), via="uf2")
    assert raised.value.found == os.strerror(number)
    assert "writable" in raised.value.hint


@pytest.mark.parametrize(("failing", "good"), [("write", False), ("fsync", True)])
def test_drive_that_vanishes_is_an_error_before_the_last_byte_only(
    pico: Path, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, failing: str, good: bool
) -> None:
    def vanish(*_: object) -> None:
        (pico / "EDGECOMP.UF2").unlink()
        raise OSError(errno.EIO, "Input/output error")

    if failing == "fsync":
        monkeypatch.setattr(drives.os, "fsync", vanish)
        result = flash(run_dir("rpi-pico"), via="uf2")
        assert "the board restarted" in next(step.detail for step in result.steps if step.name == "copying")
        return
    monkeypatch.setattr(drives, "CHUNK", 512)
    calls = []

    def say(what: str, done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 3:
            vanish()

    with pytest.raises(DeviceError, match="went away") as raised:
        flash(run_dir("rpi-pico"), via="uf2", on_progress=say)
    assert "1,536 of" in raised.value.found
    assert "run the same command again" in raised.value.hint


def test_hex_lands_on_the_drive_of_that_name_and_a_fail_txt_is_reported(
    mounts: list[Path], run_dir: RunDir, tmp_path: Path
) -> None:
    drive = tmp_path / "MICROBIT"
    drive.mkdir()
    mounts.append(drive)
    result = flash(run_dir("microbit-v2"), via="hex")
    reader = IntelHex(str(drive / "EDGECOMP.HEX"))
    for segment in images.read(run_dir("microbit-v2") / "firmware.elf").segments:
        assert reader.tobinstr(start=segment.address, size=len(segment.data)) == segment.data
    assert result.device == str(drive)
    (drive / "FAIL.TXT").write_text("error: The transfer timed out.\r\ntype: transient, user\r\n")
    with pytest.raises(DeviceError, match="copying: the board refused the file") as raised:
        flash(run_dir("microbit-v2"), via="hex")
    assert "The transfer timed out" in raised.value.found


def test_dry_run_writes_no_file(pico: Path, run_dir: RunDir) -> None:
    (line, selftest) = flash(run_dir("rpi-pico"), via="uf2", dry_run=True).plan
    assert line.startswith("copy EDGECOMP.UF2, ")
    assert line.endswith(f"family 0xe48bff56, to {pico}")
    assert "a drive gives no answers" in selftest
    assert not (pico / "EDGECOMP.UF2").exists()


def test_board_without_uf2_says_so_and_an_unknown_way_is_named(mounts: list[Path], run_dir: RunDir) -> None:
    with pytest.raises(DeviceError, match="nucleo-l4r5zi has no UF2 family"):
        flash(run_dir("nucleo-l4r5zi"), via="uf2")
    with pytest.raises(DeviceError, match="takes no HEX file"):
        flash(run_dir("nucleo-l4r5zi"), via="hex")
    with pytest.raises(UsageError, match="no way 'jtag'"):
        flash(run_dir("nucleo-l4r5zi"), via="jtag")


def test_mounted_drives_are_found_with_spaces_in_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/me/RPI\\040RP2 vfat rw 0 0\n"
        "proc /proc proc rw 0 0\n/dev/sdc1 /run/media/me/MICROBIT vfat rw 0 0\nbroken\n"
    )
    monkeypatch.setattr(drives.sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", lambda *_: lines)
    assert drives.mounted() == (Path("/media/me/RPI RP2"), Path("/run/media/me/MICROBIT"))


def test_info_of_a_drive_is_read_with_care(tmp_path: Path) -> None:
    assert drives.read_info(tmp_path) is None
    (tmp_path / "INFO_UF2.TXT").write_bytes(b"\xff\xfe:::\nBoard-ID:x\n" + b"A" * 100_000)
    info = drives.read_info(tmp_path)
    assert info is not None
    assert info.board == "x"
    assert info.model == ""
