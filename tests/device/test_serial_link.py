"""Frames: the exact bytes, and finding them again in noise."""

import random
import zlib
from collections.abc import Callable

import pytest

from edgecompress.device import serial_link
from edgecompress.device.serial_link import (
    ANSWER,
    FRAME_MOST,
    INFO,
    MOST,
    READ,
    RUN,
    STOPPED,
    TRIES,
    Decoder,
    Frame,
    SerialLink,
    encode,
)
from edgecompress.errors import DeviceError


def test_frame_is_sync_kind_sequence_length_payload_and_crc32() -> None:
    data = encode(Frame(READ, 0x1234, b"abc"))
    body = bytes([2, 0x34, 0x12, 3, 0]) + b"abc"
    assert data == b"\xec\x5a" + body + zlib.crc32(body).to_bytes(4, "little")


@pytest.mark.parametrize("size", [1, 3, 64, 4096])
def test_frames_come_out_whole_however_they_are_cut(size: int) -> None:
    frames = [Frame(k % 256, k * 997 % 65536, bytes(range(k % 200))) for k in range(40)]
    data = b"\xec".join(encode(frame) for frame in frames)
    decoder, found = Decoder(), []
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    assert found == frames


@pytest.mark.parametrize(
    "noise",
    [b"\xec\x5a", b"\xec\xec\x5a\x01\x00\x00\x05\x00", b"\xec\x5a\xff\xff\xff\xff\xff", bytes(300), encode(Frame(1, 1, b"x"))[:-1]],
)  # fmt: skip
def test_frame_after_half_frames_is_found(noise: bytes) -> None:
    decoder = Decoder()
    wanted = Frame(INFO, 7, b"hello")
    found = decoder.feed(noise + encode(wanted))
    assert found == [wanted] or decoder.feed(bytes(FRAME_MOST)) == [wanted]


def test_nothing_is_ever_found_in_noise() -> None:
    noise = random.Random(3).randbytes(200_000)
    decoder = Decoder()
    assert [f for start in range(0, len(noise), 999) for f in decoder.feed(noise[start : start + 999])] == []
    assert len(decoder._buffer) < 2 * FRAME_MOST + 999


class Script:
    """A line whose answers a function makes; what was written stays in `written`."""

    baud = 10_000_000

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.written = list(answers), []

    def read(self, seconds: float) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if self.answers and len(data) != FRAME_MOST:
            answer = self.answers.pop(0)
            self.read = lambda seconds: self._once(answer)  # type: ignore[method-assign]

    def _once(self, answer: bytes) -> bytes:
        self.read = lambda seconds: b""  # type: ignore[method-assign]
        return answer

    def close(self) -> None: ...


def test_unanswered_question_is_repeated_after_zeros_with_the_same_sequence() -> None:
    answer = encode(Frame(INFO | ANSWER, 1, b"yes"))
    line = Script(b"", answer[:-1] + b"?", answer)
    link = SerialLink(line, answer_seconds=0.02)
    assert link.ask(INFO, doing="asking").payload == b"yes"
    question, zeros = encode(Frame(INFO, 1, b"")), bytes(FRAME_MOST)
    assert line.written == [question, zeros, question, zeros, question]
    assert link.repeated == 2


def test_silence_ends_after_some_tries_and_names_the_step() -> None:
    line = Script()
    with pytest.raises(DeviceError, match="checking: the device does not answer on the serial line") as raised:
        SerialLink(line, answer_seconds=0.01).ask(INFO, doing="checking")
    assert line.written.count(encode(Frame(INFO, 1, b""))) == TRIES
    assert "baud" in raised.value.found
    assert "reset" in raised.value.hint


def test_answer_behind_a_length_that_claims_too_much_is_found() -> None:
    answer = encode(Frame(INFO | ANSWER, 1, b"yes"))
    damaged = answer[:5] + MOST.to_bytes(2, "little") + answer[7:]
    line = Script(damaged, answer)
    link = SerialLink(line, answer_seconds=0.02)
    assert link.ask(INFO, doing="asking").payload == b"yes"
    assert link.repeated == 1
    assert link._decoder.give_up() == []


def test_what_comes_together_with_an_answer_is_not_lost() -> None:
    said = Frame(STOPPED, 0, b"here")
    link = SerialLink(Script(encode(Frame(RUN | ANSWER, 1, b"")) + encode(said)))
    link.ask(RUN, doing="starting")
    assert link.stopped(0.02) == said


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time that goes by only when told to: `clock(seconds)`."""
    now = [0.0]
    monkeypatch.setattr(serial_link.time, "monotonic", lambda: now[0])

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def test_slow_answer_is_waited_for_as_long_as_bytes_come(clock: Callable[[float], None]) -> None:
    line, answer = Script(), iter(encode(Frame(INFO | ANSWER, 1, b"yes")))

    def drip(seconds: float) -> bytes:
        clock(0.3)
        return bytes([next(answer)])

    line.read = drip  # type: ignore[method-assign]
    link = SerialLink(line, answer_seconds=0.4)
    assert link.ask(INFO, doing="asking").payload == b"yes"
    assert link.repeated == 0


@pytest.mark.parametrize("said", [b"login: ", encode(Frame(STOPPED, 0, b"reset again"))])
def test_line_that_never_falls_silent_is_given_up(clock: Callable[[float], None], said: bytes) -> None:
    line = Script()

    def read(seconds: float) -> bytes:
        clock(0.1)
        return said

    line.read = read  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match="asking: the device does not answer"):
        SerialLink(line, answer_seconds=0.4).ask(INFO, doing="asking")


def test_answers_to_older_questions_are_passed_over() -> None:
    old, new = encode(Frame(INFO | ANSWER, 9, b"old")), encode(Frame(INFO | ANSWER, 1, b"new"))
    assert SerialLink(Script(old + new)).ask(INFO, doing="asking").payload == b"new"


def test_refusal_is_an_error_with_its_reason() -> None:
    line = Script(encode(Frame(0xFF, 1, (2).to_bytes(4, "little"))))
    with pytest.raises(DeviceError, match="the device refuses") as raised:
        SerialLink(line).ask(INFO, doing="asking")
    assert "has been reset" in raised.value.found


def test_length_beyond_the_most_is_no_frame() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\xec\x5a\x01\x00\x00" + (MOST + 1).to_bytes(2, "little")) == []
    assert decoder.feed(encode(Frame(1, 1, b""))) == [Frame(1, 1, b"")]
