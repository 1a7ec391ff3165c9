"""What shrinking did, in words and rows: the same for the terminal and for the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edgecompress.report import format as fmt
from edgecompress.report.shrink_records import OriginalOutputs, Shrinking, ShrinkItem


@dataclass(frozen=True)
class ShrinkRow:
    """A layer that lost something, as text."""

    index: str
    op: str
    name: str
    channels: str
    macs: str
    weights: str


def shrunk_value(record: Shrinking) -> str:
    """What is left of the multiply-accumulates, or why nothing was taken out."""
    if record.file is None:
        return "nothing could be taken out" if record.reason is None else "not tried"
    return f"{fmt.number(record.macs)} of {fmt.number(record.macs_before)} MACs"


def shrunk_remark(record: Shrinking) -> str:
    """The weights, what was taken out, and the outputs against the model as it came in."""
    if record.reason is not None:
        return record.reason
    if record.file is None:
        return ""
    words = [f"{fmt.number(record.weights)} of {fmt.number(record.weights_before)} weights", *done_words(record)]
    if record.outputs is not None:
        words.append(outputs_words(record.outputs))
    return "; ".join(words)


def done_words(record: Shrinking) -> list[str]:
    """ "1,702 constant channels", one for every rewrite that found something."""
    return [f"{fmt.number(count)} {name}" for name, count in _counted(record.done).items()]


def outputs_words(found: OriginalOutputs) -> str:
    """The device against the model as it came in."""
    return (
        f"{fmt.plural(found.differing_bytes, 'output byte')} unlike the model as it came in"
        f" ({fmt.plural(found.inputs, 'input')}, against {found.reference})"
    )


def _counted(items: Sequence[ShrinkItem]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in items:
        counts[one.rewrite] += one.count
    return counts


def left_lines(record: Shrinking) -> list[str]:
    """What could not be taken out, together by the reason."""
    counts: Counter[tuple[str, str]] = Counter()
    for one in record.left:
        counts[one.rewrite, one.text] += one.count
    return [f"left: {fmt.number(count)} {rewrite}: {text}" for (rewrite, text), count in counts.items()]


def shrink_rows(record: Shrinking) -> list[ShrinkRow]:
    """One row per layer that lost something."""
    return [
        ShrinkRow(
            str(layer.index),
            layer.op,
            layer.name,
            before_and_after(layer.channels_before, layer.channels),
            before_and_after(layer.macs_before, layer.macs),
            before_and_after(layer.weights_before, layer.weights),
        )
        for layer in record.layers
    ]


def before_and_after(before: int, after: int) -> str:
    return fmt.number(after) if before == after else f"{fmt.number(before)} -> {fmt.number(after)}"
