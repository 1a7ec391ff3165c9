"""A teacher's answers in the loss: worked out by hand, without effect at weight 0, and a help where labels are few."""

from dataclasses import replace
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.training.augmentation import Augmentation, mixed
from edgecompress.compress.training.distillation import distilling, joined
from edgecompress.compress.training.fine_tuning import describe_output, evaluate, fine_tune, loss_gradients, outputs_of
from edgecompress.compress.training.statistics import refresh_statistics
from edgecompress.compress.training.task import Task, infer
from edgecompress.load.runtime import keras2

CLASSES = Task("sparse_categorical_crossentropy", "accuracy")


def softened(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def value(task: Task, labels: Any, teacher: Any, student: Any, weight: float, temperature: float) -> float:
    losses = keras2().losses
    loss = {
        "sparse_categorical_crossentropy": losses.SparseCategoricalCrossentropy(from_logits=task.from_logits),
        "categorical_crossentropy": losses.CategoricalCrossentropy(from_logits=task.from_logits),
        "mean_squared_error": losses.MeanSquaredError(),
    }[task.loss]
    both = distilling(task, loss, weight, temperature)
    return float(both(joined(np.asarray(labels, np.float32), np.float32(teacher)), np.float32(student)))


TEACHER = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
STUDENT = np.array([[0.5, 0.25, 0.25], [0.3, 0.3, 0.4]])


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_the_loss_is_hintons(temperature):
    hard = -np.log([0.5, 0.4]).mean()
    soft = -(softened(TEACHER, temperature) * np.log(softened(STUDENT, temperature))).sum(axis=1).mean()
    wanted = 0.3 * hard + 0.7 * temperature**2 * soft
    assert value(CLASSES, [0, 2], TEACHER, STUDENT, 0.7, temperature) == pytest.approx(wanted, rel=1e-5)
    one_hot = replace(CLASSES, loss="categorical_crossentropy")
    assert value(one_hot, np.eye(3)[[0, 2]], TEACHER, STUDENT, 0.7, temperature) == pytest.approx(wanted, rel=1e-5)


def test_logits_are_softened_as_the_probabilities_that_they_stand_for():
    logits = replace(CLASSES, from_logits=True)
    by_logits = value(logits, [0, 2], np.log(TEACHER) + 3, np.log(STUDENT) - 2, 0.6, 3.0)
    assert by_logits == pytest.approx(value(CLASSES, [0, 2], TEACHER, STUDENT, 0.6, 3.0), rel=1e-5)


def test_numbers_are_compared_with_the_teachers_by_their_squared_difference():
    task = Task("mean_squared_error", "mean_squared_error")
    labels, teacher, student = np.array([[1.0], [2]]), np.array([[1.5], [2]]), np.array([[0.0], [4]])
    wanted = 0.4 * (1 + 4) / 2 + 0.6 * (1.5**2 + 4) / 2
    assert value(task, labels, teacher, student, 0.6, 2.0) == pytest.approx(wanted)


def test_probabilities_of_nought_give_a_finite_loss_and_finite_gradients():
    import tensorflow as tf

    both = distilling(CLASSES, keras2().losses.SparseCategoricalCrossentropy(), 1.0, 2.0)
    student = tf.Variable([[0.0, 0.0, 1.0]])
    with tf.GradientTape() as tape:
        loss = both(joined(np.zeros(1, np.float32), np.float32([[1, 0, 0]])), student)
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, student)).all()


def contexts(weight: float, teacher: Any) -> Context:
    data = examples.samples()
    task = infer(describe_output(teacher), data.y["train"])
    settings = TrainingSettings(batch=16, learning_rate=1e-2, distillation=weight)
    return Context(data, task, settings, original=teacher, teacher=teacher)


def test_gradients_for_scores_are_those_of_the_loss_with_its_teacher():
    import tensorflow as tf

    teacher, student = examples.trained("residual"), examples.functional()
    context = contexts(1.0, teacher)
    variables = student.trainable_variables[:1]
    found = next(loss_gradients(student, context, variables))[0]
    x, _ = next(context.samples.batches("train", 16, seed=context.settings.seed))
    with tf.GradientTape() as tape:
        soft = tf.nn.softmax(tf.math.log(tf.constant(outputs_of(teacher)(x))) / 2)
        loss = -4 * tf.reduce_mean(tf.reduce_sum(soft * tf.nn.log_softmax(tf.math.log(student(x)) / 2), axis=1))
    np.testing.assert_allclose(found, tape.gradient(loss, variables)[0], rtol=1e-3, atol=1e-6)


def trained_student(context: Context, epochs: int) -> Any:
    keras2().utils.set_random_seed(9)
    student = examples.functional()
    fine_tune(student, context, epochs)
    return student


def test_a_teacher_of_weight_nought_changes_nothing():
    context = contexts(0.0, examples.trained("residual"))
    without = trained_student(replace(context, teacher=None), 1)
    for one, other in zip(trained_student(context, 1).get_weights(), without.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.slow
def test_a_student_learns_from_its_teacher_what_wrong_labels_would_never_tell():
    teacher = examples.trained("residual", 8)
    context = contexts(1.0, teacher)
    data = context.samples
    wrong = replace(data, y={**data.y, "train": (data.y["train"] + 1) % examples.CLASSES})
    x = data.x["validation"]
    answers = outputs_of(teacher)(x).argmax(axis=1)
    taught, misled = (trained_student(replace(c, samples=wrong), 6) for c in (context, replace(context, teacher=None)))
    agreed = [float((outputs_of(one)(x).argmax(axis=1) == answers).mean()) for one in (taught, misled)]
    assert agreed[0] > agreed[1] + 0.3


def test_mixtures_lie_between_their_two_samples_and_keep_the_mean_of_several_inputs_together():
    x = np.random.default_rng(1).normal(size=(50, 3, 2)).astype(np.float32)
    one, other = mixed((x, 2 * x[:, 0]), np.random.default_rng(5))
    np.testing.assert_allclose(other, 2 * one[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(one, mixed(x, np.random.default_rng(5)))
    low, high = x.min(axis=0), x.max(axis=0)
    assert ((one >= low - 1e-6) & (one <= high + 1e-6)).all()
    assert len(np.unique(one[:, 0, 0])) == 50
    assert np.abs(one - x).max() > 0.5


@pytest.mark.slow
def test_training_on_mixtures_asks_the_teacher_about_the_mixtures():
    teacher = examples.trained("residual", 8)
    context = contexts(1.0, teacher)
    mixtures = replace(context, settings=replace(context.settings, augmentation=Augmentation(mixup=True)))
    plain, blended = trained_student(context, 1), trained_student(mixtures, 1)
    assert any(not np.array_equal(a, b) for a, b in zip(plain.get_weights(), blended.get_weights(), strict=True))
    before, after = copy_model(examples.functional()), trained_student(mixtures, 6)
    data, task = context.samples, context.task
    assert evaluate(after, data, "validation", task).value > evaluate(before, data, "validation", task).value + 0.3


def test_statistics_of_a_model_that_was_trained_on_mixtures_are_those_of_mixtures():
    layers = keras2().layers
    model = keras2().Sequential([layers.Input(examples.SHAPE), layers.BatchNormalization()])
    data = examples.samples(train=4096)
    variances = []
    for mixup in (False, True):
        refresh_statistics(model, data, 512, 0, Augmentation(mixup=mixup))
        variances.append(model.layers[0].moving_variance.numpy())
    # a · x + (1 - a) · y with a even in 0..1: the variance of one sample times the mean of a² + (1 - a)², which is 2/3.
    np.testing.assert_allclose(variances[1] / variances[0], 2 / 3, rtol=0.05)
