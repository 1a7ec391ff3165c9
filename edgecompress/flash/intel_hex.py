"""Flashing by an Intel HEX file copied onto a debugger's drive: micro:bit (DAPLink), Nordic's kits (J-Link)."""

from collections.abc import Sequence
from pathlib import Path

from edgecompress.errors import DeviceError
from edgecompress.flash import drives
from edgecompress.flash.job import Job, Step, Written, step, writing
from edgecompress.targets.image import Segment

NAME = "EDGECOMP.HEX"
ROW = 16
_DATA, _END, _UPPER = 0, 1, 4


def encode(segments: Sequence[Segment]) -> bytes:
    """An Intel HEX file with 32-bit addresses: rows of at most 16 bytes that cross no multiple of 16."""
    lines, upper = [], -1
    for segment in sorted(segments, key=lambda segment: segment.address):
        address, data = segment.address, segment.data
        while data:
            if address >> 16 != upper:
                upper = address >> 16
                lines.append(_record(0, _UPPER, upper.to_bytes(2, "big")))
            count = ROW - address % ROW
            lines.append(_record(address & 0xFFFF, _DATA, data[:count]))
            address, data = address + len(data[:count]), data[count:]
    lines.append(_record(0, _END, b""))
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes((len(data), address >> 8, address & 0xFF, kind)) + data
    return ":" + (body + bytes((-sum(body) & 0xFF,))).hex().upper()


def available(job: Job) -> str:
    """The drive it would be copied to."""
    return str(job.drive) if job.drive else "; ".join(str(path) for path in _matching(job))


def plan(job: Job) -> tuple[str, ...]:
    """What would be done; nothing is written."""
    where = available(job) or f"a drive called {job.target.flashing.drive or '?'} (none is mounted now)"
    return (f"copy {NAME}, {len(encode(job.image.segments)):,} bytes, to {where}",)


def write(job: Job) -> Written:
    """Makes the file and copies it; the debugger on the board writes the flash and verifies by itself.

    Raises:
        DeviceError: no drive, several, or the debugger refused the file. OutputError: it cannot be written.
    """
    content = encode(job.image.segments)
    with step("connecting"):
        drive = job.drive or _the_drive(job)
        if not drive.is_dir():
            raise DeviceError(f"there is no drive {drive}", hint="mount it, or give the right --drive")
    with writing():
        drives.copy(content, drive, NAME, lambda done, total: job.say("copying", done, total))
    with step("copying"):
        outcome = drives.settle(drive, NAME)
    left = "the board took it" if outcome == "restarted" else "the file is still there: has the board taken it?"
    return Written(
        str(drive),
        (
            Step("checking the chip", False, "a drive does not say which chip is behind it"),
            Step("copying", True, f"{NAME}, {len(content):,} bytes; {left}"),
            Step("verifying", False, "a drive cannot be read back" if job.verify else "not asked for"),
        ),
    )


def _matching(job: Job) -> tuple[Path, ...]:
    label = job.target.flashing.drive
    return tuple(path for path in drives.mounted() if label and path.name.upper().startswith(label.upper()))


def _the_drive(job: Job) -> Path:
    label = job.target.flashing.drive
    if label is None and job.drive is None:
        raise DeviceError(f"{job.target.name} takes no HEX file on a drive", hint="--drive, if it does nevertheless")
    found = _matching(job)
    if len(found) == 1:
        return found[0]
    raise DeviceError(
        f"several drives are called {label}" if found else f"no drive called {label} is mounted",
        found=", ".join(str(path) for path in found) or "none",
        hint="choose with --drive" if found else "connect the board and mount its drive, or name it with --drive",
    )
