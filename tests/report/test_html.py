"""The page: complete, self-contained, well-formed, and safe with hostile names."""

import re
from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest

from edgecompress.memory.plan import Block
from edgecompress.report.html import render_html
from edgecompress.report.records import (
    Layer,
    LitertDifference,
    MemoryMap,
    ModelFile,
    PassRecord,
    PromiseRecord,
    Report,
    Stage,
    TensorRecord,
)

VOID = {"meta", "br"}
EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\x1b\u202e"


class _Page(HTMLParser):
    """Collects tags and text, and checks that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data + " "


def test_the_page_holds_what_the_report_holds(full_report):
    text = " ".join(_Page(render_html(full_report)).text.split())
    for part in (
        "pretrainedResnet.h5 on nucleo-l4r5zi", "58.8 KiB", "86.81 %", "10,000", "86.13 to 87.46 %", "bit-exact",
        "prune{sparsity=0.6,epochs=4}", "reached 0.6002", "16,562,257", "2,359,296", "19,882", "modelled", "counted",
        "the calibration data hold only 9 of the 10 classes", "--data cifar10.npz", "3f" * 32, "b2" * 32, "2.21.0",
        "-mcpu=cortex-m4", "greedy by size", "seed 7", "at most, LSB",
    ):  # fmt: skip
        assert part in text, part


def test_there_is_a_bar_for_every_layer_and_number_and_a_box_for_every_buffer(full_report):
    page = render_html(full_report)
    assert page.count('<svg class="bar"') == 3 * len(full_report.layers) + len(full_report.stages)
    assert page.count('rx="2"><title>') == len(full_report.memory.blocks)
    assert page.count('<svg class="whisker"') == 5


def test_the_longest_bar_is_full_and_the_others_in_proportion(full_report):
    page = render_html(full_report)
    widths = [float(w) for w in re.findall(r'<rect class="tone1" width="([\d.]+)%"', page)]
    assert max(widths) == 100
    assert widths[0] == pytest.approx(100 * 442_368 / 2_359_296, abs=0.01)


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(full_report):
    page = render_html(full_report)
    parsed = _Page(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"url\(|@import", page)
    assert re.findall(r"https?://[^\"]+", page) == ["http://www.w3.org/2000/svg"]
    assert "default-src 'none'" in page


def test_hostile_names_stay_text_wherever_they_stand():
    report = Report(
        kind=EVIL,
        model=ModelFile(EVIL, EVIL, 1, EVIL),
        target=EVIL,
        board=replace(Report().board, cpu=EVIL, description=EVIL, runner=EVIL),
        accuracy=replace(Report().accuracy, metric=EVIL, int8=0.5),
        bit_exact=replace(Report().bit_exact, differing_bytes=0, reference=EVIL),
        cycles=replace(Report().cycles, typical=1, kind=EVIL, confidence=EVIL),
        ram=replace(Report().ram, arena=8),
        layers=(Layer(0, EVIL, EVIL, 1, 1, 1, 1),),
        passes=(PassRecord(EVIL, PromiseRecord(EVIL), status=EVIL, notes=(EVIL,)), PassRecord(EVIL, status=EVIL)),
        inputs=(TensorRecord(EVIL, (1,), EVIL, 1.0, 0),),
        outputs=(TensorRecord(EVIL, (1,), EVIL),),
        stages=(Stage(EVIL, EVIL, 1, 1, 1.0, EVIL),),
        memory=MemoryMap(EVIL, (Block(0, EVIL, 0, 8, 0, 0),)),
        litert=(LitertDifference(0, EVIL, EVIL, 1, 1),),
        warnings=(EVIL,),
        notes=(EVIL,),
        command=EVIL,
        compiler_flags=(EVIL,),
        versions={EVIL: EVIL},
        hashes={EVIL: EVIL},
    )
    page = render_html(report)
    parsed = _Page(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert not [name for name, _ in parsed.attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in parsed.text, "names are not templates"
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_report_that_knows_nothing_makes_a_page_that_says_so(bare_report):
    for report in (bare_report, Report()):
        text = _Page(render_html(report)).text
        assert text.count("unknown") >= 8
        assert "accuracy unknown" in " ".join(text.split())
        assert "Layers" in text or not report.layers
        assert not re.search(r"\b0(\.0+)? (B|KiB|ms|%)", text)


@pytest.mark.parametrize("field", [field.name for field in fields(Report)])
def test_any_part_of_the_report_may_be_missing(full_report, field):
    _Page(render_html(replace(full_report, **{field: getattr(Report(), field)})))


def test_the_same_report_gives_the_same_page(full_report):
    assert render_html(full_report) == render_html(full_report)


def test_dark_mode_and_print_have_rules(full_report):
    page = render_html(full_report)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_page_shows_what_was_shrunk_and_its_tiles_stay_in_place(full_report):
    page = render_html(full_report)
    assert "Shrunk, without loss" in page
    assert "36,864 -&gt; 34,560" in page
    assert "kernels take 4 channels at a time" in page
    assert "Shrunk, without loss" not in render_html(replace(full_report, shrinking=None))
