"""Channels taken out: what is left computes what the whole model does with these channels silenced by hand."""

from functools import cache
from typing import Any

import channel_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.passes.filters import Filters
from edgecompress.compress.training.task import Task
from edgecompress.errors import UnsupportedError
from edgecompress.load.runtime import keras2
from edgecompress.load.summary import describe_model

TASK = Task("sparse_categorical_crossentropy", "accuracy")


class NoSamples:
    fingerprint = "none"

    def count(self, split: str) -> int:
        return 0

    def batches(self, split: str, size: int, seed: int | None = None) -> Any:
        return iter(())


def cut(model: Any, seed: int = 0, **options: Any) -> Any:
    """The outcome of a pass that only takes channels out."""
    context = Context(NoSamples(), TASK, TrainingSettings(seed=seed), original=model)
    return Filters(epochs=0, **options).apply(model, context)


def outputs(model: Any, inputs: list[np.ndarray]) -> list[np.ndarray]:
    found = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(one) for one in (found if isinstance(found, list) else [found])]


def silence(whole: Any, pruned: Any) -> dict[str, tuple[int, ...]]:
    """Make the channels that `pruned` lacks give zero in `whole`; how many of how many it has, by layer.

    Which ones they are is read off biases and batch norms, whose numbers are all different: weights of the channel are set
    to zero, so that it is zero behind every activation of these models, sigmoids aside, which multiply a zero.
    """
    kept = {}
    small = {layer.name: layer for layer in pruned.layers}
    for name, layer in examples.leaves(whole).items():
        for attribute in ("beta", "gamma", "bias"):
            before = getattr(layer, attribute, None)
            if before is None or isinstance(before, bool):
                continue
            values, left = before.numpy(), getattr(small[name], attribute).numpy()
            stays = np.isin(values, left)
            np.testing.assert_array_equal(values[stays], left)
            before.assign(values * stays)
            if attribute == "beta" and layer.gamma is None:
                layer.moving_variance.assign(np.where(stays, layer.moving_variance.numpy(), 1e30))
            kept[name] = (len(left), len(values))
            if attribute == "bias":
                silence_kernel(layer, stays)
    return kept


def silence_kernel(layer: Any, stays: np.ndarray) -> None:
    kind = type(layer).__name__
    if kind == "DepthwiseConv2D":
        layer.depthwise_kernel.assign(layer.depthwise_kernel.numpy() * stays.reshape(layer.depthwise_kernel.shape[2:]))
        return
    kernel = layer.pointwise_kernel if kind == "SeparableConv2D" else layer.kernel
    kernel.assign(kernel.numpy() * (stays[:, None] if kind == "Conv2DTranspose" else stays))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", sorted(examples.MODELS))
def test_a_pruned_model_computes_what_the_whole_one_does_without_these_channels(name, seed):
    model = examples.randomized(name, seed)
    before = [weight.copy() for weight in model.get_weights()]
    pruned = cut(model, seed, macs=0.4, score="random", scope=("layer", "global")[seed], multiple=1 + seed).model
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    inputs = examples.inputs_of(model)
    whole = outputs(model, inputs)
    kept = silence(model, pruned)
    assert sum(left < count for left, count in kept.values()) >= (1 if seed else 3)
    for wanted, found, untouched in zip(outputs(model, inputs), outputs(pruned, inputs), whole, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        assert not np.allclose(found, untouched, rtol=1e-4, atol=1e-5)


@cache
def multiply_accumulates(name: str) -> int:
    return describe_model(examples.randomized(name))["macs"]


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("name", sorted(examples.MODELS))
def test_the_macs_that_are_left_are_within_the_budget_and_not_far_below_it(name, scope):
    pruned = cut(examples.randomized(name), macs=0.5, multiple=1, scope=scope).model
    left = describe_model(pruned)["macs"] / multiply_accumulates(name)
    assert 0.38 < left <= 0.5


@pytest.mark.parametrize("name", sorted(examples.MODELS))
def test_the_weights_that_are_left_are_within_the_budget(name):
    model = examples.randomized(name)

    def weights(one: Any) -> int:
        return sum(weight.numpy().size for weight in one.weights if "kernel" in weight.name)

    pruned = cut(model, parameters=0.6, multiple=1).model
    assert 0.45 < weights(pruned) / weights(model) <= 0.6


def test_what_a_layer_cannot_be_followed_through_stays_and_is_named():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.LayerNormalization(name="normal")(examples.conv(given, 8, "before"))
    x = examples.conv(x, 8, "between")
    x = layers.Lambda(lambda tensor: tensor[..., ::-1], name="code")(x)
    x = layers.Conv2D(8, 3, groups=2, activation="relu", name="grouped")(examples.conv(x, 8, "free"))
    model = examples.classifier(given, layers.Flatten()(examples.conv(examples.conv(x, 8, "behind"), 8, "end")))
    outcome = cut(model, macs=0.8, multiple=1)
    said = "\n".join(outcome.notes)
    shapes = {name: kernel.rows.shape[0] for name, kernel in keras_kernels(outcome.model).items()}
    assert shapes["behind"] + shapes["end"] < 16
    assert all(shapes[name] == 8 for name in ("before", "between", "grouped", "free"))
    for part in (
        "before is left out",
        "normal (LayerNormalization)",
        "code (Lambda)",
        "grouped (Conv2D) works in groups",
    ):
        assert part in said


def test_a_reshape_that_spreads_channels_over_positions_keeps_them():
    layers = keras2().layers
    given = layers.Input((10,))
    x = layers.Dense(48, activation="relu", name="spread")(layers.Dense(12, activation="relu", name="code")(given))
    x = layers.Reshape((4, 4, 3), name="image")(x)
    model = keras2().Model(given, layers.Conv2DTranspose(3, 2, strides=2, name="out")(x))
    outcome = cut(model, macs=0.7)
    assert outcome.model.get_layer("spread").units == 48
    assert outcome.model.get_layer("code").units < 12
    assert any("image (Reshape) mixes channels with positions" in note for note in outcome.notes)


def test_channels_that_are_added_to_the_input_or_leave_the_model_stay():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.Conv2D(2, 3, padding="same", name="back")(examples.conv(given, 8, "free"))
    x = layers.Add(name="add")([given, x])
    model = keras2().Model(given, layers.Conv2D(8, 3, activation="relu", name="out")(x))
    outcome = cut(model, macs=0.8)
    assert outcome.model.output_shape == model.output_shape
    assert outcome.model.get_layer("back").filters == 2
    assert outcome.model.get_layer("free").filters == 4
    assert any("back is left out" in note and "input" in note for note in outcome.notes)
    assert any("out is left out" in note and "output" in note for note in outcome.notes)


def test_a_shared_layer_that_one_use_cannot_follow_keeps_its_channels_in_the_other():
    layers = keras2().layers
    given = layers.Input((6, 6))
    first = layers.Dense(6, activation="relu", name="first")(given)
    twice = layers.Dense(8, activation="relu", name="twice")
    turned = layers.Permute((2, 1), name="turned")(first)
    x = layers.Concatenate(axis=1)([twice(first), twice(turned)])
    outcome = cut(examples.classifier(given, layers.Flatten()(x)), macs=0.9)
    assert outcome.did_nothing_reason
    assert any("twice (Dense) reads another axis" in note for note in outcome.notes)


def test_a_sigmoid_that_is_half_for_a_silent_channel_is_no_matter_to_what_reads_nothing_of_it():
    layers = keras2().layers
    model = keras2().Sequential(
        [layers.Input((5,)), layers.Dense(8, activation="sigmoid", name="one"), layers.Dense(3, name="two")]
    )
    pruned = cut(model, macs=0.5).model
    kept = np.isin(model.get_layer("one").kernel.numpy()[0], pruned.get_layer("one").kernel.numpy()[0])
    assert kept.sum() == 4
    x = np.random.default_rng(0).normal(0, 1, (6, 5)).astype(np.float32)
    hidden = 1 / (1 + np.exp(-(x @ model.get_layer("one").kernel.numpy())))
    by_hand = (hidden * kept) @ model.get_layer("two").kernel.numpy()
    np.testing.assert_allclose(outputs(pruned, [x])[0], by_hand, rtol=1e-4, atol=1e-5)


def test_a_subclassed_model_inside_is_refused_by_name():
    keras = keras2()

    class Own(keras.Model):  # type: ignore[misc, name-defined]
        def call(self, tensor: Any) -> Any:
            return tensor * 2.0

    given = keras.layers.Input((4,))
    model = keras.Model(given, keras.layers.Dense(2)(Own(name="own")(keras.layers.Dense(8)(given))))
    with pytest.raises(UnsupportedError, match="own"):
        cut(model)
