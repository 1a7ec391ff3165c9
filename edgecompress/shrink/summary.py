"""What shrinking did, in numbers: the report's records of it."""

from edgecompress.report.shrink_records import Shrinking, ShrinkItem, ShrunkLayer
from edgecompress.shrink.driver import Found, Shrunk
from edgecompress.shrink.size import counted_macs, weights_of
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Graph, Operation


def summary(shrunk: Shrunk) -> Shrinking:
    """The records, with the file and the device's outputs still unknown."""
    before, after = _totals(shrunk.before), _totals(shrunk.after)
    return Shrinking(
        operators_before=len(shrunk.before.operations),
        operators=len(shrunk.after.operations),
        macs_before=before[0],
        macs=after[0],
        weights_before=before[1],
        weights=after[1],
        layers=tuple(_layers(shrunk)),
        done=tuple(_record(found) for found in shrunk.done),
        left=tuple(_record(found) for found in shrunk.left),
        defects=shrunk.defects,
        reason=shrunk.reason or None,
        proof_inputs=shrunk.inputs if shrunk.done or shrunk.defects else None,
        proof_executor=shrunk.executor if shrunk.done or shrunk.defects else None,
        seconds=shrunk.seconds,
    )


def _record(found: Found) -> ShrinkItem:
    one = found.item
    return ShrinkItem(found.rewrite, one.operation, one.opcode, one.name, one.count, one.text)


def _totals(graph: Graph) -> tuple[int, int]:
    """(multiply-accumulates, weights) of all operations."""
    sizes = [_sizes(graph, operation) for operation in graph.operations]
    return sum(macs for macs, _ in sizes), sum(weights for _, weights in sizes)


def _sizes(graph: Graph, operation: Operation) -> tuple[int, int]:
    weights = weights_of(graph, operation)
    return counted_macs(graph, operation), weights.elements if weights is not None else 0


def _layers(shrunk: Shrunk) -> list[ShrunkLayer]:
    there = {operation.index: operation for operation in shrunk.after.operations}
    rows = []
    for operation in shrunk.before.operations:
        now = there.get(operation.index)
        old = _sizes(shrunk.before, operation)
        if now is None or weights_of(shrunk.before, operation) is None or _sizes(shrunk.after, now) == old:
            continue
        was, result = shrunk.before.results(operation)[0], shrunk.after.results(now)[0]
        macs, weights = _sizes(shrunk.after, now)
        channels = channels_of(was), channels_of(result)
        rows.append(ShrunkLayer(operation.index, operation.opcode, was.name, *channels, old[0], macs, old[1], weights))
    return rows
