"""Bringing a firmware onto a board, and letting the board prove that it works."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import cast

from edgecompress.errors import DeviceError, MissingToolError, UsageError
from edgecompress.flash import drives, probe, selftest
from edgecompress.flash.checks import check_fits
from edgecompress.flash.job import Flashed, Job, Progress, Step, Way, Written, step
from edgecompress.targets import find
from edgecompress.targets import image as images

__all__ = ["WAYS", "Device", "Flashed", "Progress", "Step", "flash", "probes"]

WAYS: Mapping[str, str] = MappingProxyType(
    {
        "pyocd": "pyocd_flash",
        "gdb": "gdb_flash",
        "openocd": "openocd",
        "uf2": "uf2",
        "hex": "intel_hex",
    }
)
"""Name of a way -> its module in this package."""
FIRMWARE, REPORT = "firmware.elf", "report.json"


@dataclass(frozen=True)
class Device:
    """Something connected that can be flashed. `kind`: "probe" or "uf2 drive"; `id`: for --probe or --drive."""

    kind: str
    id: str
    description: str


def probes() -> tuple[Device, ...]:
    """Debug probes that pyOCD finds, and mounted UF2 drives.

    Raises:
        MissingToolError: pyOCD is not installed, and there is no drive either.
    """
    found = [Device("uf2 drive", str(d.path), f"{d.model} ({d.board})") for d in drives.uf2_drives()]
    try:
        found += [Device("probe", str(p.unique_id), str(p.description)) for p in probe.find_probes()]
    except MissingToolError:
        if not found:
            raise
    return tuple(sorted(found, key=lambda device: (device.kind, device.id)))


def flash(
    run_dir_or_elf: Path | str,
    *,
    target: str | None = None,
    probe: str | None = None,
    via: str = "auto",
    drive: Path | str | None = None,
    verify: bool = True,
    unlock: bool = False,
    dry_run: bool = False,
    seconds: float = 300.0,
    on_progress: Progress | None = None,
) -> Flashed:
    """Checks, writes, verifies, resets, and runs the self-test.

    Args:
        run_dir_or_elf: what `build` or `bench --save` wrote, or an ELF alone (then there is no self-test).
        target: a board; by default the one that the run directory was built for.
        probe: a part of a probe's ID, or HOST:PORT of a debug server.
        via: a name of `WAYS`, or "auto": the board's first way for which something is connected.
        drive: the mounted drive for "uf2" and "hex".
        unlock: erase a locked chip entirely to open it (pyOCD only).
        dry_run: only say what would be done.
        seconds: after which the writing is given up.

    Raises:
        UsageError: an unknown way or target. DoesNotFitError: the image lies outside the chip's memory.
        DeviceError: no device, another chip, a locked one, a failed write, or no answer: the step leads the message.
        NotExactError: the self-test's bytes differ. OutputError: a drive that is full or read-only.
        MissingToolError, ToolError: a tool is missing or failed.
    """
    start = time.monotonic()
    job = _job(Path(run_dir_or_elf), target)
    job = replace(
        job,
        probe=probe,
        drive=Path(drive) if drive else None,
        verify=verify,
        unlock=unlock,
        seconds=seconds,
        say=on_progress or job.say,
    )
    name, why = _choose(job, via, dry_run)
    way = _way(name)
    check_fits(job.image, job.target, ram=name == "gdb")
    regions = tuple((segment.address, len(segment.data)) for segment in job.image.segments)
    result = Flashed(job.target.name, job.image.path, job.bytes, regions, name, why)
    if dry_run:
        return replace(result, plan=(*way.plan(job), _selftest_plan(job, name)))
    written = way.write(job)
    result = replace(result, device=written.device, steps=written.steps)
    return replace(_self_test(job, written, result), seconds=time.monotonic() - start)


def _job(path: Path, name: str | None) -> Job:
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder", hint="give a run directory or an .elf file")
    elf = path / FIRMWARE if path.is_dir() else path
    if not elf.is_file():
        raise UsageError(f"{path} is no run directory", found=f"there is no {elf}", hint="build it first")
    if name is None:
        name = _built_for(elf.parent)
    return Job(image=images.read(elf), target=find(name), folder=elf.parent)


def _built_for(folder: Path) -> str:
    """The target in the report beside the ELF."""
    import json

    try:
        name = json.loads((folder / REPORT).read_text(encoding="utf-8"))["target"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    if not isinstance(name, str):
        raise UsageError(f"nothing in {folder} says for which board it was built", hint="give --target")
    return name


def _way(name: str) -> Way:
    if name not in WAYS:
        raise UsageError(f"there is no way {name!r} to flash", hint="one of auto, " + ", ".join(WAYS))
    return cast(Way, import_module(f"edgecompress.flash.{WAYS[name]}"))


def _choose(job: Job, via: str, dry_run: bool) -> tuple[str, str]:
    """The way and why: as asked, or the first of the board's ways for which something is there."""
    if via != "auto":
        _way(via)
        return via, "asked for"
    if job.drive is not None:
        return ("uf2" if job.target.flashing.uf2_board else "hex"), "a drive was given"
    if job.probe and ":" in job.probe:
        return "gdb", "a debug server was given"
    ways = job.target.flashing.ways or ("gdb",)
    for name in ways:
        if found := _way(name).available(job):
            return name, f"found {found}"
    if dry_run:
        return ways[0], f"nothing is connected now; the first way of {job.target.name}"
    raise DeviceError(
        f"no board is connected, as far as can be seen: {job.target.name} is flashed by {', '.join(ways)}",
        found="no debug probe, no debug server, no drive",
        hint=f"{probe.NO_PROBE}; `edgecompress probes` lists what is there",
    )


def _selftest_plan(job: Job, name: str) -> str:
    reason = selftest.why_not(job, "" if name in ("uf2", "hex") else "there")
    return f"self-test: {reason or 'known inputs through the mailbox, compare every output byte'}"


def _self_test(job: Job, written: Written, result: Flashed) -> Flashed:
    reason = selftest.why_not(job, written.place)
    if reason:
        return result.with_selftest(f"not done: {reason}", 0, Step("self-test", False, reason))

    def say(done: int, total: int) -> None:
        job.say("self-test", done, total)

    say(0, 1)
    with step("self-test"):
        if written.place == "openocd":
            from edgecompress.flash import openocd

            with openocd.server(job) as place:
                vectors = selftest.run(job, place, say)
        else:
            vectors = selftest.run(job, written.place, say)
    detail = f"{vectors} known inputs, every output byte as expected"
    return result.with_selftest("passed", vectors, Step("self-test", True, detail))
