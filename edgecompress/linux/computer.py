"""What a Linux computer can be asked to do: keep files in a folder of its own, run programs there, forget it all."""

import shlex
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgecompress.errors import DeviceError

ERROR_LINES = 12
NOT_EXECUTABLE, NOT_FOUND = 126, 127
"""What a shell answers when a program cannot be run, or is not there."""


@dataclass(frozen=True)
class Finished:
    """How a program ended.

    Attributes:
        command: what was run.
        status: its exit status; None when a signal ended it.
        signal: that signal's name without SIG, "" when none did.
        output, errors: what it wrote.
    """

    command: tuple[str, ...]
    status: int | None
    signal: str
    output: bytes
    errors: bytes

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def words(self) -> str:
        """The last lines that it wrote on standard error, printable."""
        lines = [line for line in self.errors.decode("utf-8", "replace").splitlines() if line.strip()]
        return "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines[-ERROR_LINES:])


class Computer(Protocol):
    """A Linux computer, this one or another.

    Attributes:
        name: for people: "this computer", "pi@raspberrypi".
        folder: the folder that was made for us there.
    """

    name: str
    folder: str

    def run(self, command: Sequence[str], *, timeout: float, stdin: bytes = b"") -> Finished:
        """Runs a program to its end; no shell looks at the words of the command.

        Raises:
            DeviceError: the connection broke, or the program had not ended after `timeout` seconds (it is killed).
        """

    def put(self, name: str, content: bytes, *, executable: bool = False) -> str:
        """Writes a file into the folder and returns its path there; DeviceError when there is no space."""

    def get(self, name: str) -> bytes:
        """A file of the folder."""

    def close(self) -> str:
        """Ends what still runs and removes the folder; returns what is left behind, in words; the second time nothing."""


def require(finished: Finished, what: str, computer: Computer) -> Finished:
    """The same, when it ended with status 0.

    Args:
        what: was run, for the error: "the generated C".

    Raises:
        DeviceError: it did not.
    """
    if not finished.ok:
        raise failure(finished, what, computer)
    return finished


def failure(finished: Finished, what: str, computer: Computer) -> DeviceError:
    """Why a program did not end well, and what to try."""
    words = finished.words
    where = f"on {computer.name}"
    if finished.signal == "ALRM":
        return DeviceError(
            f"{what} took too long {where}", found="it ended itself", hint="fewer --runs, or a longer --timeout"
        )
    if finished.signal == "KILL":
        return DeviceError(
            f"{what} was killed {where}",
            found=words or "signal KILL",
            hint="mostly the kernel when memory runs out: see `dmesg` there; stop other programs",
        )
    if finished.signal:
        return DeviceError(f"{what} died {where}", found="; ".join(filter(None, [f"signal {finished.signal}", words])))
    if "No space left" in words or "Disk quota exceeded" in words:
        return no_space(computer, words)
    hint = f"the command was: {shlex.join(finished.command)}"
    if finished.status == NOT_EXECUTABLE:
        hint = f"is {computer.folder} mounted noexec, or the processor another one?"
    return DeviceError(f"{what} failed {where} with status {finished.status}", found=words, hint=hint)


def no_space(computer: Computer, words: str) -> DeviceError:
    """The error of a full disk."""
    return DeviceError(
        f"there is no space left on {computer.name}", found=words, hint=f"free some in {computer.folder}: `df -h` there"
    )


def timed_out(what: Sequence[str], seconds: float, computer_name: str) -> DeviceError:
    """The error of a program that was stopped by us."""
    return DeviceError(
        f"{what[0].rsplit('/', 1)[-1]} had not ended on {computer_name} after {seconds:g} s",
        found="it was stopped",
        hint="fewer --runs, or a longer --timeout",
    )


def signal_name(number: int) -> str:
    """ "KILL" for 9."""
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        return str(number)
