"""Scores of single weights against gradients worked out by hand for a linear model."""

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.training.task import Task
from edgecompress.compress.weights.weight_scores import BATCH, SCORES
from edgecompress.errors import DataError
from edgecompress.load.runtime import keras2

TASK = Task("mean_squared_error", "mean_squared_error")


def linear(count: int) -> tuple[object, Context, np.ndarray]:
    """A layer without bias from 5 to 3 numbers, its samples and weights."""
    keras = keras2()
    generator = np.random.default_rng(4)
    x, y, weights = (generator.normal(0, 1, shape).astype(np.float32) for shape in ((count, 5), (count, 3), (5, 3)))
    model = keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(3, use_bias=False)])
    model.set_weights([weights])
    samples = examples.ArraySamples({"train": x}, {"train": y})
    return model, Context(samples, TASK, TrainingSettings(batch=32, seed=9)), weights.astype(np.float64)


def gradients(context: Context, weights: np.ndarray) -> list[np.ndarray]:
    """Of the mean squared error, with respect to the weights, batch by batch."""
    found = []
    for x, y in context.samples.batches("train", BATCH, context.settings.seed):
        found.append(2 * x.astype(np.float64).T @ (x @ weights - y) / y.size)
    return found


def scores_of(name: str, model: object, context: Context) -> np.ndarray:
    (found,) = SCORES[name](model, context, [model.layers[-1].kernel])()
    assert found.min() >= 0
    return found


@pytest.mark.parametrize("count", [BATCH, 3 * BATCH])
def test_taylor_is_the_mean_of_weight_times_gradient_without_its_sign(count):
    model, context, weights = linear(count)
    wanted = np.mean([np.abs(weights * one) for one in gradients(context, weights)], axis=0)
    np.testing.assert_allclose(scores_of("taylor", model, context), wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("count", [BATCH, 3 * BATCH])
def test_second_order_is_half_the_squared_weight_times_the_mean_squared_gradient_of_batches(count):
    model, context, weights = linear(count)
    wanted = 0.5 * BATCH * weights**2 * np.mean([one**2 for one in gradients(context, weights)], axis=0)
    np.testing.assert_allclose(scores_of("second_order", model, context), wanted, rtol=1e-4, atol=1e-7)


def test_scores_follow_the_weights_as_they_change_and_never_change_them():
    model, context, weights = linear(BATCH)
    score = SCORES["second_order"](model, context, [model.layers[-1].kernel])
    (before,) = score()
    model.set_weights([np.zeros((5, 3), np.float32)])
    assert not score()[0].any()
    model.set_weights([weights.astype(np.float32)])
    np.testing.assert_allclose(score()[0], before, rtol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[0], weights.astype(np.float32))


def test_magnitude_is_the_square_and_random_is_drawn_once_by_the_seed():
    model, context, weights = linear(BATCH)
    np.testing.assert_allclose(scores_of("magnitude", model, context), weights**2, rtol=1e-6)
    score = SCORES["random"](model, context, [model.layers[-1].kernel])
    np.testing.assert_array_equal(score()[0], score()[0])
    np.testing.assert_array_equal(scores_of("random", model, context), score()[0])


@pytest.mark.parametrize("name", ["taylor", "second_order"])
def test_scores_by_gradients_say_that_they_need_samples(name):
    model, context, _ = linear(0)
    with pytest.raises(DataError, match="no training samples"):
        scores_of(name, model, context)
