"""report.html: one self-contained page without scripts or anything loaded from elsewhere.

Its plots are bars, whiskers and rectangles, written as inline SVG by the template: a plotting library would cost tens
of megabytes and seconds of import for less legible output. Names come from untrusted files: the template escapes all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from edgecompress.memory.picture import draw_svg
from edgecompress.report import format as fmt
from edgecompress.report.coding import coding_line, coding_rows
from edgecompress.report.executors import executor_rows, machine_facts, ratio_line, times_line
from edgecompress.report.records import Layer, Report
from edgecompress.report.shrinking import left_lines, shrink_rows
from edgecompress.report.summary import (
    AccuracyRow,
    Fact,
    accuracy_rows,
    agreement_line,
    headline,
    interval,
    largest_losses,
    overhead,
    promise_line,
    ratio_to_model,
    slowest_layers,
    slowest_line,
    title,
    tuning_line,
)

TEMPLATE = "report.html.jinja"
AXIS_MARGIN = 0.15


@dataclass(frozen=True)
class Bar:
    """A number as text and as the length of its bar in percent; `reach` is where its upper limit ends."""

    text: str
    percent: float
    reach: float = 0.0


@dataclass(frozen=True)
class LayerRow:
    """A layer as the template shows it."""

    layer: Layer
    cycles: Bar
    macs: Bar
    weights: Bar
    per_mac: str
    share: str
    is_slow: bool


@dataclass(frozen=True)
class Whisker:
    """An accuracy on the common axis: positions in percent of its width."""

    row: AccuracyRow
    position: float
    low: float
    high: float


def render_html(report: Report) -> str:
    """The page, as text; the same report always gives the same page."""
    facts = headline(report)
    tiles = _tiles(facts)
    return (
        environment()
        .get_template(TEMPLATE)
        .render(
            report=report,
            losses=largest_losses(report),
            title=title(report),
            tiles=tiles,
            facts=[fact for fact in facts if fact not in tiles],
            layers=_layer_rows(report.layers),
            slowest=slowest_line(report.layers),
            shrunk=shrink_rows(report.shrinking) if report.shrinking else [],
            shrinking_left=left_lines(report.shrinking) if report.shrinking else [],
            coding=coding_line(report.coding) if report.coding else "",
            coded=coding_rows(report),
            tuning=tuning_line(report.tuning) if report.tuning else "",
            known=_known(report.layers),
            stages=_stage_bars(report),
            whiskers=_whiskers(accuracy_rows(report)),
            agreement=agreement_line(report),
            flash_parts=_parts(
                report.flash.total,
                code=report.flash.code,
                constants=report.flash.constants,
                weights=report.flash.weights,
            ),
            ram_parts=_parts(
                report.ram.total, arena=report.ram.arena, static=report.ram.static, stack=report.ram.stack
            ),
            memory_map=_memory_map(report),
            overhead=overhead(report.ram.arena, report.ram.bound_of_schedule),
            executors=executor_rows(report),
            machine=machine_facts(report),
            times=times_line(report),
            ratio=ratio_line(report),
        )
    )


@cache
def environment() -> Environment:
    loader = PackageLoader("edgecompress.report", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "size",
        "number",
        "seconds",
        "shape",
        "layer_name",
        "metric",
        "clock",
        "sentence",
        "percent",
        "milliseconds",
    ):
        environment.filters[name] = getattr(fmt, name)
    environment.filters["interval"] = interval
    environment.filters["promise"] = promise_line
    environment.filters["ratio_to_model"] = lambda layer: fmt.ratio(ratio_to_model(layer))
    return environment


def _printable(value: object) -> object:
    """Every text that the template writes, without control characters; what a macro wrote has been through this."""
    return fmt.text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _tiles(facts: Sequence[Fact]) -> list[Fact]:
    """What one looks for first: flash, RAM, latency, accuracy, exactness."""
    labels = [fact.label for fact in facts]
    latency = labels.index("latency")
    return [facts[0], facts[1], facts[latency], facts[latency + 1], facts[-1]]


def _known(layers: Sequence[Layer]) -> dict[str, bool]:
    """Which columns of the layers hold anything at all."""
    fields = {"cycles": "cycles", "limits": "cycles_max", "macs": "macs", "weights": "weight_bytes"}
    fields |= {"instructions": "instructions", "shapes": "output_shape", "milliseconds": "milliseconds"}
    fields |= {
        "modelled": "modelled_cycles",
        "expected": "expected_ratio",
        "waits": "flash_wait_cycles",
        "kernels": "kernel",
    }
    return {name: any(getattr(layer, field) is not None for layer in layers) for name, field in fields.items()}


def _layer_rows(layers: Sequence[Layer]) -> list[LayerRow]:
    total = sum(layer.cycles or 0 for layer in layers)
    cycles = _bars([layer.cycles for layer in layers], [layer.cycles_max for layer in layers])
    macs = _bars([layer.macs for layer in layers])
    weights = _bars([layer.weight_bytes for layer in layers])
    rows, slowest = [], slowest_layers(layers)
    for layer, cycle_bar, mac_bar, weight_bar in zip(layers, cycles, macs, weights, strict=True):
        per_mac = layer.cycles / layer.macs if layer.cycles is not None and layer.macs else None
        share = layer.cycles / total if layer.cycles is not None and total else None
        rows.append(
            LayerRow(layer, cycle_bar, mac_bar, weight_bar, fmt.ratio(per_mac), fmt.percent(share), layer in slowest)
        )
    return rows


def _bars(values: Sequence[int | None], limits: Sequence[int | None] = ()) -> list[Bar]:
    """Bars whose longest one, or its upper limit, is 100 percent."""
    limits = limits or [None] * len(values)
    longest = max((value for value in (*values, *limits) if value is not None), default=0) or 1
    return [
        Bar(fmt.number(value), 100 * (value or 0) / longest, 100 * (limit or value or 0) / longest)
        for value, limit in zip(values, limits, strict=True)
    ]


def _stage_bars(report: Report) -> list[Bar]:
    longest = max((stage.bytes or 0 for stage in report.stages), default=0) or 1
    return [Bar(fmt.size(stage.bytes), 100 * (stage.bytes or 0) / longest) for stage in report.stages]


def _parts(total: int | None, **parts: int | None) -> list[tuple[str, Bar, float]]:
    """(name, bar, where it starts in percent) of what makes up `total`."""
    result, start = [], 0.0
    for name, count in parts.items():
        if total and count is not None:
            result.append((name, Bar(fmt.size(count), 100 * count / total), start))
            start += 100 * count / total
    return result


def _whiskers(rows: Sequence[AccuracyRow]) -> list[Whisker]:
    """All on one axis that spans the intervals with a margin."""
    if not rows:
        return []
    ends = [(row.spread.low, row.spread.high) if row.spread else (row.value, row.value) for row in rows]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    margin = AXIS_MARGIN * (high - low) or abs(high) * AXIS_MARGIN or 1.0

    def place(value: float) -> float:
        return 100 * (value - low + margin) / (high - low + 2 * margin)

    pairs = zip(rows, ends, strict=True)
    return [Whisker(row, place(row.value), place(start), place(end)) for row, (start, end) in pairs]


def _memory_map(report: Report) -> Markup | None:
    """The picture escapes the names in it itself."""
    if report.memory is None or report.ram.arena is None:
        return None
    steps = [layer.op for layer in report.layers]
    svg = draw_svg(report.memory.blocks, steps, report.ram.arena, report.ram.bound_of_schedule)
    return Markup(svg)
