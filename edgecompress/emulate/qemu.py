"""A Cortex-M on QEMU, driven through its debug server; the only emulator of the Cortex-M55 and its vector unit."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from pathlib import Path
from typing import Self

from edgecompress.device.gdb_remote import PC, GdbRemote
from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.errors import DeviceError, MissingToolError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

START_SECONDS = 20.0
HALT_SECONDS = 10.0
STOPS = ("ec_mailbox_stop", "ec_fault_stop")  # functions whose first instruction is a breakpoint


class Qemu:
    """A Port on a QEMU process of its own, with the program loaded and at reset.

    A BKPT would escalate to a fault here, so the places where a program stops are breakpoints of the debug server:
    `ec_mailbox_stop` and `ec_fault_stop`. The target must have the memory map of its CPU's QEMU machine
    (`Target.on_qemu`). There is no cycle counter: SysTick runs with the host's clock.

    Raises:
        MissingToolError: qemu-system-arm is not installed.
        DeviceError: it does not start.
    """

    counts_cycles = False

    def __init__(self, target: Target, image: Image) -> None:
        program = find_qemu(target)
        self.image = image
        self._at_breakpoint = False
        self._breakpoints: set[int] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="edgecompress-qemu-")
        where = Path(self._folder.name)
        self._log = where / "qemu.log"
        address, option = _debug_address(where)
        machine = target.cpu.qemu.machine
        command = (
            *(program, "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none", "-S", "-gdb", option),
            *("-semihosting-config", "enable=on,target=native", "-kernel", str(image.path)),
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._reaper = weakref.finalize(self, _end, self._process, self._folder)
        try:
            self._server = GdbRemote(self._connect(address))
            for name in STOPS:
                if name in image.symbols:
                    self.set_breakpoint(image.symbol(name).address)
        except BaseException:
            self._reaper()
            raise

    def set_breakpoint(self, address: int) -> None:
        if address not in self._breakpoints:
            self._server.set_breakpoint(address)
            self._breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        if address in self._breakpoints:
            self._server.remove_breakpoint(address)
            self._breakpoints.remove(address)

    def read_memory(self, address: int, size: int) -> bytes:
        return self._server.read_memory(address, size)

    def write_memory(self, address: int, data: bytes) -> None:
        self._server.write_memory(address, data)

    def run(self, limit: Limit = NO_ENDLESS_LOOP) -> Stop:
        """Continue until a breakpoint, an exit, a fault, or the limit of seconds (instructions are not looked at)."""
        if self._at_breakpoint:
            self._server.write_register(PC, self._server.read_register(PC) + 2)
        return self.resume(limit)

    def resume(self, limit: Limit) -> Stop:
        """Continue at the very instruction where the program stands."""
        self._at_breakpoint = False
        self._step_over(limit)
        self._server.resume()
        try:
            answer = self._server.wait(limit.seconds)
        except DeviceError as error:
            return Stop(reason="fault", pc=0, detail=self._last_words() or str(error))
        if answer is None:
            self.halt()
            return Stop(reason="limit", pc=self._server.read_register(PC), detail=f"more than {limit.seconds:g} s")
        if answer[0] == "W":
            return Stop(reason="exit", pc=0, status=int(answer[1:3], 16))
        if answer[0] == "X":
            return Stop(reason="fault", pc=0, detail=f"QEMU ended by signal {answer[1:3]}: {self._last_words()}")
        pc = self._server.read_register(PC) & ~1
        self._at_breakpoint = True
        faulted = "ec_fault_stop" in self.image.symbols and pc == self.image.symbol("ec_fault_stop").address
        return Stop(reason="fault" if faulted else "breakpoint", pc=pc)

    def _step_over(self, limit: Limit) -> None:
        pc = self._server.read_register(PC) & ~1
        if pc not in self._breakpoints:
            return
        self._server.remove_breakpoint(pc)
        self._server.step()
        self._server.wait(limit.seconds)
        self._server.set_breakpoint(pc)

    def halt(self) -> None:
        self._server.interrupt()
        if self._server.wait(HALT_SECONDS) is None:
            raise DeviceError("QEMU does not stop", found=self._last_words())

    def close(self) -> None:
        """End the process; nothing of it is left."""
        self._server.close()
        self._reaper()

    def read_register(self, number: int) -> int:
        return self._server.read_register(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

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
        raise DeviceError("QEMU does not start", found=self._last_words() or "it is silent")

    def _last_words(self) -> str:
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
