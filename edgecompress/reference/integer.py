"""Our own NumPy integer operators as an executor: it runs wherever Python does, and is itself tested against TFLM."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edgecompress.codegen.folding import evaluate
from edgecompress.codegen.legacy import signed
from edgecompress.codegen.shape_arithmetic import is_known
from edgecompress.codegen.state import functional
from edgecompress.errors import DataError, EdgecompressError, ToolError
from edgecompress.reference.executor import Answer, Job, Tensors
from edgecompress.tflite import reader
from edgecompress.tflite.graph import ABSENT, Graph, Operation


class Integer:
    """Executor: the `reference` of every operator in `edgecompress.codegen.ops`."""

    name = "numpy"

    def available(self) -> str | None:
        """None: nothing is needed."""
        return None

    def run(self, model_path: Path, inputs: Sequence[Tensors], length: int = 1) -> list[dict[int, np.ndarray]]:
        """See `Executor.run`."""
        return run_sequences(reader.read(model_path), inputs, length)

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        answers = []
        for job in jobs:
            try:
                answers.append(Answer(tuple(self.run(job.model, job.inputs, job.length))))
            except EdgecompressError as error:
                answers.append(Answer(error=error))
        return answers


def run_sequences(graph: Graph, inputs: Sequence[Tensors], length: int) -> list[dict[int, np.ndarray]]:
    """Inferences of a Graph, from a fresh state after every `length`; errors as of `run_graph`."""
    graph = signed(functional(graph))
    outputs = []
    for number, sample in enumerate(inputs):
        if number % length == 0:
            states = {state.first: state.initial.copy() for state in graph.states}
        outputs.append(run_graph(graph, sample, states))
        states |= {state.first: outputs[-1][state.last] for state in graph.states if state.last != state.first}
    return outputs


def run_graph(graph: Graph, inputs: Tensors, states: Tensors | None = None) -> dict[int, np.ndarray]:
    """One inference of a Graph; returns every operator's output tensors.

    Works on any Graph, also a rewritten one that no file holds; of legacy uint8 the tensors between inputs and outputs are int8.

    Args:
        states: of a `functional` graph, by their first tensor; None: fresh ones. Those that an operator changes in place are
            changed here as well.

    Raises:
        DataError: inputs are missing or of another shape or dtype than the graph's.
        UnsupportedError: an operator, or a case of it, that the back end does not accept.
        ToolError: an operator's reference returned another shape or dtype than the graph says (a defect of ours).
    """
    graph = signed(functional(graph) if states is None and not graph.states else graph)
    constants: dict[int, np.ndarray] = {i: t.data for i, t in graph.tensors.items() if t.data is not None}
    kept = dict(states) if states is not None else {state.first: state.initial.copy() for state in graph.states}
    values = constants | kept | {index: checked_input(graph, index, inputs) for index in graph.inputs}
    written: dict[int, np.ndarray] = {}
    for operation in graph.operations:
        known = with_constants(graph, operation, constants)
        operands = [None if i == ABSENT else values[i] for i in operation.inputs]
        results = checked_results(graph, operation, evaluate(known, operation, operands))
        written |= results
        values |= results
        if is_known(known, operation):
            constants |= results
    return written


def with_constants(graph: Graph, operation: Operation, constants: Tensors) -> Graph:
    """The graph as the operation sees it once shapes are folded: operands that hang on no input are constant."""
    computed = [i for i in operation.inputs if i in constants and not graph.tensors[i].is_constant]
    if not computed:
        return graph
    folded = {i: replace(graph.tensors[i], data=constants[i]) for i in computed}
    return replace(graph, tensors=MappingProxyType({**graph.tensors, **folded}))


def checked_input(graph: Graph, index: int, inputs: Tensors) -> np.ndarray:
    tensor = graph.tensors[index]
    if index not in inputs:
        raise DataError(f'no value for input tensor {index} "{tensor.name}"', found=f"values for {sorted(inputs)}")
    value = inputs[index]
    if value.shape != tensor.shape or value.dtype != tensor.dtype:
        raise DataError(
            f'input tensor {index} "{tensor.name}" must be {tensor.dtype} of shape {list(tensor.shape)}',
            found=f"{value.dtype} of shape {list(value.shape)}",
        )
    return value


def checked_results(graph: Graph, operation: Operation, results: Sequence[np.ndarray]) -> dict[int, np.ndarray]:
    """The results by tensor index, held to the shapes and dtypes of the graph."""
    checked = {}
    for index, value in zip(operation.outputs, results, strict=True):
        tensor = graph.tensors[index]
        if value.shape != tensor.shape or value.dtype != tensor.dtype:
            raise ToolError(
                f'the NumPy reference of operator {operation.index} {operation.opcode} gave tensor {index} "{tensor.name}"'
                f" another type than the graph's {tensor.dtype}{list(tensor.shape)}",
                found=f"{value.dtype}{list(value.shape)}",
            )
        checked[index] = value
    return checked
