"""A client of GDB's remote serial protocol: what QEMU, OpenOCD and J-Link servers offer, in the few packets needed.

The protocol: GDB manual, appendix "GDB Remote Serial Protocol".
"""

import socket
import time
from typing import Self

from edgecompress.errors import DeviceError

CHUNK = 1024  # bytes of memory per packet: twice as many digits must fit into the smallest server's buffer
PC, LR, SP, XPSR = 15, 14, 13, 25  # in GDB's numbering of an M-profile core
ANSWER_SECONDS = 20.0


class GdbRemote:
    """One connection. Every wait ends: a server that is silent for too long, or gone, raises DeviceError."""

    def __init__(self, connection: socket.socket, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._socket = connection
        self._seconds = answer_seconds
        self._buffer = bytearray()
        self._acknowledge = True
        self._acknowledge = self._ask("QStartNoAckMode") != "OK"
        self._ask("qSupported:xmlRegisters=arm")
        self._ask("qXfer:features:read:target.xml:0,ffb")  # QEMU knows single registers only after this

    def read_memory(self, address: int, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = min(CHUNK, size - len(data))
            answer = self._ask(f"m{address + len(data):x},{part:x}")
            chunk = self._hex(answer, f"reading {part} bytes at {address + len(data):#010x}")
            if len(chunk) != part:
                raise DeviceError(f"no {size} bytes of memory to read at {address:#010x}", found=f"{len(chunk)} bytes")
            data += chunk
        return bytes(data)

    def write_memory(self, address: int, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            part = data[start : start + CHUNK]
            self._expect_ok(f"M{address + start:x},{len(part):x}:{part.hex()}")

    def read_register(self, number: int) -> int:
        """A 32-bit core register by its number in GDB's numbering."""
        return int.from_bytes(self._hex(self._ask(f"p{number:x}"), f"reading register {number}")[:4], "little")

    def write_register(self, number: int, value: int) -> None:
        self._expect_ok(f"P{number:x}={value.to_bytes(4, 'little').hex()}")

    def memory_map(self) -> str:
        """The server's memory map as XML (GDB manual, "Memory Map Format"); "" where it has none."""
        text = ""
        while True:
            answer = self._ask(f"qXfer:memory-map:read::{len(text):x},{CHUNK:x}")
            if answer[:1] not in ("l", "m"):
                return ""
            text += answer[1:]
            if answer[0] == "l" or len(answer) == 1:
                return text

    def flash(self, command: str, data: bytes = b"", *, seconds: float) -> None:
        """One of `vFlashErase:addr,length`, `vFlashWrite:addr:` (with bytes), `vFlashDone`; erasing takes its time."""
        self._send(command, escape(data))
        answer = self._packet(time.monotonic() + seconds)
        if answer != "OK":
            raise DeviceError(
                f"the debug server did not do {command!r}",
                found=f"{seconds:g} s of silence" if answer is None else answer or "not supported",
            )

    def set_breakpoint(self, address: int, *, hardware: bool = False) -> None:
        """`hardware`: in the core's comparator, as code in flash needs it."""
        self._expect_ok(f"Z{int(hardware)},{address:x},2")

    def remove_breakpoint(self, address: int, *, hardware: bool = False) -> None:
        self._expect_ok(f"z{int(hardware)},{address:x},2")

    def monitor(self, command: str) -> tuple[bool, str]:
        """A command in the server's own language (GDB's `monitor`): did it take it, and what it said."""
        self._send("qRcmd," + command.encode().hex())
        words = ""
        while True:
            answer = self._packet(time.monotonic() + self._seconds)
            if answer is None:
                raise self._silence(f"monitor {command}")
            if answer[:1] == "O" and answer != "OK":
                words += self._hex(answer[1:], f"monitor {command}").decode("utf-8", "replace")
                continue
            return answer != "" and answer[:1] != "E", words.strip()

    def is_qemu(self) -> bool:
        """Only QEMU knows this packet; its core is emulated and counts no cycles."""
        return self._ask("qqemu.sstepbits").startswith("ENABLE")

    def halt_reason(self) -> str:
        """Why the core stands still; a server that finds it running stops it."""
        return self._ask("?")

    def resume(self) -> None:
        """Continue. A breakpoint at the very next instruction stops it again: `step` over that one first."""
        self._send("c")

    def step(self) -> None:
        """Let one instruction run; `wait` for its end as after `resume`."""
        self._send("s")

    def interrupt(self) -> None:
        """Ask a running program to stop; `wait` then brings the answer."""
        self._write(b"\x03")

    def wait(self, seconds: float) -> str | None:
        """The answer with which a running program stopped (`T05…`, `S05`, `W00`, `X09`), None when time is up."""
        end = time.monotonic() + seconds
        while True:
            packet = self._packet(end)
            if packet is None or packet[:1] in ("S", "T", "W", "X"):
                return packet

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _expect_ok(self, command: str) -> None:
        answer = self._ask(command)
        if answer != "OK":
            raise DeviceError(f"the debug server refused {command[:40]!r}", found=answer or "not supported")

    def _ask(self, command: str) -> str:
        self._send(command)
        answer = self._packet(time.monotonic() + self._seconds)
        if answer is None:
            raise self._silence(command)
        return answer

    def _silence(self, command: str) -> DeviceError:
        return DeviceError(
            f"the debug server does not answer {command[:40]!r}",
            found=f"{self._seconds:g} s of silence",
            hint="start the debug server again, and reset or unplug and replug the board",
        )

    def _send(self, command: str, binary: bytes = b"") -> None:
        data = command.encode("ascii") + binary
        self._write(b"$" + data + b"#" + b"%02x" % (sum(data) & 0xFF))

    def _write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._seconds)
            self._socket.sendall(data)
        except OSError as error:
            raise DeviceError("the debug server is gone", found=str(error)) from error

    def _packet(self, end: float) -> str | None:
        """The next packet; None when the time is up. A packet whose checksum is wrong is an error: links here are local."""
        while True:
            start = self._buffer.find(b"$")
            close = self._buffer.find(b"#", start) if start >= 0 else -1
            if close >= 0 and len(self._buffer) >= close + 3:
                body, check = bytes(self._buffer[start + 1 : close]), bytes(self._buffer[close + 1 : close + 3])
                del self._buffer[: close + 3]
                if check.lower() != b"%02x" % (sum(body) & 0xFF):
                    raise DeviceError("the debug server sent a damaged packet", found=repr(body[:40]))
                if self._acknowledge and body[:1] not in (b"W", b"X"):  # after these nobody listens
                    self._write(b"+")
                return _expand(body).decode("latin-1")
            if not self._receive(end):
                return None

    def _receive(self, end: float) -> bool:
        left = end - time.monotonic()
        if left <= 0:
            return False
        try:
            self._socket.settimeout(left)
            data = self._socket.recv(65536)
        except TimeoutError:
            return False
        except OSError as error:
            raise DeviceError("the debug server is gone", found=str(error)) from error
        if not data:
            raise DeviceError(
                "the debug server closed the connection", hint="start it again; is the board still plugged in?"
            )
        self._buffer += data
        return True

    def _hex(self, answer: str, doing: str) -> bytes:
        try:
            return bytes.fromhex(answer)
        except ValueError:
            raise DeviceError(f"{doing} failed", found=f"the debug server answered {answer[:40]!r}") from None


def escape(data: bytes) -> bytes:
    """Binary data as a packet carries it: `#`, `$`, `}` and `*` become `}` and the byte xor 0x20."""
    out = bytearray()
    for byte in data:
        out += bytes((0x7D, byte ^ 0x20)) if byte in b"#$}*" else bytes((byte,))
    return bytes(out)


def _expand(body: bytes) -> bytes:
    """Undo run-length encoding (`0*"` is 0 repeated) and escapes (`}` and the byte xor 0x20)."""
    if b"*" not in body and b"}" not in body:
        return body
    out = bytearray()
    index = 0
    while index < len(body):
        byte = body[index]
        if byte == 0x7D and index + 1 < len(body):
            out.append(body[index + 1] ^ 0x20)
            index += 2
        elif byte == 0x2A and out and index + 1 < len(body):
            out += bytes([out[-1]]) * (body[index + 1] - 29)
            index += 2
        else:
            out.append(byte)
            index += 1
    return bytes(out)
