"""Flashing through a GDB remote: QEMU's own server, and a stub that has flash, keeps its rules, and can fail at will."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.device import gdb_remote
from edgecompress.device.gdb_port import open_gdb
from edgecompress.device.gdb_remote import escape
from edgecompress.device.places import read_place
from edgecompress.errors import DeviceError
from edgecompress.flash import flash, gdb_flash
from edgecompress.flash.gdb_flash import Area, blocks, read_map
from edgecompress.targets.image import Image, Segment

RunDir = Callable[..., Path]

MAP = (
    '<?xml version="1.0"?><!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN" "x.dtd">'
    '<memory-map><memory type="ram" start="0x20000000" length="0x40000"/>'
    '<memory type="flash" start="0x0" length="0x100000"><property name="blocksize">0x400</property></memory></memory-map>'
)


class Stub:
    """A debug server with a board: writes want erased flash, and take effect with vFlashDone only.

    Attributes:
        trouble: packet's beginning -> what is answered instead; None: nothing at all; b"close": the server goes away.
    """

    def __init__(self, trouble: dict[str, bytes | None] | None = None, memory_map: str = MAP) -> None:
        self.trouble = trouble or {}
        self.map = memory_map
        self.memory = bytearray(b"\x00" * 0x10000)
        self.staged: dict[int, bytes] = {}
        self.words = {0xE000ED00: 0x410FC241, 0x10000100: 0x52840}
        self.packets: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            with link:
                self._talk(link)

    def _talk(self, link: socket.socket) -> None:
        data = b""
        try:
            while chunk := link.recv(65536):
                data += chunk
                while found := re.search(rb"\$(.*?)#([0-9a-f]{2})", data, re.DOTALL):
                    data = data[found.end() :]
                    body = found[1]
                    assert b"%02x" % (sum(body) & 0xFF) == found[2]
                    answer = self._reply(body)
                    if answer == b"close":
                        return
                    if answer is not None:
                        link.sendall(b"+$" + answer + b"#%02x" % (sum(answer) & 0xFF))
        except OSError:
            return

    def _reply(self, body: bytes) -> bytes | None:
        self.packets.append(body)
        for start, answer in self.trouble.items():
            if body.startswith(start.encode()):
                return answer
        text = body.decode("latin-1")
        if text.startswith("qXfer:memory-map:read::"):
            offset, size = (int(n, 16) for n in text.split(":")[-1].split(","))
            part = self.map[offset : offset + size]
            return (("m" if offset + size < len(self.map) else "l") + part).encode() if self.map else b""
        if text == "QStartNoAckMode" or text.startswith("qRcmd,"):
            return b"OK"
        if text == "?":
            return b"S05"
        if text[0] == "m":
            address, size = (int(n, 16) for n in text[1:].split(","))
            if address in self.words:
                return self.words[address].to_bytes(4, "little").hex().encode()
            return bytes(self.memory[address : address + size]).hex().encode()
        if text[0] == "M":
            where, _, digits = text[1:].partition(":")
            address = int(where.split(",")[0], 16)
            self.memory[address : address + len(digits) // 2] = bytes.fromhex(digits)
            return b"OK"
        return self._flash(body)

    def _flash(self, body: bytes) -> bytes:
        if body.startswith(b"vFlashErase:"):
            address, size = (int(n, 16) for n in body[12:].split(b","))
            if address % 0x400 or size % 0x400:
                return b"E01"
            self.memory[address : address + size] = b"\xff" * size
            return b"OK"
        if body.startswith(b"vFlashWrite:"):
            where, _, data = body[12:].partition(b":")
            plain = re.sub(rb"}(.)", lambda m: bytes((m[1][0] ^ 0x20,)), data, flags=re.DOTALL)
            address = int(where, 16)
            if set(self.memory[address : address + len(plain)]) - {0xFF}:
                return b"E.memtype"
            self.staged[address] = plain
            return b"OK"
        if body == b"vFlashDone":
            for address, plain in self.staged.items():
                self.memory[address : address + len(plain)] = plain
            return b"OK"
        return b""


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    made = []

    def make(**options: object) -> Stub:
        made.append(Stub(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.listener.close()


@pytest.fixture
def elf(run_dir: RunDir, tmp_path: Path) -> Path:
    """Without vectors beside it: the stub runs no program."""
    shutil.copy(run_dir() / "firmware.elf", tmp_path / "a.elf")
    return tmp_path / "a.elf"


def put(elf: Path, server: Stub, **options: object) -> object:
    return flash(elf, target="nrf52840-dk", via="gdb", probe=f"127.0.0.1:{server.port}", **options)  # type: ignore[arg-type]


def test_flash_is_erased_by_blocks_written_and_finished_with_the_documented_packets(
    stub: Callable[..., Stub], elf: Path, image: Image
) -> None:
    server = stub()
    result = put(elf, server)
    for segment in image.segments:
        assert bytes(server.memory[segment.address :][: len(segment.data)]) == segment.data
    commands = [p for p in server.packets if p.startswith((b"vFlash", b"qRcmd"))]
    reset = b"qRcmd," + b"reset halt".hex().encode()
    size = -(-max(s.address + len(s.data) for s in image.segments) // 0x400) * 0x400
    assert commands[0] == reset
    assert commands[1] == f"vFlashErase:0,{size:x}".encode()
    assert commands[2] == b"vFlashWrite:0:" + escape(image.segments[0].data)
    assert commands[-2:] == [b"vFlashDone", reset]
    assert [step.name for step in result.steps if step.done] == [  # type: ignore[attr-defined]
        "connecting",
        "checking the chip",
        "erasing and writing",
        "verifying",
        "resetting",
    ]


def test_server_without_a_memory_map_gets_plain_writes(stub: Callable[..., Stub], elf: Path, image: Image) -> None:
    server = stub(memory_map="")
    put(elf, server)
    assert not any(p.startswith(b"vFlash") for p in server.packets)
    assert bytes(server.memory[:64]) == image.segments[0].data[:64]


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ({"vFlashErase": b"E05"}, "erasing and writing: the debug server did not do 'vFlashErase"),
        ({"vFlashErase": None}, "erasing and writing: the debug server did not do 'vFlashErase"),
        ({"vFlashWrite": b"E.memtype"}, "erasing and writing: the debug server did not do 'vFlashWrite"),
        ({"vFlashWrite": b""}, "erasing and writing: the debug server did not do 'vFlashWrite"),
        ({"vFlashWrite": b"close"}, "erasing and writing: the debug server closed the connection"),
        ({"vFlashDone": b"close"}, "erasing and writing: the debug server closed the connection"),
        ({"vFlashDone": None}, "erasing and writing: the debug server did not do 'vFlashDone'"),
        ({"mfc,": b"E01", "m0,": b"00" * 64}, "verifying: what the flash holds is not what was written"),
        ({"m0,": b"E01"}, "verifying: reading .* failed"),
        ({"mE000ED00".lower(): b"31c20f41"}, "checking the chip: the processor is no cortex-m4"),
        ({"m10000100": b"33280500"}, "checking the chip: the chip is no nRF52840"),
        ({"m10000100": b"E01"}, "checking the chip: reading .* failed"),
        ({"qRcmd": b""}, "connecting: the debug server cannot reset the core"),
        ({"qXfer:memory-map": b"close"}, "checking the chip: the debug server closed the connection"),
        ({"?": None}, "connecting: the debug server does not answer"),
    ],
)
def test_every_failure_of_the_server_names_the_step(
    stub: Callable[..., Stub],
    elf: Path,
    trouble: dict[str, bytes | None],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gdb_flash, "ERASE_SECONDS", 0.2)
    monkeypatch.setattr(gdb_flash, "WRITE_SECONDS", 0.2)
    monkeypatch.setitem(gdb_remote.GdbRemote.__init__.__kwdefaults__, "answer_seconds", 0.3)
    server = stub(trouble=trouble)
    with pytest.raises(DeviceError, match=message) as raised:
        put(elf, server)
    assert raised.value.exit_code == 14
    repeat = "run the same command again" in raised.value.hint
    assert repeat == message.startswith(("erasing", "verifying"))
    server.trouble.clear()
    put(elf, server)  # and then it works


def test_boot_rom_is_passed_with_a_hardware_breakpoint_before_anything_is_read(
    stub: Callable[..., Stub], elf: Path, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = image.symbol("Reset_Handler").address
    server = stub(trouble={f"Z1,{entry:x},2": b"OK", f"z1,{entry:x},2": b"OK", "c": b"T05"})
    for segment in image.segments:
        server.memory[segment.address : segment.address + len(segment.data)] = segment.data
    server.trouble["pf"] = entry.to_bytes(4, "little").hex().encode()
    place = read_place(f"gdb://127.0.0.1:{server.port}")
    target = replace(targets.find("nrf52840-dk"), boot="rp2350", register_writes=())
    open_gdb(place, target, image).close()
    at = [server.packets.index(f"{kind}1,{entry:x},2".encode()) for kind in "Zz"]
    assert at[0] < server.packets.index(b"c") < at[1]
    assert not any(packet.startswith(b"m") for packet in server.packets[: at[1]])
    server.trouble["pf"] = b"00010000"
    with pytest.raises(DeviceError, match="boot ROM does not start the program"):
        open_gdb(place, target, image)


def test_no_server_is_a_device_error(elf: Path, free_port: int) -> None:
    with pytest.raises(DeviceError, match="connecting: no debug server answers"):
        flash(elf, target="nrf52840-dk", via="gdb", probe=f"127.0.0.1:{free_port}")


def test_memory_map_is_read_and_hostile_ones_are_refused() -> None:
    assert read_map(MAP) == (Area(0, 0x100000, 0x400),)
    assert read_map("") == read_map("<memory-map/>") == ()
    for bad in (MAP.replace("0x400<", "0x0<"), MAP.replace("0x100000", "zz"), MAP.replace("0x400<", "0x333<")):
        with pytest.raises(DeviceError, match="memory map is damaged"):
            read_map(bad)


def test_blocks_cover_all_bytes_and_neighbours_are_erased_together() -> None:
    areas = (Area(0, 0x1000, 0x100), Area(0x8000, 0xA000, 0x1000))
    segments = [
        Segment(address=0x110, data=bytes(0x100)),
        Segment(address=0x2F0, data=bytes(4)),
        Segment(address=0x700, data=bytes(1)),
        Segment(address=0x8FFF, data=bytes(2)),
    ]
    assert blocks(areas, segments) == [(0x100, 0x200), (0x700, 0x100), (0x8000, 0x2000)]
    with pytest.raises(DeviceError, match="flash ends before"):
        blocks(areas, [Segment(address=0xFFF, data=bytes(2))])


@pytest.mark.needs("qemu-system-arm")
def test_qemu_is_loaded_through_its_debug_server_and_passes_the_selftest(
    run_dir: RunDir, tmp_path: Path, free_port: int
) -> None:
    folder, port = run_dir("cortex-m4"), free_port
    machine = targets.find("cortex-m4").cpu.qemu.machine
    empty = tmp_path / "empty.bin"
    empty.write_bytes(bytes(64))
    command = ("qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none")
    options = ("-S", "-gdb", f"tcp:127.0.0.1:{port}", "-semihosting-config", "enable=on,target=native")
    process = subprocess.Popen((*command, *options, "-kernel", str(empty)), stdin=subprocess.DEVNULL)
    try:
        result = _when_it_listens(lambda: flash(folder, via="gdb", probe=f"127.0.0.1:{port}"))
    finally:
        process.kill()
        process.wait()
    assert result.selftest == "passed"
    assert result.device.startswith("QEMU at")
    assert dict((s.name, s.detail) for s in result.steps)["erasing and writing"].startswith("0 bytes by vFlashWrite")


def _when_it_listens(act):  # type: ignore[no-untyped-def]
    end = time.monotonic() + 10
    while True:
        try:
            return act()
        except DeviceError as error:
            if "no debug server" not in error.what or time.monotonic() > end:
                raise
            time.sleep(0.05)
