"""The proof that device, TensorFlow Lite Micro and our own reference give the same bytes, operator by operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgecompress.codegen.legacy import as_signed, is_legacy, signed
from edgecompress.errors import EdgecompressError, NotExactError, UnsupportedError
from edgecompress.reference.compare import Comparison, compare
from edgecompress.reference.executor import Tensors
from edgecompress.reference.integer import Integer
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite.graph import Graph

SEQUENCES = 2
"""So that the second one shows whether resetting undoes what the first one left."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What every operator must give.

    Attributes:
        reference: who says so, for the report.
        outputs: one mapping per input: output tensor of every operator of the file -> its value.
        ours: our NumPy reference against tflite-micro; None where that is not installed.
        litert: LiteRT against the reference; None where it cannot run the model.
        litert_problem: why not, or "".
    """

    reference: str
    outputs: tuple[Tensors, ...]
    ours: Comparison | None
    litert: Comparison | None
    litert_problem: str = ""


def sequence_length(graph: Graph, samples: int) -> int:
    """How many samples follow one another before the state is a fresh one: models that keep one are run in two sequences."""
    is_stateful = any(o.opcode == "VAR_HANDLE" for o in graph.operations) or any(
        tensor.is_variable for tensor in graph.tensors.values()
    )
    return -(-samples // SEQUENCES) if is_stateful else 1


def expect(
    model: Path, graph: Graph, inputs: Sequence[Tensors], *, with_litert: bool = True, length: int = 1
) -> Expected:
    """Runs TensorFlow Lite Micro's interpreter where it is installed, our NumPy reference always, LiteRT beside them.

    TensorFlow Lite Micro knows no legacy uint8: there LiteRT is the reference where all its bytes are ours, and shown beside else.

    Args:
        length: of sequences.

    Raises:
        NotExactError: our reference differs from tflite-micro: a defect of ours.
        ModelFileError, UnsupportedError, ToolError: the model cannot be run.
    """
    is_unsigned, graph = is_legacy(graph), signed(graph)
    ours = Integer().run(model, inputs, length)
    outputs, agreement, reference = ours, None, "our NumPy reference"
    tflm = Tflm()
    if reason := tflm.available():
        reference += f" ({reason})"
    else:
        try:
            outputs = tflm.run(model, inputs, length)
        except UnsupportedError as error:
            reference += f" (tflite-micro refuses the model: {error.found or error.what})"
        else:
            reference = f"tflite-micro {_version('tflite-micro')}, and our NumPy reference"
            agreement = compare(graph, ours, outputs)
    if agreement is not None and not agreement.exact:
        raise not_exact(agreement, "our NumPy reference", "tflite-micro")
    litert, problem = (
        _litert(model, graph, inputs, outputs, length) if with_litert or is_unsigned else (None, "not asked for")
    )
    if is_unsigned and litert is not None and litert.exact:
        reference, agreement = f"LiteRT {_version('ai-edge-litert')} in uint8, and our NumPy reference", litert
    return Expected(reference, tuple(outputs), agreement, litert, problem)


def not_exact(comparison: Comparison, left: str, right: str) -> NotExactError:
    """The error that names the first operator whose bytes differ."""
    worst = comparison.first
    if worst is None:
        return NotExactError(
            f"{left} does not show every tensor that {right} shows", found=str(list(comparison.missing)[:4])
        )
    first = worst.first
    values = (
        f"; sample {first.sample}, element {list(first.element)}: {first.a:g} instead of {first.b:g}" if first else ""
    )
    return NotExactError(
        f'{left} differs from {right} first in operator {worst.operator} {worst.opcode} "{worst.name}"',
        found=f"{comparison.differing_bytes:,} of {comparison.compared_bytes:,} bytes{values}",
        hint="this is a defect: report it with the model",
    )


def _litert(
    model: Path, graph: Graph, inputs: Sequence[Tensors], outputs: Sequence[Tensors], length: int
) -> tuple[Comparison | None, str]:
    """LiteRT is shown beside the reference, never relied on: some foreign files it refuses, some end it."""
    litert = Litert()
    reason = litert.available()
    if reason is not None:
        return None, reason
    try:
        return compare(graph, as_signed(graph, litert.run(model, inputs, length), inputs), outputs), ""
    except EdgecompressError as error:
        return None, error.what + (f" ({error.found})" if error.found else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of unknown version"
