"""A Cortex-M on QEMU, driven through its debug server; the only emulator of the Cortex-M55 and its vector unit."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path

from edgecompress.device.gdb_port import GdbPort
from edgecompress.device.gdb_remote import GdbRemote
from edgecompress.errors import DeviceError, MissingToolError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

START_SECONDS = 20.0


class Qemu(GdbPort):
    """A Port on a QEMU process of its own, with the program loaded and at reset.

    The target must have the memory map of its CPU's QEMU machine
    (`Target.on_qemu`). There is no cycle counter: SysTick runs with the host's clock, or, where `timers_count` is set,
    with the number of instructions (64 ns each; slower), so that the host's load does not matter.

    Raises:
        MissingToolError: qemu-system-arm is not installed.
        DeviceError: it does not start.
    """

    def __init__(self, target: Target, image: Image, *, timers_count: bool = False) -> None:
        program = find_qemu(target)
        self._folder = tempfile.TemporaryDirectory(prefix="edgecompress-qemu-")
        where = Path(self._folder.name)
        self._log = where / "qemu.log"
        address, option = _debug_address(where)
        machine = target.cpu.qemu.machine
        command = (
            *(program, "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none", "-S", "-gdb", option),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(image.path)),
            *(("-icount", "shift=6,sleep=off") if timers_count else ()),
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._reaper = weakref.finalize(self, _end, self._process, self._folder)
        try:
            super().__init__(GdbRemote(self._connect(address)), image, emulated=True)
        except BaseException:
            self._reaper()
            raise

    def close(self) -> None:
        """End the process; nothing of it is left."""
        super().close()
        self._reaper()

    def _connect(self, address: str | tuple[str, int]) -> socket.socket:
        """Connect as soon as the server listens."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.connect(address)
                return connection
            except OSError:
                connection.close()
                time.sleep(0.005)
        raise DeviceError("QEMU does not start", found=self.last_words() or "it is silent")

    def last_words(self) -> str:
        try:
            return "\n".join(self._log.read_text("utf-8", "replace").strip().splitlines()[-5:])
        except OSError:
            return ""


def find_qemu(target: Target) -> str:
    """The program; MissingToolError when it is not installed."""
    program = shutil.which("qemu-system-arm")
    if program is None:
        raise MissingToolError(
            f"{target.cpu.name} is emulated by QEMU, which is not installed",
            hint="install qemu-system-arm (Debian: apt install qemu-system-arm), or choose another target",
        )
    return program


def _debug_address(folder: Path) -> tuple[str | tuple[str, int], str]:
    """Where the debug server shall listen, for us and as QEMU's option: a socket file, or a free port of this host."""
    path = str(folder / "gdb")
    if hasattr(socket, "AF_UNIX") and os.name == "posix" and len(path) < 100:
        return path, f"unix:{path},server=on,wait=off"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    return ("127.0.0.1", number), f"tcp:127.0.0.1:{number},server=on,wait=off"


def _end(process: subprocess.Popen[bytes], folder: "tempfile.TemporaryDirectory[str]") -> None:
    process.kill()
    process.wait()
    folder.cleanup()
