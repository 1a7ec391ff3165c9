"""Hints from a teacher's layers: the loss by hand, the layers that are found, and what training with them reaches."""

from dataclasses import replace
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.driver import run_pass
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.training.fine_tuning import describe_output, fine_tune
from edgecompress.compress.training.hints import with_hints
from edgecompress.compress.training.task import infer
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes


def small(channels: int = 3, name: str = "relu") -> Any:
    keras, layers = keras2(), keras2().layers
    given = layers.Input((4, 4, 2))
    inside = layers.ReLU(name=name)(layers.Conv2D(channels, 1, name="conv")(given))
    return keras.Model(given, layers.Dense(2, name="out")(layers.Flatten()(inside)))


def inside(model: Any, x: np.ndarray) -> np.ndarray:
    kernel, bias = model.get_layer("conv").get_weights()
    return np.maximum(x @ kernel[0, 0] + bias, 0)


def loss_of(model: Any, x: np.ndarray) -> float:
    model(x)
    return float(sum(model.losses))


def test_the_loss_of_features_is_their_squared_difference_as_a_share_of_the_teachers():
    model, teacher = small(), small()
    x = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype(np.float32)
    mine, wanted = inside(model, x), inside(teacher, x)
    found = loss_of(with_hints(model, teacher, "features", 0.5), x)
    assert found == pytest.approx(0.5 * ((mine - wanted) ** 2).sum() / (wanted**2).sum(), rel=1e-4)
    assert loss_of(with_hints(teacher, copy_model(teacher), "features", 1.0), x) == pytest.approx(0, abs=1e-6)


def test_the_loss_of_attention_compares_maps_over_models_of_different_channels():
    model, teacher = small(2), small(5)
    x = np.random.default_rng(1).normal(size=(6, 4, 4, 2)).astype(np.float32)

    def attention(values: np.ndarray) -> np.ndarray:
        maps = (values**2).mean(axis=-1).reshape(len(values), -1)
        return maps / np.linalg.norm(maps, axis=1, keepdims=True)

    wanted = ((attention(inside(model, x)) - attention(inside(teacher, x))) ** 2).sum(axis=1).mean()
    assert loss_of(with_hints(model, teacher, "attention", 1.0), x) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("model", "teacher", "kind"),
    [((2, "relu"), (5, "relu"), "features"), ((3, "one"), (3, "other"), "attention")],
)
def test_models_without_comparable_activations_are_refused(model, teacher, kind):
    with pytest.raises(RecipeError, match="finds no activation"):
        with_hints(small(*model), small(*teacher), kind, 1.0)


def test_the_teacher_does_not_learn_and_the_model_does():
    model, teacher = small(), small()
    taught = with_hints(model, teacher, "features", 1.0)
    assert {id(one) for one in taught.trainable_weights} == {id(one) for one in model.trainable_weights}
    assert len(teacher.trainable_weights) == len(model.trainable_weights), "another pass may copy it"


@pytest.mark.slow
@pytest.mark.parametrize("text", ["prune{sparsity=0.6,epochs=3}", "codes{values=3,epochs=3}", "qat{epochs=3}"])
def test_passes_that_are_given_hints_end_nearer_to_what_the_teacher_computes_inside(text):
    teacher = examples.trained("residual", 8)
    data = examples.samples()
    task = infer(describe_output(teacher), data.y["train"])
    settings = TrainingSettings(learning_rate=2e-3, distillation=1.0)
    context = Context(data, task, settings, original=teacher, teacher=teacher)
    x, distances = data.x["validation"], []
    for hints in ("", "features"):
        given = replace(context, settings=replace(settings, hints=hints))
        (spec,) = parse_passes(text)
        found = run_pass(make(spec), text, teacher, given).outcome.model
        distances.append(loss_of(with_hints(found, teacher, "features", 1.0), x))
    assert distances[1] < distances[0]


def test_without_a_teacher_of_its_own_the_baseline_is_trained_without_hints():
    model = small()
    data = examples.samples()
    task = infer(describe_output(examples.functional()), data.y["train"])
    student = copy_model(examples.functional())
    settings = TrainingSettings(hints="features", distillation=0.5, teacher="baseline")
    context = Context(data, task, settings, original=model, teacher=None)
    assert fine_tune(student, context, 1) > 0
