"""Comparing two reports: what changed and whether beyond the spread."""

import io
import re
from dataclasses import replace

from rich.console import Console

from edgecompress.report.compare import compare, print_comparison
from edgecompress.report.records import Interval, Report


def _verdicts(before, after):
    return {change.name: change.verdict for change in compare(before, after).changes}


def _cycles(report, low, typical, high, kind="modelled"):
    return replace(report, cycles=replace(report.cycles, kind=kind, min=low, typical=typical, max=high))


def test_a_report_equals_itself(full_report):
    comparison = compare(full_report, full_report)
    assert {change.verdict for change in comparison.changes} == {"same"}
    assert (comparison.circumstances, comparison.layers, comparison.worse) == ((), (), ())


def test_one_byte_of_flash_and_one_instruction_are_real_changes(full_report):
    larger = replace(
        full_report,
        flash=replace(full_report.flash, total=full_report.flash.total + 1),
        instructions=full_report.instructions - 1,
    )
    verdicts = _verdicts(full_report, larger)
    assert verdicts["flash, total"] == "worse"
    assert verdicts["instructions (counted)"] == "better"
    assert [change.name for change in compare(full_report, larger).worse] == ["flash, total"]


def test_cycles_change_beyond_the_spread_only_when_their_ranges_are_apart(full_report):
    before = _cycles(full_report, 95, 100, 105)
    assert _verdicts(before, _cycles(full_report, 99, 104, 109))["cycles (modelled)"] == "within spread"
    assert _verdicts(before, _cycles(full_report, 106, 110, 115))["cycles (modelled)"] == "worse"
    assert _verdicts(before, _cycles(full_report, 80, 85, 94))["cycles (modelled)"] == "better"
    assert _verdicts(before, _cycles(full_report, None, 90, None))["cycles (modelled)"] == "cannot be compared"


def test_measured_and_modelled_cycles_are_never_compared(full_report):
    verdicts = _verdicts(full_report, _cycles(full_report, 1, 2, 3, kind="measured"))
    assert verdicts["cycles (modelled, measured)"] == "cannot be compared"
    assert verdicts["latency (modelled, measured)"] == "cannot be compared"


def test_accuracy_changes_when_the_intervals_are_apart_in_the_metrics_direction(full_report):
    def with_int8(value, low, high, higher_is_better=True):
        accuracy = full_report.accuracy
        return replace(
            full_report,
            accuracy=replace(
                accuracy, int8=value, int8_interval=Interval(low, high), higher_is_better=higher_is_better
            ),
        )

    before = with_int8(0.87, 0.86, 0.88)
    assert _verdicts(before, with_int8(0.875, 0.865, 0.885))["accuracy, int8"] == "within spread"
    assert _verdicts(before, with_int8(0.90, 0.89, 0.91))["accuracy, int8"] == "better"
    assert _verdicts(before, with_int8(0.80, 0.79, 0.81))["accuracy, int8"] == "worse"
    assert _verdicts(before, with_int8(0.90, 0.89, 0.91, False))["accuracy, int8"] == "worse"
    assert _verdicts(before, with_int8(0.90, 0.89, 0.91, None))["accuracy, int8"] == "changed"
    (change,) = [c for c in compare(before, with_int8(0.90, 0.89, 0.91)).changes if c.name == "accuracy, int8"]
    assert (change.change, change.beyond_spread) == ("+3.00 points", True)


def test_other_metrics_are_not_compared(full_report):
    other = replace(full_report, accuracy=replace(full_report.accuracy, metric="auc"))
    assert _verdicts(full_report, other)["auc, int8"] == "cannot be compared"


def test_unknown_numbers_cannot_be_compared_and_are_not_zero(full_report, bare_report):
    comparison = compare(full_report, bare_report)
    assert {change.verdict for change in comparison.changes} == {"cannot be compared"}
    assert {change.after for change in comparison.changes} == {"unknown"}
    assert {change.change for change in comparison.changes} == {"-"}
    assert {c.verdict for c in compare(Report(), Report()).changes} == {"cannot be compared"}


def test_layers_that_changed_are_listed_largest_first(full_report):
    layers = list(full_report.layers)
    layers[1] = replace(layers[1], instructions=layers[1].instructions + 5)
    layers[4] = replace(layers[4], instructions=layers[4].instructions - 9)
    changes = compare(full_report, replace(full_report, layers=tuple(layers))).layers
    assert [(c.name, c.verdict) for c in changes] == [
        ("4 CONV_2D, instructions", "better"),
        ("1 CONV_2D, instructions", "worse"),
    ]


def test_layers_of_another_model_are_not_compared(full_report):
    assert compare(full_report, replace(full_report, layers=full_report.layers[1:])).layers == ()


def test_circumstances_that_differ_are_named(full_report):
    other = replace(
        full_report,
        target="rpi-pico",
        seed=8,
        versions={**full_report.versions, "ziglang": "0.16"},
        compiler_flags=(*full_report.compiler_flags, "-Os"),
    )
    lines = compare(full_report, other).circumstances
    assert "target: nucleo-l4r5zi -> rpi-pico" in lines
    assert "seed: 7 -> 8" in lines
    assert "version of ziglang: 0.15.2 -> 0.16" in lines
    assert any(line.startswith("compiler flags") for line in lines)


def test_the_comparison_is_printed_with_every_digit(full_report):
    slower = replace(full_report, instructions=full_report.instructions + 1)
    stream = io.StringIO()
    print_comparison(compare(full_report, slower), Console(file=stream, width=80))
    assert re.search(r"74,954,243 +74,954,244 +\+0\.0 % +worse", stream.getvalue())
