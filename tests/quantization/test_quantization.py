"""Post-training quantization on small networks, against the converter, explicit sums and brute force."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import twin_models
from twin_models import samples, twins

from edgecompress.convert.lite import to_float, to_integer
from edgecompress.errors import DataError, UnsupportedError
from edgecompress.load.runtime import keras2
from edgecompress.quantization.adaround import adaround
from edgecompress.quantization.calibration import choose, histograms
from edgecompress.quantization.diagnosis import diagnose, integer_answers
from edgecompress.quantization.equalization import channel_heights, channel_ranges, equalize, find_pairs
from edgecompress.quantization.layerwise import refine
from edgecompress.quantization.moments import Moments, gather
from edgecompress.quantization.network import Network
from edgecompress.quantization.patches import patches
from edgecompress.quantization.quantize import quantize
from edgecompress.quantization.ranges import Range
from edgecompress.quantization.twin import find_twins, with_constants
from edgecompress.quantization.writing import nearest, quantized_graph, rounded, to_bytes
from edgecompress.recipe import QuantizationRecipe
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite.reader import read_bytes

NAMES = tuple(twin_models.MODELS)
pytestmark = pytest.mark.slow


def choice(pair, method="minmax", per_tensor=False):
    return rounded(pair, choose(histograms(pair, samples()), method, 99.9), per_tensor)


def test_min_max_and_nearest_rounding_give_the_converter_s_own_file():
    pair = twins("chain")
    ours = quantized_graph(pair, choice(pair))
    for index, theirs in pair.integer.tensors.items():
        mine = ours.tensors[index]
        if theirs.quantization is not None:
            np.testing.assert_allclose(mine.quantization.scales, theirs.quantization.scales, rtol=1e-6)
            assert mine.quantization.zero_points == theirs.quantization.zero_points
        if theirs.data is not None and theirs.data.dtype.kind == "i":
            assert np.abs(mine.data.astype(np.int64) - theirs.data).max(initial=0) <= 1


@pytest.mark.parametrize("per_tensor", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_tflite_micro_and_our_operators_agree_on_what_is_written(name, per_tensor, tmp_path):
    pair = twins(name)
    path = tmp_path / "model.tflite"
    path.write_bytes(to_bytes(pair, choice(pair, "mse", per_tensor)))
    inputs = random_inputs(read_bytes(path.read_bytes()), 4)
    ours, theirs = Integer().run(path, inputs), Tflm().run(path, inputs)
    for mine, other in zip(ours, theirs, strict=True):
        for index in pair.integer.outputs:
            np.testing.assert_array_equal(mine[index], other[index])


def test_per_tensor_weights_have_one_scale_in_the_file():
    pair = twins("chain")
    graph = read_bytes(to_bytes(pair, choice(pair, per_tensor=True)))
    for layer in pair.layers:
        weights = graph.tensors[layer.weights]
        assert len(weights.quantization.scales) == 1
        assert np.abs(weights.data).max() == 127


def test_a_channel_without_weights_keeps_its_bias():
    pair = twins("chain")
    layer = pair.layers[2]
    values = np.array(pair.floating.tensors[layer.float_weights].data)
    values[3] = 0
    dead = replace(pair, floating=with_constants(pair.floating, {layer.float_weights: values}))
    given = rounded(dead, choose(histograms(dead, samples()), "minmax", 0), False)
    graph, output = quantized_graph(dead, given), layer.operation.outputs[0]
    found = Network(graph).outputs(samples(3), [output])[0][..., 3]
    wanted = max(0.0, float(dead.float_bias(layer)[3]))
    assert np.abs(found - wanted).max() <= graph.tensors[output].quantization.scale


@pytest.mark.parametrize("name", NAMES)
def test_rows_times_patches_are_what_litert_computes(name):
    pair = twins(name)
    for layer in pair.layers:
        graph = pair.floating
        read = next(iter(Network(graph).run(samples(1))))
        given = patches(graph, layer, read(layer.float_activation))
        rows = pair.float_rows(layer)[:, None, :]
        sums = np.sum(given * rows, axis=2) + pair.float_bias(layer)[:, None]
        wanted = read(layer.twin.outputs[0]).reshape(-1, len(rows)).T
        low, high = {"RELU": (0, np.inf), "RELU6": (0, 6)}.get(
            layer.twin.options["fused_activation_function"], (-np.inf, np.inf)
        )
        np.testing.assert_allclose(np.clip(sums, low, high), wanted, atol=1e-4 * np.abs(wanted).max())


def test_an_equalized_network_equals_the_original_in_float():
    pair = twins("chain")
    equalized, pairs = equalize(pair, samples())
    assert [(one.first.name.split("/")[-1], one.second.opcode) for one in pairs][1][1] == "CONV_2D"
    assert len(pairs) == 3
    before, after = (Network(one.floating).outputs(samples(), one.floating.outputs)[0] for one in (pair, equalized))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert not np.array_equal(equalized.float_rows(pair.layers[0]), pair.float_rows(pair.layers[0]))


def test_equalized_pairs_have_equal_channel_ranges_unless_an_activation_would_outgrow_its_tensor():
    pair = twins("chain")
    spread = [np.ptp(np.log(channel_ranges(pair.floating, one)[0])) for one in find_pairs(pair)]
    equalized, pairs = equalize(pair, samples())
    before, after = (channel_heights(one, pairs, samples()) for one in (pair, equalized))
    settled = 0
    for one, was, now in zip(pairs, before, after, strict=True):
        first, second = channel_ranges(equalized.floating, one)
        equal = np.isclose(first, second, rtol=0.01)
        assert np.all(equal | np.isclose(now, was.max(), rtol=0.02))
        assert now.max() <= was.max() * 1.001
        settled += int(equal.sum())
    assert settled >= 10
    assert np.ptp(np.log(channel_ranges(equalized.floating, pairs[0])[0])) < spread[0] / 2


def test_equalization_leaves_relu6_and_outputs_that_are_read_twice_alone():
    pair = twins("residual")
    names = [(one.first.opcode, one.second.opcode) for one in find_pairs(pair)]
    assert names == [("DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]


def test_equalization_makes_one_scale_per_tensor_bearable():
    integer, floating = twin_models.files("chain")
    plain, equal = (
        quantize(integer, floating, samples(), samples(16, 8), QuantizationRecipe(weights="tensor", equalize=on))
        for on in (False, True)
    )
    assert equal.after_db > plain.after_db + 3
    assert len(equal.equalized) == 3


@pytest.mark.parametrize("name", NAMES)
def test_moments_say_the_error_that_explicit_sums_give(name):
    pair = twins(name)
    graph = quantized_graph(pair, choice(pair))
    layer, place = pair.layers[1], 1
    moments = gather(pair, graph, layer, samples(5))
    rows, bias = nearest(pair.float_rows(layer), True).real, np.linspace(-0.2, 0.1, len(pair.float_rows(layer)))
    total, count = np.zeros(len(rows)), 0
    ours = Network(graph).outputs(samples(5), [layer.activation])[0]
    theirs = Network(pair.floating).outputs(samples(5), [layer.float_activation])[0]
    for x, y in zip(ours, theirs, strict=True):
        got = np.sum(patches(pair.floating, layer, x) * rows[:, None, :], axis=2) + bias[:, None]
        want = np.sum(patches(pair.floating, layer, y) * pair.float_rows(layer)[:, None, :], axis=2)
        want += pair.float_bias(layer)[:, None]
        total, count = total + np.sum((got - want) ** 2, axis=1), count + got.shape[1]
    np.testing.assert_allclose(moments.error(rows, bias), total / count, rtol=1e-3)
    assert place == pair.layers.index(layer)


def test_bias_correction_removes_the_mean_error_of_every_channel():
    pair = twins("residual")
    start = choice(pair, per_tensor=True)
    place, layer = len(pair.layers) - 1, pair.layers[-1]
    moments = gather(pair, quantized_graph(pair, start), layer, samples())
    corrected = start.with_layer(place, start.weights[place], moments.bias(start.weights[place].real))
    output = layer.operation.outputs[0]
    wanted = Network(pair.floating).outputs(samples(), [layer.twin.outputs[0]])[0].mean(axis=0)
    before, after = (
        np.abs(Network(quantized_graph(pair, one)).outputs(samples(), [output])[0].mean(axis=0) - wanted)
        for one in (start, corrected)
    )
    step = pair.integer.tensors[output].quantization.scale
    assert after.max() < 0.5 * step
    assert after.sum() < before.sum()


def small_problem(seed, channels=3, k=8):
    generator = np.random.default_rng(seed)
    x = generator.normal(0.3, 1, (50, k)) @ generator.normal(0, 1, (k, k))
    rows = generator.normal(0, 1, (channels, k))
    rows[0, 2] = 0.0
    y = x @ rows.T + generator.normal(0, 0.05, (50, channels))
    moments = Moments((x.T @ x / 50)[None], y.T @ x / 50, x.mean(0)[None], y.mean(0), (y**2).mean(0))
    return rows, x, y, moments


def test_adaround_is_never_worse_than_nearest_and_close_to_the_best_of_all_roundings():
    left = there = 0.0
    for seed in range(12):
        rows, x, y, moments = small_problem(seed)
        start = nearest(rows, False)
        scales = start.scales * 16
        start = replace(start, scales=scales, codes=np.rint(rows / scales[:, None]).astype(np.int8))
        found = adaround(rows, start, moments, np.zeros(len(rows)))
        for channel, scale in enumerate(map(float, scales)):
            outputs, wanted, floors = x * scale, y[:, channel], np.floor(rows[channel] / scale)
            assert set(found.codes[channel] - floors) <= {0, 1}
            ups = product((0, 1), repeat=rows.shape[1])
            best = min(np.mean((outputs @ (floors + np.array(up)) - wanted) ** 2) for up in ups)
            before, after = (np.mean((outputs @ one.codes[channel] - wanted) ** 2) for one in (start, found))
            assert best * (1 - 1e-9) <= after <= before * (1 + 1e-9)
            left, there = left + after - best, there + before - best
        assert found.codes[0, 2] == 0
    assert left < 0.25 * there


def test_a_layer_keeps_only_what_its_integer_output_gains_by():
    pair = twins("residual")
    start = choice(pair, per_tensor=True)
    found, records = refine(pair, start, samples(), correct_bias=True, round_adaptively=True)
    assert [record.name for record in records] == [layer.name for layer in pair.layers]
    for place, record in enumerate(records):
        assert record.after <= record.before
        assert record.why or record.after < record.before
        same = np.array_equal(found.weights[place].codes, start.weights[place].codes)
        assert same == (record.reversed == 0)
    assert any(not record.why for record in records)


def test_the_diagnosis_names_the_layer_whose_range_is_too_wide_and_the_remedy():
    pair = twins("chain")
    found, given = histograms(pair, samples()), choice(pair)
    output = pair.layers[2].operation.outputs[0]
    bad = next(i for i, group in enumerate(pair.groups) if output in group)
    ranges = tuple(Range(r.low, 60 * r.high) if i == bad else r for i, r in enumerate(given.ranges))
    worst = diagnose(pair, replace(given, ranges=ranges), found, samples(4))[0]
    assert worst.index == pair.layers[2].operation.index
    assert worst.activation > worst.weights
    assert worst.share > 0.5
    assert worst.remedy == 'calibration = "mse"'


def test_the_diagnosis_names_the_layer_whose_weights_lose_and_the_remedy():
    pair = twins("chain")
    given = choice(pair)
    rows = pair.float_rows(pair.layers[1])
    given = given.with_layer(1, nearest(rows, True), pair.float_bias(pair.layers[1]))
    parts = diagnose(pair, given, histograms(pair, samples()), samples(4))
    worst = max(parts, key=lambda part: part.weights)
    assert worst.index == pair.layers[1].operation.index
    assert worst.weights > worst.activation
    assert worst.remedy in ("correct_bias = true", 'weights = "channel", or equalize = true')
    assert sum(part.share for part in parts) == pytest.approx(1)


def test_auto_keeps_what_helps_and_says_what_it_did():
    integer, floating = twin_models.files("chain")
    found = quantize(integer, floating, samples(), samples(16, 8), QuantizationRecipe(auto=True, weights="tensor"))
    kept = [trial for trial in found.trials if trial.kept]
    assert [trial.snr_db for trial in kept] == sorted(trial.snr_db for trial in kept)
    assert found.after_db == pytest.approx(kept[-1].snr_db, abs=0.01)
    assert {trial.what for trial in found.trials} >= {"equalize = true", "correct_bias = true", "adaround = true"}
    assert found.settings.equalize == any(trial.what == "equalize = true" for trial in kept)
    graph = read_bytes(found.content)
    pair = twins("chain")
    assert Network(graph).outputs(samples(2), integer_answers(pair))[0].shape == (2, 5)


def test_the_same_samples_give_the_same_bytes():
    integer, floating = twin_models.files("residual")
    settings = QuantizationRecipe(calibration="mse", correct_bias=True, adaround=True)
    first, second = (quantize(integer, floating, samples(), samples(8, 3), settings).content for _ in range(2))
    assert first == second


def test_several_inputs_and_concatenations_that_share_a_scale(tmp_path):
    layers = keras2().layers
    b, a = layers.Input((3,), name="zebra"), layers.Input((4,), name="ant")
    hidden = layers.Dense(4, activation="relu")(b)
    joined = layers.Concatenate()([layers.Add()([hidden, a]), a, b])
    model = keras2().Model([b, a], layers.Dense(2)(joined))
    generator = np.random.default_rng(6)
    given = [
        (generator.normal(0, 1, 3).astype(np.float32), generator.normal(2, 3, 4).astype(np.float32)) for _ in range(40)
    ]
    integer = to_integer(model, lambda: ((one[None], two[None]) for one, two in given))
    found = quantize(
        integer, to_float(model), given[:30], given[30:], QuantizationRecipe(calibration="mse", adaround=True)
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(found.content)
    graph = read_bytes(found.content)
    (concatenation,) = (one for one in graph.operations if one.opcode == "CONCATENATION")
    tied = [graph.tensors[i].quantization for i in (*concatenation.inputs, *concatenation.outputs)]
    assert len(set(tied)) == 1
    inputs = random_inputs(graph, 4)
    for mine, other in zip(Integer().run(path, inputs), Tflm().run(path, inputs), strict=True):
        np.testing.assert_array_equal(mine[graph.outputs[0]], other[graph.outputs[0]])


def test_files_of_different_networks_are_refused():
    with pytest.raises(UnsupportedError, match="not the same"):
        find_twins(read_bytes(twin_models.files("chain")[0]), read_bytes(twin_models.files("residual")[1]))


def test_samples_that_are_not_finite_are_refused_by_name():
    bad = [(np.full(twin_models.SHAPE, np.nan, np.float32),)]
    with pytest.raises(DataError, match="NaN"):
        histograms(twins("chain"), bad)
