"""The executors of a Linux computer: rows, ratios and facts, on the terminal and on the page."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from edgecompress.report.executors import executor_rows, machine_facts, ratio_line, times_line
from edgecompress.report.html import render_html
from edgecompress.report.linux_records import Condition, ExecutorRecord, Machine
from edgecompress.report.records import Accuracy, Layer, ModelFile, Report
from edgecompress.report.schema import from_json, to_json
from edgecompress.report.summary import headline
from edgecompress.report.terminal import print_bench

OURS = ExecutorRecord(
    "generated C", "zig 0.15.2", "aarch64", "portable C", "measured", 1, 5, 50, 9.5, 10.0, 11.0, 12.5, None, 512 * 1024,
    200, 0, 0, 0.85, 0.8, 0.9, 200, "static program",
)  # fmt: skip
LITERT = ExecutorRecord(
    "LiteRT", "ai-edge-litert 2.1.2", "aarch64", "XNNPACK", "measured", 4, 5, 50, 1.9, 2.0, 2.4, 3.0, None, 44 * 2**20,
    200, 7, 2, 0.84, 0.79, 0.89, 200, "<b>rounds</b>",
)  # fmt: skip


@pytest.fixture
def report() -> Report:
    machine = Machine(
        "aarch64", "Raspberry Pi 4 Model B", "Cortex-A72", "Debian 12", 4, 4 * 2**30, "ondemand", None,
        Condition(45.0, False, (), 600_000_000), Condition(61.25, True, ("throttled now",), 1_500_000_000),
    )  # fmt: skip
    return Report(
        kind="bench", model=ModelFile("m.tflite"), target="ssh://pi@pi", machine=machine, executors=(OURS, LITERT),
        accuracy=Accuracy(metric="accuracy", unit="fraction"),
        layers=(Layer(0, "CONV_2D", "conv", milliseconds=7.5), Layer(1, "SOFTMAX", "s", milliseconds=2.5)),
    )  # fmt: skip


def printed(report: Report) -> str:
    stream = io.StringIO()
    print_bench(report, Console(file=stream, width=200))
    return stream.getvalue()


def test_both_stand_side_by_side_with_their_ratio(report):
    ours, theirs = executor_rows(report)
    assert (ours.median, ours.spread, ours.ratio, ours.bytes) == ("10.0 ms", "9.50 / 11.0 / 12.5", "-", "0 of 200")
    assert (theirs.ratio, theirs.bytes, theirs.accuracy) == ("0.20 x", "7 of 200, at most 2 LSB", "84.00 %")
    assert ratio_line(report) == "the generated C is 5.00 times slower than LiteRT (measured)"
    faster = replace(report, executors=(OURS, replace(LITERT, median_ms=30.0)))
    assert ratio_line(faster) == "the generated C is 3.00 times faster than LiteRT (measured)"
    assert "measured, 50 runs after 5 to warm up" in times_line(report)


@pytest.mark.parametrize("change", [{"kind": "emulated"}, {"architecture": "x86_64"}, {"median_ms": None}])
def test_times_that_cannot_be_compared_have_no_ratio(report, change):
    other = replace(report, executors=(replace(OURS, **change), LITERT))
    assert ratio_line(other) == "" and executor_rows(other)[1].ratio == "-"


def test_names_of_the_same_processor_are_the_same(report):
    pair = (replace(OURS, architecture="armv7"), replace(LITERT, architecture="armv7l"))
    assert ratio_line(replace(report, executors=pair))


def test_the_computer_is_described_before_and_after(report):
    facts = {fact.label: fact for fact in machine_facts(report)}
    assert facts["temperature"].value == "45.0 °C, 61.2 °C"
    assert (facts["throttling"].value, facts["throttling"].tone) == ("yes", "bad")
    assert facts["governor"].remark == "600 MHz before, 1500 MHz after"
    assert machine_facts(Report()) == ()


def test_what_is_unknown_is_not_called_zero():
    bare = Report(machine=Machine(), executors=(ExecutorRecord("generated C"),))
    facts = {fact.label: fact.value for fact in machine_facts(bare)}
    assert (facts["governor"], facts["temperature"], facts["throttling"]) == ("unknown",) * 3
    (row,) = executor_rows(bare)
    assert (row.median, row.bytes, row.ratio) == ("unknown", "unknown", "-")
    printed(bare), render_html(bare)


def test_the_latency_is_the_generated_cs_where_it_was_measured(report):
    fact = next(f for f in headline(report) if f.label == "latency")
    assert fact.value == "10.0 ms" and fact.remark.startswith("measured, generated C, median of 50 runs")
    emulated = replace(report, executors=(replace(OURS, kind="emulated"),))
    fact = next(f for f in headline(emulated) if f.label == "latency")
    assert (fact.value, fact.remark) == ("unknown", "the times are emulated")


def test_terminal_and_page_show_the_same_numbers(report):
    text, page = printed(report), render_html(report)
    for words in ("10.0 ms", "7 of 200, at most 2 LSB", "Raspberry Pi 4 Model B", "Cortex-A72", "75.0 %"):
        assert words in text, words
    for words in ("10.0 ms", "7 of 200, at most 2 LSB", "Raspberry Pi 4 Model B", "Cortex-A72", "7.50 ms"):
        assert words in page, words
    assert "<b>rounds</b>" not in page and "&lt;b&gt;rounds" in page


def test_the_file_holds_it_all(report):
    assert from_json(to_json(report)) == report
