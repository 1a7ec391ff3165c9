"""Flashing with pyOCD through a CMSIS-DAP, ST-Link or J-Link probe, with pyOCD's own flash algorithm of the chip.

Only sectors whose contents change are erased and written; what lies beside the image in them is kept.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from edgecompress.device.port import Port
from edgecompress.device.registers import apply_writes
from edgecompress.errors import DeviceError, MissingToolError
from edgecompress.flash import probe
from edgecompress.flash.checks import check_chip, check_written
from edgecompress.flash.job import Job, Step, Written, step, writing
from edgecompress.targets.target import Target

READY_SECONDS = 1.0


def available(job: Job) -> str:
    """The probes that are connected."""
    if job.target.flashing.pyocd is None:
        return ""
    try:
        return "; ".join(probe.describe(one) for one in probe.find_probes(job.probe))
    except (MissingToolError, DeviceError):
        return ""


def plan(job: Job) -> tuple[str, ...]:
    """What would be done; the probe is named, not opened."""
    name = job.target.flashing.pyocd
    found = available(job) or "none is connected now"
    unlock = ("if it is locked: erase all of it (--unlock)",) if job.unlock else ()
    return (
        f"pyOCD, target {name}; probe: {found}",
        "halt the core, compare CPUID and the chip's identification",
        *unlock,
        "erase and write the sectors that differ, with pyOCD's flash algorithm",
        *(("read everything back",) if job.verify else ()),
        "reset",
    )


def write(job: Job) -> Written:
    """Checks the chip, writes, reads back and resets.

    Raises:
        DeviceError, MissingToolError, UsageError: as `probe` says; the step leads the message.
    """
    job.say("connecting", 0, 1)
    with ExitStack() as stack:
        with step("connecting"):
            chosen = probe.the_probe(job.probe)
            opened = stack.enter_context(probe.session(chosen, job.target, unlock=job.unlock))
        device = probe.describe(chosen)
        steps = [Step("connecting", True, f"{device}, pyOCD target {job.target.flashing.pyocd}")]
        memory = _Memory(opened.target)
        with step("checking the chip"), probe.translated():
            if "ec_mailbox" in job.image.symbols:  # its BKPT without a debugger would lock the core up
                opened.options.set("resume_on_disconnect", False)
            opened.target.reset_and_halt()
            steps.append(Step("checking the chip", True, check_chip(memory.read_memory, job.target)))
        with writing(), probe.translated():
            steps.append(Step("erasing and writing", True, _program(opened, job)))
            steps += _keep_debug_open(memory, job.target)
        if job.verify:
            with step("verifying", repeat=True), probe.translated():
                check_written(memory.read_memory, job.image, lambda done, total: job.say("verifying", done, total))
            steps.append(Step("verifying", True, f"{job.bytes:,} bytes read back"))
        with step("resetting"), probe.translated():
            opened.target.reset()
        steps.append(Step("resetting", True))
    return Written(device, tuple(steps), f"probe:{chosen.unique_id}")


def _program(opened: Any, job: Job) -> str:
    """Hands all segments to pyOCD's loader; how much of them was really written."""
    from pyocd.flash.loader import MemoryLoader

    class Loader(MemoryLoader):  # type: ignore[misc]
        """Keeps what the loader would only log."""

        written: tuple[Any, ...] = ()

        def _log_performance(self, perf_list: list[Any]) -> None:
            self.written = tuple(perf_list)

    loader = Loader(opened, progress=_progress(job))
    for segment in job.image.segments:
        try:
            loader.add_data(segment.address, segment.data)
        except ValueError as error:
            raise DeviceError(
                "pyOCD's memory map of the chip has no flash there",
                found=str(error),
                hint=f"is {job.target.flashing.pyocd} the right name of this chip?",
            ) from error
    loader.commit()
    same = sum(getattr(part, "skipped_byte_count", 0) for part in loader.written)
    programmed = sum(getattr(part, "program_byte_count", 0) for part in loader.written)
    return f"{programmed:,} bytes programmed, {same:,} were there already"


def _progress(job: Job) -> Callable[[float], None]:
    """pyOCD's progress goes from 0 to 1 twice: while erasing and while programming."""
    end = time.monotonic() + job.seconds
    last, what = 0.0, "erasing"

    def show(fraction: float) -> None:
        nonlocal last, what
        if fraction < last:
            what = "writing"
        last = fraction
        job.say(what, int(fraction * job.bytes), job.bytes)
        if time.monotonic() > end:
            raise DeviceError(f"not done after {job.seconds:g} s", hint=probe.POWER)

    return show


def _keep_debug_open(memory: "_Memory", target: Target) -> list[Step]:
    """The writes by which a chip that locks itself stays open to debuggers, where this revision needs them."""
    unlock = target.debug_unlock
    if unlock is None:
        return []
    variant = int.from_bytes(memory.read_memory(unlock.address, 4), "little") & unlock.mask
    name = "keeping the debug port open"
    if variant < unlock.least:
        return [Step(name, False, "this revision of the chip does not lock itself")]
    if memory.read_memory(unlock.lasting, 4)[0] == unlock.open:
        return [Step(name, False, "it is open already")]
    end = time.monotonic() + READY_SECONDS
    for write in unlock.host:
        apply_writes(cast(Port, memory), (write,))
        while memory.read_memory(write.address, 4)[0] != write.value & 0xFF:  # lasting memory takes a moment
            if time.monotonic() > end:
                raise DeviceError(f"the word at {write.address:#010x} does not keep what is written", hint=probe.LOCKED)
    return [Step(name, True, f"{unlock.open:#04x} to {unlock.lasting:#010x}, which lasts")]


class _Memory:
    """Memory of the halted target; words as words, because registers want that."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def read_memory(self, address: int, size: int) -> bytes:
        if size == 4 and address % 4 == 0:
            return int(self._target.read32(address)).to_bytes(4, "little")
        return bytes(self._target.read_memory_block8(address, size))

    def write_memory(self, address: int, data: bytes) -> None:
        if len(data) == 4 and address % 4 == 0:
            self._target.write32(address, int.from_bytes(data, "little"))
        else:
            self._target.write_memory_block8(address, list(data))
