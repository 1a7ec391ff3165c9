"""What `bench` compares is on trial: one flipped number of the generated C, one flipped bit of the firmware, is seen."""

import re
from dataclasses import replace

import pytest
from elftools.elf.elffile import ELFFile

from edgecompress.codegen import writer
from edgecompress.errors import NotExactError
from edgecompress.pipeline import evidence, firmware
from edgecompress.pipeline.bench import bench


def flip_number(array, place, change):
    """Changes the number at `place` (a fraction of the array's length) of one array of the generated C."""

    def apply(text):
        match = re.search(rf"\w+ {array}\[\d+\][^=]*= {{(.*?)}};", text, re.DOTALL)
        numbers = match.group(1).split(",")
        chosen = int(len(numbers) * place)
        numbers[chosen] = f" {change(int(numbers[chosen]))}"
        return text[: match.start(1)] + ",".join(numbers) + text[match.end(1) :]

    return apply


FLIPS = {
    "weight": (2, "weights", 0.3, lambda weight: weight ^ 4),
    "multiplier": (2, "scalings", 0.3, lambda multiplier: multiplier ^ (1 << 23)),
    "bias": (2, "scalings", 0.305, lambda bias: bias ^ (1 << 14)),
    "shift": (2, "scalings", 0.305, lambda shift: shift ^ 1),
    "depthwise weight": (3, "weights", 0.3, lambda weight: weight ^ 4),
    "depthwise bias": (3, "scalings", 0.305, lambda bias: bias ^ (1 << 14)),
    "last layer's weight": (10, "weights", 0.3, lambda weight: weight ^ 16),
    "last layer's multiplier": (10, "scalings", 0.0, lambda multiplier: multiplier ^ (1 << 24)),
}
"""What is flipped: the layer, its array, the place in it, and how. Scalings are pairs of a multiplier and a bias above a shift."""


@pytest.mark.parametrize("kind", FLIPS)
def test_one_flipped_constant_in_the_generated_c_is_seen_at_its_layer(kws, kind, monkeypatch):
    original, (number, array, place, change) = writer.write, FLIPS[kind]

    def flipped(program, prefix="model"):
        files = original(program, prefix)
        name = f"{prefix}.c"
        return {**files, name: flip_number(f"{prefix}_layer_{number}_{array}", place, change)(files[name])}

    monkeypatch.setattr(firmware.writer, "write", flipped)
    result = bench(kws, target="cortex-m4", inputs=2)
    layer = result.program.layers[number]
    assert result.comparison.differing_bytes > 0
    assert result.comparison.first.operator == layer.operation.index
    assert result.report.bit_exact.differing_bytes == result.comparison.differing_bytes
    with pytest.raises(NotExactError, match=f"operator {layer.operation.index} {layer.operation.opcode}") as caught:
        result.require_exact()
    assert caught.value.exit_code == 12


def test_one_flipped_bit_of_the_firmware_image_is_seen(kws, monkeypatch):
    original = firmware.build

    def flipped(*arguments, **options):
        built = original(*arguments, **options)
        with built.mailbox.path.open("rb") as stream:
            weights = ELFFile(stream).get_section_by_name(".weights")
            middle = weights["sh_addr"] + weights["sh_size"] // 2
        segments = []
        for segment in built.mailbox.segments:
            data = bytearray(segment.data)
            if segment.address <= middle < segment.address + len(data):
                data[middle - segment.address] ^= 0x40
            segments.append(replace(segment, data=bytes(data)))
        return replace(built, mailbox=replace(built.mailbox, segments=tuple(segments)))

    monkeypatch.setattr(firmware, "build", flipped)
    result = bench(kws, target="cortex-m4", inputs=2)
    assert not result.comparison.exact
    with pytest.raises(NotExactError):
        result.require_exact()


def test_reference_of_ours_that_differs_from_tflite_micro_is_an_error(kws, monkeypatch):
    original = evidence.Integer.run

    def wrong(self, model, inputs, *length):
        outputs = original(self, model, inputs, *length)
        last = max(outputs[0])
        outputs[0][last] = outputs[0][last] ^ 1
        return outputs

    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    monkeypatch.setattr(evidence.Integer, "run", wrong)
    with pytest.raises(NotExactError, match="our NumPy reference differs from tflite-micro"):
        bench(kws, target="cortex-m4", inputs=1)


def test_without_tflite_micro_the_report_says_whose_reference_it_is(models, monkeypatch):
    monkeypatch.setattr(evidence.Tflm, "available", lambda self: "not installed")
    report = bench(models / "tflm/hello_world_int8.tflite", inputs=1).report
    assert report.bit_exact.reference == "our NumPy reference (not installed)"
    assert report.bit_exact.differing_bytes == 0
