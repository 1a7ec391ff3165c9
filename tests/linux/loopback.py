"""SSH servers on loopback that stand for a Raspberry Pi: one in this process, and the real OpenSSH one.

What a client asks for is run by this computer's shell. So that it looks like a Pi, `uname` and `vcgencmd` are scripts
that come first in PATH, and programs that were sent are run by QEMU's user-mode emulation where the test wants that.
"""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import asyncssh

Rewrite = Callable[[str], str]

PROGRAM = re.compile(r"(?<= )(?=/\S+/edgecompress\.\w{8}/program /)")
"""Before our program in a command."""


def through(emulator: str) -> Rewrite:
    """Lets an emulator run the programs that were sent."""
    return lambda command: PROGRAM.sub(f"{emulator} ", command)


def make_scripts(folder: Path, machine: str) -> Path:
    """A folder with `uname` and `vcgencmd` as on a Pi that was throttled since it was started."""
    folder.mkdir()
    (folder / "uname").write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo {machine} || echo Linux 6.6.20+rpt-rpi-v8\n')
    (folder / "vcgencmd").write_text("#!/bin/sh\necho throttled=0x50000\n")
    for script in folder.iterdir():
        script.chmod(0o755)
    return folder


class Server:
    """An SSH server in this process, in a thread of its own.

    Attributes:
        commands: every command as it came, in order.
        rewrite: what becomes of a command before it is run.
        stall: commands that this matches are never answered.
        drop: when a command matches this, the connection is cut instead.
        answers: (exit status or signal, standard error) for commands that match the key.
    """

    def __init__(self, folder: Path, *, machine: str = "aarch64", user_key: asyncssh.SSHKey | None = None) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self.home = folder / "home"
        self.home.mkdir()
        self.scripts = make_scripts(folder / "bin", machine)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = user_key
        self.commands: list[str] = []
        self.rewrite: Rewrite = lambda command: command
        self.stall = self.drop = re.compile("(?!)")
        self.answers: dict[str, tuple[int | str, str]] = {}
        self.environment = os.environ | {
            "PATH": f"{self.scripts}:{os.environ['PATH']}", "TMPDIR": str(self.temporary), "HOME": str(self.home)
        }  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._wait(self._listen(0))
        self.port = self._server.get_port()

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self, port: int):
        outer = self

        class Accepting(asyncssh.SSHServer):
            def connection_made(self, conn):
                self.connection = conn

            def begin_auth(self, username):
                return True

            def public_key_auth_supported(self):
                return True

            def validate_public_key(self, username, key):
                return outer.user_key is not None and key == outer.user_key.convert_to_public()

        return await asyncssh.listen(
            "127.0.0.1", port, server_factory=Accepting, server_host_keys=[self.host_key],
            process_factory=self._serve, encoding=None,
        )  # fmt: skip

    async def _serve(self, process: asyncssh.SSHServerProcess) -> None:
        command = process.command or ""
        self.commands.append(command)
        if self.drop.search(command):
            process.channel.get_connection().abort()
            return
        if self.stall.search(command):
            with contextlib.suppress(asyncio.CancelledError, asyncssh.Error):
                await process.wait_closed()
            return
        for pattern, (ending, words) in self.answers.items():
            if re.search(pattern, command):
                process.stderr.write(words.encode())
                process.exit_with_signal(ending) if isinstance(ending, str) else process.exit(ending)
                return
        child = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", self.rewrite(command), env=self.environment, cwd=self.home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        output, errors = await child.communicate(await process.stdin.read())
        process.stdout.write(output)
        process.stderr.write(errors)
        status = child.returncode
        if status < 0:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            process.exit(status)

    @property
    def known_hosts(self) -> str:
        """The line for known_hosts."""
        return f"[127.0.0.1]:{self.port} {self.host_key.export_public_key().decode()}"

    def left_behind(self) -> list[str]:
        """What is still in the folder for temporary files."""
        return sorted(path.name for path in self.temporary.iterdir())

    def close(self) -> None:
        async def stop():
            self._server.close()
            await self._server.wait_closed()

        with contextlib.suppress(Exception):
            self._wait(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
