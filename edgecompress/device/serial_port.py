"""A Port on a UART, for boards without a debug port: `serial.elf` answers there. The line itself is pyserial's."""

import struct
import time
import zlib
from dataclasses import dataclass
from typing import Any, Self

from edgecompress.device import serial_link as link
from edgecompress.device.connection import Connection
from edgecompress.device.places import Place
from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.device.serial_link import SerialLink
from edgecompress.errors import DeviceError, MissingToolError, UnsupportedError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

VERSION = 1
AT_MAILBOX, AT_FAULT = 1, 2
LOOK_SECONDS = 1.0
"""How often a running device is asked whether it has stopped, should its word have been lost."""
CHECKSUM_BYTES = 1 << 16
CHECKSUM_SECONDS_PER_BYTE = 3e-5  # a Cortex-M at 4 MHz
_INFO = struct.Struct("<5I")
_AREA = struct.Struct("<2I")
_WORD = struct.Struct("<I")


@dataclass(frozen=True)
class Info:
    """What the device says about itself."""

    version: int
    state: int
    stops: int
    mailbox: int
    most: int


class SerialPort:
    """A program that serves its memory over a line.

    Args:
        counts_cycles: False where the device is emulated.

    Raises:
        DeviceError: nobody answers, or another program does.
    """

    def __init__(self, serial: SerialLink, image: Image, *, counts_cycles: bool = True) -> None:
        self._link = serial
        self.image = image
        self.counts_cycles = counts_cycles
        self._info = self._ask_info("connecting")
        self._fresh = True
        if self._info.version != VERSION:
            raise DeviceError(
                "the device speaks another version of the serial protocol",
                found=f"version {self._info.version} instead of {VERSION}",
                hint="build again and flash serial.elf",
            )
        if self._info.mailbox != image.symbol("ec_mailbox").address:
            raise DeviceError(
                "the device holds another program",
                found=f"its mailbox is at {self._info.mailbox:#010x}",
                hint="flash this serial.elf first: edgecompress flash RUNDIR/serial.elf",
            )

    def read_memory(self, address: int, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = min(link.MOST, size - len(data))
            where = address + len(data)
            answer = self._link.ask(
                link.READ, _AREA.pack(where, part), doing=f"reading {part} bytes at {where:#010x}", expect=part
            )
            if len(answer.payload) != part:
                raise DeviceError(f"reading {part} bytes at {where:#010x} failed", found=f"{len(answer.payload)} bytes")
            data += answer.payload
        return bytes(data)

    def write_memory(self, address: int, data: bytes) -> None:
        step = link.MOST - _WORD.size
        for start in range(0, len(data), step):
            part = data[start : start + step]
            where = address + start
            self._link.ask(link.WRITE, _WORD.pack(where) + part, doing=f"writing {len(part)} bytes at {where:#010x}")

    def run(self, limit: Limit = NO_ENDLESS_LOOP) -> Stop:
        """Continue until the program serves the line again, or the limit of seconds (instructions are not looked at)."""
        if self._fresh and self._info.state == AT_MAILBOX:
            self._fresh = False  # it came this far by itself
            return self._stop(self._info)
        self._fresh = False
        before = self._info.stops
        self._link.forget()
        answer = self._link.ask(link.RUN, _WORD.pack(before), doing="starting the run", expect=_INFO.size)
        if answer.kind == link.STOPPED:
            return self._stop(_read_info(answer.payload))
        end = time.monotonic() + limit.seconds
        while (left := end - time.monotonic()) > 0:
            said = self._link.stopped(min(LOOK_SECONDS, left))
            info = _read_info(said.payload) if said else self._look()
            if info is None:
                continue
            if info.stops != before + 1:
                raise DeviceError(
                    "the device has been reset while it ran",
                    found=f"stop {info.stops} instead of {before + 1}",
                    hint="a weak power supply, a watchdog, or somebody at the reset button? run it again",
                )
            return self._stop(info)
        return Stop(reason="limit", pc=0, detail=f"more than {limit.seconds:g} s")

    def halt(self) -> None:
        """A program behind a UART cannot be stopped.

        Raises:
            DeviceError: always.
        """
        raise DeviceError("a program behind a serial line cannot be halted", hint="press the board's reset button")

    def checksum(self, address: int, size: int) -> int:
        """CRC-32 of memory, computed on the device."""
        seconds = size * CHECKSUM_SECONDS_PER_BYTE
        answer = self._link.ask(
            link.CHECKSUM, _AREA.pack(address, size), doing="checking the program", expect=4, seconds=seconds
        )
        return int(_WORD.unpack(answer.payload)[0])

    def close(self) -> None:
        self._link.line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _stop(self, info: Info) -> Stop:
        self._info = info
        if info.state == AT_FAULT:
            return Stop(reason="fault", pc=self.image.symbol("ec_fault_stop").address, detail="a fault")
        return Stop(reason="breakpoint", pc=self.image.symbol("ec_mailbox_stop").address)

    def _ask_info(self, doing: str) -> Info:
        return _read_info(self._link.ask(link.INFO, doing=doing, expect=_INFO.size).payload)

    def _look(self) -> Info | None:
        """Whether a device that says nothing has stopped; a running one does not answer."""
        answer = self._link.glance()
        return _read_info(answer.payload) if answer else None


def open_serial(place: Place, target: Target, image: Image) -> Connection:
    """Opens the line and makes sure that this very program answers there."""
    if target.serial is None:
        raise UnsupportedError(f"{target.name} has no UART in its board data", hint="a [serial] table in its TOML file")
    line = PySerialLine(place.name or _only_port(), place.baud or target.serial.baud)
    try:
        port = SerialPort(SerialLink(line), image)
        check_checksums(port, image)
    except BaseException:
        line.close()
        raise
    return Connection(port, f"serial {line.name}", is_silicon=True, writes=target.register_writes)


def check_checksums(port: SerialPort, image: Image) -> None:
    """DeviceError unless the device's memory holds this program."""
    for segment in image.segments:
        for start in range(0, len(segment.data), CHECKSUM_BYTES):
            part = segment.data[start : start + CHECKSUM_BYTES]
            if port.checksum(segment.address + start, len(part)) != zlib.crc32(part):
                raise DeviceError(
                    "the device holds another program",
                    found=f"the checksum of {len(part):,} bytes at {segment.address + start:#010x} differs",
                    hint="flash this serial.elf first: edgecompress flash RUNDIR/serial.elf",
                )


class PySerialLine:
    """A serial port of this computer.

    Raises:
        MissingToolError: pyserial is not installed.
        DeviceError: no such port, no permission, or somebody else has it.
    """

    def __init__(self, name: str, baud: int) -> None:
        serial = _pyserial()
        self.name = name
        self.baud = baud
        self._errors = (serial.SerialException, OSError, TypeError)  # TypeError: pyserial's own, when a port vanishes
        try:
            self._port = serial.Serial(name, baud, timeout=0, write_timeout=10, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise DeviceError(
                f"the serial port {name} cannot be opened",
                found=str(error),
                hint="is the board plugged in? may you use the port (Linux: group dialout)? is a terminal open on it?",
            ) from error

    def read(self, seconds: float) -> bytes:
        try:
            self._port.timeout = max(0.0, seconds)
            first = self._port.read(1)
            return bytes(first + self._port.read(self._port.in_waiting)) if first else b""
        except self._errors as error:
            raise self._gone(error) from error

    def write(self, data: bytes) -> None:
        try:
            self._port.write(data)
            self._port.flush()
        except self._errors as error:
            raise self._gone(error) from error

    def close(self) -> None:
        self._port.close()

    def _gone(self, error: Exception) -> DeviceError:
        return DeviceError(
            f"the serial port {self.name} is gone", found=str(error), hint="plug the board in again and run it again"
        )


def _only_port() -> str:
    """The only serial port of a USB device; DeviceError when there is none, or more than one."""
    _pyserial()
    from serial.tools import list_ports

    ports = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(ports) == 1:
        return str(ports[0])
    raise DeviceError(
        "no serial port of a USB device was found" if not ports else "there is more than one serial port",
        found=", ".join(ports),
        hint="name it: --on serial:///dev/ttyACM0@115200 (Windows: serial://COM3)",
    )


def _pyserial() -> Any:
    try:
        import serial
    except ImportError as error:
        raise MissingToolError("pyserial is not installed", found=str(error), hint="pip install pyserial") from error
    return serial


def _read_info(payload: bytes) -> Info:
    if len(payload) != _INFO.size:
        raise DeviceError(
            "the device speaks another version of the serial protocol", found=f"{len(payload)} bytes of information"
        )
    return Info(*_INFO.unpack(payload))
