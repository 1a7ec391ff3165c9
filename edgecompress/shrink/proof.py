"""The proof of a rewrite: every tensor that both graphs have holds the same bytes, on random and on hostile inputs.

Our NumPy operators run both graphs, as they are themselves held against TensorFlow Lite Micro; a graph that they cannot run is
run by TFLM's own interpreter. What is compared are not only the outputs: a wrong value that a later clamp hides is found too.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edgecompress.codegen import ops
from edgecompress.codegen.folding import fold_constants
from edgecompress.errors import EdgecompressError, UnsupportedError
from edgecompress.reference.compare import bytes_of
from edgecompress.reference.executor import Job, Tensors
from edgecompress.reference.inputs import filled_input, hostile_inputs, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.reference.tflm import Tflm
from edgecompress.shrink.size import work
from edgecompress.tflite import writer
from edgecompress.tflite.graph import Graph

Run = Callable[[Graph, Sequence[Tensors]], list[Tensors]]

MOST_RANDOM, LEAST_RANDOM = 4, 1
"""Random inputs beside the hostile ones: fewer for large graphs."""
BUDGET = 2**26
"""Multiply-accumulates, about, that one step's random inputs may cost."""

MOST_SECONDS = 60
"""For TFLM's interpreter: operators that make no sense can keep it busy for ever."""


def proof_inputs(graph: Graph, seed: int = 0) -> list[dict[int, np.ndarray]]:
    """Random inputs, and all lowest, all highest, zero bits, the two in turn, and the zero point."""
    count = int(np.clip(BUDGET // max(work(graph), 1), LEAST_RANDOM, MOST_RANDOM))
    return [*random_inputs(graph, count, seed), *hostile_inputs(graph), filled_input(graph, "zero_point")]


class Proof:
    """A graph's values on some inputs, to hold the next one against.

    Attributes:
        executor: what runs the graphs, for the report.
        inputs: how many inputs.

    Raises:
        UnsupportedError: neither our operators nor TFLM's interpreter can run it.
    """

    def __init__(self, graph: Graph, inputs: Sequence[Tensors]) -> None:
        self.executor, self._run = _runner(graph)
        self.inputs = len(inputs)
        self._inputs = inputs
        self._graph = graph
        self._values: list[Tensors] | None = None  # until a rewrite has something to be held against

    def _first_values(self) -> list[Tensors]:
        """Of the graph as it came in. An interpreter may read what nobody wrote where an operator makes no sense."""
        values = self._run(self._graph, self._inputs)
        again = self._run(self._graph, self._inputs) if self.executor == Tflm.name else values
        for old, new in zip(values, again, strict=True):
            if any(_difference(old[index], new[index]) for index in old):
                raise UnsupportedError(f"{self.executor} gives other values every time that it runs the model")
        return values

    def step(self, after: Graph, kept: Mapping[int, np.ndarray]) -> str:
        """What is wrong with a rewritten graph, "" when nothing is; then the next step is held against it.

        Args:
            kept: tensor -> the channels that it keeps, of those that lost some.
        """
        before = self._values or self._first_values()
        try:
            values = self._run(after, self._inputs)
        except (EdgecompressError, ValueError, IndexError, KeyError, TypeError, AssertionError) as error:
            return f"the rewritten graph does not run: {type(error).__name__}: {error}"
        for number, (old, new) in enumerate(zip(before, values, strict=True)):
            if missing := [index for index in after.outputs if index not in new]:
                return f"output {missing[0]} is not computed any more"
            for index in sorted(old.keys() & new.keys()):
                expected = old[index][..., kept[index]] if index in kept else old[index]
                if problem := _difference(expected, new[index]):
                    name = after.tensors[index].name
                    return f'tensor {index} "{name}", input {number}: {problem}'
        self._values = values
        return ""


def _difference(expected: np.ndarray, found: np.ndarray) -> str:
    if (expected.shape, expected.dtype) != (found.shape, found.dtype):
        return f"{found.dtype}{list(found.shape)} instead of {expected.dtype}{list(expected.shape)}"
    unequal = bytes_of(expected) != bytes_of(found)
    return f"{np.count_nonzero(unequal):,} bytes differ" if unequal.any() else ""


def _runner(graph: Graph) -> tuple[str, Run]:
    try:
        problems = ops.missing(fold_constants(graph))
    except UnsupportedError as error:
        problems = [error.what]
    if not problems:
        return "our NumPy reference", lambda one, inputs: [run_graph(one, sample) for sample in inputs]
    if (reason := Tflm().available()) is None:
        return Tflm.name, run_by_tflm
    raise UnsupportedError("nothing here can run the model to prove a rewrite", found=f"{problems[0]}; {reason}")


def run_by_tflm(graph: Graph, inputs: Sequence[Tensors]) -> list[Tensors]:
    """Every operator's outputs, by the graph's own tensor indices."""
    (answer,) = run_files([graph], inputs)
    if isinstance(answer, EdgecompressError):
        raise answer
    return answer


def run_files(graphs: Sequence[Graph], inputs: Sequence[Tensors]) -> list[list[Tensors] | EdgecompressError]:
    """Writes graphs that have the same inputs as files and has TFLM's interpreter run them, in one process.

    Returns:
        For each graph every operator's outputs by the graph's own tensor indices, or the error that stopped it.
    """
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
        jobs = []
        for place, graph in enumerate(graphs):
            path = Path(folder) / f"{place}.tflite"
            path.write_bytes(writer.write(graph))
            numbers = writer.numbering(graph)
            given = [
                {numbers[i]: sample[j] for i, j in zip(graph.inputs, graphs[0].inputs, strict=True)}
                for sample in inputs
            ]
            jobs.append(Job(path, tuple(given)))
        results: list[list[Tensors] | EdgecompressError] = []
        for graph, answer in zip(graphs, Tflm(MOST_SECONDS).run_jobs(jobs), strict=True):
            if answer.error is not None:
                results.append(answer.error)
                continue
            back = {number: index for index, number in writer.numbering(graph).items()}
            results.append([{back[i]: values for i, values in sample.items()} for sample in answer.outputs])
    return results


def whole_proof(before: Graph, after: Graph, inputs: Sequence[Tensors]) -> str | None:
    """What TFLM's interpreter finds different in the outputs of two files; "": nothing; None: it cannot run the first."""
    old, new = run_files([before, after], inputs)
    if isinstance(old, EdgecompressError):
        return None
    if isinstance(new, EdgecompressError):
        return f"tflite-micro refuses the result: {new.found or new.what}"
    for number, (a, b) in enumerate(zip(old, new, strict=True)):
        for was, now in zip(before.outputs, after.outputs, strict=True):
            if problem := _difference(a[was], b[now]):
                return f'output "{before.tensors[was].name}", input {number}: {problem}'
    return ""
