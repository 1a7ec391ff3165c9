"""`--optimize size`: weights that are few or skewed take fewer bytes of flash, and every output stays what it was."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from model_cases.network import Network
from model_cases.sixteen_bits import widened

from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.errors import DoesNotFitError, UsageError
from edgecompress.memory.choice import Wish
from edgecompress.pipeline.bench import bench, wish_of
from edgecompress.pipeline.codings import GROWTHS, lower_for
from edgecompress.pipeline.firmware import flash_bytes
from edgecompress.report.coding import coding_line
from edgecompress.targets import find
from edgecompress.tflite import reader

SIZE = Wish("size")
BOARD = """
name = "tiny"
description = "a made-up board with 16 KB of flash"
cpu = "cortex-m4"
flash = { name = "flash", origin = 0x0800_0000, bytes = 0x4000 }
ram = [{ name = "sram", origin = 0x2000_0000, bytes = 0x8000 }]
"""


@pytest.fixture
def model(tmp_path):
    """A convolution with 16 weights of four bits, one with plain noise, and a layer that is fully connected and mostly zero."""
    random, network = np.random.default_rng(3), Network()
    image = network.tensor((1, 6, 6, 16), 0.1, 3)
    few = random.choice(random.integers(-127, 128, 16), (32, 3, 3, 16))
    noise = random.integers(-127, 128, (16, 1, 1, 32))
    for weights in (few, noise):
        result = network.tensor((1, 6, 6, len(weights)), 0.1, 3)
        constant = network.tensor(weights.shape, 0.01, data=weights)
        same = {"padding": "SAME", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        network.operator("CONV_2D", [image, constant, -1], [result], "Conv2D", **same)
        image = result
    flat, output = network.tensor((1, 6 * 6 * 16), 0.1, 3), network.tensor((1, 16), 0.1, 3)
    network.operator("RESHAPE", [image], [flat], "Reshape", newShape=[1, 6 * 6 * 16])
    zeros = random.random((16, 6 * 6 * 16)) < 0.9
    thin = network.tensor(zeros.shape, 0.01, data=np.where(zeros, 0, random.choice([-64, 64], zeros.shape)))
    network.operator("FULLY_CONNECTED", [flat, thin, -1], [output], "FullyConnected")
    path = tmp_path / "model.tflite"
    path.write_bytes(network.file([0], [output]))
    return path


def random_model(random):
    """Three to six layers of 16 to 64 channels on small images, whose weights have few values, many of them zero."""
    network, side, channels = Network(), int(random.integers(4, 13)), int(random.choice([16, 32]))
    image = first = network.tensor((1, side, side, channels), 0.1, 3)
    for _ in range(random.integers(3, 7)):
        depthwise = random.random() < 0.3
        outputs, taps = channels if depthwise else int(random.choice([16, 32, 64])), int(random.choice([1, 3]))
        shape = (1, taps, taps, outputs) if depthwise else (outputs, taps, taps, channels)
        values = np.where(random.random(shape) < random.choice([0, 0.7]), 0, random.choice([-90, -40, 20, 70], shape))
        constant = network.tensor(shape, 0.01, data=values)
        result = network.tensor((1, side, side, outputs), 0.1, 3)
        options = {"padding": "SAME", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        if depthwise:
            network.operator(
                "DEPTHWISE_CONV_2D", [image, constant, -1], [result], "DepthwiseConv2D", depthMultiplier=1, **options
            )
        else:
            network.operator("CONV_2D", [image, constant, -1], [result], "Conv2D", **options)
        image, channels = result, outputs
    return network.file([first], [image])


def test_the_arena_grows_by_what_it_may_at_most_and_never_beyond_what_is_said(tmp_path):
    random, target, coded = np.random.default_rng(2), find("cortex-m4"), 0
    for number in range(8):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(random_model(random))
        graph = reader.read(path)
        plain = lower(graph, features_of(target.cpu)).plan.arena_bytes
        small = lower_for(graph, target, SIZE).program
        assert small.plan.arena_bytes <= plain + max(GROWTHS)
        limit = plain + int(random.choice([0, 500, 1500]))
        tight = lower_for(graph, target, Wish("size", ram_bytes=limit)).program
        assert tight.plan.arena_bytes <= limit
        coded += any(layer.call.code for layer in (*small.layers, *tight.layers))
    assert coded > 2, "limits leave something to code"


def test_an_arena_that_nothing_fits_is_an_error_with_codes_too(model):
    with pytest.raises(DoesNotFitError, match=r"(?s)within 300 bytes.*the least found is"):
        bench(model, wish=Wish("size", ram_bytes=300))


def test_codes_save_flash_where_weights_allow_it_and_change_no_output(model, tmp_path):
    folder = tmp_path / "run"
    plain, small = bench(model, inputs=2).report, bench(model, wish=SIZE, inputs=2, save=folder).report
    assert small.bit_exact.differing_bytes == 0
    first, second, last = (layer for layer in small.layers if layer.weight_bytes)
    assert first.codec in ("lut", "pairs")
    assert 0.45 < first.weight_bytes / (32 * 9 * 16) < 0.52, "about four bits each"
    assert (second.codec, second.weight_bytes) == ("dense", 16 * 32)
    assert last.codec in ("lists", "sparse", "runs", "pairs")
    assert last.weight_bytes < 0.25 * 6 * 6 * 16 * 16
    assert small.flash.weights == sum(layer.weight_bytes for layer in small.layers)
    assert plain.flash.total - small.flash.total > 1000
    coding = small.coding
    assert (coding.weights, coding.int8_weights) == (sum(weight_bytes(small)), 32 * 9 * 16 + 16 * 32 + 16 * 6 * 6 * 16)
    assert (coding.flash, coding.plain_flash) == (small.flash.total, plain.flash.total)
    assert [one.index for one in coding.layers] == [first.index, last.index]
    assert 1 < coding.times < 6
    assert wish_of(folder) == SIZE
    assert bench(folder, inputs=1).report.flash == small.flash


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m3", "cortex-m55"])
def test_codes_save_flash_on_processors_without_dual_multiplication(target, tmp_path):
    random, network = np.random.default_rng(6), Network()
    image, result = network.tensor((1, 6, 6, 32), 0.1, 3), network.tensor((1, 6, 6, 64), 0.1, 3)
    few = random.choice(random.integers(-127, 128, 16), (64, 3, 3, 32))
    same = {"padding": "SAME", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    weights = network.tensor(few.shape, 0.01, data=few)
    network.operator("CONV_2D", [image, weights, -1], [result], "Conv2D", **same)
    path = tmp_path / "few.tflite"
    path.write_bytes(network.file([image], [result]))
    report = bench(path, target=target, wish=SIZE, inputs=1).report
    assert report.bit_exact.differing_bytes == 0
    (layer,) = report.layers
    assert layer.codec in ("lut", "pairs")
    assert 0.45 < layer.weight_bytes / few.size < 0.52, "about four bits each"


def test_codes_save_flash_beside_activations_of_16_bits_too(model):
    model.write_bytes(widened(model.read_bytes()))
    report = bench(model, wish=SIZE, inputs=1).report
    assert report.bit_exact.differing_bytes == 0
    first, second, last = (layer for layer in report.layers if layer.weight_bytes)
    assert {layer.kernel for layer in (first, second, last)} == {"conv_2d_s16", "fully_connected_s16"}
    assert first.weight_bytes < 0.52 * 32 * 9 * 16, "about four bits each"
    assert second.codec == "dense"
    assert last.weight_bytes < 0.25 * 6 * 6 * 16 * 16


def weight_bytes(report):
    return [layer.weight_bytes for layer in report.layers]


def test_a_limit_of_flash_is_filled_by_what_is_fastest_and_kept_by_the_linked_firmware(model):
    """From plain weights down to the least: every image is within its limit, and more room is never slower, by estimate."""
    graph, target = reader.read(model), find("cortex-m4")
    plain = lower_for(graph, target, Wish(flash_bytes=2**20))
    assert plain.coding is None
    most, least = (flash_bytes(lower_for(graph, target, wish).program, target) for wish in (Wish(), SIZE))
    assert least < most - 1000
    cycles = []
    for limit in (most - 1, (most + least) // 2, least + 100):
        lowered = lower_for(graph, target, Wish(flash_bytes=limit))
        assert lowered.coding.flash == flash_bytes(lowered.program, target) <= limit
        assert lowered.coding.reason == "--flash"
        cycles.append(lowered.coding.cycles)
    assert cycles == sorted(cycles)
    with pytest.raises(
        DoesNotFitError, match=r"(?s)within 9,000 bytes.*at least, \d+,\d\d\d with the fastest kernels.*--flash \d+"
    ):
        lower_for(graph, target, Wish(flash_bytes=9000))


def test_the_least_flash_that_an_error_names_is_enough(model):
    graph, target = reader.read(model), find("cortex-m4")
    with pytest.raises(DoesNotFitError) as caught:
        lower_for(graph, target, Wish(flash_bytes=9000))
    least = int(re.search("--flash ([0-9]+)", str(caught.value))[1])
    assert lower_for(graph, target, Wish(flash_bytes=least)).coding.flash <= least


def test_a_board_whose_flash_is_too_small_for_plain_weights_gets_codes_and_says_so(model, tmp_path):
    board = tmp_path / "tiny.toml"
    board.write_text(BOARD)
    told = []
    report = bench(model, target=str(board), inputs=1, on_remark=told.append).report
    assert report.flash.total < 16 * 1024 - 600 < report.coding.plain_flash
    assert report.coding.reason == "tiny"
    assert report.schedule.optimize == "balanced"
    assert report.bit_exact.differing_bytes == 0
    assert told == [coding_line(report.coding)]
    assert "codes of weights (tiny)" in told[0]
    board.write_text(BOARD.replace("0x4000", "0x2800"))
    with pytest.raises(DoesNotFitError, match="of the flash of tiny"):
        bench(model, target=str(board), inputs=1)


def test_size_and_flash_together_are_the_least_or_an_error(model):
    folder = model.parent / "run"
    small = bench(model, wish=Wish("size", flash_bytes=16_000), inputs=1, save=folder).report
    assert small.coding.flash_limit == 16_000
    assert wish_of(folder) == Wish("size", flash_bytes=16_000)
    with pytest.raises(DoesNotFitError, match="within 9,000 bytes"):
        bench(model, wish=Wish("size", flash_bytes=9000), inputs=1)


def test_weights_without_any_pattern_stay_as_they_are_and_that_is_said(tmp_path):
    random, network = np.random.default_rng(1), Network()
    image, result = network.tensor((1, 4, 4, 16), 0.1, 3), network.tensor((1, 4, 4, 16), 0.1, 3)
    weights = network.tensor((16, 1, 1, 16), 0.01, data=random.integers(-127, 128, (16, 1, 1, 16)))
    options = {"padding": "SAME", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    network.operator("CONV_2D", [image, weights, -1], [result], "Conv2D", **options)
    path = tmp_path / "noise.tflite"
    path.write_bytes(network.file([image], [result]))
    report = bench(path, wish=SIZE, inputs=1).report
    assert report.coding is None
    assert [layer.codec for layer in report.layers] == ["dense"]
    assert any("no code that a kernel" in note for note in report.notes)


@pytest.mark.parametrize("wish", [SIZE, Wish(flash_bytes=50_000)])
def test_tuning_and_codes_do_not_go_together(model, wish):
    with pytest.raises(UsageError, match="leave one of them away"):
        bench(model, wish=wish, tune=True)
