"""Modelled cycles: what a basic block costs on each core, with flash that never waits and a bus that nobody shares.

The cost of a block is the sum of its instructions, looked at in order, plus a refill of the pipeline each time that its
end is left by a branch. Everything is given three times: least, typical, most. How far to trust it is the confidence:

validated: checked against published measurements of real silicon (within -15 to +8 % on four networks).
table: after the tables in the manufacturer's manual or a published table; not checked on silicon here.
rough: no public table; a range made of simple assumptions, to be read as an order of magnitude.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgecompress.emulate.instructions import LOADS, Instruction
from edgecompress.errors import UnsupportedError

Confidence = Literal["validated", "table", "rough"]

_COMPUTED = ("alu", "multiply", "multiply-accumulate", "multiply-long", "multiply-accumulate-long")
_SINGLE_ACCESSES = ("load", "load-pair", "store", "store-pair", "float-store")


@dataclass(frozen=True, slots=True)
class Cycles:
    """Cycles at zero wait states: least, typical, most."""

    min: int
    typical: int
    max: int

    def __add__(self, other: "Cycles") -> "Cycles":
        return Cycles(self.min + other.min, self.typical + other.typical, self.max + other.max)

    def __mul__(self, times: int) -> "Cycles":
        return Cycles(self.min * times, self.typical * times, self.max * times)


NO_CYCLES = Cycles(0, 0, 0)


@dataclass(frozen=True)
class CycleModel:
    """The model of one core. `straight`: cycles of a block up to its end. `refill`: what a branch that ends it adds."""

    confidence: Confidence
    straight: Callable[[Sequence[Instruction]], Cycles]
    refill: Callable[[Instruction], Cycles]


def model_of(cpu: str) -> CycleModel:
    """The model of a CPU by its name; UnsupportedError where there is none (QEMU's cores are estimated as a whole)."""
    if cpu not in _MODELS:
        raise UnsupportedError(f"there is no cycle model of {cpu}", hint="models: " + ", ".join(sorted(_MODELS)))
    return _MODELS[cpu]


def estimate(instructions: int) -> Cycles:
    """Cortex-M55, from its number of instructions alone: between one cycle each (dual issue made up for stalls) and a
    beat pair and a stall for most (a 128-bit vector instruction takes two cycles of the 64-bit data path). Rough."""
    return Cycles(instructions, instructions * 3 // 2, instructions * 5 // 2)


def _cortex_m4(block: Sequence[Instruction]) -> Cycles:
    """Cortex-M4 Technical Reference Manual r0p1, table 3-1."""
    return _three_stage(block, _M4_COSTS)


def _cortex_m3(block: Sequence[Instruction]) -> Cycles:
    """Cortex-M3 Technical Reference Manual r2p1, table 3-1: the M4's pipeline with slower multiplications."""
    return _three_stage(block, _M3_COSTS)


_M4_COSTS: dict[str, Cycles] = {
    "load-pc": Cycles(2, 2, 2),
    "load-pair": Cycles(3, 3, 3),
    "store-pair": Cycles(3, 3, 3),
    "float-store": Cycles(2, 2, 2),
    "divide": Cycles(2, 7, 12),
    "float-divide": Cycles(14, 14, 14),
    "float-multiply-add": Cycles(3, 3, 3),
    "system": Cycles(2, 2, 2),
}
_M3_COSTS: dict[str, Cycles] = {
    **_M4_COSTS,
    "multiply-accumulate": Cycles(2, 2, 2),
    "multiply-long": Cycles(3, 4, 5),
    "multiply-accumulate-long": Cycles(4, 5, 7),
}
_ONE = Cycles(1, 1, 1)


def _three_stage(block: Sequence[Instruction], costs: dict[str, Cycles]) -> Cycles:
    """Loads take 2 cycles but hide one of them behind the load before, unless that delivers their address. An address
    that the instruction before computes costs one more; whatever register that names first is taken as its result.
    """
    total = NO_CYCLES
    previous: Instruction | None = None
    for now in block:
        after_load = previous is not None and previous.kind == "load"
        late_address = (
            previous is not None
            and previous.kind in _COMPUTED
            and now.kind in _SINGLE_ACCESSES
            and previous.first in now.address
        )
        if now.kind == "load":
            hidden = after_load and previous is not None and now.base != previous.first
            cost = _ONE if hidden else Cycles(2, 2, 2)
        elif now.kind == "store":
            cost = Cycles(2, 2, 2) if now.indexed and not after_load else _ONE
        elif now.kind in ("load-many", "store-many"):
            cost = _ONE * (1 + now.registers)
        else:
            cost = costs.get(now.kind, _ONE)
        total += cost + _ONE if late_address else cost
        previous = now
    return total


def _refill_three_stage(_: Instruction) -> Cycles:
    """P of the manuals: 1 to 3 cycles, by how the target is aligned and whether its address was known early."""
    return Cycles(1, 2, 3)


def _cortex_m0plus(block: Sequence[Instruction]) -> Cycles:
    """Cortex-M0+ Technical Reference Manual r0p1, table 3-1, with the single-cycle multiplier (as in the RP2040)."""
    cycles = 0
    for now in block:
        if now.kind in ("load", "store"):
            cycles += 2
        elif now.kind in ("load-many", "store-many"):
            cycles += 1 + now.registers
        elif now.kind == "system":
            cycles += 3
        else:
            cycles += 1
    return Cycles(cycles, cycles, cycles)


def _refill_m0plus(last: Instruction) -> Cycles:
    """A taken B, BX or BLX costs 2 cycles in all, BL 3, a POP of the program counter 2 more than its registers."""
    return Cycles(2, 2, 2) if last.name == "bl" or last.kind == "load-many" else _ONE


def _cortex_m33(block: Sequence[Instruction]) -> Cycles:
    """Single issue; a load or a multiplication delivers one cycle late (SLOTHY's table of the RP2350)."""
    least = stalls = dearer = 0
    previous: Instruction | None = None
    for now in block:
        if now.kind in ("load-many", "store-many"):
            least += max(1, now.registers)
            dearer += 1
        elif now.kind in ("load-pair", "store-pair"):
            least += 2
        elif now.kind == "divide":
            least, stalls, dearer = least + 2, stalls + 5, dearer + 4
        elif now.kind == "float-divide":
            least += 14
        elif now.kind == "float-multiply-add":
            least += 3
        else:
            least += 1
        if previous is not None and previous.writes in now.reads and _delivers_late(previous):
            stalls += 1
        previous = now
    return Cycles(least, least + stalls, least + stalls + dearer)


def _delivers_late(instruction: Instruction) -> bool:
    return instruction.kind == "load" or instruction.kind.startswith("multiply")


def _cortex_m7(block: Sequence[Instruction]) -> Cycles:
    """Least: two instructions a cycle, one of them at a multiplier. Typical: pairs in order, one memory access and one
    multiplication a cycle, loads and products a cycle late. Most: one at a time, loads two cycles late."""
    return Cycles(_dual_ideal(block), _dual_in_order(block), _single_slow(block))


def _words(now: Instruction) -> int:
    """64-bit accesses of an instruction."""
    return max(1, (now.registers + 1) // 2)


def _dual_ideal(block: Sequence[Instruction]) -> int:
    multiplies = sum(now.kind.startswith("multiply") for now in block)
    accesses = sum(_words(now) for now in block if now.is_memory)
    return max((len(block) + 1) // 2, multiplies, (accesses + 1) // 2)


def _dual_in_order(block: Sequence[Instruction]) -> int:
    cycle, issued = 0, [0, 0, 0]  # in this cycle: all, memory, multiplier
    ready: dict[str, int] = {}
    for now in block:
        need = max((ready.get(register, 0) for register in now.reads), default=0)
        memory, multiply = int(now.is_memory), int(now.kind.startswith("multiply"))
        full = issued[0] == 2 or issued[1] + memory > 1 or issued[2] + multiply > 1
        if need > cycle or full:
            cycle, issued = max(need, cycle + 1), [0, 0, 0]
        issued = [issued[0] + 1, issued[1] + memory, issued[2] + multiply]
        busy = {"divide": 7, "float-divide": 14}.get(now.kind, _words(now) if memory else 1) - 1
        if busy:
            cycle, issued = cycle + busy, [2, 1, 1]
        late = 1 if now.kind in LOADS or multiply or now.kind == "float-multiply-add" else 0
        if now.writes:
            ready[now.writes] = cycle + 1 + late
    return cycle + 1


def _single_slow(block: Sequence[Instruction]) -> int:
    cycles = 0
    previous: Instruction | None = None
    for now in block:
        cycles += {"divide": 12, "float-divide": 28, "float-multiply-add": 3}.get(now.kind, max(1, now.registers))
        if previous is not None and previous.writes in now.reads:
            cycles += 2 if previous.kind in LOADS else 1 if previous.kind.startswith("multiply") else 0
        previous = now
    return cycles


_MODELS: dict[str, CycleModel] = {
    "cortex-m0plus": CycleModel("table", _cortex_m0plus, _refill_m0plus),
    "cortex-m3": CycleModel("table", _cortex_m3, _refill_three_stage),
    "cortex-m4": CycleModel("validated", _cortex_m4, _refill_three_stage),
    "cortex-m33": CycleModel("table", _cortex_m33, lambda _: Cycles(1, 2, 3)),
    "cortex-m7": CycleModel("rough", _cortex_m7, lambda _: Cycles(0, 1, 4)),
}
