"""Compares what two executors made of the same inputs, byte by byte, operator by operator."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgecompress.errors import ToolError
from edgecompress.reference.executor import Tensors
from edgecompress.tflite.graph import Graph, Operation


@dataclass(frozen=True)
class Difference:
    """One value that differs.

    Attributes:
        sample: which input, counted from 0.
        element: its place in the tensor, one number per dimension.
        a, b: the two values.
    """

    sample: int
    element: tuple[int, ...]
    a: float
    b: float


@dataclass(frozen=True)
class TensorComparison:
    """One output tensor of one operator, over all samples.

    Attributes:
        operator: the operator's index.
        opcode: its name.
        tensor: the tensor's index.
        name: the tensor's name.
        compared_bytes, differing_bytes: over all samples.
        largest: the largest absolute difference of two values; None when a float is NaN or infinite in one only.
        unit: what `largest` counts: "LSB" for integers, "real" for floats.
        first: the first value that differs, None when all are equal.
    """

    operator: int
    opcode: str
    tensor: int
    name: str
    compared_bytes: int
    differing_bytes: int
    largest: float | None
    unit: str
    first: Difference | None


@dataclass(frozen=True)
class Comparison:
    """All operators' output tensors of two executors over the same samples.

    Attributes:
        samples: how many inputs were run.
        tensors: in the operators' order.
        missing: (operator index, tensor index) of outputs that one of the two does not show.
    """

    samples: int
    tensors: tuple[TensorComparison, ...]
    missing: tuple[tuple[int, int], ...]

    @property
    def compared_bytes(self) -> int:
        return sum(tensor.compared_bytes for tensor in self.tensors)

    @property
    def differing_bytes(self) -> int:
        return sum(tensor.differing_bytes for tensor in self.tensors)

    @property
    def max_lsb(self) -> int:
        """The largest difference of two integers; 0 when there is none."""
        return max((int(t.largest) for t in self.tensors if t.unit == "LSB" and t.largest is not None), default=0)

    @property
    def first(self) -> TensorComparison | None:
        """The first operator's tensor that differs: what follows it may differ only because of it."""
        return next((tensor for tensor in self.tensors if tensor.differing_bytes), None)

    @property
    def exact(self) -> bool:
        """Every output of every operator was compared, and no byte differs."""
        return self.differing_bytes == 0 and not self.missing

    def as_values(self) -> dict[str, Any]:
        """Plain values for JSON: totals, and one entry per tensor."""
        return {
            "samples": self.samples,
            "exact": self.exact,
            "compared_bytes": self.compared_bytes,
            "differing_bytes": self.differing_bytes,
            "max_lsb": self.max_lsb,
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "missing": [{"operator": operator, "tensor": tensor} for operator, tensor in self.missing],
        }


def compare(graph: Graph, a: Sequence[Tensors], b: Sequence[Tensors]) -> Comparison:
    """Compare two executors' outputs of every operator.

    Args:
        graph: names the operators and their output tensors.
        a, b: one mapping per sample, as executors return them.

    Raises:
        ToolError: other numbers of samples, or a tensor whose shape or dtype differs.
    """
    if len(a) != len(b):
        raise ToolError("two executors returned different numbers of samples", found=f"{len(a)} and {len(b)}")
    compared: list[TensorComparison] = []
    missing: list[tuple[int, int]] = []
    states = {state.last for state in graph.states}  # of no file: what was assigned shows when it is read
    for operation in graph.operations:
        for index in operation.outputs:
            if index in states or graph.tensors[index].dtype.kind not in "biuf":
                continue
            if all(index in sample for sample in (*a, *b)):
                compared.append(compare_tensor(graph, operation, index, a, b))
            else:
                missing.append((operation.index, index))
    return Comparison(len(a), tuple(compared), tuple(missing))


def compare_tensor(
    graph: Graph, operation: Operation, index: int, a: Sequence[Tensors], b: Sequence[Tensors]
) -> TensorComparison:
    """Compare one tensor over all samples."""
    differing, largest, first = 0, 0.0, None
    for number, (left, right) in enumerate(zip(a, b, strict=True)):
        x, y = left[index], right[index]
        if x.shape != y.shape or x.dtype != y.dtype:
            raise ToolError(
                f"operator {operation.index} {operation.opcode}: two executors disagree about the type"
                f' of tensor {index} "{graph.tensors[index].name}"',
                found=f"{x.dtype}{list(x.shape)} and {y.dtype}{list(y.shape)}",
            )
        unequal = bytes_of(x) != bytes_of(y)
        if not unequal.any():
            continue
        differing += int(np.count_nonzero(unequal))
        if first is None:
            first = first_difference(number, x, y, unequal)
        distance = np.abs(x.astype(np.float64) - y.astype(np.float64))[unequal.any(axis=1).reshape(x.shape)]
        largest = max(largest, float(np.max(np.nan_to_num(distance, nan=np.inf))))
    return TensorComparison(
        operator=operation.index,
        opcode=operation.opcode,
        tensor=index,
        name=graph.tensors[index].name,
        compared_bytes=sum(sample[index].nbytes for sample in a),
        differing_bytes=differing,
        largest=largest if np.isfinite(largest) else None,
        unit="real" if graph.tensors[index].dtype.kind == "f" else "LSB",
        first=first,
    )


def bytes_of(array: np.ndarray) -> np.ndarray:
    """The array's bytes, one row per element."""
    return np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8)


def first_difference(sample: int, x: np.ndarray, y: np.ndarray, unequal: np.ndarray) -> Difference:
    place = int(np.argmax(unequal.any(axis=1)))
    element = tuple(int(i) for i in np.unravel_index(place, x.shape))
    return Difference(sample, element, x.reshape(-1)[place].item(), y.reshape(-1)[place].item())
