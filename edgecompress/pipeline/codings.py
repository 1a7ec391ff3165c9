"""Which layers keep their weights coded in flash, in which code, and what that may take of the RAM."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from edgecompress.codecs.choice import choose
from edgecompress.codecs.costs import known_cpus
from edgecompress.codecs.options import Catalogue
from edgecompress.codegen import variants
from edgecompress.codegen.features import Features, features_of
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.program import Program, arrange, lower
from edgecompress.errors import DoesNotFitError
from edgecompress.memory.choice import Wish
from edgecompress.pipeline.forms import Form, Layers, plain_bytes
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target
from edgecompress.tflite.graph import Graph

MOST_TIMES = 6
"""So many times the cycles with plain weights may a model take, by estimate, for the sake of its size."""
CYCLES_A_BYTE = 400
"""That a byte less of flash may cost: the last ones can take more cycles than all others."""
CYCLES_A_BYTE_OF_RAM = 200
"""The same of the arena, which may grow for the sake of the flash."""
GROWTHS = (0, 1024, 1800, 2600, 3700)
"""Bytes by which codes may make the arena grow, to choose from: with what decoders take of the stack, 4 KB at most."""
FEWER = 0.9
"""The share of bytes of weights for which another kernel than the first is looked at."""
ATTEMPTS = 5
"""Plans can need more than each of their layers: so often is a lower limit tried."""

Say = Callable[[str, int, int], None]


def lower_for(graph: Graph, target: Target, wish: Wish, compiler: Name = "zig", say: Say = lambda *_: None) -> Program:
    """The program that a wish asks for.

    Raises:
        UnsupportedError, DoesNotFitError: as `lower`.
    """
    features = features_of(target.cpu, spends_flash=wish.spends_flash)
    plain = lower(graph, features, wish=wish)
    if not wish.codes_weights or target.cpu.name not in known_cpus():
        return plain
    layers = Layers(plain, _candidates(plain, features), Catalogue(target, compiler))
    return _smallest(layers, wish, say)


def _candidates(program: Program, features: Features) -> dict[int, list[KernelCall]]:
    """The kernels that are worth a look, by step: the first, and those with clearly fewer bytes of weights, or fewer cycles.

    Never the plain kernel, the last of them, behind others.
    """
    found: dict[int, list[KernelCall]] = {}
    for layer in program.layers:
        kept = found.setdefault(layer.step, [layer.call])
        for call in list(variants.candidates(program.graph, layer.operation, features))[1:-1]:
            assert call
            fewer = plain_bytes(call) < FEWER * min(map(plain_bytes, kept))
            if fewer or call.cycles_a_mac < min(one.cycles_a_mac for one in kept):
                kept.append(call)
    return found


@dataclass(frozen=True, eq=False)
class _Coding:
    """A form for every layer, with the sums of what they take."""

    forms: tuple[Form, ...]
    bytes: int
    cycles: int

    @property
    def ram(self) -> int:
        return max(form.ram for form in self.forms)


def _smallest(layers: Layers, wish: Wish, say: Say) -> Program:
    """The fewest bytes; the arena grows as far as it may and as that gains anything."""
    plain = layers.program
    if wish.ram_bytes is not None:
        return _within(layers, wish, wish.ram_bytes)
    limits = [plain.plan.arena_bytes + growth for growth in GROWTHS]
    found = []
    for number, limit in enumerate(limits):
        say("choosing codes of weights", number, len(limits))
        found.append(_coding(layers, limit))
    prices = [one.cycles + CYCLES_A_BYTE * one.bytes + CYCLES_A_BYTE_OF_RAM * one.ram for one in found]
    return _within(layers, wish, limits[prices.index(min(prices))])


def _within(layers: Layers, wish: Wish, limit: int) -> Program:
    """The program whose arena keeps to a limit, with a lower one for its layers where the plan needs more than any of them."""
    plain, wanted = layers.program, limit
    for _ in range(ATTEMPTS):
        calls = [form.call for form in _coding(layers, wanted).forms]
        if all(call.code is None for call in calls):
            break
        made = [replace(layer, call=call) for layer, call in zip(plain.layers, calls, strict=True)]
        try:
            program = arrange(plain.graph, tuple(made), Wish(ram_bytes=limit))
        except DoesNotFitError:
            wanted = min(wanted - (wanted - plain.plan.arena_bytes) // 2, wanted - 64)
            continue
        return replace(program, wish=wish, whole_bytes=plain.whole_bytes)
    return plain


def _coding(layers: Layers, limit: int) -> _Coding:
    """The fewest bytes whose every layer keeps to a limit of RAM."""
    forms = [layers.forms(layer, limit) for layer in layers.program.layers]
    plain = sum(first.option.cycles for first, *_ in forms)
    options = [[form.option for form in row] for row in forms]
    chosen = choose(options, "size", most_cycles=MOST_TIMES * plain, cycles_a_byte=CYCLES_A_BYTE)
    picked = tuple(
        next(form for form in row if form.option is option) for row, option in zip(forms, chosen.options, strict=True)
    )
    return _Coding(picked, chosen.bytes, chosen.cycles)
