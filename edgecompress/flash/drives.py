"""Boards that look like a USB drive: which are mounted, and how a file gets onto one."""

import errno
import os
import shutil
import string
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgecompress.errors import DeviceError, OutputError

CHUNK = 16 * 1024
SETTLE_SECONDS = 8.0
FILE_SYSTEMS = ("vfat", "msdos", "exfat", "fuseblk")
INFO, FAILED = "INFO_UF2.TXT", "FAIL.TXT"
_GONE = (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ENOTCONN)


@dataclass(frozen=True)
class Uf2Drive:
    """A drive with an INFO_UF2.TXT: the board's ID and model as it says them."""

    path: Path
    board: str
    model: str


def mounted() -> tuple[Path, ...]:
    """Where removable drives may be, sorted."""
    if sys.platform == "win32":
        return tuple(Path(f"{letter}:/") for letter in string.ascii_uppercase[2:] if Path(f"{letter}:/").exists())
    if sys.platform == "darwin":
        return tuple(sorted(Path("/Volumes").glob("*")))
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    fields = [line.split(" ") for line in lines]
    return tuple(sorted(Path(_unescape(f[1])) for f in fields if len(f) > 2 and f[2] in FILE_SYSTEMS))


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def uf2_drives() -> tuple[Uf2Drive, ...]:
    """All drives that say that they take UF2 files."""
    found = (read_info(path) for path in mounted())
    return tuple(drive for drive in found if drive)


def read_info(path: Path) -> Uf2Drive | None:
    """What INFO_UF2.TXT in this folder says; None where there is none."""
    try:
        with (path / INFO).open("rb") as stream:
            text = stream.read(4096).decode("utf-8", "replace")
    except OSError:
        return None
    entries = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return Uf2Drive(path, entries.get("Board-ID", "").strip(), entries.get("Model", "").strip())


def copy(content: bytes, drive: Path, name: str, say: Callable[[int, int], None]) -> None:
    """Writes a file onto the drive and sees that it has left this computer.

    A board may restart, and its drive vanish, as soon as the last byte is there: that is no error.

    Raises:
        OutputError: no room, read-only, no permission. DeviceError: the drive vanished before the end.
    """
    path, done = drive / name, 0
    try:
        free = shutil.disk_usage(drive).free
        if free < len(content):
            raise OSError(errno.ENOSPC, f"{len(content):,} bytes are needed, {free:,} are free")
        with path.open("wb", buffering=0) as stream:
            while done < len(content):
                done += stream.write(content[done : done + CHUNK]) or 0
                say(done, len(content))
            os.fsync(stream.fileno())
    except OSError as error:
        if done == len(content) and error.errno in _GONE:
            return
        if error.errno in _GONE:
            raise DeviceError(
                f"copying: the drive {drive} went away",
                found=f"{done:,} of {len(content):,} bytes were written: {error.strerror}",
                hint="connect the board again (with its boot button held, if it has one) and run the same command again",
            ) from error
        _remove(path)
        hint = (
            "mount it writable, or check whose it is" if error.errno != errno.ENOSPC else "is this the board's drive?"
        )
        raise OutputError(
            f"copying: {path} cannot be written", found=error.strerror or str(error), hint=hint
        ) from error


def settle(drive: Path, name: str) -> str:
    """Waits for what the board makes of the file: "restarted" when the drive or the file goes away, else "still there".

    Raises:
        DeviceError: the board left a FAIL.TXT.
    """
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            reason = (drive / FAILED).read_text("utf-8", "replace").strip()
            raise DeviceError("copying: the board refused the file", found=reason[:300], hint="is it the right target?")
        except OSError:
            pass
        if not (drive / name).exists():
            return "restarted"
        if time.monotonic() > end:
            return "still there"
        time.sleep(0.1)


def _remove(path: Path) -> None:
    try:
        if path.is_file():
            path.unlink()
    except OSError:
        pass  # a drive that cannot be written cannot be cleaned either
