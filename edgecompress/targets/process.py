"""Run a wrapped tool: its output comes back, its failure becomes an error with the command and its last words."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgecompress.errors import MissingToolError, ToolError

LAST_LINES = 20


class FailedRunError(ToolError):
    """The tool ran and said no; `output` is all that it wrote, `status` its exit status."""

    def __init__(self, command: Sequence[str], output: str, status: int) -> None:
        tail = "\n".join(output.strip().splitlines()[-LAST_LINES:])
        super().__init__(
            f"{Path(command[0]).name} failed with status {status}",
            found=tail or "(it wrote nothing)",
            hint=f"the command was: {shlex.join(command)}",
        )
        self.output = output
        self.status = status


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> str:
    """What the tool wrote, standard output and error together.

    Args:
        environment: added to this process's own.
        timeout: seconds; the tool is killed after that.

    Raises:
        MissingToolError: no such program.
        FailedRunError: it ended with another status than 0, or not in time.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingToolError(f"{command[0]} is not installed", found=str(error)) from error
    except OSError as error:
        raise ToolError(f"{command[0]} cannot be run", found=str(error.strerror)) from error
    except subprocess.TimeoutExpired as error:
        raise FailedRunError(command, f"no end after {timeout:g} s", -1) from error
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        raise FailedRunError(command, output, done.returncode)
    return output
