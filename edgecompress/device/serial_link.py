"""Questions and answers in frames over a line that loses and damages bytes; the protocol is that of `runtime/serial.h`.

A question is asked again when the line falls silent without a whole answer, after as many zeros as end any frame that the
device may think it is in; what the host then still takes for the beginning of a frame is none. Answers to older questions,
and whatever is no frame, are passed over.
"""

import struct
import time
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from edgecompress.errors import DeviceError

SYNC = b"\xec\x5a"
HEAD = struct.Struct("<BHH")
CRC = struct.Struct("<I")
INFO, READ, WRITE, RUN, CHECKSUM = 1, 2, 3, 4, 5
ANSWER, STOPPED, ERROR = 0x80, 0x70, 0xFF
MOST = 512
FRAME_MOST = len(SYNC) + HEAD.size + MOST + CRC.size
ERRORS = {
    1: "it does not understand the question",
    2: "it stands at another stop: it has been reset",
    3: "it has faulted",
}
TRIES = 8
MOST_HEARD = 4 * FRAME_MOST
"""Bytes that may come without the answer among them: a line that never falls silent is given up too."""
ANSWER_SECONDS = 0.4


class Line(Protocol):
    """Bytes to and from a device. `read` waits for at least one byte, at most so many seconds; b"" when there was none.

    Both raise DeviceError when the line is gone.
    """

    baud: int

    def read(self, seconds: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Frame:
    """A frame whose checksum was right."""

    kind: int
    sequence: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """As it goes over the line."""
    body = HEAD.pack(frame.kind, frame.sequence, len(frame.payload)) + frame.payload
    return SYNC + body + CRC.pack(zlib.crc32(body))


class Decoder:
    """Finds frames in whatever comes; after a damaged one it looks again from the very next byte."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """All frames that are whole now."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            start = self._buffer.find(SYNC)
            if start < 0:
                del self._buffer[: max(0, len(self._buffer) - 1)]
                return frames
            del self._buffer[:start]
            if len(self._buffer) < len(SYNC) + HEAD.size:
                return frames
            kind, sequence, length = HEAD.unpack_from(self._buffer, len(SYNC))
            end = len(SYNC) + HEAD.size + length
            if length > MOST:
                del self._buffer[:1]
                continue
            if len(self._buffer) < end + CRC.size:
                return frames
            body = bytes(self._buffer[len(SYNC) : end])
            if zlib.crc32(body) != CRC.unpack_from(self._buffer, end)[0]:
                del self._buffer[:1]
                continue
            frames.append(Frame(kind, sequence, body[HEAD.size :]))
            del self._buffer[: end + CRC.size]

    def give_up(self) -> list[Frame]:
        """All frames behind what began as one and never became whole: a damaged length may claim hundreds of bytes."""
        frames: list[Frame] = []
        while self._buffer:
            del self._buffer[:1]
            frames += self.feed(b"")
        return frames


class SerialLink:
    """Questions over a line.

    Args:
        answer_seconds: how long the line may be silent before an answer, beyond the time that its bytes need on the line.

    Attributes:
        repeated: how many questions had to be asked again so far.
    """

    def __init__(self, line: Line, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.line = line
        self._seconds = answer_seconds
        self.repeated = 0
        self._decoder = Decoder()
        self._sequence = 0
        self._came: deque[Frame] = deque()
        self._unasked: deque[Frame] = deque()

    def ask(self, kind: int, payload: bytes = b"", *, doing: str, expect: int = 0, seconds: float = 0.0) -> Frame:
        """One question, asked until it is answered; the answer's kind is right, or STOPPED where that answers RUN.

        Args:
            expect: bytes of the answer's payload.
            seconds: what the device needs to answer, beyond the line.

        Raises:
            DeviceError: no answer after TRIES tries, or the device refused.
        """
        self._sequence = self._sequence % 0xFFFF + 1
        question = encode(Frame(kind, self._sequence, payload))
        patience = self._seconds + seconds + 10 * (len(question) + expect + 32) / self.line.baud
        for attempt in range(TRIES):
            if attempt:
                self.repeated += 1
                self.line.write(bytes(FRAME_MOST))
                patience += 10 * FRAME_MOST / self.line.baud
            self.line.write(question)
            frame = self._answer(kind, patience)
            if frame is not None:
                return frame
        raise DeviceError(
            f"{doing}: the device does not answer on the serial line",
            found=f"{TRIES} questions at {self.line.baud:,} baud without a whole answer",
            hint="is serial.elf flashed and running (press reset)? the right port, the right baud rate, TX to RX and ground?",
        )

    def glance(self) -> Frame | None:
        """INFO, asked once: a device whose program runs does not answer."""
        self._sequence = self._sequence % 0xFFFF + 1
        self.line.write(bytes(FRAME_MOST) + encode(Frame(INFO, self._sequence, b"")))
        return self._answer(INFO, self._seconds + 10 * (2 * FRAME_MOST) / self.line.baud)

    def stopped(self, seconds: float) -> Frame | None:
        """What the device says unasked when its program stops; None when it said nothing for so long."""
        end = time.monotonic() + seconds
        while not self._unasked and (left := end - time.monotonic()) > 0:
            for frame in self._hear(left):
                if frame.kind == STOPPED:
                    self._unasked.append(frame)
                    break
        return self._unasked.popleft() if self._unasked else None

    def forget(self) -> None:
        """Drop what was said unasked so far."""
        self._came.clear()
        self._unasked.clear()

    def _answer(self, kind: int, patience: float) -> Frame | None:
        for frame in self._hear(patience):
            if frame.sequence == self._sequence and frame.kind in (kind | ANSWER, ERROR):
                return self._accepted(frame)
            if frame.kind == STOPPED:
                if kind == RUN and frame.sequence == self._sequence:
                    return frame
                self._unasked.append(frame)
        return None

    def _hear(self, silence: float) -> Iterator[Frame]:
        """Frames as they come, until the line has been silent for so many seconds; what is not taken waits."""
        heard, end = 0, time.monotonic() + silence
        while True:
            while self._came:
                yield self._came.popleft()
            left = end - time.monotonic()
            if left <= 0 or heard > MOST_HEARD:
                break
            if data := self.line.read(left):
                heard, end = heard + len(data), time.monotonic() + silence
                self._came.extend(self._decoder.feed(data))
        self._came.extend(self._decoder.give_up())
        while self._came:
            yield self._came.popleft()

    def _accepted(self, frame: Frame) -> Frame:
        if frame.kind == ERROR:
            code = int.from_bytes(frame.payload[:4], "little")
            raise DeviceError(
                "the device refuses",
                found=ERRORS.get(code, f"error {code}"),
                hint="press its reset button, run it again",
            )
        return frame
