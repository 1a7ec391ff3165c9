"""The debug protocol's client against a server whose every byte the test decides."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from edgecompress.device.gdb_remote import GdbRemote
from edgecompress.errors import DeviceError

Answer = Callable[[str], bytes | None]


def packet(text: str) -> bytes:
    return f"${text}#{sum(text.encode()) & 0xFF:02x}".encode()


class Server:
    """Answers each packet with what `answer` returns: raw bytes, or None for silence."""

    def __init__(self, answer: Answer) -> None:
        self.client, self.end = socket.socketpair()
        self.commands: list[str] = []
        self.answer = answer
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        data = b""
        while chunk := self.end.recv(4096):
            data += chunk
            while (start := data.find(b"$")) >= 0 and (stop := data.find(b"#", start)) >= 0 and len(data) >= stop + 3:
                command = data[start + 1 : stop].decode()
                assert data[: stop + 3].endswith(packet(command)), "bad checksum from the client"
                data = data[stop + 3 :]
                self.commands.append(command)
                reply = self.reply(command)
                if reply is None:
                    continue
                if reply == b"close":
                    self.end.close()
                    return
                self.end.sendall(b"+" + reply)

    def reply(self, command: str) -> bytes | None:
        if command.startswith("Q"):
            return packet("OK")
        if command.startswith("q"):
            return packet("")
        return self.answer(command)


@pytest.fixture
def connect() -> Iterator[Callable[[Answer], tuple[GdbRemote, Server]]]:
    servers = []

    def make(answer: Answer) -> tuple[GdbRemote, Server]:
        server = Server(answer)
        servers.append(server)
        return GdbRemote(server.client, answer_seconds=0.3), server

    yield make
    for server in servers:
        server.client.close()
        server.thread.join(2)


def test_memory_is_read_and_written_in_pieces(connect: Callable[[Answer], tuple[GdbRemote, Server]]) -> None:
    memory = bytearray(range(256)) * 12

    def answer(command: str) -> bytes:
        place, _, data = command[1:].partition(":")
        address, size = (int(part, 16) for part in place.split(","))
        if command[0] == "m":
            return packet(memory[address : address + size].hex())
        memory[address : address + size] = bytes.fromhex(data)
        return packet("OK")

    remote, server = connect(answer)
    assert remote.read_memory(5, 3000) == bytes(memory[5:3005])
    remote.write_memory(100, b"\xff" * 2500)
    assert memory[99:101] == b"\x63\xff"
    assert memory[2599] == 0xFF
    assert memory[2600] == 2600 % 256
    assert sum(command.startswith("m") for command in server.commands) == 3


def test_registers_breakpoints_and_running_use_the_documented_packets(
    connect: Callable[[Answer], tuple[GdbRemote, Server]],
) -> None:
    answers = {
        "pf": "78563412",
        "Pf=44332211": "OK",
        "Z0,1000,2": "OK",
        "z0,1000,2": "OK",
        "c": "T05thread:01;",
        "s": "S05",
    }
    remote, server = connect(lambda command: packet(answers[command]))
    assert remote.read_register(15) == 0x12345678
    remote.write_register(15, 0x11223344)
    remote.set_breakpoint(0x1000)
    remote.remove_breakpoint(0x1000)
    remote.resume()
    assert remote.wait(1) == "T05thread:01;"
    remote.step()
    assert remote.wait(1) == "S05"
    assert server.commands[-6:] == list(answers)


def test_run_length_encoding_and_escapes_are_undone(connect: Callable[[Answer], tuple[GdbRemote, Server]]) -> None:
    remote, _ = connect(lambda _: packet("0* 00"))
    assert remote.read_memory(0, 3) == bytes(3)  # `0* ` is a 0 and three more, two follow


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (packet("E01"), "failed"),
        (packet(""), "memory to read"),
        (packet("zz"), "failed"),
        (packet("00"), "no 2 bytes of memory"),
        (b"$0000#99", "damaged packet"),
        (b"close", "closed the connection"),
        (None, "does not answer"),
        (b"$00", "does not answer"),
    ],
)
def test_bad_answers_end_in_an_error(
    connect: Callable[[Answer], tuple[GdbRemote, Server]], reply: bytes | None, message: str
) -> None:
    remote, _ = connect(lambda _: reply)
    with pytest.raises(DeviceError, match=message):
        remote.read_memory(0, 2)


def test_waiting_ends_when_the_time_is_up(connect: Callable[[Answer], tuple[GdbRemote, Server]]) -> None:
    remote, _ = connect(lambda _: None)
    remote.resume()
    assert remote.wait(0.05) is None


def test_console_output_of_the_server_is_passed_over(connect: Callable[[Answer], tuple[GdbRemote, Server]]) -> None:
    remote, _ = connect(lambda _: packet("O48656c6c6f") + packet("W03"))
    remote.resume()
    assert remote.wait(1) == "W03"


def test_server_without_single_registers_or_writes_is_refused(
    connect: Callable[[Answer], tuple[GdbRemote, Server]],
) -> None:
    remote, _ = connect(lambda _: packet(""))
    with pytest.raises(DeviceError, match="refused 'Mff,1:00'"):
        remote.write_memory(0xFF, b"\0")
