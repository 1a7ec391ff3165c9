"""Two reports side by side: what changed, and whether by more than the numbers' own spread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_line, print_table
from edgecompress.report.records import Interval, Report
from edgecompress.report.summary import title

SAME, BETTER, WORSE, CHANGED = "same", "better", "worse", "changed"
WITHIN, UNCLEAR = "within spread", "cannot be compared"


@dataclass(frozen=True)
class Change:
    """One number in both reports.

    Attributes:
        name: of the number.
        before, after: as they are written; "unknown" where a report does not say.
        change: the difference, in percent of `before` or in the metric's unit; "-" where there is none to tell.
        verdict: "same", "better", "worse", "changed" (neither good nor bad), "within spread", "cannot be compared".
    """

    name: str
    before: str
    after: str
    change: str
    verdict: str

    @property
    def beyond_spread(self) -> bool:
        return self.verdict in (BETTER, WORSE, CHANGED)


@dataclass(frozen=True)
class Comparison:
    """What differs from the first report to the second one.

    Attributes:
        before, after: titles of both.
        circumstances: what else differs (target, versions, flags, ...), so that numbers may differ because of it.
        changes: the totals.
        layers: cycles, or else instructions, of the layers that changed; empty if the layers are not the same ones.
    """

    before: str
    after: str
    circumstances: tuple[str, ...]
    changes: tuple[Change, ...]
    layers: tuple[Change, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """The totals that got worse beyond their spread."""
        return tuple(change for change in self.changes if change.verdict == WORSE)


def compare(before: Report, after: Report) -> Comparison:
    """Compare two runs.

    Counted and linked numbers (instructions, bytes) have no spread: any difference is real. Cycles and milliseconds
    differ if their ranges do not overlap, accuracies if their confidence intervals do not, which is cautious; two cycle
    counts of different kinds (measured, modelled) are not compared at all.
    """
    changes = [*_exact_changes(before, after), *_timing_changes(before, after), *_accuracy_changes(before, after)]
    return Comparison(
        title(before), title(after), _circumstances(before, after), tuple(changes), _layer_changes(before, after)
    )


def _exact_changes(before: Report, after: Report) -> list[Change]:
    numbers: list[tuple[str, Callable[[Report], int | None], Callable[[int | None], str], int]] = [
        ("flash, total", lambda r: r.flash.total, _bytes, -1),
        ("flash, code", lambda r: r.flash.code, _bytes, -1),
        ("flash, constants", lambda r: r.flash.constants, _bytes, -1),
        ("flash, weights", lambda r: r.flash.weights, _bytes, -1),
        ("RAM, total", lambda r: r.ram.total, _bytes, -1),
        ("RAM, arena", lambda r: r.ram.arena, _bytes, -1),
        ("RAM, stack", lambda r: r.ram.stack, _bytes, -1),
        ("MACs", lambda r: r.macs, _count, -1),
        ("instructions (counted)", lambda r: r.instructions, _count, -1),
        ("differing bytes", lambda r: r.bit_exact.differing_bytes, _count, -1),
    ]
    return [_exact(name, get(before), get(after), write, sign) for name, get, write, sign in numbers]


def _exact(name: str, before: int | None, after: int | None, write: Callable[[int | None], str], sign: int) -> Change:
    verdict = UNCLEAR
    if before is not None and after is not None:
        verdict = SAME if before == after else _judge(after - before, sign)
    return Change(name, write(before), write(after), _percent(before, after), verdict)


def _timing_changes(before: Report, after: Report) -> list[Change]:
    kinds = (before.cycles.kind, after.cycles.kind)
    kind = kinds[0] or kinds[1] or "unknown" if None in kinds or kinds[0] == kinds[1] else f"{kinds[0]}, {kinds[1]}"
    comparable = kinds[0] == kinds[1] is not None
    old, new = before.cycles, after.cycles
    cycles = _ranged(
        f"cycles ({kind})", (old.typical, old.min, old.max), (new.typical, new.min, new.max), _count, -1, comparable
    )
    slow, fast = before.milliseconds, after.milliseconds
    time = _ranged(
        f"latency ({kind})",
        (slow.typical, slow.min, slow.max),
        (fast.typical, fast.min, fast.max),
        fmt.milliseconds,
        -1,
        comparable,
    )
    return [cycles, time]


def _accuracy_changes(before: Report, after: Report) -> list[Change]:
    a, b = before.accuracy, after.accuracy
    unit = b.unit or a.unit
    sign = 0 if b.higher_is_better is None else 1 if b.higher_is_better else -1
    comparable = a.metric == b.metric and a.metric is not None
    metric = b.metric or a.metric or "accuracy"
    stages = [
        ("float", a.float_, a.float_interval, b.float_, b.float_interval),
        ("int8", a.int8, a.int8_interval, b.int8, b.int8_interval),
        ("device", a.device, a.device_interval, b.device, b.device_interval),
    ]
    return [
        _ranged(
            f"{metric}, {stage}",
            (old, *_ends(old_interval)),
            (new, *_ends(new_interval)),
            lambda value: fmt.metric(value, unit),
            sign,
            comparable,
            partial(_points, unit),
        )
        for stage, old, old_interval, new, new_interval in stages
    ]


Ranged = tuple[float | None, float | None, float | None]


def _ranged(
    name: str,
    before: Ranged,
    after: Ranged,
    write: Callable[[float | None], str],
    sign: int,
    comparable: bool,
    difference: Callable[[float | None, float | None], str] | None = None,
) -> Change:
    """A number with its range; without ranges nothing can be said unless the numbers are equal."""
    old, new = before[0], after[0]
    verdict = UNCLEAR
    if old is not None and new is not None and comparable:
        if before == after:
            verdict = SAME
        elif None not in before and None not in after:
            apart = before[2] < after[1] or after[2] < before[1]  # type: ignore[operator]
            verdict = _judge(new - old, sign) if apart else WITHIN
    change = (difference or _percent)(old, new) if comparable else fmt.BLANK
    return Change(name, write(old), write(new), change, verdict)


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)


def _judge(difference: float, sign: int) -> str:
    if not sign:
        return CHANGED
    return BETTER if difference * sign > 0 else WORSE


def _percent(before: float | None, after: float | None) -> str:
    if before is None or after is None or not before or before == after:
        return fmt.BLANK
    return f"{100 * (after - before) / before:+.1f} %"


def _points(unit: str | None, before: float | None, after: float | None) -> str:
    if before is None or after is None or before == after:
        return fmt.BLANK
    return fmt.difference(after - before, unit)


def _bytes(value: int | None) -> str:
    """Every byte: a comparison is about small differences."""
    return fmt.UNKNOWN if value is None else f"{value:,} B"


def _count(value: float | None) -> str:
    return fmt.UNKNOWN if value is None else fmt.number(round(value))


def _circumstances(before: Report, after: Report) -> tuple[str, ...]:
    """What differs besides the results."""
    pairs: list[tuple[str, object, object]] = [
        ("model", before.model.sha256, after.model.sha256),
        ("target", before.target, after.target),
        ("clock", before.milliseconds.clock_hz, after.milliseconds.clock_hz),
        ("runner", before.board.runner, after.board.runner),
        ("compiler", before.compiler or "", after.compiler or ""),
        ("compiler flags", " ".join(before.compiler_flags), " ".join(after.compiler_flags)),
        ("passes", ",".join(p.name for p in before.passes), ",".join(p.name for p in after.passes)),
        ("seed", before.seed, after.seed),
        ("test samples", before.accuracy.samples, after.accuracy.samples),
    ]
    names = sorted({*before.versions, *after.versions})
    pairs += [(f"version of {name}", before.versions.get(name), after.versions.get(name)) for name in names]
    return tuple(f"{name}: {_short(old)} -> {_short(new)}" for name, old, new in pairs if old != new)


def _short(value: object) -> str:
    text = fmt.UNKNOWN if value is None else str(value) or "none"
    return text if len(text) <= 60 else text[:12] + ".."


def _layer_changes(before: Report, after: Report) -> tuple[Change, ...]:
    """The layers whose counted instructions differ, or without those whose cycles do, the largest first."""
    if [layer.op for layer in before.layers] != [layer.op for layer in after.layers]:
        return ()
    counted = all(layer.instructions is not None for layer in (*before.layers, *after.layers))
    if not counted and before.cycles.kind != after.cycles.kind:
        return ()
    changes = []
    for old, new in zip(before.layers, after.layers, strict=True):
        values = (old.instructions, new.instructions) if counted else (old.cycles, new.cycles)
        if None not in values and values[0] != values[1]:
            name = f"{new.index} {new.op}, {'instructions' if counted else 'cycles'}"
            distance = abs(values[1] - values[0])  # type: ignore[operator]
            changes.append((distance, _exact(name, *values, _count, -1)))
    return tuple(change for _, change in sorted(changes, key=lambda pair: -pair[0]))


def print_comparison(comparison: Comparison, console: Console, *, layers: int = 10) -> None:
    """Circumstances, totals, and the layers that changed most.

    Args:
        comparison: of `compare`.
        console: where to print.
        layers: at most so many.
    """
    print_line(console, f"before: {comparison.before}")
    print_line(console, f"after:  {comparison.after}", style="bold")
    for line in comparison.circumstances:
        print_line(console, f"differs: {line}", style="yellow")
    print_line(console)
    print_changes([c for c in comparison.changes if (c.before, c.after) != (fmt.UNKNOWN, fmt.UNKNOWN)], console)
    if comparison.layers:
        print_line(console)
        rest = len(comparison.layers) - layers
        more = f", the {layers} largest of {len(comparison.layers)}" if rest > 0 else ""
        print_line(console, f"layers that changed{more}", style="bold cyan")
        print_changes(comparison.layers[:layers], console)


def print_changes(changes: Sequence[Change], console: Console) -> None:
    """A table of changes."""
    columns = [
        Column("", tuple(change.name for change in changes), right=False, style="cyan", least=20),
        Column("before", tuple(change.before for change in changes)),
        Column("after", tuple(change.after for change in changes), style="bold"),
        Column("change", tuple(change.change for change in changes)),
        Column("", tuple(change.verdict for change in changes), right=False),
    ]
    print_table(console, columns)
