"""From a graph to the buffers that an arena must hold, and when.

Constants live in flash and get no buffer. Graph inputs are there before step 0, graph outputs until the last step.
"""

from collections.abc import Mapping
from types import MappingProxyType

from edgecompress.errors import ModelFileError
from edgecompress.memory.plan import Buffer, scratch_key
from edgecompress.tflite.graph import ABSENT, Graph, Operation

DEFAULT_ALIGNMENT = 4
NONE: Mapping[int, int] = MappingProxyType({})


def lifetimes(
    graph: Graph,
    aliases: Mapping[int, int] = NONE,
    scratch: Mapping[int, int] = NONE,
    *,
    alignment: int = DEFAULT_ALIGNMENT,
) -> tuple[Buffer, ...]:
    """The buffers of a graph, in the order of their first step.

    Args:
        graph: a step is the place of an operation in `graph.operations`.
        aliases: output tensor → input tensor of the same operation with the very same bytes (RESHAPE); both become
            one buffer that lives as long as either.
        scratch: step → bytes needed during that step only.
        alignment: of every buffer, a power of two.

    Raises:
        ModelFileError: a tensor is read before it is written, or written twice.
        ValueError: an alias that the graph does not bear out: a defect of the caller.
    """
    spans = tensor_spans(graph)
    roots = _roots(graph, spans, aliases)
    members: dict[int, list[int]] = {}
    for key in sorted(spans):
        members.setdefault(roots[key], []).append(key)
    buffers = [
        Buffer(
            key=root,
            name=graph.tensors[root].name,
            size=max(graph.tensors[key].nbytes for key in keys),
            first=min(spans[key][0] for key in keys),
            last=max(spans[key][1] for key in keys),
            alignment=alignment,
            shared_with=tuple(key for key in keys if key != root),
        )
        for root, keys in members.items()
    ]
    for step, size in sorted(scratch.items()):
        if not 0 <= step < len(graph.operations):
            raise ValueError(f"scratch for step {step} of a graph with {len(graph.operations)} operations")
        if size > 0:
            name = f"scratch of {graph.operations[step].opcode} {step}"
            buffers.append(Buffer(scratch_key(step), name, size, step, step, alignment))
    return tuple(sorted(buffers, key=lambda buffer: (buffer.first, buffer.key)))


def tensor_spans(graph: Graph) -> dict[int, tuple[int, int]]:
    """First and last step of every activation, each tensor on its own.

    An output that nobody reads is alive during the step that writes it.
    """
    end = max(len(graph.operations) - 1, 0)
    spans = {key: (0, 0) for key in graph.inputs if not graph.tensors[key].is_constant}
    for step, operation in enumerate(graph.operations):
        for key in operation.inputs:
            if key == ABSENT or graph.tensors[key].is_constant:
                continue
            if key not in spans:
                raise _read_too_early(graph, operation, key)
            spans[key] = (spans[key][0], step)
        for key in operation.outputs:
            if key in spans or graph.tensors[key].is_constant:
                raise ModelFileError(
                    f'operator {operation.index} {operation.opcode} writes tensor {key} "{graph.tensors[key].name}"',
                    found="the tensor is a constant, a graph input, or written by an earlier operator",
                    hint="convert the model again: every tensor must be written once",
                )
            spans[key] = (step, step)
    for key in graph.outputs:
        if graph.tensors[key].is_constant:
            continue
        if key not in spans:
            raise ModelFileError(
                f'graph output {key} "{graph.tensors[key].name}" is never written',
                hint="convert the model again: the file may be damaged",
            )
        spans[key] = (spans[key][0], end)
    return spans


def _roots(graph: Graph, spans: Mapping[int, tuple[int, int]], aliases: Mapping[int, int]) -> dict[int, int]:
    """For every activation the tensor whose buffer it is kept in."""
    roots = {key: key for key in spans}
    for step, operation in enumerate(graph.operations):
        taken: set[int] = set()
        for output in operation.outputs:
            source = aliases.get(output)
            if source is None:
                continue
            where = f"{operation.opcode} {step}: tensor {output} cannot share with tensor {source}"
            if source not in operation.inputs or source not in spans:
                raise ValueError(f"{where}: it is no activation that the operation reads")
            if graph.tensors[output].nbytes != graph.tensors[source].nbytes:
                raise ValueError(f"{where}: they differ in size")
            roots[output] = roots[source]
            if roots[output] in taken:
                raise ValueError(f"{where}: another output does")
            taken.add(roots[output])
    unknown = sorted(set(aliases) - set(spans))
    if unknown:
        raise ValueError(f"no operation writes the sharing tensors {unknown}")
    return roots


def _read_too_early(graph: Graph, operation: Operation, key: int) -> ModelFileError:
    return ModelFileError(
        f'operator {operation.index} {operation.opcode} reads tensor {key} "{graph.tensors[key].name}"',
        found="nothing has written it by then",
        hint="convert the model again: its operators are not in order of execution, or the model keeps a state",
    )
