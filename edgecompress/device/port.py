"""The four verbs through which a host reaches a device's memory and lets it run, whatever is on the other side."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self

Reason = Literal["breakpoint", "exit", "fault", "limit", "halted"]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """When to give a program up: after this many instructions where they are counted, else after this many seconds.

    The instruction limit is a guard and no measure: the program runs at least this far and at most twice as far.
    """

    instructions: int = 4_000_000_000
    seconds: float = 120.0


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why a program stopped.

    breakpoint: at a BKPT, `pc` is its address; the next run continues behind it.
    exit: it left by semihosting with `status`.
    fault: it did what the processor forbids; `detail` says what, `pc` where.
    limit: it was given up. halted: somebody asked.
    """

    reason: Reason
    pc: int
    status: int = 0
    detail: str = ""


NO_ENDLESS_LOOP = Limit()
"""The limit where none is given."""


class Port(Protocol):
    """A device, real or emulated. Addresses are the target's, bytes are as they lie in its memory.

    Reading or writing what is no memory raises DeviceError, and so does a device that does not answer any more.
    `counts_cycles` is True where the processor's cycle counter counts real cycles: on hardware, never on an emulator.
    """

    counts_cycles: bool

    def read_memory(self, address: int, size: int) -> bytes: ...

    def write_memory(self, address: int, data: bytes) -> None: ...

    def run(self, limit: Limit = NO_ENDLESS_LOOP) -> Stop:
        """Continue, and come back when the program has stopped."""
        ...

    def halt(self) -> None:
        """Stop a program that runs."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...
