"""The cycle model against code whose cycles were counted by hand from the manuals' tables.

P is the refill of a taken branch, 1 / 2 / 3 cycles on three-stage cores. Every function ends in a taken `bx lr`.
"""

from collections.abc import Callable

import pytest

from edgecompress import emulate, targets
from edgecompress.emulate import cycles, instructions
from edgecompress.errors import UnsupportedError
from edgecompress.targets.image import Image

Assembly = Callable[[str, str], Image]


LOOP = "movs r0, #100\n1: subs r0, #1\nbne 1b\nbx lr"  # 1 + 100 * 2 + 1 instructions, 99 + 1 taken branches
WORDS = "ldr r0, =words\n"  # a load of 2 cycles itself
END = "nop\nbx lr\n.pool"

# body, instructions, cycles without P, taken branches
HAND_COUNTED_M4 = {
    "empty loop": (LOOP, 202, 202, 100),
    "hidden loads": (WORDS + "nop\nldr r1, [r0]\nldr r2, [r0, #4]\nldr r3, [r0, #8]\n" + END, 7, 2 + 1 + 2 + 1 + 1 + 2, 1),
    "a load that gives an address is not hidden": (WORDS + "nop\nldr r1, [r0]\nldr r2, [r1]\n" + END, 6, 2 + 1 + 2 + 2 + 2, 1),
    "an address just computed costs one more": (WORDS + "adds r0, #4\nldr r1, [r0]\n" + END, 5, 2 + 1 + (2 + 1) + 2, 1),
    "stores": (WORDS + "nop\nmovs r2, #4\nnop\nstr r1, [r0]\nstr r1, [r0, r2]\n" + END, 8, 2 + 1 + 1 + 1 + 1 + 2 + 2, 1),
    "many registers": ("push {r4-r7, lr}\npop {r4-r7, pc}", 2, (1 + 5) + (1 + 5), 1),
    "pairs": (WORDS + "nop\nldrd r2, r3, [r0]\nstrd r2, r3, [r0]\n" + END, 6, 2 + 1 + 3 + 3 + 2, 1),
    "multiplications": ("mul r1, r0, r0\nmla r1, r0, r0, r1\nsmull r2, r3, r0, r0\nbx lr", 4, 4, 1),
    "a skipped conditional instruction takes its cycle": ("cmp r0, r0\nit ne\naddne r1, r1, #1\nbx lr", 4, 4, 1),
    "a branch that is not taken has no refill": ("cmp r0, r0\nbne 1f\nnop\n1: bx lr", 4, 4, 1),
    "call and return": ("push {r4, lr}\nbl 1f\npop {r4, pc}\n1: bx lr", 4, 3 + 1 + 1 + 3, 3),
}  # fmt: skip


@pytest.mark.parametrize("name", HAND_COUNTED_M4)
def test_cortex_m4_agrees_with_hand_counts(assembly: Assembly, name: str) -> None:
    body, count, straight, taken = HAND_COUNTED_M4[name]
    profile = emulate.profile(assembly("cortex-m4", body), targets.find("cortex-m4"), "measured")
    assert profile.instructions == count
    assert profile.cycles == cycles.Cycles(straight + taken, straight + 2 * taken, straight + 3 * taken)
    assert profile.confidence == "validated"


def test_divide_on_cortex_m4_depends_on_its_operands(assembly: Assembly) -> None:
    profile = emulate.profile(
        assembly("cortex-m4", "movs r1, #3\nsdiv r0, r0, r1\nbx lr"), targets.find("cortex-m4"), "measured"
    )
    assert profile.cycles == cycles.Cycles(1 + 2 + 1 + 1, 1 + 7 + 1 + 2, 1 + 12 + 1 + 3)


@pytest.mark.parametrize(
    ("body", "count", "total"),
    [
        (LOOP, 202, 1 + 100 + 99 * 2 + 1 + 2),
        (WORDS + "ldr r1, [r0]\nldr r2, [r0, #4]\nstr r2, [r0]\n" + END, 6, 2 + 2 + 2 + 2 + 1 + 2),
        ("push {r4, lr}\npop {r4, pc}", 2, (1 + 2) + (1 + 2 + 2)),
        ("push {r4, lr}\nbl 1f\npop {r4, pc}\n1: bx lr", 4, 3 + 3 + 2 + 5),
        ("muls r0, r1, r0\nbx lr", 2, 1 + 2),
    ],
)
def test_cortex_m0plus_agrees_with_hand_counts(assembly: Assembly, body: str, count: int, total: int) -> None:
    profile = emulate.profile(assembly("cortex-m0plus", body), targets.find("cortex-m0plus"), "measured")
    assert profile.instructions == count
    assert profile.cycles == cycles.Cycles(total, total, total)
    assert profile.confidence == "table"


def test_cortex_m3_multiplies_slower_than_m4(assembly: Assembly) -> None:
    body = "mul r1, r0, r0\nmla r1, r0, r0, r1\nsmull r2, r3, r0, r0\nsmlal r2, r3, r0, r0\nbx lr"
    profile = emulate.profile(assembly("cortex-m3", body), targets.find("cortex-m3"), "measured")
    assert profile.cycles == cycles.Cycles(1 + 2 + 3 + 4 + 1 + 1, 1 + 2 + 4 + 5 + 1 + 2, 1 + 2 + 5 + 7 + 1 + 3)


@pytest.mark.parametrize(
    ("body", "typical"),
    [
        (LOOP, 1 + 100 + 99 * 3 + 1 + 3),
        (WORDS + "nop\nldr r1, [r0]\nadds r1, #1\n" + END, 1 + 1 + 1 + (1 + 1) + 1 + 3),
        (WORDS + "nop\nldr r1, [r0]\nnop\nadds r1, #1\n" + END, 1 + 1 + 1 + 1 + 1 + 1 + 3),
        ("mul r1, r0, r0\nadds r1, #1\nbx lr", 1 + (1 + 1) + 3),
    ],
)
def test_cortex_m33_agrees_with_hand_counts(assembly: Assembly, body: str, typical: int) -> None:
    profile = emulate.profile(assembly("cortex-m33", body), targets.find("cortex-m33"), "measured")
    assert profile.cycles.typical == typical
    assert profile.cycles.min <= typical <= profile.cycles.max
    assert profile.confidence == "table"


def test_cortex_m7_pairs_independent_instructions_only(assembly: Assembly) -> None:
    def block(body: str) -> cycles.Cycles:
        profile = emulate.profile(assembly("cortex-m7", body * 20 + "bx lr"), targets.find("cortex-m7"), "measured")
        assert profile.confidence == "rough"
        assert profile.cycles.min <= profile.cycles.typical <= profile.cycles.max
        return profile.cycles

    independent, chained = block("adds r0, #1\nadds r1, #1\n"), block("adds r0, #1\nadds r0, #1\n")
    assert 20 <= independent.typical <= 23
    assert 40 <= chained.typical <= 43


def test_unknown_cpu_has_no_model() -> None:
    with pytest.raises(UnsupportedError, match="no cycle model of cortex-m55"):
        cycles.model_of("cortex-m55")


@pytest.mark.parametrize(
    ("text", "kind", "registers"),
    [
        (("ldr", "r0, [r1, #4]"), "load", 0),
        (("ldr", "pc, [r1]"), "load-pc", 0),
        (("vldr", "s0, [r1]"), "load", 0),
        (("vldr", "d0, [r1]"), "load-pair", 0),
        (("ldm.w", "r0!, {r1, r2, r4-r7, sb}"), "load-many", 7),
        (("push.w", "{r4, r5, r6, r7, r8, sb, sl, fp, lr}"), "store-many", 9),
        (("vpush", "{s16-s19}"), "store-many", 4),
        (("smlad", "r0, r1, r2, r0"), "multiply-accumulate", 0),
        (("smlal", "r0, r1, r2, r3"), "multiply-accumulate-long", 0),
        (("smull", "r0, r1, r2, r3"), "multiply-long", 0),
        (("smulbb", "r0, r1, r2"), "multiply", 0),
        (("vfma.f32", "s0, s1, s2"), "float-multiply-add", 0),
        (("bls", "#0x10"), "branch", 0),
        (("bl", "#0x10"), "call", 0),
        (("bic", "r0, r1, #3"), "alu", 0),
        (("cbnz", "r0, #0x10"), "branch", 0),
        (("msr", "primask, r0"), "system", 0),
        (("unknown", ""), "alu", 0),
    ],
)
def test_kinds_of_instructions(text: tuple[str, str], kind: str, registers: int) -> None:
    described = instructions.describe(*text)
    assert (described.kind, described.registers) == (kind, registers)


def test_code_that_no_disassembler_knows_is_still_counted() -> None:
    code = bytes.fromhex("00bf") + bytes.fromhex("ffffffff") + bytes.fromhex("00bf")
    assert len(instructions.decode(code, 0x100, instructions.make_decoder())) == 3
