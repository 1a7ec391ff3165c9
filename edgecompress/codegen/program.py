"""From a graph to a program: every operation lowered to its kernel call, every activation placed in the arena."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from edgecompress.codegen import ops, variants
from edgecompress.codegen.features import PLAIN, Features
from edgecompress.codegen.folding import fold_constants
from edgecompress.codegen.legacy import signed
from edgecompress.codegen.ops.base import KernelCall, describe, printable
from edgecompress.codegen.padding import fold_paddings
from edgecompress.codegen.separation import separated
from edgecompress.codegen.state import functional, kept_tensors, with_copies
from edgecompress.codegen.zero_taps import crop_filters
from edgecompress.errors import UnsupportedError
from edgecompress.memory import Group, Plan, Sweep
from edgecompress.memory.choice import BALANCED, Task, Wish, choose
from edgecompress.memory.lifetimes import tensor_spans
from edgecompress.memory.sweep import Window
from edgecompress.tflite.graph import Graph, Operation

MOST_ELEMENTS = 2**23
"""Of an activation: sums over all its values stay within 32 bits, and no microcontroller holds more."""
MOST_OPERATORS = 2000
"""Of a model: several times those of the largest that microcontrollers run."""
MOST_ALIVE = 2**22
"""Sum over all steps of the squared number of tensors alive in it: what placing them takes."""
BORDER_TYPES = ("bool", "float32", "int16", "int32", "int8", "uint8")
"""Of inputs and outputs: what the header has a C type for."""


@dataclass(frozen=True)
class Layer:
    """One kernel call of the program.

    Attributes:
        index: its place among the layers; the C function is `<prefix>_layer_<index>`.
        step: its place among the graph's operations (aliases are steps, but no layers).
        operation: what it computes.
        call: how.
    """

    index: int
    step: int
    operation: Operation
    call: KernelCall


@dataclass(frozen=True, eq=False)
class Program:
    """A graph ready to be written as C.

    Attributes:
        graph: folded; the indices of tensors and operations are the file's.
        layers: in order of execution.
        plan: the place of every activation and scratch buffer.
        groups: of layers that take turns.
        wish: what the schedule was asked to be.
        whole_bytes: what the arena would need if every layer ran whole.
        reason: why this schedule.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    plan: Plan
    groups: tuple[Group, ...] = ()
    wish: Wish = BALANCED
    whole_bytes: int | None = None
    reason: str = ""

    @property
    def macs(self) -> int:
        return sum(macs(self.graph, layer.operation) for layer in self.layers)


DEFAULT_CHOICES: Mapping[int, int] = MappingProxyType({})


def lower(
    graph: Graph, features: Features = PLAIN, choices: Mapping[int, int] = DEFAULT_CHOICES, wish: Wish = BALANCED
) -> Program:
    """Folds, checks, lowers and plans.

    Args:
        wish: what the schedule is to be.
        choices: by step, which of `variants.candidates` computes it; the first where nothing is said.

    Raises:
        UnsupportedError: an operator is missing or used in a way that is not supported; names the first.
        DoesNotFitError: no schedule needs as little RAM as is wished.
        IndexError: a choice that is no candidate.
    """
    _check_integer(graph)
    _check_borders(graph)
    _check_count(graph)
    known = signed(fold_constants(functional(graph)))
    folded = with_copies(separated(crop_filters(fold_paddings(known))))
    _check_count(folded)  # a result each, now
    _check_sizes(folded)
    layers = layers_of(folded, features, choices)
    if not layers:
        raise UnsupportedError(
            "the model computes nothing", found=f"{len(graph.operations)} operators, none of which needs code"
        )
    _check_breadth(folded)
    return arrange(folded, layers, wish)


def arrange(graph: Graph, layers: tuple[Layer, ...], wish: Wish) -> Program:
    """A folded graph's kernel calls with the schedule that is wished, and their places in the arena.

    Raises:
        DoesNotFitError: no schedule needs as little RAM as is wished.
    """
    choice = choose(task_of(graph, layers), wish)
    return Program(graph, layers, choice.plan, choice.groups, wish, choice.whole_bytes, choice.reason)


def layers_of(graph: Graph, features: Features, choices: Mapping[int, int] = DEFAULT_CHOICES) -> tuple[Layer, ...]:
    """A folded graph's kernel calls; arguments and errors as of `lower`."""
    layers: list[Layer] = []
    for step, operation in enumerate(graph.operations):
        ops.check(graph, operation)
        call = _candidate(graph, operation, features, choices.get(step, 0))
        if call is not None:
            layers.append(Layer(len(layers), step, operation, call))
    return tuple(layers)


def task_of(graph: Graph, layers: Sequence[Layer]) -> Task:
    """What kernel calls mean for their schedule and their memory; an operation without one is an alias."""
    steps = {layer.step for layer in layers}
    # a new state is written whole, once nothing reads the old one any more
    banded = [layer for layer in layers if layer.call.band and layer.operation.outputs[0] not in kept_tensors(graph)]
    return Task(
        graph,
        {o.outputs[0]: o.inputs[0] for step, o in enumerate(graph.operations) if step not in steps},
        scratch={layer.step: layer.call.scratch_bytes for layer in layers if layer.call.scratch_bytes},
        sweeps={layer.step: stated_sweeps(layer.call) for layer in layers},
        macs={layer.step: macs(graph, layer.operation) for layer in layers},
        again={layer.step: layer.call.code.cycles for layer in layers if layer.call.code},
        bands={layer.step: partial(_band_scratch, layer.call.band) for layer in banded if layer.call.band},
    )


def _band_scratch(band: Callable[[Window], KernelCall], window: Window) -> int:
    return band(window).scratch_bytes


def stated_sweeps(call: KernelCall) -> dict[int, Sweep]:
    """Input tensor -> sweep; a tensor that is two operands needs a sweep of both, and both are the same then."""
    stated: dict[int, Sweep | None] = {}
    for tensor, sweep in zip(call.operands, call.sweeps, strict=False):
        stated[tensor.index] = sweep if stated.get(tensor.index, sweep) == sweep else None
    return {index: sweep for index, sweep in stated.items() if sweep is not None}


def _candidate(graph: Graph, operation: Operation, features: Features, number: int) -> KernelCall | None:
    for place, call in enumerate(variants.candidates(graph, operation, features)):
        if place == number:
            return call
    raise IndexError(f"{describe(graph, operation)}: there is no candidate {number}")


def macs(graph: Graph, operation: Operation) -> int:
    """Multiply-accumulates of one operation; 0 for operators without any, and for unknown ones."""
    return ops.find(operation.opcode).macs(graph, operation) if operation.opcode in ops.OPERATORS else 0


def _check_integer(graph: Graph) -> None:
    written = (i for operation in graph.operations for i in operation.outputs)
    kinds = {graph.tensors[i].dtype.kind for i in (*graph.inputs, *written)}
    if kinds == {"f"}:
        raise UnsupportedError(
            "the model is float, and only full-integer models run on the device",
            found=f"{len(graph.operations)} operators, all of them in floating point",
            hint="`edgecompress build model.h5 --data data.npz`, or the TFLite converter with int8 operators and samples",
        )


def _check_borders(graph: Graph) -> None:
    if not graph.inputs or not graph.outputs:
        raise UnsupportedError(
            "the model has no input or no output", found=f"{len(graph.inputs)} inputs, {len(graph.outputs)} outputs"
        )
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.dtype.name not in BORDER_TYPES:
            raise UnsupportedError(
                f'the input or output "{printable(tensor.name)}" has a type that is not supported',
                found=tensor.type_name,
            )
        if tensor.quantization is not None and len(tensor.quantization.scales) > 1:
            raise UnsupportedError(
                f'the input or output "{printable(tensor.name)}" must have one scale',
                found=f"{len(tensor.quantization.scales)} scales",
            )
    for index in graph.inputs:
        if graph.tensors[index].is_constant:
            raise UnsupportedError(f'the input "{printable(graph.tensors[index].name)}" is a constant')
    for index in graph.outputs:
        tensor = graph.tensors[index]
        if tensor.is_constant or index in graph.inputs:
            raise UnsupportedError(
                f'output "{printable(tensor.name)}" does not depend on the model',
                found="a constant or an input",
                hint="remove it from the model's outputs",
            )
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if len(set(indices)) != len(indices):
            names = ", ".join(printable(graph.tensors[i].name) for i in indices)
            raise UnsupportedError(f"an {kind} is listed twice", found=names)


def _check_count(graph: Graph) -> None:
    """Before anything that takes longer than reading the file did."""
    if len(graph.operations) > MOST_OPERATORS:
        raise UnsupportedError(
            f"a model may have at most {MOST_OPERATORS:,} operators", found=f"{len(graph.operations):,} operators"
        )


def _check_breadth(graph: Graph) -> None:
    """Before the arena is planned; every operator is known to be one that can be built."""
    breadth = Counter(step for first, last in tensor_spans(graph).values() for step in range(first, last + 1))
    if sum(count * count for count in breadth.values()) > MOST_ALIVE:
        raise UnsupportedError(
            "too many tensors are needed at the same time", found=f"{max(breadth.values()):,} of them alive at once"
        )


def _check_sizes(graph: Graph) -> None:
    kept = (state.first for state in graph.states)
    for index in sorted({*graph.inputs, *kept, *(i for operation in graph.operations for i in operation.outputs)}):
        tensor = graph.tensors[index]
        if not 1 <= tensor.elements <= MOST_ELEMENTS:
            raise UnsupportedError(
                f'tensor "{printable(tensor.name)}": activations must have 1 to {MOST_ELEMENTS:,} elements',
                found=f"shape {list(tensor.shape)}",
            )
