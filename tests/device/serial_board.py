"""The process that stands in for a board behind a UART, and lines that lose, damage and delay what goes over them."""

import os
import platform
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.device.serial_link import Line
from edgecompress.device.serial_port import PySerialLine
from edgecompress.targets.compilers import find_zig
from edgecompress.targets.image import FlashUse, Image, RamUse, Symbol

HERE = Path(__file__).parent
TOY = HERE.parent / "targets" / "toy"
SYMBOLS = ("ec_mailbox", "ec_mailbox_stop", "ec_fault_stop", "ec_fault", "ec_stack_low", "ec_stack_high")
SKIPPED = ("memory.c", "startup.c", "cycles.c", "uart.c")  # the firmware's; the process has its own
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the board is a 32-bit Linux process"
)


def build(folder: Path) -> Path:
    """The same C as in the firmware, as a static 32-bit program: its addresses fit the mailbox's words."""
    sources = {name: text for name, text in program_sources("serial").items() if name not in SKIPPED}
    sources |= {path.name: path.read_text() for path in sorted(TOY.iterdir())}
    sources |= {"serial_device.c": (HERE / "serial_device.c").read_text()}
    for name, text in sources.items():
        (folder / name).write_text(text)
    zig = find_zig()
    defines = {**program_defines(), "EC_SERIAL": "1", "TOY_TROUBLE": "extern void test_trouble(void); test_trouble()"}
    command = [zig.program, "cc", "-target", "x86-linux-musl", "-static", "-O1", "-fno-sanitize=all", "-I."]
    command += [f"-D{name}={value}" for name, value in defines.items()]
    command += [
        "-o",
        "board",
        *sorted(name for name in sources if name.endswith(".c") and not name.startswith("golden")),
    ]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **zig.environment})
    return folder / "board"


def image_of(program: Path) -> Image:
    """Its symbols, as the host's side wants them."""
    from elftools.elf.elffile import ELFFile

    with program.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        symbols = {
            s.name: Symbol(name=s.name, address=s["st_value"], size=s["st_size"], section="")
            for s in table.iter_symbols()
        }
    wanted = {name: symbols[name] for name in SYMBOLS}
    return Image(
        path=program,
        flash=FlashUse(code=0, constants=0, weights=0, golden=0),
        ram=RamUse(arena=0, static=0, stack=0),
        symbols=wanted,
        segments=(),
        vectors=0,
        functions=(),
    )


class Board:
    """The process on a pseudo-terminal. `path` is what a user would give to `--on serial://`."""

    def __init__(self, program: Path, **environment: str) -> None:
        self.master, self._slave = os.openpty()
        self.path = os.ttyname(self._slave)
        line = PySerialLine(self.path, 115200)  # raw, before the first byte
        self.process = subprocess.Popen(
            [str(program)], stdin=self.master, stdout=self.master, env={**os.environ, **environment}
        )
        self.line: Line = line

    def unplug(self) -> None:
        self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self._slave):
            os.close(descriptor)
        self.master = self._slave = -1

    def close(self) -> None:
        self.line.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)


class NoisyLine:
    """A line that loses bytes, damages them, puts others in between, and holds them back.

    Which bytes it spoils depends on their number in their direction alone, never on when they come or in which pieces.
    """

    def __init__(
        self,
        line: Line,
        seed: int,
        *,
        lose: float = 0.0,
        damage: float = 0.0,
        insert: float = 0.0,
        hold: float = 0.0,
    ) -> None:
        self.line, self.baud = line, line.baud
        self._to_host, self._to_device, self._pieces = (random.Random(3 * seed + k) for k in range(3))
        self._rates = lose, damage, insert
        self._hold, self._held = hold, b""
        self.spoilt = 0

    def read(self, seconds: float) -> bytes:
        data = self._held or self._spoil(self.line.read(seconds), self._to_host)
        self._held = b""
        if len(data) > 1 and self._pieces.random() < self._hold:
            half = self._pieces.randrange(1, len(data))
            data, self._held = data[:half], data[half:]
        return data

    def write(self, data: bytes) -> None:
        self.line.write(self._spoil(data, self._to_device))

    def close(self) -> None:
        self.line.close()

    def _spoil(self, data: bytes, noise: random.Random) -> bytes:
        lose, damage, insert = self._rates
        out = bytearray()
        for byte in data:
            chance = noise.random()
            if chance < lose:
                self.spoilt += 1
                continue
            if chance < lose + damage:
                self.spoilt += 1
                byte ^= 1 << noise.randrange(8)
            out.append(byte)
            if noise.random() < insert:
                self.spoilt += 1
                out.append(noise.randrange(256))
        return bytes(out)
