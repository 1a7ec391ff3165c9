"""The forms that a layer can take within a limit of RAM: which kernel, plain weights or which code of them, and in how many blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgecompress.codecs import LEAST_TABLE_BYTES, Encoded, codecs_within
from edgecompress.codecs.choice import Option
from edgecompress.codecs.coding import as_wanted, codable, coded, finish_of, ram_bytes
from edgecompress.codecs.options import Catalogue
from edgecompress.codegen.ops.base import Array, KernelCall
from edgecompress.codegen.program import Layer, Program, stated_sweeps, task_of
from edgecompress.memory.choice import Task
from edgecompress.memory.ways import Way, ways

TABLES = (2048, 1024, LEAST_TABLE_BYTES)
"""Bytes of RAM that a decoder's tables may take, to choose from: more of them mean fewer bytes of flash."""
FINISHING_CYCLES = 1.5
"""Of a decoded weight, to bring it into the kernel's order, roughly."""
MOST_BLOCKS = 16
"""Of a layer's weights, to choose from; and as many as there can be."""
GLUE_BYTES, STRUCT_BYTES = 80, 100
"""Of code that a call takes to decode its weights, beside the decoder, and of the parameters of a call, roughly."""


@dataclass(frozen=True, eq=False)
class Form:
    """One way to compute a layer.

    Attributes:
        call: its kernel, with the weights' code if they have one.
        option: what it takes, with decoding as often as the layer is called.
        ram: bytes of the arena that are alive meanwhile, at least.
        decoding: cycles of the option that decoding takes.
    """

    call: KernelCall
    option: Option
    ram: int
    decoding: int = 0


@dataclass(eq=False)
class Layers:
    """A program's layers, whose forms are asked for under several limits.

    Attributes:
        program: with plain weights.
        candidates: the kernels of each layer, by step, its own first.
        catalogue: of codes for its target.
    """

    program: Program
    candidates: Mapping[int, Sequence[KernelCall]]
    catalogue: Catalogue
    task: Task = field(init=False)
    _forms: dict[tuple[int, int], list[Form]] = field(default_factory=dict)
    _codes: dict[tuple[int, int], Mapping[str, Encoded]] = field(default_factory=dict)
    _ways: dict[tuple[object, ...], list[Way]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.task = task_of(self.program.graph, self.program.layers)
        self.candidates = {
            step: [one for call in calls for one in _in_every_way(call)] for step, calls in self.candidates.items()
        }

    def forms(self, layer: Layer, limit: int) -> list[Form]:
        """The best forms of a layer that keep to `limit` bytes; its own kernel with plain weights always is the first."""
        key = layer.step, limit
        if key not in self._forms:
            self._forms[key] = self._made(layer, limit)
        return self._forms[key]

    def _made(self, layer: Layer, limit: int) -> list[Form]:
        first, *others = (self._plain(layer, call) for call in self.candidates[layer.step])
        found = [first, *(form for form in others if form.ram <= limit)]
        for call in self.candidates[layer.step]:
            found += self._coded(layer, call, limit)
        return _undominated(found)

    def _plain(self, layer: Layer, call: KernelCall) -> Form:
        ram = min(way.bytes_with(call.scratch_bytes) for way in self._ways_of(layer.step, call, apart=False))
        return Form(call, Option("dense", plain_bytes(call), self._cycles(layer, call), {}), ram)

    def _coded(self, layer: Layer, call: KernelCall, limit: int) -> list[Form]:
        """The call in every codec: in the fewest blocks that are within the limit, with tables as large as that allows."""
        best: dict[str, Form] = {}
        for units, way in self._divisions(layer, call):
            assert call.blocks
            room = limit - way.bytes_with(call.scratch_bytes + call.blocks.block_bytes(units))
            for name, encoded in self._encoded(call, room).items():
                scratch = call.scratch_bytes + ram_bytes(call, encoded, units)
                option, decoding = self._option(layer, call, encoded, units, way)
                is_better = name not in best or _rank(option) < _rank(best[name].option)
                if is_better and way.bytes_with(scratch) <= limit:
                    made = coded(call, encoded, cycles=decoding // way.calls, units=units)
                    best[name] = Form(made, option, way.bytes_with(scratch), decoding)
        return list(best.values())

    def _divisions(self, layer: Layer, call: KernelCall) -> Iterator[tuple[int, Way]]:
        """(units in a block, a way to run the layer with such blocks)"""
        if call.blocks is None or call.blocks.call:
            return
        count = len(call.blocks.units)
        sizes = {-(-count // blocks) for blocks in range(1, MOST_BLOCKS + 1)} | {1}
        sizes = {size for size in sizes if size <= (call.blocks.most or count)}
        for units in [1] if call.blocks.is_cheap else sorted(sizes, reverse=True):
            for way in self._ways_of(layer.step, call, apart=units < count):
                yield units, way

    def _ways_of(self, step: int, call: KernelCall, *, apart: bool) -> list[Way]:
        sweeps = {key: replace(sweep, apart=apart or sweep.apart) for key, sweep in stated_sweeps(call).items()}
        key = step, tuple(sorted(sweeps.items())), call.band is None
        if key not in self._ways:
            bands = {s: band for s, band in self.task.bands.items() if s != step or call.band}
            task = replace(self.task, sweeps={**self.task.sweeps, step: sweeps}, bands=bands)
            self._ways[key] = ways(task, step, self.program.groups)
        return self._ways[key]

    def _encoded(self, call: KernelCall, room: int) -> Mapping[str, Encoded]:
        """The call's weights in every codec, with tables as large as there is room for, if there is any."""
        assert call.blocks
        tables = next((size for size in TABLES if size <= room), LEAST_TABLE_BYTES)
        key = id(call.blocks), tables
        if room >= 0 and key not in self._codes:
            found = replace(self.catalogue, codecs=codecs_within(tables)).encode(call.blocks.units)
            wanted = {name: as_wanted(call.blocks, e) for name, e in found.items() if e.decoder}
            self._codes[key] = {name: e for name, e in wanted.items() if e}
        return self._codes[key] if room >= 0 else {}

    def _option(self, layer: Layer, call: KernelCall, encoded: Encoded, units: int, way: Way) -> tuple[Option, int]:
        """What the form takes, and the cycles of that for decoding, of one decoding of all weights too."""
        assert call.blocks
        finishing = round(FINISHING_CYCLES * encoded.rows * encoded.taps) if finish_of(call.blocks, encoded) else 0
        once = self.catalogue.option(encoded, others=finishing)
        sweeps = -(-len(call.blocks.units) // units) - 1
        decoding = way.calls * once.cycles + sweeps * call.blocks.sweep_cycles + way.cost
        cycles = self._cycles(layer, call) + decoding
        glue = GLUE_BYTES * way.kinds + STRUCT_BYTES * (way.kinds - 1)
        return replace(once, bytes=once.bytes + _rest(call) + glue, cycles=cycles), decoding

    def _cycles(self, layer: Layer, call: KernelCall) -> int:
        """Of the layer with plain weights."""
        return round(call.cycles_a_mac * self.task.macs[layer.step])


def _in_every_way(call: KernelCall) -> list[KernelCall]:
    """The call with its weights in every order that codes may suit."""
    found = [call, made] if (made := codable(call)) is not call and call.blocks else [made]
    others = made.blocks.others if made.blocks else None
    return [*found, *([replace(made, blocks=others())] if others else [])]


def plain_bytes(call: KernelCall) -> int:
    """Of weights in flash, as the kernel reads them."""
    arrays = (v.values for v in call.parameters.values() if isinstance(v, Array) and v.is_weights)
    return sum(values.nbytes for values in arrays) + sum(t.nbytes for t in call.operands if t.is_constant)


def _rest(call: KernelCall) -> int:
    """Of weights that a code of the blocks leaves plain."""
    assert call.blocks
    if call.blocks.by:
        return plain_bytes(call.blocks.by)
    return plain_bytes(replace(call, parameters={**call.parameters, call.blocks.weights: 0, call.blocks.table: 0}))


def _rank(option: Option) -> tuple[int, int]:
    return option.bytes, option.cycles


def _undominated(forms: Sequence[Form]) -> list[Form]:
    """The first one, and of each decoder those that no other one of it beats in both bytes and cycles."""
    first, *others = forms
    kept = [first]
    for form in sorted(others, key=lambda one: _rank(one.option)):
        same = (one for one in kept if one.option.code.keys() <= form.option.code.keys())
        if all(one.option.cycles > form.option.cycles or one.option.bytes > form.option.bytes for one in same):
            kept.append(form)
    return kept
