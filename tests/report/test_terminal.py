"""What bench and build print: complete, with numbers in full, at any width and in a pipe."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from edgecompress.report.coding_records import CodedLayer, Coding
from edgecompress.report.html import render_html
from edgecompress.report.kernel_records import FlashWaits, KernelOption, Tuning
from edgecompress.report.layout import Column, fit, print_table
from edgecompress.report.records import Layer, Report
from edgecompress.report.terminal import print_bench, print_build


def _screen(show, value, width=80, encoding="utf-8", **options):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    show(
        value,
        Console(file=stream, width=width, force_terminal=True, color_system=None, legacy_windows=False),
        **options,
    )
    return raw.getvalue().decode(encoding)


def _pipe(show, value, **options):
    stream = io.StringIO()
    show(value, Console(file=stream, width=80), **options)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_line_is_wider_than_the_screen_and_no_number_is_cut(full_report, width):
    text = _screen(print_build, full_report, width, verbosity=3)
    assert max(map(len, text.splitlines())) <= width
    for layer in full_report.layers:
        assert f"{layer.cycles:,}" in text
        assert f"{layer.macs:,}" in text
        assert f"{layer.weight_bytes:,}" in text
    assert "…" not in text


def test_a_very_narrow_screen_loses_columns_before_digits(full_report):
    text = _screen(print_bench, full_report, 50)
    assert all(f"{layer.cycles:,}" in text for layer in full_report.layers)


def test_the_headline_says_where_every_number_comes_from(full_report):
    for text in (_screen(print_bench, full_report), _pipe(print_bench, full_report)):
        assert re.search(r"instructions +74,954,243 .*counted", text)
        assert re.search(r"cycles +87,696,458 .*modelled", text)
        assert re.search(r"latency +731 ms .*modelled, at 120 MHz", text)
        assert "measured" not in text


def test_measured_cycles_are_called_measured(full_report):
    report = replace(full_report, cycles=replace(full_report.cycles, kind="measured"))
    text = _pipe(print_bench, report)
    assert "measured" in text
    assert "modelled" not in text


def test_exact_and_not_exact(full_report):
    assert "bit-exact" in _pipe(print_bench, full_report)
    report = replace(full_report, bit_exact=replace(full_report.bit_exact, differing_bytes=3))
    text = _pipe(print_bench, report)
    assert "3 differing bytes" in text
    assert "bit-exact" not in text


def test_a_pipe_gets_whole_names_and_no_bars_colours_or_rules(full_report):
    text = _pipe(print_build, full_report, verbosity=3)
    assert "\x1b" not in text
    assert not set(text) & set("─█▏│┃━")
    assert "model/average_pooling2d/Relu" in text
    assert "16,562,257" in text
    assert text.isascii()


def test_a_pipe_keeps_every_fact_on_one_line(full_report):
    lines = _pipe(print_bench, full_report).splitlines()
    (line,) = [line for line in lines if line.startswith("cycles")]
    assert "modelled" in line
    assert "within 3 % of published silicon" in line


def test_a_screen_that_only_knows_ascii_gets_ascii(full_report):
    assert "#" in _screen(print_bench, full_report, 120, encoding="ascii")


def test_a_report_that_knows_nothing_says_unknown_and_never_zero(bare_report):
    for report in (bare_report, Report()):
        for show in (print_bench, print_build):
            text = _screen(show, report, verbosity=3)
            assert text.count("unknown") >= 8
            assert not re.search(r"\b0\b", text.replace("#  op", "").replace("0  CONV_2D", "")), text


def test_build_shows_passes_with_their_promises_and_the_sizes_of_all_stages(full_report):
    text = _pipe(print_build, full_report)
    assert "prune{sparsity=0.6,epochs=4}" in text
    assert "promised: at least 0.6 of the weights are zero; reached 0.6002; in the .tflite 0.6047 (kept)" in text
    assert "accuracy 87.29 % -> 86.91 %" in text
    assert [stage.name in text for stage in full_report.stages] == [True] * 5
    assert "1.20 GiB" in text
    assert "95 % sure: 86.13 to 87.46 %, 10,000 samples" in text
    assert "95 % sure: 83.40 to 89.20 %, 500 samples" in text
    assert "warning: the calibration data hold only 9 of the 10 classes" in text


def test_hostile_names_are_neither_markup_nor_escape_sequences(full_report):
    layer = replace(full_report.layers[0], name="[red]x[/red]\x1b[2J", op="[bold]CONV")
    report = replace(full_report, layers=(layer,), warnings=("[/nothing] \x07",), target="\x1b]0;owned\x07")
    text = _pipe(print_build, report)
    assert "[red]x[/red]\\x1b[2J" in text
    assert "[bold]CONV" in text
    assert "[/nothing] \\x07" in text
    assert "\x1b" not in text + _screen(print_build, report)


def test_verbosity_brings_the_memory_map(full_report):
    assert "end of the arena" not in _pipe(print_bench, full_report)
    assert "end of the arena" in _pipe(print_bench, full_report, verbosity=3)


def test_columns_are_given_up_in_their_order_and_names_are_shortened_before_that():
    columns = [
        Column("name", ("a/very/long/name/of/a/layer",), right=False, least=8, drop=1),
        Column("number", ("12,345,678",)),
        Column("bar", ("##########",), drop=2),
    ]
    kept, gutter = fit(columns, 60)
    assert ([c.title for c in kept], gutter) == (["name", "number", "bar"], 2)
    kept, _ = fit(columns, 40)
    assert [c.width for c in kept] == [16, 10, 10]
    assert kept[0].cells[0].startswith("..")
    assert [c.title for c in fit(columns, 25)[0]] == ["name", "number"]
    assert [c.title for c in fit(columns, 12)[0]] == ["number"]
    assert fit(columns, 3)[0][0].cells == ("12,345,678",)


def test_a_table_without_rows_prints_its_titles():
    stream = io.StringIO()
    print_table(Console(file=stream), [Column("a", ()), Column("b\nc", ())])
    assert stream.getvalue().split() == ["b", "a", "c"]


def _slow_layers():
    """At the best rate of 1 cycle per MAC, the layers 1 and 2 cost 500 and 900 cycles too many, layer 3 its 300."""
    rows = [(1000, 1000), (500, 1000), (100, 1000), (0, 300), (5, 5)]
    return tuple(Layer(i, f"OP{i}", f"n{i}", macs=macs, cycles=cycles) for i, (macs, cycles) in enumerate(rows))


def test_layers_where_most_is_to_be_gained_are_marked_and_named_first(full_report):
    report = replace(full_report, layers=_slow_layers())
    text = _pipe(print_bench, report)
    assert "slowest: 2 OP2 (30.3 % at 10.0 cycles/MAC), 1 OP1 (30.3 % at 2.00 cycles/MAC), 3 OP3 (9.1 %)" in text
    assert "best 1.00 cycles/MAC" in text
    marked = [line.split()[1] for line in text.splitlines() if line.endswith(" <")]
    assert marked == ["OP1", "OP2", "OP3"]
    page = render_html(report)
    assert page.count('<tr class="slow">') == 3
    assert "Slowest: 2 OP2" in page


def test_nothing_is_called_slow_where_no_cycles_are_known(bare_report):
    assert "slowest" not in _pipe(print_bench, bare_report)
    assert "slow" not in render_html(bare_report).partition("</style>")[2]


WAITS = FlashWaits(wait_states=5, min=0, typical=1_234_567, max=9_876_543, loads=4_321, source="a manual")
OPTIONS = (KernelOption("conv_fast", 900, 1_001, 64, True), KernelOption("conv_2d", 2_900, 3_003, 0, False))


def test_waits_for_flash_are_told_with_their_range_and_their_doubt(full_report):
    layers = (replace(full_report.layers[0], flash_wait_cycles=765_432), *full_report.layers[1:])
    report = replace(full_report, flash_waits=WAITS, layers=layers)
    for text in (_pipe(print_bench, report), render_html(report)):
        for word in (
            "1,234,567",
            "9,876,543",
            "5 wait states",
            "4,321 loads counted",
            "untested on silicon",
            "765,432",
        ):
            assert word in text
    assert "but for flash waits" in _pipe(print_bench, report)


def test_flash_that_never_waits_is_not_mentioned(full_report):
    assert "flash wait" not in _pipe(print_bench, full_report)
    assert "flash wait" not in render_html(full_report)


def test_tuned_report_shows_every_kernel_of_layers_that_have_a_choice(full_report):
    layers = (
        replace(full_report.layers[0], kernel="conv_fast", alternatives=OPTIONS),
        replace(full_report.layers[1], kernel="add", alternatives=(KernelOption("add", 1, 7_007, 0, True),)),
        *full_report.layers[2:],
    )
    report = replace(full_report, layers=layers, tuning=Tuning("cycles", 3, True, 2_002))
    text, page = _pipe(print_bench, report), render_html(report)
    for shown in (text, page):
        assert "3 emulated runs, measured earlier" in shown
        assert "2,002 fewer than the best guesses" in shown
        assert "1,001" in shown
        assert "3,003" in shown
        assert "7,007" not in shown
    assert [line.split()[2:4] for line in text.splitlines() if "1,001" in line] == [["chosen", "conv_fast"]]


def test_coded_layers_say_what_they_save_and_cost(full_report):
    layers = (
        CodedLayer(1, "sparse", 640, 2_304, 41_000, 1, 2_572),
        CodedLayer(2, "lists", 1_290, 2_304, 0, 0, 0),
    )
    coding = Coding("--flash", layers, 40_000, 77_376, 61_234, 99_000, 65_536, 24_000, 21_536, 1.234)
    report = replace(full_report, coding=coding)
    for shown in (_pipe(print_bench, report), render_html(report)):
        assert "weights 77,376 -&gt; 40,000" in shown or "weights 77,376 -> 40,000" in shown
        assert "of 65,536" in shown
        assert "1.23 times the cycles" in shown
        assert "72.2 %" in shown
        assert "41,000" in shown
        assert "lists" in shown
    (line,) = [line for line in _pipe(print_bench, report).splitlines() if "2,304 -> 640" in line]
    assert line.split()[-2:] == ["1", "2,572"]
    assert "codes of weights" not in _pipe(print_bench, full_report)


def test_what_was_shrunk_stands_in_the_headline_and_layer_by_layer_on_demand(full_report):
    text = _pipe(print_bench, full_report)
    assert "11,911,808 of 12,501,632 MACs" in text
    assert "71,600 of 77,360 weights; 4 constant channels; 0 output bytes unlike the model as it came in" in text
    assert "64 -> 60" not in text
    assert "64 -> 60" in _pipe(print_bench, full_report, verbosity=1)
    wrong = replace(full_report.shrinking, defects=("dead channels: tensor 3: 1 bytes differ",), file=None)
    assert "nothing could be taken out" in _pipe(print_bench, replace(full_report, shrinking=wrong))
    assert "shrunk" not in _pipe(print_bench, replace(full_report, shrinking=None))
