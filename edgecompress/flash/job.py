"""What is to be flashed, and what became of it, as plain values; and the words in which a failure names its step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from edgecompress.errors import INTERRUPTED, DeviceError, EdgecompressError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""

REPEAT = "the program on the device is incomplete: run the same command again"


class FlashInterruptedError(DeviceError):
    """Somebody pressed Ctrl-C while the flash was being written."""

    exit_code = INTERRUPTED


@dataclass(frozen=True, kw_only=True)
class Job:
    """One image for one board.

    Attributes:
        folder: the run directory with the vectors of the self-test, or None.
        probe: a part of a probe's ID, or `host:port` of a debug server; None: the only one there is.
        drive: the mounted drive to copy to; None: looked for.
        unlock: erase all of a locked chip.
        seconds: after which the writing is given up.
    """

    image: Image
    target: Target
    folder: Path | None = None
    probe: str | None = None
    drive: Path | None = None
    verify: bool = True
    unlock: bool = False
    seconds: float = 300.0
    say: Progress = field(default=lambda *_: None, repr=False)

    @property
    def bytes(self) -> int:
        return sum(len(segment.data) for segment in self.image.segments)


@dataclass(frozen=True)
class Step:
    """Something that was done, or that was left out and why."""

    name: str
    done: bool
    detail: str = ""


@dataclass(frozen=True)
class Written:
    """What a way did.

    Attributes:
        device: which probe, server or drive.
        steps: in order.
        place: where the self-test finds the board, as `--on` of `bench` says it; "" where this way leaves no port open.
    """

    device: str
    steps: tuple[Step, ...]
    place: str = ""


class Way(Protocol):
    """A module of `edgecompress.flash` that brings an image onto a device in one way."""

    def available(self, job: Job) -> str:
        """What it would use: a probe, a server, a drive; "" where there is nothing. Touches no device's memory."""
        ...

    def plan(self, job: Job) -> tuple[str, ...]:
        """What `write` would do, line by line, for `--dry-run`; touches nothing."""
        ...

    def write(self, job: Job) -> Written: ...


@dataclass(frozen=True)
class Flashed:
    """The outcome of `flash`.

    Attributes:
        via: the way that was taken; `why`: why this one.
        selftest: "passed", "not done: …" or, after --dry-run, "".
        plan: lines of a dry run; empty otherwise.
    """

    target: str
    image: Path
    bytes: int
    regions: tuple[tuple[int, int], ...]
    via: str
    why: str
    device: str = ""
    steps: tuple[Step, ...] = ()
    selftest: str = ""
    vectors: int = 0
    plan: tuple[str, ...] = ()
    seconds: float = 0.0

    def with_selftest(self, outcome: str, vectors: int, step: Step) -> "Flashed":
        return replace(self, selftest=outcome, vectors=vectors, steps=(*self.steps, step))


STEPS = Literal[
    "connecting", "checking the chip", "erasing and writing", "verifying", "resetting", "self-test", "copying"
]


@contextmanager
def step(name: STEPS, *, repeat: bool = False) -> Iterator[None]:
    """Puts the name of the step in front of what any error of ours says in it.

    Args:
        repeat: a failure here leaves the device incomplete; the error says so.
    """
    try:
        yield
    except EdgecompressError as error:
        what = error.what if error.what.startswith(f"{name}: ") else f"{name}: {error.what}"
        hint = "; ".join(filter(None, (error.hint, REPEAT if repeat and REPEAT not in error.hint else "")))
        renamed = error.__class__.__new__(error.__class__)
        EdgecompressError.__init__(renamed, what, found=error.found, hint=hint)  # subclasses may want other arguments
        raise renamed from error


@contextmanager
def writing() -> Iterator[None]:
    """Around the step that leaves the device half-written when it fails or is interrupted: says so."""
    try:
        with step("erasing and writing", repeat=True):
            yield
    except KeyboardInterrupt:
        raise FlashInterruptedError("erasing and writing: interrupted", hint=REPEAT) from None
