"""compare.html: the rows of several runs, and what each costs against what it loses, as inline SVG."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from edgecompress.report import format as fmt
from edgecompress.report.html import environment
from edgecompress.report.runs import DROP_MEANS, RunRow, Runs

TEMPLATE = "compare.html.jinja"
TICKS = 5
MARGIN = 0.08
"""Of an axis, beyond the outermost values."""


@dataclass(frozen=True)
class Dot:
    """A run in a plot; positions in percent of its width and height, the origin at the upper left."""

    number: int
    row: RunRow
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Tick:
    """A value on an axis."""

    text: str
    position: float


@dataclass(frozen=True)
class Plot:
    """The metric of every run over one of its costs."""

    title: str
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def render_runs(runs: Runs) -> str:
    """The page, as text; the same runs always give the same page."""
    plots = [
        plot
        for title, cost in (
            ("flash in all, bytes", lambda row: row.flash),
            ("weights in flash, bytes", lambda row: row.weight_bytes),
            ("cycles", lambda row: row.cycles),
        )
        if (plot := _plot(runs, title, cost))
    ]
    return environment().get_template(TEMPLATE).render(runs=runs, plots=plots, drop_means=DROP_MEANS)


def _plot(runs: Runs, title: str, cost: Callable[[RunRow], int | None]) -> Plot | None:
    """None where fewer than two runs know both numbers."""
    known = [(i, row, cost(row)) for i, row in enumerate(runs.rows, 1)]
    points = [(i, row, x, row.accuracy) for i, row, x in known if x is not None and row.accuracy is not None]
    if len(points) < 2:
        return None
    ends = [
        (r.accuracy_interval.low, r.accuracy_interval.high) if r.accuracy_interval else (y, y) for _, r, _, y in points
    ]
    across = _axis([float(x) for _, _, x, _ in points], zero=True)
    up = _axis([value for pair in ends for value in pair], zero=False)
    dots = tuple(
        Dot(i, row, across.place(x), 100 - up.place(y), 100 - up.place(low), 100 - up.place(high))
        for (i, row, x, y), (low, high) in zip(points, ends, strict=True)
    )
    return Plot(
        title,
        dots,
        tuple(Tick(fmt.magnitude(value), across.place(value)) for value in across.ticks),
        tuple(Tick(fmt.metric(value, runs.unit), 100 - up.place(value)) for value in up.ticks),
    )


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    def place(self, value: float) -> float:
        """In percent."""
        return 100 * (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        """Round values, about TICKS of them."""
        raw = (self.high - self.low) / TICKS
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        first = math.ceil(self.low / step)
        return [k * step for k in range(first, math.floor(self.high / step) + 1)]


def _axis(values: list[float], *, zero: bool) -> _Axis:
    low, high = (0.0 if zero else min(values)), max(values)
    span = (high - low) or abs(high) or 1.0
    return _Axis(low if zero else low - MARGIN * span, high + MARGIN * span)
