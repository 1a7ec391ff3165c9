"""A Port on a GDB remote: OpenOCD and J-Link servers with a board behind them, and QEMU.

Real cores halt at the firmware's own BKPT. QEMU lets a BKPT escalate to a fault, so there the places where a program
stops become breakpoints of the server: `ec_mailbox_stop` and `ec_fault_stop`.
"""

import socket
from typing import Self

from edgecompress.device.connection import BOOT_SECONDS, Connection, check_program, not_started
from edgecompress.device.gdb_remote import LR, PC, SP, XPSR, GdbRemote
from edgecompress.device.places import Place
from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.device.registers import apply_writes
from edgecompress.errors import DeviceError, EdgecompressError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

USUAL = ((3333, "OpenOCD or pyOCD"), (2331, "J-Link"), (1234, "QEMU"))
"""Where debug servers listen unless told otherwise."""
CONNECT_SECONDS = 5.0
HALT_SECONDS = 10.0
STOPS = ("ec_mailbox_stop", "ec_fault_stop")  # functions whose first instruction is a breakpoint
_START_SERVER = (
    "start the debug server first: openocd -f board/…, JLinkGDBServer -device …, or qemu-system-arm -S -gdb tcp::1234"
)


class GdbPort:
    """A halted core behind a debug server.

    Args:
        emulated: the server is an emulator: it counts no cycles, and its breakpoints stand in for BKPT.
    """

    def __init__(self, server: GdbRemote, image: Image, *, emulated: bool) -> None:
        self._server = server
        self.image = image
        self.emulated = emulated
        self.counts_cycles = not emulated
        self._at_breakpoint = False
        self._breakpoints: set[int] = set()
        if emulated:
            for name in STOPS:
                if name in image.symbols:
                    self.set_breakpoint(image.symbol(name).address)

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

    def read_register(self, number: int) -> int:
        return self._server.read_register(number)

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
            return self._lost(error)
        if answer is None:
            self.halt()
            return Stop(reason="limit", pc=self._server.read_register(PC), detail=f"more than {limit.seconds:g} s")
        if answer[0] == "W":
            return Stop(reason="exit", pc=0, status=int(answer[1:3], 16))
        if answer[0] == "X":
            return Stop(reason="fault", pc=0, detail=f"ended by signal {answer[1:3]}: {self.last_words()}")
        pc = self._server.read_register(PC) & ~1
        self._at_breakpoint = True
        faulted = "ec_fault_stop" in self.image.symbols and pc == self.image.symbol("ec_fault_stop").address
        return Stop(reason="fault" if faulted else "breakpoint", pc=pc)

    def halt(self) -> None:
        self._server.interrupt()
        if self._server.wait(HALT_SECONDS) is None:
            raise DeviceError(
                "the debug server does not stop the program",
                found=self.last_words() or f"{HALT_SECONDS:g} s of silence",
                hint="start the debug server again, and reset the board",
            )

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def last_words(self) -> str:
        """What the server wrote where it could be seen; nothing where it is not ours."""
        return ""

    def _lost(self, error: DeviceError) -> Stop:
        """A server that goes away while the program runs."""
        words = self.last_words()
        if not words:
            raise error
        return Stop(reason="fault", pc=0, detail=words)

    def _step_over(self, limit: Limit) -> None:
        pc = self._server.read_register(PC) & ~1
        if pc not in self._breakpoints:
            return
        self._server.remove_breakpoint(pc)
        self._server.step()
        self._server.wait(limit.seconds)
        self._server.set_breakpoint(pc)


def open_gdb(place: Place, target: Target, image: Image) -> Connection:
    """Connects to a debug server, resets the core and leaves it halted at its first instruction."""
    link, where = dial(place)
    try:
        server = GdbRemote(link)
        emulated = server.is_qemu()
        if emulated:
            _load(server, image)
        else:
            reset_halt(server)
            if target.boot:
                _pass_boot_rom(server, image)
        port = GdbPort(server, image, emulated=emulated)
        check_program(port, image)
        if emulated:
            return Connection(port, f"QEMU at {where}", is_silicon=False)
        apply_writes(port, target.register_writes)
        return Connection(port, f"debug server at {where}", is_silicon=True, writes=target.register_writes)
    except EdgecompressError:
        link.close()
        raise


def _pass_boot_rom(server: GdbRemote, image: Image) -> None:
    """External flash can be read, and clocks stay set, only once the boot ROM is through."""
    entry = image.symbol("Reset_Handler").address
    server.set_breakpoint(entry, hardware=True)
    server.resume()
    if server.wait(BOOT_SECONDS) is None:
        server.interrupt()
        server.wait(HALT_SECONDS)
    server.remove_breakpoint(entry, hardware=True)
    pc = server.read_register(PC) & ~1
    if pc != entry:
        raise not_started(image, pc)


def dial(place: Place) -> tuple[socket.socket, str]:
    """A connection to the debug server, and where it is; DeviceError where none answers."""
    tried = []
    choices = [(place.host, place.port)] if place.host else [("localhost", port) for port, _ in USUAL]
    for host, port in choices:
        try:
            link = socket.create_connection((host, port), CONNECT_SECONDS)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # many small packets, each of them awaited
            return link, f"{host}:{port}"
        except OSError as error:
            tried.append(f"{host}:{port}: {error.strerror or error}")
    raise DeviceError("no debug server answers", found="; ".join(tried), hint=_START_SERVER)


def reset_halt(server: GdbRemote) -> None:
    """Reset and halt. Servers know it by several names; on the last one's refusal it is an error."""
    server.halt_reason()
    words = ""
    for command in ("reset halt", "reset"):
        accepted, words = server.monitor(command)
        if accepted:
            return
    raise DeviceError(
        "the debug server cannot reset the core", found=words or "it knows neither `reset halt` nor `reset`",
        hint="OpenOCD, pyOCD and J-Link servers can",
    )  # fmt: skip


def _load(server: GdbRemote, image: Image) -> None:
    """Put the program into an emulator's memory and the core at its first instruction, whatever ran there before."""
    server.halt_reason()
    server.monitor("system_reset")
    for segment in image.segments:
        if server.read_memory(segment.address, len(segment.data)) != segment.data:
            server.write_memory(segment.address, segment.data)
    start(server, image)


def start(server: GdbRemote, image: Image) -> None:
    """Put an emulated core at the program's first instruction, as its reset would."""
    stack, entry = (int.from_bytes(server.read_memory(image.vectors + i, 4), "little") for i in (0, 4))
    server.write_register(XPSR, 1 << 24)  # Thumb; whatever lay at the vector table before may have said otherwise
    server.write_register(SP, stack)
    server.write_register(LR, 0xFFFF_FFFF)
    server.write_register(PC, entry & ~1)
