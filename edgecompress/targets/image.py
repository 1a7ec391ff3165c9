"""What a linked ELF holds: bytes of flash and RAM, symbols, and the segments that a loader writes."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from edgecompress.errors import ToolError

_WRITABLE, _ALLOCATED, _EXECUTABLE = 1, 2, 4  # SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """A function or object. `address` has no Thumb bit; `section` is the name of its output section."""

    name: str
    address: int
    size: int
    section: str


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Bytes that a loader writes to `address` (the load address) before reset."""

    address: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FlashUse:
    """Bytes of flash.

    code: `.vectors`, `.text` and any other executable section: all machine code, start-up and compiler support
        included, with its literal pools.
    constants: `.rodata`, the initial values of `.data` and any other loaded section: biases, multipliers, tables.
    weights: `.weights`: encoded weights with their codebooks.

    `.golden` (golden vectors and the inputs that a test harness brings) is in none of them, nor in `total`: no product
    ships it. `golden` says how large it is. Padding between two sections is in none of them either (a few bytes).
    """

    code: int
    constants: int
    weights: int
    golden: int

    @property
    def total(self) -> int:
        return self.code + self.constants + self.weights


@dataclass(frozen=True, kw_only=True)
class RamUse:
    """Bytes of RAM: `arena` (activations and scratch), `static` (`.data` and `.bss` without the arena), and the `stack`
    that the linker script reserves. What a program really uses of its stack is measured by running it."""

    arena: int
    static: int
    stack: int


@dataclass(frozen=True, kw_only=True)
class Image:
    """A linked program and where everything in it is. `entry` is the reset handler, `vectors` the vector table."""

    path: Path
    flash: FlashUse
    ram: RamUse
    symbols: Mapping[str, Symbol] = field(repr=False)
    segments: tuple[Segment, ...] = field(repr=False)
    vectors: int
    functions: tuple[Symbol, ...] = field(repr=False)

    def symbol(self, name: str) -> Symbol:
        """The symbol of this name; ToolError names the image when it has none."""
        if name not in self.symbols:
            raise ToolError(f"{self.path} has no symbol {name!r}", hint="was it optimised away or renamed?")
        return self.symbols[name]

    def symbol_at(self, address: int) -> str:
        """`function+offset` of the code at an address, or the bare address when no function holds it."""
        index = bisect_right(self.functions, address & ~1, key=lambda symbol: symbol.address) - 1
        if index >= 0:
            function = self.functions[index]
            offset = (address & ~1) - function.address
            if offset < max(function.size, 2):
                return f"{function.name}+{offset:#x}" if offset else function.name
        return f"{address:#010x}"

    def largest(self, count: int, *sections: str) -> tuple[Symbol, ...]:
        """The `count` largest symbols, of the named sections or of all, largest first."""
        chosen = [symbol for symbol in self.symbols.values() if not sections or symbol.section in sections]
        return tuple(sorted(chosen, key=lambda symbol: (-symbol.size, symbol.name))[:count])


def read(path: Path | str) -> Image:
    """Read a little-endian 32-bit Arm ELF that was linked with a script of `edgecompress.targets.linker`.

    Raises:
        ToolError: no such file, or no such ELF.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    path = Path(path)
    try:
        with path.open("rb") as stream:
            return _read(ELFFile(stream), path)
    except OSError as error:
        raise ToolError(f"{path} cannot be read", found=str(error.strerror)) from error
    except (
        ELFError,
        UnicodeDecodeError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        OverflowError,
    ) as error:
        raise ToolError(f"{path} is not an ELF file of a Cortex-M program", found=str(error)) from error


def _read(elf, path: Path) -> Image:  # type: ignore[no-untyped-def]  # pyelftools has no types
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32 or not elf.little_endian:
        raise ValueError(f"an ELF for {elf['e_machine']}")
    names = [section.name for section in elf.iter_sections()]
    symbols, functions = _symbols(elf, names)
    segments = tuple(
        Segment(address=segment["p_paddr"], data=segment.data())
        for segment in elf.iter_segments()
        if segment["p_type"] == "PT_LOAD" and segment["p_filesz"]
    )
    if not segments:
        raise ValueError("no bytes to load")
    vectors = elf.get_section_by_name(".vectors")
    flash, ram = _use(elf)
    return Image(
        path=path,
        flash=flash,
        ram=ram,
        symbols=MappingProxyType(symbols),
        segments=segments,
        vectors=vectors["sh_addr"] if vectors else min(segment.address for segment in segments),
        functions=functions,
    )


def _use(elf) -> tuple[FlashUse, RamUse]:  # type: ignore[no-untyped-def]
    """Every section that takes part in the program, whatever its name, is counted in exactly one place of each."""
    flash = {"code": 0, "constants": 0, "weights": 0, "golden": 0}
    ram = {"arena": 0, "static": 0, "stack": 0}
    for section in elf.iter_sections():
        flags, size = section["sh_flags"], section["sh_size"]
        if not flags & _ALLOCATED:
            continue
        name = section.name.removeprefix(".")
        if name in ram or (flags & _WRITABLE and name not in flash):
            ram[name if name in ram else "static"] += size
        if section["sh_type"] != "SHT_NOBITS" and name not in ram:
            code = flags & _EXECUTABLE or name == "vectors"
            flash[name if name in flash else "code" if code else "constants"] += size
    return FlashUse(**flash), RamUse(**ram)


def _symbols(elf, names: list[str]) -> tuple[dict[str, Symbol], tuple[Symbol, ...]]:  # type: ignore[no-untyped-def]
    """All named symbols, and the functions alone in order of address. A global symbol wins over a local one."""
    symbols: dict[str, Symbol] = {}
    functions: list[Symbol] = []
    table = elf.get_section_by_name(".symtab")
    for entry in table.iter_symbols() if table else ():
        kind, index = entry["st_info"]["type"], entry["st_shndx"]
        if not entry.name or kind in ("STT_FILE", "STT_SECTION") or entry.name.startswith("$"):
            continue
        code = kind == "STT_FUNC"
        symbol = Symbol(
            name=entry.name,
            address=entry["st_value"] & ~1 if code else entry["st_value"],
            size=entry["st_size"],
            section=names[index] if isinstance(index, int) else "",
        )
        if entry.name not in symbols or entry["st_info"]["bind"] != "STB_LOCAL":
            symbols[entry.name] = symbol
        if code:
            functions.append(symbol)
    return symbols, tuple(sorted(functions, key=lambda symbol: (symbol.address, symbol.name)))
