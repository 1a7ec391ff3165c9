"""A Port on a debug probe (CMSIS-DAP, ST-Link, J-Link) through pyOCD.

The core halts by itself at the firmware's BKPT. While it runs, only its debug status register is looked at, and ever more
rarely: the measured program has the buses for itself.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from edgecompress.device.connection import BOOT_SECONDS, Connection, check_program, not_started
from edgecompress.device.places import Place
from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.device.registers import apply_writes
from edgecompress.errors import DeviceError, UsageError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

FIRST_LOOK, LAST_LOOK = 0.001, 0.05  # seconds between looks at a running core
HALT_SECONDS = 2.0


class ProbePort:
    """A halted core behind an open pyOCD session; `close` ends that session too."""

    counts_cycles = True

    def __init__(self, session: Any, image: Image, close: Callable[[], None]) -> None:
        self._core = session.target
        self.image = image
        self._close = close
        self._at_breakpoint = False

    def read_memory(self, address: int, size: int) -> bytes:
        with _pyocd():
            return bytes(self._core.read_memory_block8(address, size)) if size else b""

    def write_memory(self, address: int, data: bytes) -> None:
        with _pyocd():
            if len(data) == 2 and address % 2 == 0:
                self._core.write_memory(address, int.from_bytes(data, "little"), 16)
            elif data:
                self._core.write_memory_block8(address, data)
            self._core.flush()

    def run(self, limit: Limit = NO_ENDLESS_LOOP) -> Stop:
        """Continue until a breakpoint, a fault, or the limit of seconds (instructions are not looked at)."""
        with _pyocd():
            if self._at_breakpoint:
                self._core.write_core_register("pc", self._pc() + 2)
            self._at_breakpoint = False
            self._core.resume()
            end, pause = time.monotonic() + limit.seconds, FIRST_LOOK
            while (state := self._core.get_state().name) not in ("HALTED", "LOCKUP"):
                if time.monotonic() > end:
                    self.halt()
                    return Stop(
                        reason="limit", pc=self._pc(), detail=f"more than {limit.seconds:g} s ({state.lower()})"
                    )
                time.sleep(pause)
                pause = min(LAST_LOOK, pause * 1.5)
            if state == "LOCKUP":
                self.halt()
                return Stop(reason="fault", pc=self._pc(), detail="the core locked up: a fault within a fault")
            self._at_breakpoint = True
            pc = self._pc()
        faulted = "ec_fault_stop" in self.image.symbols and pc == self.image.symbol("ec_fault_stop").address
        return Stop(reason="fault" if faulted else "breakpoint", pc=pc)

    def halt(self) -> None:
        with _pyocd():
            self._core.halt()
            end = time.monotonic() + HALT_SECONDS
            while self._core.get_state().name != "HALTED":
                if time.monotonic() > end:
                    raise DeviceError(
                        "the core does not halt",
                        found=self._core.get_state().name.lower(),
                        hint="unplug and replug the board, then flash it again",
                    )
                time.sleep(FIRST_LOOK)

    def pass_boot_rom(self) -> None:
        """From reset to the program's first instruction: before, external flash cannot be read and no clock stays set."""
        entry = self.image.symbol("Reset_Handler").address
        with _pyocd():
            if not self._core.set_breakpoint(entry, _hardware()):
                raise DeviceError("no breakpoint is left in the core", hint="disconnect other debuggers")
            try:
                self._core.resume()
                end = time.monotonic() + BOOT_SECONDS
                while self._core.get_state().name != "HALTED" and time.monotonic() < end:
                    time.sleep(FIRST_LOOK)
                self.halt()
                pc = self._pc()
            finally:
                self._core.remove_breakpoint(entry)
        if pc != entry:
            raise not_started(self.image, pc)

    def close(self) -> None:
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _pc(self) -> int:
        return int(self._core.read_core_register("pc")) & ~1


def open_probe(place: Place, target: Target, image: Image) -> Connection:
    """Opens the probe, resets and halts the core, checks the program and sets the board's registers."""
    from edgecompress.flash.probe import describe, session, the_probe

    try:
        probe = the_probe(place.name or None)
    except UsageError as error:
        raise UsageError(error.what, found=error.found, hint="choose one by a part of its ID: --on probe:ID") from error
    stack = ExitStack()
    try:
        return attach(stack.enter_context(session(probe, target)), target, image, describe(probe), stack.close)
    except BaseException:
        stack.close()
        raise


def attach(opened: Any, target: Target, image: Image, name: str, close: Callable[[], None]) -> Connection:
    """The port on an open session, its core reset, with this program and the board's registers set.

    Args:
        name: of the probe, for the report.
        close: ends the session.
    """
    with _pyocd():
        opened.options.set("resume_on_disconnect", False)  # a BKPT without a debugger would lock the core up
        opened.target.reset_and_halt()
        opened.target.set_vector_catch(0)  # the firmware's own handler says more than a caught vector
    port = ProbePort(opened, image, close)
    if target.boot:
        port.pass_boot_rom()
    check_program(port, image)
    apply_writes(port, target.register_writes)
    return Connection(port, f"probe {name}", is_silicon=True, writes=target.register_writes)


def _hardware() -> Any:
    """The kind of breakpoint that works in flash."""
    from pyocd.core.target import Target as CoreTarget

    return CoreTarget.BreakpointType.HW


def _pyocd() -> Any:
    """pyOCD's errors as ours."""
    from edgecompress.flash.probe import translated

    return translated()
