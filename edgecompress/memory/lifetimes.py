"""From a graph to the buffers that an arena must hold, and when.

Constants live in flash and get no buffer. Graph inputs are there before step 0, graph outputs until the last step, states always.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from edgecompress.errors import ModelFileError
from edgecompress.memory.plan import Buffer, scratch_key
from edgecompress.memory.visits import Group
from edgecompress.tflite.graph import ABSENT, Graph, Operation

DEFAULT_ALIGNMENT = 4
NONE: Mapping[int, int] = MappingProxyType({})


def lifetimes(
    graph: Graph,
    aliases: Mapping[int, int] = NONE,
    scratch: Mapping[int, int] = NONE,
    *,
    groups: Sequence[Group] = (),
    alignment: int = DEFAULT_ALIGNMENT,
) -> tuple[Buffer, ...]:
    """The buffers of a graph, in the order of their first step.

    Args:
        graph: a step is the place of an operation in `graph.operations`.
        aliases: output tensor → input tensor of the same operation with the very same bytes (RESHAPE); both become
            one buffer that lives as long as either. So do a state's tensors: what an inference begins and ends with.
        scratch: step → bytes needed during that step only.
        groups: steps that take turns: what lives in one of them lives in all, and their inner tensors are kept in part.
        alignment: of every buffer, a power of two.

    Raises:
        ModelFileError: a tensor is read before it is written, or written twice.
        ValueError: an alias that the graph does not bear out: a defect of the caller.
    """
    spans = {key: _stretched(span, groups) for key, span in tensor_spans(graph).items()}
    kept = {key: size for group in groups for key, size in group.sizes.items()}
    roots = _joined(graph, _roots(graph, spans, aliases))
    members: dict[int, list[int]] = {}
    for key in sorted(spans):
        members.setdefault(roots[key], []).append(key)
    buffers = [
        Buffer(
            key=root,
            name=graph.tensors[root].name,
            size=max(kept.get(key, graph.tensors[key].nbytes) for key in keys),
            first=min(spans[key][0] for key in keys),
            last=max(spans[key][1] for key in keys),
            alignment=alignment,
            shared_with=tuple(key for key in keys if key != root),
        )
        for root, keys in members.items()
    ]
    for step in sorted(scratch):
        if not 0 <= step < len(graph.operations):
            raise ValueError(f"scratch for step {step} of a graph with {len(graph.operations)} operations")
    buffers += _scratch_buffers(graph, scratch, groups, alignment)
    return tuple(sorted(buffers, key=lambda buffer: (buffer.first, buffer.key)))


def _stretched(span: tuple[int, int], groups: Sequence[Group]) -> tuple[int, int]:
    first, last = span
    for group in groups:
        first = group.steps[0] if first in group.steps else first
        last = group.steps[-1] if last in group.steps else last
    return first, last


def _scratch_buffers(
    graph: Graph, scratch: Mapping[int, int], groups: Sequence[Group], alignment: int
) -> Iterator[Buffer]:
    """One buffer per step, and one for all steps of a group: only one of them runs at a time."""
    grouped = {step for group in groups for step in group.steps}
    scratch = {**scratch, **{step: size for group in groups for step, size in group.scratch.items()}}
    singles = [range(step, step + 1) for step in scratch if step not in grouped]
    for steps in sorted((*singles, *(group.steps for group in groups)), key=lambda steps: steps[0]):
        sizes = {step: scratch[step] for step in steps if scratch.get(step, 0) > 0}
        if sizes:
            first, *others = (scratch_key(step) for step in sizes)
            opcodes = " ".join(graph.operations[step].opcode for step in sizes)
            name = f"scratch of {opcodes} {'+'.join(map(str, sizes))}"
            yield Buffer(first, name, max(sizes.values()), steps[0], steps[-1], alignment, tuple(others))


def tensor_spans(graph: Graph) -> dict[int, tuple[int, int]]:
    """First and last step of every activation, each tensor on its own.

    An output that nobody reads is alive during the step that writes it.
    """
    end = max(len(graph.operations) - 1, 0)
    spans = {key: (0, 0) for key in graph.inputs if not graph.tensors[key].is_constant}
    spans |= {state.first: (0, end) for state in graph.states}
    for step, operation in enumerate(graph.operations):
        for key in operation.inputs:
            if key == ABSENT or graph.tensors[key].is_constant:
                continue
            if key not in spans:
                raise _read_too_early(graph, operation, key)
            spans[key] = (spans[key][0], max(spans[key][1], step))
        for key in operation.outputs:
            if key in spans or graph.tensors[key].is_constant:
                raise ModelFileError(
                    f'operator {operation.index} {operation.opcode} writes tensor {key} "{graph.tensors[key].name}"',
                    found="the tensor is a constant, a graph input, or written by an earlier operator",
                    hint="convert the model again: every tensor must be written once",
                )
            spans[key] = (step, step)
    for key in (*graph.outputs, *(state.last for state in graph.states)):
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


def _joined(graph: Graph, roots: dict[int, int]) -> dict[int, int]:
    """With one root for each state: its first tensor, which lives from the first step to the last."""
    homes = {roots[state.last]: state.first for state in graph.states}
    return {key: homes.get(root, root) for key, root in roots.items()}


def _read_too_early(graph: Graph, operation: Operation, key: int) -> ModelFileError:
    return ModelFileError(
        f'operator {operation.index} {operation.opcode} reads tensor {key} "{graph.tensors[key].name}"',
        found="nothing has written it by then",
        hint="convert the model again: its operators are not in order of execution, or the model keeps a state",
    )
