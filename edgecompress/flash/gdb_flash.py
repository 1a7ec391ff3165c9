"""Flashing through a GDB remote: `vFlash` packets where the server says what is flash, else a plain load into memory.

OpenOCD's, J-Link's and pyOCD's servers have a memory map and do the flashing; QEMU's memory is simply written.
"""

import re
from contextlib import closing
from dataclasses import dataclass

from edgecompress.device.gdb_port import USUAL, dial, reset_halt, start
from edgecompress.device.gdb_remote import GdbRemote
from edgecompress.device.places import Place, read_place
from edgecompress.errors import DeviceError
from edgecompress.flash.checks import check_chip, check_written
from edgecompress.flash.job import Job, Step, Written, step, writing
from edgecompress.targets.image import Segment

ERASE_SECONDS = 60.0
WRITE_SECONDS = 20.0
PIECE = 512  # bytes per vFlashWrite: escaped, twice as many fit into the smallest server's buffer
_MEMORY = re.compile(
    r'<memory\s+type="(?P<kind>\w+)"\s+start="(?P<start>\w+)"\s+length="(?P<length>\w+)"\s*'
    r'(?:/>|>\s*(?:<property\s+name="blocksize">\s*(?P<block>\w+)\s*</property>)?)'
)


@dataclass(frozen=True)
class Area:
    """A stretch of flash in the server's memory map, erased in blocks."""

    start: int
    end: int
    block: int


def read_map(text: str) -> tuple[Area, ...]:
    """The flash areas of a GDB memory map.

    Raises:
        DeviceError: a number in it is none, or a flash area without blocks.
    """
    areas = []
    for match in _MEMORY.finditer(text):
        if match["kind"] != "flash":
            continue
        try:
            start, length, block = (int(match[key] or "0", 0) for key in ("start", "length", "block"))
        except ValueError as error:
            raise DeviceError("the debug server's memory map is damaged", found=str(error)) from error
        if block <= 0 or length <= 0 or length % block:
            raise DeviceError("the debug server's memory map is damaged", found=match[0][:80])
        areas.append(Area(start, start + length, block))
    return tuple(areas)


def available(job: Job) -> str:
    """The server that answers, if any."""
    try:
        link, where = dial(_place(job))
    except DeviceError:
        return ""
    link.close()
    return where


def plan(job: Job) -> tuple[str, ...]:
    """What would be done; nothing is connected."""
    where = job.probe or "localhost, port " + ", ".join(f"{port} ({name})" for port, name in USUAL)
    return (
        f"GDB remote at {where}",
        "halt the core, compare CPUID and the chip's identification",
        "vFlashErase, vFlashWrite, vFlashDone for what the server calls flash; memory writes for the rest",
        *(("read everything back",) if job.verify else ()),
        "reset",
    )


def write(job: Job) -> Written:
    """Checks the chip, writes, reads back and resets.

    Raises:
        DeviceError: no server, another chip, or a refused packet; the step leads the message.
    """
    with step("connecting"):
        link, where = dial(_place(job))
    with closing(link):
        with step("connecting"):
            server = GdbRemote(link)
            emulated = server.is_qemu()
            server.halt_reason()
            if not emulated:
                reset_halt(server)
        device = f"{'QEMU' if emulated else 'debug server'} at {where}"
        steps = [Step("connecting", True, device)]
        with step("checking the chip"):
            target = job.target.on_qemu() if emulated else job.target
            steps.append(Step("checking the chip", True, check_chip(server.read_memory, target)))
            areas = () if emulated else read_map(server.memory_map())
        with writing():
            steps.append(Step("erasing and writing", True, _program(server, areas, job)))
        if job.verify:
            with step("verifying", repeat=True):
                check_written(server.read_memory, job.image, lambda done, total: job.say("verifying", done, total))
            steps.append(Step("verifying", True, f"{job.bytes:,} bytes read back"))
        with step("resetting"):
            start(server, job.image) if emulated else reset_halt(server)
        steps.append(Step("resetting", True))
    return Written(device, tuple(steps), f"gdb://{where}")


def _program(server: GdbRemote, areas: tuple[Area, ...], job: Job) -> str:
    flash = [s for s in job.image.segments if any(a.start <= s.address < a.end for a in areas)]
    plain = [s for s in job.image.segments if s not in flash]
    for first, size in blocks(areas, flash):
        job.say("erasing", 0, job.bytes)
        server.flash(f"vFlashErase:{first:x},{size:x}", seconds=ERASE_SECONDS)
    done = 0
    for segment in flash:
        for offset in range(0, len(segment.data), PIECE):
            piece = segment.data[offset : offset + PIECE]
            server.flash(f"vFlashWrite:{segment.address + offset:x}:", piece, seconds=WRITE_SECONDS)
            done += len(piece)
            job.say("writing", done, job.bytes)
    if flash:
        server.flash("vFlashDone", seconds=ERASE_SECONDS)
    for segment in plain:
        for offset in range(0, len(segment.data), 4096):
            server.write_memory(segment.address + offset, segment.data[offset : offset + 4096])
            job.say("writing", done + offset, job.bytes)
        done += len(segment.data)
    written = sum(len(segment.data) for segment in flash)
    return f"{written:,} bytes by vFlashWrite, {job.bytes - written:,} bytes as plain memory"


def blocks(areas: tuple[Area, ...], segments: list[Segment]) -> list[tuple[int, int]]:
    """(address, bytes) of what must be erased: whole blocks, neighbours together, in order of address.

    Raises:
        DeviceError: a segment goes beyond its flash area.
    """
    ranges = []
    for segment in segments:
        end = segment.address + len(segment.data)
        area = next(a for a in areas if a.start <= segment.address < a.end)
        if end > area.end:
            raise DeviceError(
                "the debug server's flash ends before the image does", found=f"{area.end:#010x}, {end:#010x}"
            )
        first = area.start + (segment.address - area.start) // area.block * area.block
        last = area.start + -(-(end - area.start) // area.block) * area.block
        ranges.append((first, last))
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return [(first, last - first) for first, last in merged]


def _place(job: Job) -> Place:
    return read_place(f"gdb://{job.probe}" if job.probe else "gdb")
