"""Several runs in one table: what is unknown stays blank, what differs is said, names cannot break the page."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from edgecompress.report.codec import from_data, to_data
from edgecompress.report.records import (
    TRAINED_WITHOUT,
    Accuracy,
    Cycles,
    Flash,
    Interval,
    ModelFile,
    PassRecord,
    Ram,
    Report,
    Stage,
)
from edgecompress.report.runs import RunRow, Runs, print_runs, row_of, runs_of
from edgecompress.report.runs_html import render_runs

FIRST = Report(
    model=ModelFile("kws.h5"),
    target="cortex-m4",
    macs=1000,
    parameters=500,
    accuracy=Accuracy("accuracy", 600, int8=0.9, int8_interval=Interval(0.87, 0.92), drop=0.01,
                      drop_interval=Interval(-0.01, 0.03), unit="fraction"),
    flash=Flash(weights=500, total=4000),
    ram=Ram(arena=900),
    cycles=Cycles("modelled", typical=5000),
    passes=(PassRecord("prune{sparsity=0.5}", seconds=3.0), PassRecord("codes{values=16}", seconds=2.0)),
    stages=(Stage(TRAINED_WITHOUT, seconds=4.0), Stage("compressed", memory=3 * 2**28), Stage("converted", memory=2**28)),
    seed=0,
    seconds=12.0,
)  # fmt: skip
SECOND = replace(FIRST, accuracy=replace(FIRST.accuracy, int8=0.8, int8_interval=None), cycles=Cycles())


def runs(*reports: Report) -> Runs:
    return runs_of(reports, [row_of(report, f"run {i}", f"build/{i}") for i, report in enumerate(reports)])


def printed(found: Runs) -> str:
    text = io.StringIO()
    print_runs(found, Console(file=text, width=200))
    return text.getvalue()


def test_a_row_says_what_the_report_says() -> None:
    text = printed(runs(FIRST, SECOND))
    line = next(line for line in text.splitlines() if line.startswith("run 0"))
    assert re.split(r"\s{2,}", line.strip()) == [
        "run 0", "90.00 %", "87.00 to 92.00 %", "1.00 %", "-1.00 to 3.00 %", "1,000", "500", "500", "4,000", "900",
        "5,000", "12.0 s", "5.0 s", "4.0 s", "768 MiB",
    ]  # fmt: skip
    assert "600 test samples" in text
    assert "kws.h5 on cortex-m4" in text


def test_what_is_unknown_is_blank_and_never_a_number() -> None:
    line = next(line for line in printed(runs(FIRST, SECOND)).splitlines() if line.startswith("run 1"))
    assert "5,000" not in line
    assert line.count("-") >= 2


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (replace(FIRST, target="cortex-m0plus"), "target"),
        (replace(FIRST, seed=1), "seed"),
        (replace(FIRST, accuracy=replace(FIRST.accuracy, samples=10)), "samples"),
        (replace(FIRST, cycles=Cycles("measured", typical=5000)), "cycles of different kinds"),
    ],
)
def test_circumstances_that_differ_are_said(other: Report, word: str) -> None:
    assert word in printed(runs(FIRST, other)).split("note:", 1)[1]
    assert "note:" not in printed(runs(FIRST, FIRST))


def test_a_failed_run_is_told_with_its_reason() -> None:
    found = runs_of([FIRST], [row_of(FIRST, "no passes", "a"), RunRow("prune", "b", error="a broken promise")])
    assert "failed: prune: a broken promise" in printed(found)
    assert "a broken promise" in render_runs(found)


def test_the_page_shows_every_run_in_every_plot_and_escapes_names() -> None:
    evil = runs_of([FIRST, FIRST], [row_of(FIRST, "<script>alert(1)</script>", "a"), row_of(FIRST, "b", "b")])
    page = render_runs(evil)
    assert "<script" not in page
    assert page.count("<circle") == 2 * 3
    places = [float(x) for x in re.findall(r'c[xy]="([-0-9.]+)%"', page)]
    assert places and all(0 <= place <= 100 for place in places)


def test_the_json_reads_back() -> None:
    found = runs(FIRST, SECOND)
    assert from_data(Runs, to_data(found)) == found
