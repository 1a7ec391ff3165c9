"""Thumb code to what a cycle model wants to know of each instruction: its kind and its registers."""

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "alu",
    "multiply",
    "multiply-accumulate",
    "multiply-long",
    "multiply-accumulate-long",
    "divide",
    "load",
    "load-pc",
    "load-pair",
    "load-many",
    "store",
    "store-pair",
    "store-many",
    "float-store",
    "float-divide",
    "float-multiply-add",
    "branch",
    "call",
    "system",
]

_CONDITIONS = "eq|ne|hs|cs|lo|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"

# In this order: the first pattern that matches the mnemonic (without .w, .f32, …) decides.
_KINDS: tuple[tuple[str, Kind], ...] = (
    (r"v?ldm|v?pop", "load-many"),
    (r"v?stm|v?push", "store-many"),
    (r"ldrd", "load-pair"),
    (r"strd", "store-pair"),
    (r"ldr", "load"),
    (r"str", "store"),
    (r"vldr", "load"),
    (r"vstr", "float-store"),
    (r"[su]div", "divide"),
    (r"vdiv|vsqrt", "float-divide"),
    (r"v(fma|fms|fnma|mla|mls|nmla)", "float-multiply-add"),
    (r"(s|u)mlal|umaal|smlsld", "multiply-accumulate-long"),
    (r"(s|u)mull", "multiply-long"),
    (r"ml[as]|smml[as]|sml|usada8", "multiply-accumulate"),
    (r"mul|sm|um", "multiply"),
    (rf"blx?$|bl({_CONDITIONS})$", "call"),
    (rf"(bx|cbn?z|tb[bh]|b({_CONDITIONS})?)$", "branch"),
    (r"(dsb|dmb|isb|mrs|msr)$", "system"),
)
_REGISTER = re.compile(r"\b(?:r\d+|sp|lr|pc|ip|fp|sl|sb|[sdq]\d+)\b")
_RANGE = re.compile(r"([a-z]+\d*)-([a-z]+)(\d+)")
_NAMES = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
_OVERWRITES = re.compile(r"v?mov(?!t)|mvn|[su]xt|rev|rbit|clz|adr|ldr|vldr|ldm|pop|v?neg|vabs|vcvt|vsqrt|mrs")
_WRITES_NOTHING = re.compile(r"cmp|cmn|tst|teq|str|st[lm]|push|v?st|vpush|vcmp|b$|cb|tb|it|nop|pld")
LOADS = ("load", "load-pc", "load-pair", "load-many")
STORES = ("store", "store-pair", "store-many", "float-store")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    first: the first operand, as text: a destination in most instructions. registers: how many a list (`{r4-r7, pc}`)
    holds, else 0. address: the registers inside the brackets and behind them; base: the first of those, "" without.
    indexed: the offset is a bare register. reads: all registers that it names and does not only write.
    """

    name: str
    kind: Kind
    first: str
    registers: int
    address: tuple[str, ...]
    base: str
    indexed: bool
    reads: frozenset[str]
    writes: str

    @property
    def is_memory(self) -> bool:
        return self.kind in LOADS or self.kind in STORES


def decode(code: bytes, address: int, decoder: Any) -> tuple[Instruction, ...]:
    """The instructions of a block of Thumb code. What capstone cannot decode is kept as an "alu" instruction."""
    found: list[Instruction] = []
    offset = 0
    while offset < len(code):
        for at, size, mnemonic, operands in decoder.disasm_lite(code[offset:], address + offset):
            found.append(describe(mnemonic, operands))
            offset = at - address + size
        if offset < len(code):
            found.append(describe("unknown", ""))
            offset += instruction_size(code[offset : offset + 2])
    return tuple(found)


def instruction_size(halfword: bytes) -> int:
    """2 or 4 bytes, from the first halfword of a Thumb instruction (ARMv7-M Architecture Reference Manual, A5.1)."""
    return 4 if halfword[1] >> 3 in (0b11101, 0b11110, 0b11111) else 2


def make_decoder() -> Any:
    """A capstone decoder for Cortex-M code, ARMv8-M included."""
    import capstone

    return capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)


@functools.lru_cache(maxsize=65536)
def describe(mnemonic: str, operands: str) -> Instruction:
    """What an instruction is, from capstone's text of it."""
    name = mnemonic.split(".")[0]
    kind = _kind(name, operands)
    first = operands.split(",")[0].strip()
    bracket = operands.find("[")
    within = operands[bracket:] if bracket >= 0 else ""
    address = tuple(_REGISTER.findall(within))
    silent = bool(_WRITES_NOTHING.match(name)) or kind in STORES or kind == "branch"
    in_place = operands.count(",") == 1 and not _OVERWRITES.match(name)  # `adds r1, #4` reads r1, too
    rest = operands if silent or in_place else operands.partition(",")[2]
    return Instruction(
        name=name,
        kind=kind,
        first=first,
        registers=_count(operands) if "{" in operands else 0,
        address=address,
        base=address[0] if address else "",
        indexed="," in within and "#" not in within,
        reads=frozenset(_REGISTER.findall(rest)),
        writes="" if silent else first,
    )


def _kind(name: str, operands: str) -> Kind:
    for pattern, kind in _KINDS:
        if re.match(pattern, name):
            if name.startswith("ldr") and kind == "load" and operands.startswith("pc"):
                return "load-pc"
            if name.startswith("vldr") and operands.startswith("d"):
                return "load-pair"
            return kind
    return "alu"


def _count(operands: str) -> int:
    """Registers in a list such as `{r4, r5-r7, lr}`."""
    inside = operands[operands.index("{") :].strip("{} ^")
    count = 0
    for part in inside.split(","):
        ranged = _RANGE.fullmatch(part.strip())
        count += int(ranged[3]) - _number(ranged[1]) + 1 if ranged else 1
    return count


def _number(register: str) -> int:
    digits = re.sub(r"\D", "", register)
    return int(digits) if digits else _NAMES.get(register, 0)
