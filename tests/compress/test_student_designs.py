"""Compact designs of convolutions, against the papers' counts, receptive fields and a shuffle done by hand."""

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.rebuilding import rebuild, unchanged
from edgecompress.compress.students.convolution import convolutions
from edgecompress.compress.students.designs import DESIGNS, Proportions, kernels_of, redesigned
from edgecompress.compress.training.fine_tuning import outputs_of
from edgecompress.load.runtime import keras2
from edgecompress.load.summary import describe_model
from edgecompress.tflite import reader

SMALL = Proportions(groups=2, multiple=1)


def network(read=8, given=12, size=3, norm=False, side=24, **options):
    """A first convolution and the one that is to be redesigned, "deep"; its activation and batch norm behind it."""
    layers = keras2().layers
    image = layers.Input((side, side, 2), name="image")
    x = layers.Conv2D(read, 3, padding="same", activation="relu", name="first")(image)
    options = {"padding": "same", **options}
    x = layers.Conv2D(given, size, use_bias=not norm, activation=None if norm else "relu", name="deep", **options)(x)
    x = layers.ReLU(name="deep_act")(layers.BatchNormalization(name="deep_bn")(x)) if norm else x
    return keras2().Model(image, x)


def redesign(model, design, proportions=SMALL):
    found, _ = convolutions(model)
    parts = redesigned(found["deep"], design, proportions)
    assert not isinstance(parts, str), parts
    return rebuild(model, lambda layer: parts if layer.name == "deep" else unchanged(layer)), kernels_of(parts)


def weights_of(model, *names):
    kernels = keras_kernels(model)
    return sum(kernels[name].rows.size for name in names or kernels)


@pytest.mark.parametrize(
    ("design", "size", "wanted"),
    [
        ("depthwise_separable", 3, 9 * 8 + 8 * 12),
        ("stacked", 5, 9 * 8 * 9 + 9 * 9 * 12),  # 2 · 8 · 12 / (8 + 12) = 9.6 channels between
        ("stacked", 7, 9 * 8 * 9 + 9 * 9 * 9 + 9 * 9 * 12),
        ("stacked", (3, 5), 9 * 8 * 9 + 3 * 9 * 12),
        ("fire", 3, 8 * 2 + 2 * 6 + 9 * 2 * 6),  # 12 / 8 channels squeezed, to the nearest: 2
        ("shuffle", 3, 8 * 4 // 2 + 9 * 4 + 4 * 12 // 2),  # 12 / 4 channels inside, in two groups: 4
    ],
)
def test_a_design_takes_the_weights_that_its_paper_counts(design, size, wanted):
    model = network(size=size)
    small, kernels = redesign(model, design)
    assert weights_of(small, *kernels) == wanted
    assert weights_of(small) == wanted + weights_of(model, "first")
    assert describe_model(small)["macs"] == 24 * 24 * weights_of(small)
    assert kernels_of([]) == ()


def test_a_stack_of_two_keeps_the_papers_share_of_a_convolution_whatever_it_reads():
    for read, given in ((16, 16), (8, 64), (48, 12)):
        model = network(read, given, size=5)
        small, kernels = redesign(model, "stacked")
        share = weights_of(small, *kernels) / weights_of(model, "deep")
        assert share == pytest.approx(18 / 25, abs=0.06)
        assert share <= 18 / 25


def field_of(model, place):
    """Which pixels of the image reach a place of the output, every weight being positive."""
    import tensorflow as tf

    for layer in model.layers:
        values = layer.get_weights()
        layer.set_weights([np.abs(value) + 0.01 for value in values])
    image = tf.Variable(np.ones((1, *model.input_shape[1:]), np.float32))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(model(image, training=False)[0, place, place])
    return np.asarray(tape.gradient(value, image))[0].sum(axis=-1) != 0


@pytest.mark.parametrize("design", sorted(DESIGNS))
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "valid"},
        {"strides": 2, "padding": "valid"},
        {"dilation_rate": 2, "padding": "valid"},
        {"strides": 2},
    ],
    ids=str,
)
def test_image_sizes_and_receptive_fields_stay(design, norm, options):
    model = network(size=5, norm=norm, **options)
    if design == "stacked" and options.get("strides") == 2:
        found, _ = convolutions(model)
        assert "would take" in redesigned(found["deep"], design, SMALL)  # the image between is four times as large
        return
    small, _ = redesign(model, design)
    assert small.output_shape == model.output_shape
    last = model.output_shape[1] - 1
    for place in (0, last // 2, last):
        np.testing.assert_array_equal(field_of(small, place), field_of(model, place))


@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_batch_norms_follow_every_convolution_where_one_followed_the_old_one_and_nowhere_else(design):
    without, _ = redesign(network(size=5), design)
    assert not [layer for layer in without.layers if "BatchNorm" in type(layer).__name__]
    small, kernels = redesign(network(size=5, norm=True), design)
    biased = [name for name in kernels if small.get_layer(name).use_bias]
    norms = [layer for layer in small.layers if "BatchNorm" in type(layer).__name__]
    assert biased == []
    assert len(norms) == len(kernels) - (design == "fire")  # both halves share the one behind them


def test_shuffled_channels_come_from_every_group_in_turn():
    small, _ = redesign(network(given=32, size=3), "shuffle", Proportions(groups=4))
    before = small.get_layer("deep_groups").input
    after = keras2().Model(before, small.get_layer("deep_shuffled").output)
    x = np.arange(24 * 24 * 8, dtype=np.float32).reshape(1, 24, 24, 8)
    np.testing.assert_array_equal(outputs_of(after)(x), x[..., [0, 2, 4, 6, 1, 3, 5, 7]])


def test_both_halves_of_a_fire_module_see_the_same_place():
    """With kernels that only pass on the middle, both halves give what is there."""
    model = network(read=2, given=4, size=3, padding="valid", dilation_rate=2)
    small, _ = redesign(model, "fire")
    for name in ("deep_squeeze", "deep_expand", "deep_expand_1x1"):
        kernel, bias = small.get_layer(name).get_weights()
        kernel[:] = 0
        kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] = 1
        small.get_layer(name).set_weights([kernel, bias])
    x = np.random.default_rng(0).uniform(0, 1, (2, 24, 24, 2)).astype(np.float32)
    found = outputs_of(small)(x)
    for channel in range(1, 4):
        np.testing.assert_allclose(found[..., channel], found[..., 0])
    assert found.std() > 0


def test_layers_that_a_design_does_not_suit_are_left_out_with_the_reason():
    layers = keras2().layers
    image = layers.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, name="first")(layers.ZeroPadding2D(1)(image))
    x = layers.Conv2D(8, 1, name="point")(x)
    x = layers.Conv2D(8, 3, groups=2, name="grouped")(x)
    x = layers.DepthwiseConv2D(3, name="depth")(x)
    shared = layers.Conv2D(8, 3, name="sizes")
    x = shared(shared(x))
    x = layers.Conv2D(8, 2, strides=(1, 2), name="uneven")(x)
    x = layers.Dense(4, name="classes")(layers.Flatten()(x))
    found, against = convolutions(keras2().Model(image, x))
    assert set(found) == {"uneven"}
    for name, reason in {
        "first": "reads the model's input",
        "point": "1x1",
        "grouped": "in groups already",
        "depth": "DepthwiseConv2D layers are not redesigned",
        "sizes": "several sizes",
        "classes": "Dense layers are not redesigned",
    }.items():
        assert reason in against[name]
    assert "equal strides" in redesigned(found["uneven"], "depthwise_separable", SMALL)
    assert "no stack of 3x3" in redesigned(found["uneven"], "stacked", SMALL)
    even, _ = convolutions(network())
    assert "do not divide into 3 groups" in redesigned(even["deep"], "shuffle", Proportions(groups=3))
    assert "would take" in redesigned(found["uneven"], "fire", Proportions(squeeze=1.0, multiple=1))


@pytest.mark.slow
@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_designs_become_full_integer_files_with_as_many_macs(design, tmp_path):
    small, kernels = redesign(network(size=5, norm=True, padding="valid"), design, Proportions(groups=4))
    x = np.random.default_rng(1).normal(0, 1, (8, 24, 24, 2))
    (tmp_path / "small.tflite").write_bytes(examples.to_tflite(small, x))
    graph = reader.read(tmp_path / "small.tflite")
    assert {t.dtype.kind for t in graph.tensors.values() if not t.is_constant} == {"i"}
    convolved = [one for one in graph.operations if one.opcode in ("CONV_2D", "DEPTHWISE_CONV_2D")]
    assert len(convolved) == len(kernels) + 1
    counted = sum(
        graph.tensors[one.inputs[1]].data.size * int(np.prod(graph.tensors[one.outputs[0]].shape[1:3]))
        for one in convolved
    )
    assert counted == describe_model(small)["macs"]
