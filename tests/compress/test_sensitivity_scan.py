"""The scan of kernels on validation samples: what it measures, what it leaves, and what is made of it."""

from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.kernels import keras_kernels, kernel_variables
from edgecompress.compress.training.fine_tuning import describe_output, validation_loss
from edgecompress.compress.training.task import infer
from edgecompress.compress.weights.sensitivity import scan
from edgecompress.errors import DataError, RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes


def run(text: str, model: Any, data: Any) -> Step:
    task = infer(describe_output(model), data.y["train"])
    context = Context(data, task, TrainingSettings(learning_rate=1e-3), original=model)
    (spec,) = parse_passes(text)
    return run_pass(make(spec), text, model, context)


def test_the_validation_loss_is_keras_own():
    model, data = examples.trained("residual"), examples.samples(validation=200)
    task = infer(describe_output(model), data.y["train"])
    found = validation_loss(model, Context(data, task), most=1000)()
    probabilities = model.predict(data.x["validation"], verbose=0)
    wanted = -np.log(probabilities[np.arange(200), data.y["validation"]]).mean()
    assert found == pytest.approx(wanted, rel=1e-4)


def test_every_point_is_the_loss_with_that_kernel_changed_alone_and_all_is_as_before():
    model = examples.trained("functional")
    before = [w.copy() for w in model.get_weights()]
    kernels = kernel_variables(model)[:2]
    seen = []

    def loss() -> float:
        changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
        seen.append(sum(changed))
        return sum(float(np.abs(w).sum()) for w in model.get_weights())

    levels = {kernel.name: [0, 1, 2] for kernel in kernels}
    curves = scan(kernels, levels, lambda one, level: one.variable.numpy() + level, loss)
    assert set(curves) == {"left", "right"}
    assert seen == [0, 1, 1, 1, 1]
    assert curves["left"][0] < curves["left"][1] < curves["left"][2]
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def with_an_idle_branch() -> Any:
    """A model whose outputs hardly feel one of two branches of equal size."""
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    flat = layers.Flatten()(given)
    needed = layers.Dense(8, activation="relu", name="needed")(flat)
    idle = layers.Rescaling(1e-4)(layers.Dense(8, activation="relu", name="idle")(flat))
    model = keras.Model(
        given, layers.Dense(4, activation="softmax", name="classes")(layers.Concatenate()([needed, idle]))
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    data = examples.samples()
    model.fit(data.x["train"], data.y["train"], epochs=6, verbose=0)
    return model


def test_the_kernel_that_validation_samples_do_not_miss_gives_most_zeros():
    step = run("prune{sparsity=0.5,threshold=sensitivity,epochs=0}", with_an_idle_branch(), examples.samples())
    zeros = {name: np.mean(kernel.rows == 0) for name, kernel in keras_kernels(step.outcome.model).items()}
    assert zeros["idle"] > 0.9
    assert zeros["needed"] < 0.2
    assert step.measured[0].reached == pytest.approx(0.5, abs=1e-3)
    assert any(note.startswith("prune: idle gets 9") for note in step.outcome.notes)


def test_a_scan_without_validation_samples_is_refused():
    with pytest.raises(DataError, match="no validation samples"):
        run("prune{threshold=sensitivity,epochs=0}", examples.functional(), examples.samples(validation=0))


def test_a_budget_that_would_leave_nothing_of_a_kernel_is_refused():
    text = "prune{sparsity=0.99,threshold=sensitivity,block_size=[64,64],epochs=0}"
    with pytest.raises(RecipeError, match="leaves nothing of some kernel"):
        run(text, examples.functional(), examples.samples())
