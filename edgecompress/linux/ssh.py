"""A Linux computer behind SSH: the user's own configuration, keys and known_hosts; files travel through `cat`.

Only commands that every Linux has are used, and no SFTP: error messages come back as they are, and small SSH servers do.
Every word of a command is quoted; names reach a script only as its arguments.
"""

import asyncio
import contextlib
import itertools
import re
import shlex
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from edgecompress.errors import DeviceError, MissingToolError
from edgecompress.linux.address import Address
from edgecompress.linux.computer import Finished, require, signal_name, timed_out
from edgecompress.linux.ssh_errors import HostKeys, connection_error

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")

CONNECT_SECONDS, LOGIN_SECONDS = 15.0, 30.0
KEEPALIVE_SECONDS, KEEPALIVES = 5, 3
"""A computer that has been silent for so long, so many times, is gone."""
SHORT_SECONDS, FILE_SECONDS = 20.0, 300.0

MAKE_FOLDER = ("sh", "-c", 'umask 077; mktemp -d "${TMPDIR:-/tmp}/edgecompress.XXXXXXXX"')
WRITE_FILE = ("sh", "-c", 'umask 077; cat >"$1"', "sh")
WRITE_PROGRAM = ("sh", "-c", 'umask 077; cat >"$1" && chmod 700 "$1"', "sh")
READ_FILE = ("cat", "--")
RUN = ("sh", "-c", 'echo $$ >"$0" && [ ! -e "$0.stop" ] && exec "$@"')
"""Then the file for the process's number, and the program with its arguments. What is called off before it has begun, or whose
folder is gone, does not begin."""
KILL = ("sh", "-c", ': >"$0.stop"; kill -9 "$(cat "$0")"')
"""Then that file. SSH's own way to send a signal is optional, and refused for forced commands."""
REMOVE_FOLDER = ("rm", "-rf", "--")
PROCESS = "pid"
"""The files in the folder that hold the numbers of processes, one for each program: this and a count."""
_FOLDER = re.compile(r"/(?:[\w.+-]+/)*edgecompress\.\w{8}")
_SHELL_SIGNAL = 128
_SIGNALS = range(1, 32)


async def _host_key_of(host: str, port: int, seconds: float) -> "asyncssh.SSHKey | None":
    """The key that a server shows: one that has none of the kind in known_hosts may hang up before it has said so."""
    import asyncssh

    try:
        return await asyncio.wait_for(asyncssh.get_server_host_key(host, port), seconds)
    except (TimeoutError, OSError, ValueError, asyncssh.Error):
        return None


def command_line(command: Sequence[str]) -> str:
    """What is sent for a command: quoted words, and messages in English."""
    return shlex.join(("env", "LC_ALL=C", *command))


def _program(command: Sequence[str]) -> Sequence[str]:
    """The program that `RUN` runs."""
    return command[len(RUN) + 1 :] if tuple(command[: len(RUN)]) == RUN else command


class Ssh:
    """A computer behind SSH, with a temporary folder of its own (see `Computer`).

    Raises:
        MissingToolError: asyncssh is not installed.
        DeviceError: there is no connection: why, and what to do.
    """

    def __init__(self, address: Address) -> None:
        try:
            import asyncssh
        except ImportError as error:
            raise MissingToolError("SSH needs a package", found=str(error), hint="pip install asyncssh") from error
        self.name = str(address)
        self.folder = ""
        self._address = address
        self._programs = itertools.count()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True)
        self._thread.start()
        try:
            self._connection = self._wait(self._connect(CONNECT_SECONDS, LOGIN_SECONDS))
            self._make_folder()
        except BaseException:
            self.close()
            raise

    def run(self, command: Sequence[str], *, timeout: float, stdin: bytes = b"") -> Finished:
        """See `Computer.run`."""
        number = f"{self.folder}/{PROCESS}{next(self._programs)}"
        try:
            finished = self._wait(self._run((*RUN, number, *command), timeout, stdin))
        except BaseException:
            with contextlib.suppress(DeviceError):
                self._wait(self._run((*KILL, number), SHORT_SECONDS, b""))
            raise
        return replace(finished, command=tuple(command))

    def put(self, name: str, content: bytes, *, executable: bool = False) -> str:
        """See `Computer.put`."""
        path = f"{self.folder}/{name}"
        script = WRITE_PROGRAM if executable else WRITE_FILE
        require(self._wait(self._run((*script, path), FILE_SECONDS, content)), f"writing {path}", self)
        return path

    def get(self, name: str) -> bytes:
        """See `Computer.get`."""
        path = f"{self.folder}/{name}"
        return require(self._wait(self._run((*READ_FILE, path), FILE_SECONDS, b"")), f"reading {path}", self).output

    def close(self) -> str:
        """See `Computer.close`."""
        if self._loop.is_closed():
            return ""
        left = self._remove_folder() if self.folder else ""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._wait(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return left

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what the other thread does; Ctrl-C here stops it there."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def _connect(self, connect_seconds: float, login_seconds: float) -> "asyncssh.SSHClientConnection":
        import asyncssh

        wanted: dict[str, Any] = {"host": self._address.host}
        wanted |= {"port": self._address.port} if self._address.port else {}
        wanted |= {"username": self._address.user} if self._address.user else {}
        keys: HostKeys | None = None
        try:
            options = await asyncssh.SSHClientConnectionOptions.construct(None, **wanted)
            # `UserKnownHostsFile none` would switch the check off: the default file is used instead.
            known_hosts = list(options.known_hosts or [])
            keys = HostKeys(options.host_key_alias or options.host, options.port, known_hosts)
            return await asyncssh.connect(
                **wanted,
                known_hosts=known_hosts,
                client_factory=keys.client,
                connect_timeout=connect_seconds,
                login_timeout=login_seconds,
                keepalive_interval=KEEPALIVE_SECONDS,
                keepalive_count_max=KEEPALIVES,
            )
        except (TimeoutError, OSError, ValueError, asyncssh.Error) as error:
            if keys is not None and isinstance(error, asyncssh.ConnectionLost) and "timeout" not in str(error):
                keys.shown = await _host_key_of(options.host, options.port, connect_seconds)
            raise connection_error(error, self._address, keys) from error

    async def _run(self, command: Sequence[str], timeout: float, stdin: bytes) -> Finished:
        import asyncssh

        assert self._connection is not None
        try:
            process: asyncssh.SSHClientProcess[bytes] = await self._connection.create_process(
                command_line(command), encoding=None
            )
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended already; why, it says below
                process.stdin.write(stdin)
                process.stdin.write_eof()
            output, errors = await asyncio.wait_for(process.communicate(), timeout)
        except TimeoutError as error:
            raise timed_out(_program(command), timeout, self.name) from error
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        finally:
            if process.exit_status is None and process.exit_signal is None:
                with contextlib.suppress(OSError, asyncssh.Error):
                    process.kill()
            process.close()
        return self._finished(command, process, output or b"", errors or b"")

    def _finished(self, command: Sequence[str], process: Any, output: bytes, errors: bytes) -> Finished:
        status, signal = process.exit_status, process.exit_signal
        if signal is not None:
            return Finished(tuple(command), None, str(signal[0]), output, errors)
        if status is None:
            raise self._lost("the program's end was not told")
        if status - _SHELL_SIGNAL in _SIGNALS:
            return Finished(tuple(command), None, signal_name(status - _SHELL_SIGNAL), output, errors)
        return Finished(tuple(command), status, "", output, errors)

    def _make_folder(self) -> None:
        made = require(self._wait(self._run(MAKE_FOLDER, SHORT_SECONDS, b"")), "making a folder", self)
        text = made.output.decode("utf-8", "replace").strip()
        last = text.rpartition("\n")[2].strip()
        self.folder = last if _FOLDER.fullmatch(last) else ""
        if not self.folder or text != last:
            raise DeviceError(
                f"{self.name} does not answer as a shell does",
                found=text[:200] or "nothing",
                hint="a shell start-up file there that prints something, or no Linux",
            )

    def _remove_folder(self) -> str:
        """Removes it, over a new connection when the old one is lost; returns what is left behind, in words."""
        for attempt in range(2):
            try:
                if attempt:
                    self._connection = self._wait(self._connect(KEEPALIVE_SECONDS, KEEPALIVE_SECONDS))
                if self._wait(self._run((*REMOVE_FOLDER, self.folder), SHORT_SECONDS, b"")).ok:
                    return ""
            except DeviceError:
                continue
        return f"{self.folder} may still be on {self.name}"

    async def _disconnect(self) -> None:
        assert self._connection is not None
        self._connection.close()
        await asyncio.wait_for(self._connection.wait_closed(), SHORT_SECONDS)

    def _lost(self, reason: object) -> DeviceError:
        return DeviceError(
            f"the connection to {self.name} broke",
            found=str(reason) or type(reason).__name__,
            hint="is it still on and in reach? The command can be repeated",
        )
