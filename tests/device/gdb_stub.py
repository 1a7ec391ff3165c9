"""A debug server of our own in front of an emulated core: every packet is recorded, any answer can be spoilt."""

import socket
import threading
from collections.abc import Callable

from edgecompress.emulate.machine import Machine
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

Spoil = Callable[[str], bytes | None]


def packet(text: str) -> bytes:
    return f"${text}#{sum(text.encode()) & 0xFF:02x}".encode()


class Stub:
    """Listens on a free port of this computer; what OpenOCD would answer, it answers.

    Attributes:
        commands: packets as they came.
        spoil: asked first for each packet; raw bytes are sent instead of the answer, b"" is silence, b"close" hangs up.
        qemu: pretend to be QEMU.
        registers: the chip's peripherals, word by word.
    """

    def __init__(self, target: Target, image: Image, *, qemu: bool = False) -> None:
        self.machine = Machine(target, image)
        self.commands: list[str] = []
        self.registers: dict[int, int] = {}
        self.spoil: Spoil = lambda _: None
        self.qemu = qemu
        self.monitor_answer = packet("OK")
        self.pc = self.machine._pc
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.close()
        self._thread.join(2)

    def _serve(self) -> None:
        try:
            link, _ = self._server.accept()
        except OSError:
            return
        with link:
            self._talk(link)

    def _talk(self, link: socket.socket) -> None:
        data = b""
        while chunk := link.recv(65536):
            data += chunk
            while (start := data.find(b"$")) >= 0 and (stop := data.find(b"#", start)) >= 0 and len(data) >= stop + 3:
                command = data[start + 1 : stop].decode()
                data = data[stop + 3 :]
                self.commands.append(command)
                answer = self.spoil(command)
                if answer is None:
                    answer = self._answer(command)
                if answer == b"close":
                    return
                link.sendall(answer)

    def _answer(self, command: str) -> bytes:
        kind = command[0]
        if command == "QStartNoAckMode":
            return packet("OK")
        if command == "qqemu.sstepbits":
            return packet("ENABLE=1,NOIRQ=2,NOTIMER=4" if self.qemu else "")
        if command.startswith("qRcmd,"):
            self.machine.reset()
            self.pc = self.machine._pc
            return self.monitor_answer
        if kind == "?":
            return packet("T05")
        if kind in "mM":
            return self._memory(command)
        if command == "pf":
            return packet(self.pc.to_bytes(4, "little").hex())
        if command.startswith("Pf="):
            self.pc = int.from_bytes(bytes.fromhex(command[3:]), "little")
            return packet("OK")
        if kind in "PzZ":
            return packet("OK")
        if kind == "c":
            self.machine._pc = self.pc
            self.pc = self.machine.run().pc
            return packet("T05")
        return packet("")

    def _memory(self, command: str) -> bytes:
        place, _, data = command[1:].partition(":")
        address, size = (int(part, 16) for part in place.split(","))
        if address in self.registers and size == 4:
            if command[0] == "m":
                return packet(self.registers[address].to_bytes(4, "little").hex())
            self.registers[address] = int.from_bytes(bytes.fromhex(data), "little")
            return packet("OK")
        if command[0] == "m":
            return packet(self.machine.read_memory(address, size).hex())
        self.machine.write_memory(address, bytes.fromhex(data))
        return packet("OK")
