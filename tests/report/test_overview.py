"""What inspect, targets and doctor print."""

import io
from dataclasses import replace

from rich.console import Console

from edgecompress.report.codec import dumps
from edgecompress.report.listing import InspectedLayer, Inspection, TargetRow, ToolCheck
from edgecompress.report.memory_records import MemoryMap
from edgecompress.report.overview import print_doctor, print_inspection, print_shrunk, print_targets
from edgecompress.report.records import ModelFile, TensorRecord


def _pipe(show, value, **options):
    stream = io.StringIO()
    show(value, Console(file=stream, width=80), **options)
    return stream.getvalue()


def _screen(show, value):
    stream = io.StringIO()
    show(value, Console(file=stream, width=80, force_terminal=True, color_system=None))
    return stream.getvalue()


def _inspection(full_report):
    layers = tuple(
        InspectedLayer(x.index, x.op, x.name, x.output_shape, x.macs, 100, x.weight_bytes, "int8 per channel")
        for x in full_report.layers
    )
    return Inspection(
        ModelFile("model.tflite", None, 98_344, "tflite"), full_report.inputs, full_report.outputs, layers, 12_501_632,
        78_666, 77_360, 49_152, 60_000, 49_152, MemoryMap("greedy", full_report.memory.blocks), "int8",
    )  # fmt: skip


def test_inspect_shows_tensors_totals_and_layers(full_report):
    text = _pipe(print_inspection, _inspection(full_report))
    assert "1x32x32x3" in text
    assert "scale 0.00390625, zero point -128" in text
    assert "12,501,632" in text
    assert "48.0 KiB  (at its lower bound; without sharing at least 58.6 KiB)" in text
    assert "model/average_pooling2d/Relu" in text
    assert "end of the arena" in _pipe(print_inspection, _inspection(full_report), verbosity=3)


def test_inspect_fits_a_screen_of_80_columns(full_report):
    text = _screen(print_inspection, _inspection(full_report))
    assert max(map(len, text.splitlines())) <= 80
    assert "2,359,296" in text


def test_inspect_of_a_float_model_leaves_out_what_is_not_known():
    layers = (InspectedLayer(0, "Conv2D", "conv", (1, 8), 100, 10),)
    text = _pipe(print_inspection, Inspection(ModelFile("m.h5"), layers=layers, warnings=("NaN in conv",)))
    assert "arena" not in text
    assert "quantization" not in text
    assert "warning: NaN in conv" in text


def test_inspect_says_which_operator_cannot_be_built():
    layers = (InspectedLayer(3, "LSTM", "l", problem="no kernel for it"),)
    assert "warning: 3 LSTM: no kernel for it" in _pipe(print_inspection, Inspection(ModelFile("m"), layers=layers))


def test_targets_show_their_memory_and_clock_or_that_they_have_none():
    rows = [
        TargetRow("nucleo-l4r5zi", "cortex-m4", 2_097_152, 655_360, 120_000_000, "ST board", "unicorn"),
        TargetRow("cortex-m55", "cortex-m55", None, None, None, "a bare CPU", None, "qemu-system-arm is missing"),
    ]
    for text in (_pipe(print_targets, rows), _screen(print_targets, rows)):
        assert "2.00 MiB" in text
        assert "120 MHz" in text
        assert "unknown" in text
        assert "qemu-system-arm is missing" in text


def test_doctor_says_what_is_missing_what_that_costs_and_what_to_do():
    there = ToolCheck("ziglang", "0.15.2", "compiling", required=True)
    absent = ToolCheck("qemu-system-arm", None, "emulation of the Cortex-M55", "apt install qemu-system-arm")
    text = _pipe(print_doctor, [there, absent])
    assert (
        "qemu-system-arm  missing  (without it: no emulation of the Cortex-M55. Try: apt install qemu-system-arm)"
        in text
    )
    assert "1 optional missing" in text
    assert "Everything is there." in _pipe(print_doctor, [there])
    assert "1 necessary thing missing" in _pipe(print_doctor, [ToolCheck("x", None, "y", required=True)])


def test_the_listings_can_be_written_as_json(full_report):
    assert '"arena": 49152' in dumps(_inspection(full_report), "inspection")
    assert TensorRecord("x", (1,), "int8").scale is None


def test_inspect_says_what_could_be_gained(full_report):
    layer = InspectedLayer(0, "CONV_2D", "conv", (1, 4, 4, 8), 100, 80, 72, None, None, 3, 72, 15, 18, 3.25)
    inspection = Inspection(ModelFile("model.tflite"), layers=(layer,), shrinking=full_report.shrinking)
    text = _pipe(print_inspection, inspection)
    assert "12,501,632 -> 11,911,808 MACs" in text
    assert "77,360 -> 71,600 weights; 4 constant channels" in text
    assert " ".join(text.splitlines()[-1].split()) == "0 CONV_2D conv 1x4x4x8 100 80 72 3 15 25.0 % 3.25"
    nothing = replace(full_report.shrinking, done=())
    assert "can be shrunk no" in " ".join(_pipe(print_inspection, replace(inspection, shrinking=nothing)).split())


def test_shrink_says_what_was_taken_out_and_what_was_left(full_report):
    text = _pipe(print_shrunk, full_report.shrinking, path="out.tflite", verbosity=1)
    assert "77,360 -> 71,600" in text
    assert "4 constant channels" in text
    assert "0 differing bytes" in text
    assert "64 -> 60" in text
    assert "left: 1 constant channels: kernels take 4 channels at a time" in text
    assert "64 -> 60" not in _pipe(print_shrunk, full_report.shrinking, path="out.tflite")
