"""Fine-tuning, its events and errors, evaluation against a plain count, and statistics estimated anew."""

from dataclasses import replace
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import NO_AUGMENTATION, Context, TrainingSettings
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.training.fine_tuning import (
    describe_output,
    evaluate,
    fine_tune,
    make_deterministic,
    outputs_of,
)
from edgecompress.compress.training.statistics import refresh_statistics
from edgecompress.compress.training.task import Wishes, infer
from edgecompress.errors import DataError, RecipeError
from edgecompress.load.runtime import keras2


def context_for(model: Any, **settings: Any) -> Context:
    data = examples.samples()
    return Context(
        data, infer(describe_output(model), data.y["train"]), TrainingSettings(**settings), original=model, label="test"
    )


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_the_same_seed_trains_the_same_weights_and_another_seed_others(optimizer):
    model = examples.sequential()
    results = []
    for seed in (1, 1, 2):
        make_deterministic(seed)
        copied = copy_model(model)
        assert fine_tune(copied, context_for(model, seed=seed, optimizer=optimizer), 2) == 6
        results.append(copied.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(results[0], results[1], strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(results[0], results[2], strict=True))


def test_progress_ends_with_the_last_step_and_finite_numbers():
    model, events = examples.functional(), []
    fine_tune(copy_model(model), replace(context_for(model), emit=events.append), 2)
    last = events[-1]
    assert (last["kind"], last["stage"], last["step"], last["total"]) == ("progress", "test", 6, 6)
    assert (last["epoch"], last["epochs"]) == (2, 2)
    assert np.isfinite([last["loss"], last["metric"], last["eta"]]).all()


def test_a_loss_that_is_not_finite_stops_the_training_with_advice():
    model = examples.functional()
    model.get_layer("classes").kernel.assign(np.full_like(model.get_layer("classes").kernel.numpy(), np.nan))
    with pytest.raises(RecipeError, match="learning_rate"):
        fine_tune(model, context_for(model), 1)


def test_evaluation_equals_a_plain_count():
    model = examples.trained("sequential", 1)
    data = examples.samples()
    right = model.predict(data.x["validation"], verbose=0).argmax(axis=1) == data.y["validation"]
    task = infer(describe_output(model), data.y["train"])
    found = evaluate(model, data, "validation", task, batch=7)
    assert found.value == pytest.approx(right.mean())
    assert found.samples == 48


def test_without_labels_the_model_is_distilled_and_agrees_with_itself():
    model = examples.trained("functional", 1)
    data = examples.samples(labels=False)
    task = infer(describe_output(model), None)
    assert task.target == "teacher"
    assert evaluate(model, data, "validation", task, model).value == 1.0
    student = copy_model(model)
    noise = np.random.default_rng(0)
    student.set_weights([w + noise.normal(0, 0.3, w.shape) for w in student.get_weights()])
    before = evaluate(student, data, "validation", task, model).value
    fine_tune(student, Context(data, task, TrainingSettings(learning_rate=0.02), original=model), 8)
    assert evaluate(student, data, "validation", task, model).value > before


def test_an_autoencoder_learns_its_input():
    layers = keras2().layers
    given = layers.Input((6,))
    model = keras2().Model(given, layers.Dense(6)(layers.Dense(4, activation="relu")(given)))
    generator = np.random.default_rng(1)
    x = {split: generator.normal(size=(n, 6)).astype(np.float32) for split, n in (("train", 200), ("validation", 40))}
    data = examples.ArraySamples(x, {"train": None, "validation": None})
    task = infer(describe_output(model), None)
    assert (task.target, task.metric) == ("input", "mean_squared_error")
    before = evaluate(model, data, "validation", task).value
    expected = np.mean((model.predict(x["validation"], verbose=0) - x["validation"]) ** 2)
    assert before == pytest.approx(expected, rel=1e-5)
    fine_tune(model, Context(data, task, TrainingSettings(learning_rate=0.01), original=model), 5)
    assert evaluate(model, data, "validation", task).value < before


def test_one_label_per_sample_is_not_broadcast_against_one_output():
    layers = keras2().layers
    given = layers.Input((3,))
    model = keras2().Model(given, layers.Dense(1)(given))
    x = np.random.default_rng(3).normal(size=(256, 3)).astype(np.float32)
    y = (x @ np.array([1, -2, 0.5])).astype(np.float32)
    data = examples.ArraySamples({"train": x, "validation": x}, {"train": y, "validation": y})
    task = infer(describe_output(model), y, Wishes(labels="values"))
    fine_tune(model, Context(data, task, TrainingSettings(learning_rate=0.05), original=model), 30)
    assert evaluate(model, data, "validation", task).value < 0.01


def test_a_logits_model_is_seen_as_linear_through_flatten_and_activation_layers():
    layers = keras2().layers
    given = layers.Input((4, 4, 1))
    linear = keras2().Model(given, layers.Flatten()(layers.Conv2D(3, 4, name="head")(given)))
    assert (describe_output(linear).activation, describe_output(linear).layer) == ("linear", "the last layer (head)")
    softmax = keras2().Model(given, layers.Activation("softmax", name="soft")(linear(given)))
    assert describe_output(softmax).activation == "softmax"


def test_several_outputs_count_as_one_vector_of_parts():
    layers = keras2().layers
    given = layers.Input((3,))
    model = keras2().Model(given, [layers.Dense(1)(given), layers.Dense(2)(given)])
    output = describe_output(model)
    assert output.shape == (3,)
    assert [part.shape for part in output.parts] == [(1,), (2,)]
    batch = np.ones((4, 3), np.float32)
    wanted = np.concatenate(model.predict(batch, verbose=0), axis=1)
    np.testing.assert_allclose(outputs_of(model)((batch,)), wanted, rtol=1e-5)


def test_outputs_that_are_not_finite_are_an_error_and_so_is_an_empty_split():
    model = examples.functional()
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    model.get_layer("classes").bias.assign(np.full(4, np.inf))
    with pytest.raises(DataError, match="not finite"):
        evaluate(model, data, "validation", task)
    with pytest.raises(DataError, match="no validation samples"):
        evaluate(model, examples.samples(validation=0), "validation", task)


def test_refreshed_statistics_are_those_of_the_training_samples():
    model = examples.sequential()
    data = examples.samples()
    norm = model.get_layer("norm")
    norm.moving_mean.assign(np.full(6, 9.0))
    assert refresh_statistics(model, data, 32, 0, NO_AUGMENTATION) == 2
    inputs = np.concatenate([x for x, _ in data.batches("train", 32)])
    outputs = keras2().Model(model.input, model.get_layer("first").output).predict(inputs, verbose=0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), outputs.mean(axis=(0, 1, 2)), atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance.numpy(), outputs.var(axis=(0, 1, 2)), rtol=0.02)
    assert norm.momentum == 0.8


def test_frozen_batch_norms_keep_their_statistics():
    model = examples.sequential()
    model.get_layer("norm").trainable = False
    before = model.get_layer("norm").moving_mean.numpy()
    assert refresh_statistics(model, examples.samples(), 32, 0, NO_AUGMENTATION) == 1
    np.testing.assert_array_equal(model.get_layer("norm").moving_mean.numpy(), before)


def test_frozen_batch_norms_stay_as_they_are_while_kernels_learn():
    model = examples.trained("sequential", 2)
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    trained = copy_model(model)
    settings = TrainingSettings(learning_rate=2e-3, frozen_norms=True)
    fine_tune(trained, Context(data, task, settings, original=model), 1)
    for before, after in zip(model.layers, trained.layers, strict=True):
        pairs = zip(before.get_weights(), after.get_weights(), strict=True)
        same = [np.array_equal(one, other) for one, other in pairs]
        if type(before).__name__ == "BatchNormalization":
            assert all(same) and after.trainable
        elif same:
            assert not all(same)
