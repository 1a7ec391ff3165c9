"""Scores of channels against what their papers say, computed here by other means."""

from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.channels.graph import ChannelGraph
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.channels.scores import SCORES
from edgecompress.compress.training.fine_tuning import describe_output
from edgecompress.compress.training.task import infer
from edgecompress.errors import DataError
from edgecompress.load.runtime import keras2


@pytest.fixture(scope="module")
def model() -> Any:
    """The residual example: stem and inner are tied by an addition."""
    return examples.trained("residual")


def score(name: str, model: Any, batch: int = 32, train: int = 96, seed: int = 0) -> tuple[np.ndarray, ChannelGraph]:
    data = examples.samples(train)
    task = infer(describe_output(model), examples.samples().y["train"])
    graph = trace(model)
    context = Context(data, task, TrainingSettings(batch=batch, seed=seed), original=model)
    return SCORES[name](model, graph, context), graph


def filters(model: Any, name: str) -> np.ndarray:
    kernel = model.get_layer(name).kernel.numpy().astype(np.float64)
    return kernel.reshape(-1, kernel.shape[-1]).T


def brute_distances(rows: np.ndarray) -> np.ndarray:
    return np.array([sum(np.sqrt(((one - other) ** 2).sum()) for other in rows) for one in rows])


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("l1", lambda rows: np.abs(rows).sum(axis=1)),
        ("l2", lambda rows: np.sqrt((rows**2).sum(axis=1))),
        ("fpgm", brute_distances),
    ],
)
def test_scores_by_weights_are_means_over_tied_layers_of_what_is_relative_to_each_layer(model, name, formula):
    scores, graph = score(name, model)
    stem, inner = (formula(filters(model, layer)) for layer in ("stem", "inner"))
    wanted = (stem / stem.mean() + inner / inner.mean()) / 2
    np.testing.assert_array_equal(graph.given["stem"], graph.given["inner"])
    np.testing.assert_allclose(scores[graph.given["stem"]], wanted, rtol=1e-5)


def test_bn_gamma_is_the_mean_factor_of_the_batch_norms_and_says_nothing_of_layers_without(model):
    scores, graph = score("bn_gamma", model)
    wanted = sum(np.abs(model.get_layer(name).gamma.numpy()) for name in ("stem_norm", "inner_norm")) / 2
    np.testing.assert_allclose(scores[graph.given["stem"]], wanted, rtol=1e-6)
    assert np.isnan(scores[graph.given["classes"]]).all()


def test_apoz_is_the_share_of_activations_behind_relus_that_are_not_zero(model):
    scores, graph = score("apoz", model)
    ends = keras2().Model(model.inputs, [model.get_layer("stem_relu").output, model.get_layer("out").output])
    found = [np.asarray(one) > 0 for one in ends(examples.samples().x["train"], training=False)]
    wanted = sum(one.mean(axis=(0, 1, 2)) for one in found) / 2
    np.testing.assert_allclose(scores[graph.given["stem"]], wanted, rtol=1e-6)


def gate_gradients(model: Any) -> np.ndarray:
    """(samples, channels): of the loss with respect to a factor on all that is read of the tied channels."""
    import tensorflow as tf

    layer = model.get_layer
    data = examples.samples()

    def losses(gate: Any) -> Any:
        stem = layer("stem_relu")(layer("stem_norm")(layer("stem")(data.x["train"]), training=False))
        inner = layer("inner_norm")(layer("inner")(stem * gate[:, None, None, :]), training=False)
        end = layer("max")(layer("out")(layer("add")([stem, inner])))
        found = layer("classes")(layer("pool")(end * gate[:, None, None, :]))
        return tf.keras.losses.sparse_categorical_crossentropy(data.y["train"], found)

    gate = tf.Variable(tf.ones((len(data.x["train"]), 6)))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(losses(gate))
    return tape.gradient(total, gate).numpy()


def test_second_order_is_half_the_mean_squared_gradient_of_gates_sample_by_sample(model):
    scores, graph = score("second_order", model)
    wanted = 0.5 * (gate_gradients(model) ** 2).mean(axis=0)
    np.testing.assert_allclose(scores[graph.given["stem"]], wanted, rtol=1e-3)


def test_taylor_is_the_squared_gradient_of_gates_over_a_batch(model):
    scores, graph = score("taylor", model, batch=96)
    wanted = gate_gradients(model).mean(axis=0) ** 2
    np.testing.assert_allclose(scores[graph.given["stem"]], wanted, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("name", ["taylor", "second_order"])
def test_a_channel_that_nothing_listens_to_is_the_least_important(name):
    model = examples.trained("depthwise")
    kernel = model.get_layer("point").kernel
    values = kernel.numpy()
    values[:, :, 3] = 0
    kernel.assign(values)
    scores, graph = score(name, model)
    assert scores[graph.given["stem"]][3] == 0
    assert np.count_nonzero(scores[graph.given["stem"]]) == 5


def test_random_scores_depend_on_the_seed_alone(model):
    first, again, other = (score("random", model, seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", ["taylor", "second_order", "apoz"])
def test_scores_that_need_samples_say_so(model, name):
    with pytest.raises(DataError, match="no training samples"):
        score(name, model, train=0)


class TwoInputs(examples.ArraySamples):
    """Each image and its mean over the positions."""

    def batches(self, split: str, size: int, seed: int | None = None) -> Any:
        for images, labels in super().batches(split, size, seed):
            yield (images, images.mean(axis=(1, 2))), labels


@pytest.mark.parametrize("name", ["taylor", "second_order", "apoz"])
def test_models_with_two_inputs_have_scores_by_samples(name):
    layers = keras2().layers
    given, means = layers.Input(examples.SHAPE), layers.Input((2,))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu", name="conv")(given))
    x = layers.Concatenate()([x, layers.Dense(4, activation="relu", name="dense")(means)])
    model = keras2().Model([given, means], layers.Dense(4, activation="softmax", name="classes")(x))
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    graph = trace(model)
    scores = SCORES[name](model, graph, Context(TwoInputs(data.x, data.y), task, original=model))
    assert (scores[graph.given["conv"]] >= 0).all()
    assert scores[graph.given["dense"]].max() > 0


def test_gradients_of_a_model_with_two_outputs_are_of_what_both_answered():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu", name="conv")(given))
    outputs = [layers.Dense(4, activation="softmax", name=name)(x) for name in ("one", "other")]
    model = keras2().Model(given, outputs)
    original = keras2().models.clone_model(model)  # other weights, else there is nothing to learn
    graph = trace(model)
    context = Context(examples.samples(labels=False), infer(describe_output(model), None), original=original)
    scores = SCORES["taylor"](model, graph, context)
    assert np.isfinite(scores[graph.given["conv"]]).all()
    assert scores[graph.given["conv"]].max() > 0
