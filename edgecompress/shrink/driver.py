"""Applies all rewrites until none finds anything, and proves every step: what is not proven is undone and said to be a defect."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgecompress.errors import EdgecompressError
from edgecompress.reference.tflm import Tflm
from edgecompress.shrink import REWRITES
from edgecompress.shrink.base import Facts, Item, Rewrite
from edgecompress.shrink.proof import Proof, proof_inputs, whole_proof
from edgecompress.shrink.size import too_large
from edgecompress.shrink.surgery import swept
from edgecompress.tflite.graph import ABSENT, Graph
from edgecompress.tflite.reader import OPAQUE

MOST_ROUNDS = 16
"""Each takes something out, or is the last; real models need two."""
MULTIPLE = 4
"""Kernels, ours and others, take four channels at a time: one to three left over cost more than as many that are superfluous."""
KEEPING_STATE = ("CALL_ONCE", "IF", "VAR_HANDLE", "WHILE")

UNEXPECTED = (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Found:
    """What a rewrite took out or left."""

    rewrite: str
    item: Item


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A graph, and what became of it.

    Attributes:
        before: as it came in.
        after: the same object where nothing could be taken out; tensors and operations keep their indices.
        done, left: what was taken out, and what could not be and why.
        defects: rewrites that failed or whose proof failed, and what was different; they are undone.
        reason: why nothing was tried; "".
        inputs: how many inputs every step was proven on.
        executor: by whom: "our NumPy reference".
        seconds: what it took.
    """

    before: Graph
    after: Graph
    done: tuple[Found, ...] = ()
    left: tuple[Found, ...] = ()
    defects: tuple[str, ...] = ()
    reason: str = ""
    inputs: int = 0
    executor: str = ""
    seconds: float = 0.0

    @property
    def changed(self) -> bool:
        return self.after is not self.before


def shrink(
    graph: Graph,
    *,
    multiple: int = MULTIPLE,
    rewrites: Sequence[Rewrite] = REWRITES,
    with_interpreter: bool = True,
    on_progress: Progress | None = None,
) -> Shrunk:
    """Takes out of a graph whatever its outputs do not need.

    Args:
        multiple: what the number of channels of a tensor that loses some must be a multiple of; 1 takes out all that can go.
        with_interpreter: where tflite-micro is installed, hold the result against the original there as well.

    Returns:
        The graph as it was, with a reason, where it is none that can be analysed or run here.
    """
    started = time.monotonic()
    if reason := refusal(graph):
        return Shrunk(graph, graph, reason=reason)
    try:
        inputs = proof_inputs(graph)
        proof = Proof(graph, inputs)
        result = _until_nothing_changes(Facts(graph, multiple), proof, rewrites, on_progress or (lambda *_: None))
    except EdgecompressError as error:  # nothing here can run the graph as it came in
        return Shrunk(graph, graph, reason=": ".join(filter(None, [error.what, error.found])))
    executor = proof.executor
    if with_interpreter and result.changed and Tflm().available() is None:
        problem = whole_proof(graph, result.after, inputs)
        if problem:  # which step it was is not known there: all are undone
            defects = (*result.defects, f"all rewrites: {problem}")
            result = Shrunk(graph, graph, left=result.left, defects=defects)
        executor += ", tflite-micro on both files" if problem is not None else ""
    return replace(result, inputs=proof.inputs, executor=executor, seconds=round(time.monotonic() - started, 3))


def refusal(graph: Graph) -> str:
    """Why a graph is left alone from the start; ""."""
    written = [graph.tensors[i] for operation in graph.operations for i in operation.outputs]
    if not any(tensor.type_name in ("INT8", "UINT8") for tensor in written):
        return "the model has no 8-bit operators"
    stateful = [operation.opcode for operation in graph.operations if operation.opcode in KEEPING_STATE]
    if stateful or any(tensor.is_variable for tensor in graph.tensors.values()):
        return f"the model keeps a state or calls other subgraphs ({', '.join(dict.fromkeys(stateful)) or 'variables'})"
    if any(not operation.outputs or operation.inputs[:1] in ((), (ABSENT,)) for operation in graph.operations):
        return "an operator has no input or no output"
    if any(graph.tensors[i].is_constant or i in graph.inputs for i in graph.outputs):
        return "an output of the model does not depend on it"
    if any(graph.tensors[i].is_constant for i in graph.inputs):
        return "an input of the model is a constant"
    used = {i for operation in graph.operations for i in operation.inputs if i != ABSENT}
    if opaque := [graph.tensors[i] for i in sorted(used) if graph.tensors[i].dtype is OPAQUE]:
        return f"an operator reads a tensor of type {opaque[0].type_name}"
    large = too_large(graph)
    return f"it is too large to be analysed here: {large}" if large else ""


def _until_nothing_changes(facts: Facts, proof: Proof, rewrites: Sequence[Rewrite], say: Progress) -> Shrunk:
    done: list[Found] = []
    left: dict[str, tuple[Found, ...]] = {}
    defects: dict[str, str] = {}
    graph = current = facts.graph
    for number in range(MOST_ROUNDS):
        before_round = current
        for place, rewrite in enumerate(rewrites):
            say("shrinking", number * len(rewrites) + place, (number + 2) * len(rewrites))
            if rewrite.name in defects:
                continue
            try:
                outcome = rewrite.apply(facts)
            except UNEXPECTED as error:  # one wrong rewrite must not keep a model from being built
                defects[rewrite.name] = f"it failed: {type(error).__name__}: {error}"
                continue
            left[rewrite.name] = tuple(Found(rewrite.name, item) for item in outcome.left)
            if outcome.graph is current:
                continue
            if problem := proof.step(outcome.graph, outcome.kept):
                defects[rewrite.name] = problem
                continue
            current = outcome.graph
            facts = Facts(current, facts.multiple)
            done += [Found(rewrite.name, item) for item in outcome.done]
        if current is before_round:
            break
    said = tuple(f"{name}: {problem}" for name, problem in defects.items())
    after = swept(current) if current is not graph else graph
    return Shrunk(graph, after, tuple(done), tuple(one for found in left.values() for one in found), said)
