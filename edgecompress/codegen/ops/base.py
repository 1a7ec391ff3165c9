"""What the back end asks of every operator: which cases it accepts, its integer reference, its kernel call, its cost.

To add an operator: one file here with a subclass of `Operator`, its kernel in `runtime/kernels/`, a row in the table of
`codegen/ops/__init__.py`, and conformance cases (the suite fails without them).
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from edgecompress.errors import UnsupportedError
from edgecompress.memory.sweep import Sweep, Window
from edgecompress.tflite.graph import ABSENT, Graph, Operation, Tensor


@dataclass(frozen=True, eq=False)
class Array:
    """Values that the generated C keeps in flash.

    Attributes:
        values: one of int8, uint8, int16, int32, int64, float32; emitted in C order, flattened.
        is_weights: counted as weights, not as constants (tables, biases, multipliers).
    """

    values: np.ndarray
    is_weights: bool = False


@dataclass(frozen=True, eq=False)
class Blocks:
    """How a kernel computes some of its outputs at a time, with their weights in RAM: what a code of them is decoded into.

    Attributes:
        units: int8 [units, bytes], a multiple of 4 bytes: the weights of the fewest outputs that it takes at a time, in order.
        outputs: in a unit.
        weights: the field of the struct that points to them.
        counts: the fields that hold the number of outputs.
        steps: field -> elements from one unit to the next, of the other pointers.
        is_cheap: going over the input again costs next to nothing.
        sweep_cycles: that going over the input once more takes, roughly.
        finish: the function `ec_<finish>(words, bytes)` that makes decoded units what the kernel wants; "" where they are.
        by: the call of another kernel, which fetches the units one by one (`ec_units.h`) in place of this one, called for some of
            its outputs; then `weights`, `counts` and `steps` are empty.
        others: the same in another way, which may suit codes better.
        sizes: of each unit as a list, in bytes, where the kernel takes lists, one behind the other (`variants/lists.py`), int64
            [units]; None: it takes the units as they are.
        table: the field that points to the weights which lists name by their places.
        missing: outputs that the last unit has fewer than the others.
        most: units that the kernel takes at a time; 0: as many as there are.
        call: of the kernel that takes them, with blocks itself, where that is another one than with plain weights.
    """

    units: np.ndarray
    outputs: int
    weights: str
    counts: tuple[str, ...]
    steps: Mapping[str, int]
    finish: str = ""
    is_cheap: bool = False
    sweep_cycles: int = 0
    by: "KernelCall | None" = None
    others: "Callable[[], Blocks] | None" = None
    sizes: np.ndarray | None = None
    table: str = ""
    missing: int = 0
    most: int = 0
    call: "KernelCall | None" = None

    @property
    def unit_bytes(self) -> int:
        return self.units.shape[1]

    def block_bytes(self, units: int) -> int:
        """Of RAM that a block of so many units takes, the largest of them."""
        if self.sizes is None:
            return units * self.unit_bytes
        return int(np.add.reduceat(self.sizes, range(0, len(self.sizes), units)).max())


@dataclass(frozen=True, eq=False)
class Code:
    """Coded weights, decoded block by block into the layer's scratch, behind what its kernel needs of it.

    Attributes:
        name: of the codec.
        decoder: `ec_decode_<decoder>`; its struct, and its functions `_begin` and `_row` or `_lists`.
        parameters: the fields of its struct `ec_decode_<decoder>_params`.
        units: in a block; as many as there are: the kernel is called once, for all outputs.
        tables: where in the scratch the decoder makes its tables.
        weights: where in the scratch a block lies.
        cycles: that decoding all of it takes, roughly.
    """

    name: str
    decoder: str
    parameters: Mapping[str, int | Array]
    units: int
    tables: int
    weights: int
    cycles: int

    @property
    def arrays(self) -> dict[str, Array]:
        return {name: value for name, value in self.parameters.items() if isinstance(value, Array)}


@dataclass(frozen=True)
class KernelCall:
    """One call of a kernel: `ec_<kernel>(&parameters, operands…)`.

    Attributes:
        kernel: the function without `ec_`; its file is `runtime/kernels/ec_<source>.c`, its parameters are the
            struct `ec_<source>_params` of its header.
        parameters: the struct's fields by name: numbers, or arrays in flash.
        operands: the tensors handed over, in the C function's order, the output last; constants are emitted into flash.
        source: the file's stem where it is not the kernel's name (kernels of one family share a file).
        scratch_bytes: of the arena that the kernel needs while it runs, handed over as its last argument.
        band: the call for some rows of the output only, from the window over the rows that these need (of element-wise
            kernels: over that many elements); its weights are the same. None: it is only called for all.
        sweeps: how it goes over each operand that its output may overlap, in the operands' order; None: it may not.
        joins: its inputs, however many, are handed over as one array of pointers.
        blocks: how it runs with coded weights; None: it does not.
        code: the weights' code; None where they are in flash as the kernel reads them.
        clamp: (low, high) of the int8 output where the kernel knows no activation: `ec_clamp_bytes` goes over it afterwards.
        cycles_a_mac: of the layer's MACs, roughly, in one inference: what the choice between kernels goes by.
    """

    kernel: str
    parameters: Mapping[str, int | float | Array]
    operands: tuple[Tensor, ...]
    source: str = ""
    scratch_bytes: int = 0
    band: "Callable[[Window], KernelCall] | None" = field(default=None, compare=False)
    sweeps: tuple[Sweep | None, ...] = ()
    clamp: tuple[int, int] | None = None
    joins: bool = False
    blocks: Blocks | None = field(default=None, compare=False)
    code: Code | None = field(default=None, compare=False)
    cycles_a_mac: float = field(default=1.4, compare=False)

    @property
    def takes_scratch(self) -> bool:
        """Whether the kernel itself has use for scratch."""
        return (self.code.tables if self.code else self.scratch_bytes) > 0

    @property
    def file(self) -> str:
        return f"ec_{self.source or self.kernel}"

    @property
    def struct_name(self) -> str:
        return f"{self.file}_params"


class Operator(ABC):
    """All about one TFLite operator.

    Rules are methods named `rule_*` whose one-line docstring says what must hold; they return "" where it does,
    else what was found instead.
    """

    opcode: ClassVar[str]
    operands: ClassVar[tuple[int, int]] = (1, 1)
    """The fewest and the most inputs; those beyond the fewest may be absent."""
    options: ClassVar[tuple[str, ...]] = ()
    """The options that have no default."""
    is_alias: ClassVar[bool] = False
    """The output has the bytes of the first input: no code, no memory."""

    def rules(self) -> Iterator[tuple[str, Callable[[Graph, Operation], str]]]:
        """(text, check) of every rule, in the order of the class body."""
        seen = set()
        for owner in reversed(type(self).__mro__):
            for name in vars(owner):
                if name.startswith("rule_") and name not in seen:
                    seen.add(name)
                    method = getattr(self, name)
                    yield re.sub(r"\s+", " ", (method.__doc__ or "").strip()), method

    def result_count(self, operation: Operation) -> int:
        """How many results it has."""
        return 1

    def rule_operands(self, graph: Graph, operation: Operation) -> str:
        """the operands and results that TensorFlow Lite defines must be there"""
        fewest, most = self.operands
        complete = (
            fewest <= len(operation.inputs) <= most
            and ABSENT not in operation.inputs[:fewest]
            and len(operation.outputs) == self.result_count(operation)
        )
        return "" if complete else f"inputs {list(operation.inputs)}, outputs {list(operation.outputs)}"

    def rule_options(self, graph: Graph, operation: Operation) -> str:
        """the operator's own options must be there"""
        missing = [name for name in self.options if name not in operation.options]
        return f"no {', '.join(missing)}" if missing else ""

    def check(self, graph: Graph, operation: Operation) -> None:
        """Raises UnsupportedError with the first rule that does not hold."""
        for text, rule in self.rules():
            found = rule(graph, operation)
            if found:
                where = describe(graph, operation)
                raise UnsupportedError(
                    f"{where}: {text}", found=found, hint="`edgecompress inspect` lists what a model needs"
                )

    @abstractmethod
    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        """The outputs in TensorFlow Lite Micro's arithmetic, from the inputs' arrays (None for absent operands)."""

    @abstractmethod
    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """The plain kernel call, right on every processor; None for aliases."""

    def macs(self, graph: Graph, operation: Operation) -> int:
        """Multiply-accumulates of one inference; padding counts as if it were computed (the convention of the field)."""
        return 0


def describe(graph: Graph, operation: Operation) -> str:
    """'operator 4 RELU "layer/out"': the operator as error messages name it."""
    name = graph.tensors[operation.outputs[0]].name if operation.outputs else ""
    return f'operator {operation.index} {operation.opcode} "{printable(name)}"'


def printable(text: str) -> str:
    """Untrusted text, shortened and without control characters."""
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= 80 else clean[:77] + "..."


def types_of(graph: Graph, operation: Operation) -> str:
    """'INT8, INT8 -> INT8': the operand types as error messages show them."""
    inputs = ", ".join("-" if t is None else t.type_name for t in graph.operands(operation))
    outputs = ", ".join(t.type_name for t in graph.results(operation))
    return f"{inputs} -> {outputs}"
