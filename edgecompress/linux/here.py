"""This computer as the Linux computer; a program of another architecture goes through QEMU's user-mode emulation."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgecompress.errors import DeviceError
from edgecompress.linux.computer import NOT_EXECUTABLE, NOT_FOUND, Finished, no_space, signal_name, timed_out

NO_SPACE_ERRORS = (28, 122)
"""ENOSPC and EDQUOT."""


class Here:
    """This computer, with a temporary folder of its own (see `Computer`)."""

    name = "this computer"

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="edgecompress-")
        self._running: subprocess.Popen[bytes] | None = None

    def run(self, command: Sequence[str], *, timeout: float, stdin: bytes = b"") -> Finished:
        """See `Computer.run`."""
        try:
            self._running = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=True,
            )
        except FileNotFoundError as error:
            return Finished(tuple(command), NOT_FOUND, "", b"", str(error).encode())
        except OSError as error:
            return Finished(tuple(command), NOT_EXECUTABLE, "", b"", str(error).encode())
        try:
            output, errors = self._running.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise timed_out(command, timeout, self.name) from error
        finally:
            self._end()
        status = self._running.returncode
        name = signal_name(-status) if status < 0 else ""
        return Finished(tuple(command), None if name else status, name, output, errors)

    def put(self, name: str, content: bytes, *, executable: bool = False) -> str:
        """See `Computer.put`."""
        path = Path(self.folder) / name
        try:
            path.write_bytes(content)
            path.chmod(0o700 if executable else 0o600)
        except OSError as error:
            if error.errno in NO_SPACE_ERRORS:
                raise no_space(self, str(error)) from error
            raise DeviceError(f"{path} cannot be written", found=str(error)) from error
        return str(path)

    def get(self, name: str) -> bytes:
        """See `Computer.get`."""
        try:
            return (Path(self.folder) / name).read_bytes()
        except OSError as error:
            raise DeviceError(f"{self.folder}/{name} cannot be read", found=str(error)) from error

    def close(self) -> str:
        """See `Computer.close`."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)
        return f"{self.folder} could not be removed" if Path(self.folder).exists() else ""

    def _end(self) -> None:
        """Kills the program that runs, if any, with all that it has started."""
        process = self._running
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
