"""Cases of variables: what an inference leaves for the next one, in every order of reading and assigning."""

from collections.abc import Callable

import numpy as np

from model_cases.case import LITERT_REFUSES, Case
from model_cases.network import Network

Q = (0.07, -11)
SHAPE = (1, 12)


class Streaming(Network):
    """A model with variables of one shape and quantization."""

    def __init__(self, dtype: str = "INT8", shape: tuple[int, ...] = SHAPE) -> None:
        super().__init__()
        self.quantization = Q if dtype == "INT8" else (0.01, 0)
        self.dtype, self.shape = dtype, shape

    def value(self, shape: tuple[int, ...] | None = None) -> int:
        return self.tensor(shape or self.shape, *self.quantization, dtype=self.dtype)

    def variable(self, name: str) -> int:
        handle = self.tensor([], dtype="RESOURCE")
        self.operator("VAR_HANDLE", [], [handle], "VarHandle", container="", sharedName=name)
        return handle

    def read(self, handle: int) -> int:
        value = self.value()
        self.operator("READ_VARIABLE", [handle], [value], "ReadVariable")
        return value

    def assign(self, handle: int, value: int) -> None:
        self.operator("ASSIGN_VARIABLE", [handle, value], [], "AssignVariable")

    def begin(self, **values: np.ndarray) -> None:
        """CALL_ONCE with what the variables begin with."""
        once = Network(self)
        for name, data in values.items():
            handle = once.tensor([], dtype="RESOURCE")
            once.operator("VAR_HANDLE", [], [handle], "VarHandle", container="", sharedName=name)
            constant = once.tensor(self.shape, *self.quantization, dtype=self.dtype, data=data)
            once.operator("ASSIGN_VARIABLE", [handle, constant], [], "AssignVariable")
        self.operator("CALL_ONCE", [], [], "CallOnce", initSubgraphIndex=self.subgraph(once))

    def joined(self, *values: int) -> int:
        result = self.value((*self.shape[:-1], len(values) * self.shape[-1]))
        self.operator("CONCATENATION", values, [result], "Concatenation", axis=-1, fusedActivationFunction="NONE")
        return result

    def part(self, value: int, first: int) -> int:
        """As many values as a variable holds, from `first` on."""
        result = self.value()
        begin, size = self.integers([0, first]), self.integers(self.shape)
        self.operator("SLICE", [value, begin, size], [result], "Slice")
        return result

    def added(self, a: int, b: int) -> int:
        result = self.value()
        self.operator("ADD", [a, b], [result], "Add", fusedActivationFunction="NONE")
        return result


def numbers(seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, shape)


def delay_line(dtype: str = "INT8") -> bytes:
    """What streaming convolutions do: the newest values behind the older ones."""
    model = Streaming(dtype)
    model.begin(line=numbers(1))
    line, x = model.variable("line"), model.value((1, 4))
    joined = model.value((1, 16))
    model.operator(
        "CONCATENATION", [model.read(line), x], [joined], "Concatenation", axis=1, fusedActivationFunction="NONE"
    )
    model.assign(line, model.part(joined, 4))
    return model.file([x], [joined])


def without_beginning(dtype: str = "INT8") -> bytes:
    """Nothing says what it begins with: the zero point."""
    model = Streaming(dtype)
    kept, x = model.variable("kept"), model.value()
    joined = model.joined(model.read(kept), x)
    model.assign(kept, x)
    return model.file([x], [joined])


def accumulator() -> bytes:
    """What is assigned is computed by the operator that reads the old value last."""
    model = Streaming()
    model.begin(total=numbers(2))
    total, x = model.variable("total"), model.value()
    y = model.added(model.read(total), x)
    model.assign(total, y)
    return model.file([x], [model.joined(y, x)])


def read_again() -> bytes:
    """What was read is used when another value has been assigned."""
    model = Streaming()
    model.begin(a=numbers(3))
    a, x = model.variable("a"), model.value()
    old = model.read(a)
    model.assign(a, model.added(x, x))
    new = model.read(a)
    return model.file([x], [model.joined(old, new, x)])


def exchanged() -> bytes:
    """Two variables that change places."""
    model = Streaming()
    model.begin(a=numbers(4), b=numbers(5))
    a, b, x = model.variable("a"), model.variable("b"), model.value()
    of_a, of_b = model.read(a), model.read(b)
    model.assign(a, model.added(of_b, x))
    model.assign(b, of_a)
    return model.file([x], [model.joined(of_a, of_b)])


def chained() -> bytes:
    """A value goes from one variable to the next in each inference."""
    model = Streaming()
    model.begin(a=numbers(6), b=numbers(7), c=numbers(8))
    a, b, c, x = model.variable("a"), model.variable("b"), model.variable("c"), model.value()
    of_a, of_b = model.read(a), model.read(b)
    model.assign(a, x)
    model.assign(b, of_a)
    y = model.joined(of_b, model.read(c))
    model.assign(c, of_b)
    return model.file([x], [y])


def twice() -> bytes:
    """Assigned twice in an inference, and read in between by another handle."""
    model = Streaming()
    model.begin(a=numbers(9))
    a, x = model.variable("a"), model.value()
    first = model.added(model.read(a), x)
    model.assign(a, first)
    second = model.read(model.variable("a"))
    model.assign(a, model.added(second, first))
    return model.file([x], [model.joined(first, second)])


def same_value() -> bytes:
    """One value goes into two variables, one of which is assigned itself as well."""
    model = Streaming()
    a, b, c, x = model.variable("a"), model.variable("b"), model.variable("c"), model.value()
    y = model.joined(model.read(a), model.read(b), model.read(c))
    doubled = model.added(x, x)
    model.assign(a, doubled)
    model.assign(b, doubled)
    model.assign(c, model.read(c))
    return model.file([x], [y])


def constant() -> bytes:
    """One variable that is only read, one that is always assigned the same."""
    model = Streaming()
    model.begin(table=numbers(10), flag=numbers(11))
    table, flag, x = model.variable("table"), model.variable("flag"), model.value()
    y = model.joined(model.added(model.read(table), x), model.read(flag))
    fixed = model.tensor(SHAPE, *Q, data=numbers(12))
    model.assign(flag, fixed)
    return model.file([x], [y])


def output_is_state() -> bytes:
    """What is assigned, and what was read, are outputs of the model."""
    model = Streaming()
    model.begin(a=numbers(13))
    a, x = model.variable("a"), model.value()
    old = model.read(a)
    new = model.added(x, x)
    model.assign(a, new)
    return model.file([x], [old, new])


ROWS: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
    ("READ_VARIABLE", "delay_line", delay_line),
    ("READ_VARIABLE", "read_again", read_again),
    ("READ_VARIABLE", "int16", lambda: delay_line("INT16")),
    ("ASSIGN_VARIABLE", "accumulator", accumulator),
    ("ASSIGN_VARIABLE", "exchanged", exchanged),
    ("ASSIGN_VARIABLE", "chained", chained),
    ("ASSIGN_VARIABLE", "twice", twice),
    ("ASSIGN_VARIABLE", "output_is_state", output_is_state),
    ("CALL_ONCE", "constant", constant),
)
UNSET = "it refuses variables that nothing sets before they are read"

CASES = (
    *(Case(operator, name, build) for operator, name, build in ROWS),
    Case("VAR_HANDLE", "without_beginning", without_beginning, LITERT_REFUSES, UNSET),
    Case("VAR_HANDLE", "without_beginning_int16", lambda: without_beginning("INT16"), LITERT_REFUSES, UNSET),
    Case("VAR_HANDLE", "same_value", same_value, LITERT_REFUSES, UNSET),
)
