"""Flashing by a UF2 file copied onto a board's drive (https://github.com/microsoft/uf2): Pico, and UF2 boot loaders."""

import struct
from collections.abc import Sequence
from pathlib import Path

from edgecompress.errors import DeviceError
from edgecompress.flash import drives
from edgecompress.flash.job import Job, Step, Written, step, writing
from edgecompress.targets.image import Segment

FAMILIES = {"RP2040": 0xE48BFF56, "RP2350-ARM-S": 0xE48BFF59, "nRF52833": 0x621E937A, "nRF52840": 0xADA52840}
NAME = "EDGECOMP.UF2"
PAYLOAD = 256
_FAMILY_PRESENT = 0x2000
_HEAD = struct.Struct("<8I")
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)


def encode(segments: Sequence[Segment], family: int) -> bytes:
    """A UF2 file: pages of 256 bytes at multiples of 256, in order of address, gaps within a page as erased flash."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for offset, byte in enumerate(segment.data):
            address = segment.address + offset
            pages.setdefault(address & -PAYLOAD, bytearray(b"\xff" * PAYLOAD))[address % PAYLOAD] = byte
    out = bytearray()
    for number, address in enumerate(sorted(pages)):
        head = _HEAD.pack(_MAGIC[0], _MAGIC[1], _FAMILY_PRESENT, address, PAYLOAD, number, len(pages), family)
        out += head + bytes(pages[address]) + bytes(512 - 32 - PAYLOAD - 4) + struct.pack("<I", _MAGIC[2])
    return bytes(out)


def available(job: Job) -> str:
    """The drive it would be copied to."""
    if job.target.flashing.uf2_family is None:
        return ""
    if job.drive:
        return str(job.drive)
    return "; ".join(str(drive.path) for drive in _matching(job))


def plan(job: Job) -> tuple[str, ...]:
    """What would be done; nothing is written."""
    size = len(encode(job.image.segments, _family(job)))
    return (f"copy {NAME}, {size:,} bytes, family {_family(job):#010x}, to {available(job) or _missing(job)}",)


def write(job: Job) -> Written:
    """Makes the file and copies it.

    Raises:
        DeviceError: no drive, several, another board's, or one that goes away. OutputError: it cannot be written.
    """
    content = encode(job.image.segments, _family(job))
    with step("connecting"):
        drive = job.drive or _the_drive(job)
    with step("checking the chip"):
        identity = _check(job, drive)
    with writing():
        drives.copy(content, drive, NAME, lambda done, total: job.say("copying", done, total))
    with step("copying"):
        outcome = drives.settle(drive, NAME)
    left = (
        "the board restarted" if outcome == "restarted" else "the drive is still there: has the board taken the file?"
    )
    return Written(
        str(drive),
        (identity, Step("copying", True, f"{NAME}, {len(content):,} bytes; {left}"), _unverified(job)),
    )


def _unverified(job: Job) -> Step:
    return Step("verifying", False, "a drive cannot be read back" if job.verify else "not asked for")


def _family(job: Job) -> int:
    family = job.target.flashing.uf2_family
    if family is None:
        raise DeviceError(f"{job.target.name} has no UF2 family", hint="`uf2_family` under [flashing] in its TOML file")
    return family


def _matching(job: Job) -> tuple[drives.Uf2Drive, ...]:
    wanted = job.target.flashing.uf2_board
    return tuple(drive for drive in drives.uf2_drives() if wanted is None or drive.board == wanted)


def _missing(job: Job) -> str:
    return f"a drive whose {drives.INFO} says {job.target.flashing.uf2_board or 'its board'} (none is mounted now)"


def _the_drive(job: Job) -> Path:
    found = _matching(job)
    if len(found) == 1:
        return found[0].path
    others = ", ".join(f"{drive.path} ({drive.board})" for drive in drives.uf2_drives())
    raise DeviceError(
        "several boards' drives are mounted" if found else f"no drive of {job.target.name} is mounted",
        found=others or "no drive with an " + drives.INFO,
        hint="choose with --drive"
        if found
        else "hold BOOTSEL (or press reset twice) while connecting the board, mount its drive, or name it with --drive",
    )


def _check(job: Job, drive: Path) -> Step:
    if not drive.is_dir():
        raise DeviceError(f"there is no drive {drive}", hint="mount it, or give the right --drive")
    info, wanted = drives.read_info(drive), job.target.flashing.uf2_board
    if info is None:
        return Step("checking the chip", False, f"the drive has no {drives.INFO}: nobody says which board it is")
    if wanted is not None and info.board != wanted:
        raise DeviceError(
            "the drive is another board's",
            found=f"Board-ID {info.board or 'unknown'}, {job.target.name} has {wanted}",
            hint="give the --target of this board, or connect the other one",
        )
    return Step("checking the chip", True, f"{info.model or 'unknown model'}, Board-ID {info.board or 'unknown'}")
