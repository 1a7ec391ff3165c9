"""Every error a user can meet: what happened, what was found, what to try, and the exit code of the command line.

The library raises these and never prints or exits; `edgecompress.cli` prints them and exits with their code.
Anything else that escapes is a defect of edgecompress (exit code 70).
"""

from typing import ClassVar

INTERNAL_ERROR = 70
INTERRUPTED = 130


class EdgecompressError(Exception):
    """Base of all expected errors.

    Args:
        what: one sentence: what failed, naming the layer, tensor, file or key.
        found: what was there instead (optional).
        hint: what to try next (optional).
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, found: str = "", hint: str = "") -> None:
        super().__init__(what, found, hint)
        self.what = what
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.what]
        if self.found:
            lines.append(f"found: {self.found}")
        if self.hint:
            lines.append(f"try: {self.hint}")
        return "\n".join(lines)


class UsageError(EdgecompressError):
    """Arguments that do not go together."""

    exit_code = 2


class ModelFileError(EdgecompressError):
    """A model file that is truncated, foreign, inconsistent or hostile."""

    exit_code = 3


class DataError(EdgecompressError):
    """Samples or labels that cannot be read or do not suit the model."""

    exit_code = 4


class RecipeError(EdgecompressError):
    """A recipe or target file with an unknown key or a value out of range, or text that is no pass."""

    exit_code = 5


class UnsupportedError(EdgecompressError):
    """A layer, operator, dtype or option that edgecompress cannot handle."""

    exit_code = 6


class PromiseError(EdgecompressError):
    """What an earlier pass promised does not hold any more."""

    exit_code = 7


class AccuracyError(EdgecompressError):
    """The compressed model lost more than --max-drop allows."""

    exit_code = 8


class DoesNotFitError(EdgecompressError):
    """Arena, weights or image larger than the target's memory."""

    exit_code = 9


class MissingToolError(EdgecompressError):
    """A program or package that this command needs is not installed."""

    exit_code = 10


class ToolError(EdgecompressError):
    """A compiler, an emulator or a worker process failed."""

    exit_code = 11


class NotExactError(EdgecompressError):
    """The device's bytes differ from TensorFlow Lite Micro's arithmetic."""

    exit_code = 12


class OutputError(EdgecompressError):
    """Something could not be written: permissions, a full disk, a folder in the way."""

    exit_code = 13


class DeviceError(EdgecompressError):
    """The device, real or emulated, did not do what was asked."""

    exit_code = 14
