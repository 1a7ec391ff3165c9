"""Pruning: the schedule against TF-MOT's, global thresholds down to the integer file, and what broke a promise."""

from dataclasses import replace
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, Kind, Promise, TrainingSettings
from edgecompress.compress.cloning import tfmot
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.kernels import Kernel, keras_kernels, kernel_variables
from edgecompress.compress.mapping import map_layers
from edgecompress.compress.promises import check_tflite, measure
from edgecompress.compress.prune import Prune
from edgecompress.compress.task import infer
from edgecompress.compress.training import describe_output
from edgecompress.errors import PromiseError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader


def run(text: str, model: Any) -> tuple[Any, Context, list[Step]]:
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    context = Context(data, task, TrainingSettings(learning_rate=2e-3, epochs=2), original=model)
    steps = []
    for spec in parse_passes(text):
        step = run_pass(make(spec), str(spec), model, context)
        model, context = step.outcome.model, replace(context, standing=step.standing)
        steps.append(step)
    return model, context, steps


def zeros_in(model: Any) -> tuple[int, int]:
    """Zeros and weights of all kernels, counted from Keras' own arrays."""
    values = [w for layer in model.layers for w in layer.get_weights() if w.ndim >= 2]
    return sum(int((one == 0).sum()) for one in values), sum(one.size for one in values)


@pytest.mark.parametrize(("begin", "end", "frequency"), [(0.0, 0.7, 7), (0.2, 0.9, 10), (0.1, 1.0, None)])
def test_the_polynomial_schedule_is_that_of_tfmot(begin, end, frequency):
    total = 200
    ours = Prune(sparsity=0.8, begin=begin, end=end, frequency=frequency)
    first, last = int(begin * total), int(end * total)
    every = frequency or (last - first) // 50
    theirs = tfmot().sparsity.keras.PolynomialDecay(0.0, 0.8, begin_step=first, end_step=last, frequency=every)
    for step in range(last + 1):
        update, sparsity = theirs(step)
        found = ours.sparsity_at(step, total)
        assert (found is not None) == bool(update)
        if found is not None:
            assert found == pytest.approx(float(sparsity), abs=1e-6)


@pytest.mark.parametrize("schedule", ["polynomial", "constant"])
@pytest.mark.parametrize("frequency", [None, 1, 7, 1000])
def test_the_sparsity_rises_to_its_end_and_stays_there(schedule, frequency):
    for total in (1, 2, 17, 100):
        ours = Prune(sparsity=0.6, schedule=schedule, end=0.5, frequency=frequency)
        reached = [found for step in range(total) if (found := ours.sparsity_at(step, total)) is not None]
        assert reached == sorted(reached)
        assert reached[-1] <= 0.6
        assert reached[-1] == 0.6 or total < 4


@pytest.mark.parametrize("name", ["residual", "depthwise"])
def test_a_global_threshold_zeroes_exactly_its_share_of_all_weights_and_spares_small_kernels(name):
    model, _, (step,) = run("prune{sparsity=0.7,threshold=global}", examples.trained(name))
    zeros, size = zeros_in(model)
    assert zeros == int(0.7 * size)
    assert step.measured[0].reached == pytest.approx(zeros / size)
    shares = list(step.measured[0].layers.values())
    assert max(shares) > 0.72
    assert min(shares) < 0.65


def test_weights_that_were_pruned_stay_zero_and_the_others_learn_on():
    given = examples.trained("residual")
    model, _, _ = run("prune{sparsity=0.5,schedule=constant,threshold=global}", given)
    cut, _, _ = run("prune{sparsity=0.5,threshold=global,epochs=0}", given)
    for one, other in zip(kernel_variables(model), kernel_variables(cut), strict=True):
        learnt, at_once = one.variable.numpy(), other.variable.numpy()
        assert np.any(learnt[at_once != 0] != at_once[at_once != 0])
    assert zeros_in(model) == zeros_in(cut)


def test_both_kernels_of_a_separable_convolution_are_pruned_by_their_own_shares():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(16, 5, name="separable")(given)
    model = keras2().Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    pruned, _, (step,) = run("prune{sparsity=0.6,threshold=global,epochs=1}", model)
    assert set(step.outcome.promise.layers) == {"separable/depthwise_kernel", "separable/pointwise_kernel", "classes"}
    zeros, size = zeros_in(pruned)
    assert zeros == int(0.6 * size)


@pytest.mark.slow
def test_a_global_share_of_zeros_and_the_codes_behind_it_are_in_the_file():
    from edgecompress.convert.codes import with_codes

    model, context, _ = run(
        "prune{sparsity=0.75,threshold=global},codes{values=5,epochs=1}", examples.trained("residual")
    )
    content = examples.to_tflite(model, examples.samples().x["validation"][:12])
    graph = reader.read_bytes(with_codes(content, keras_kernels(model), context.standing))
    check_tflite(graph, context.standing, map_layers(graph, keras_kernels(model)))
    operands = [graph.operands(o)[1].data for o in graph.operations if o.opcode in ("CONV_2D", "FULLY_CONNECTED")]
    assert sum(int((one == 0).sum()) for one in operands) >= int(0.75 * sum(one.size for one in operands))
    assert max(len(np.unique(one)) for one in operands) <= 5


def test_a_promise_about_all_kernels_is_judged_on_all_of_them():
    promise = Promise(Kind.ZEROS, 0.5, "model", "model", ("a", "b"), source="prune{}")
    kernels = {"a": Kernel("a", "dense", np.zeros((2, 3))), "b": Kernel("b", "dense", np.ones((2, 3)))}
    assert measure(promise, kernels).holds
    assert measure(promise, kernels, in_file=True).reached == 0.5
    kernels["a"].rows[0, 0] = 1
    assert not measure(promise, kernels).holds


def test_a_pass_that_takes_zeros_away_anywhere_breaks_the_promise_about_all_kernels():
    from edgecompress.compress.promises import demand

    promise = Promise(Kind.ZEROS, 0.5, "model", "model", ("a",), source="prune{sparsity=0.5}")
    found = measure(promise, {"a": Kernel("a", "dense", np.ones((2, 3)))})
    with pytest.raises(PromiseError, match=r"codes.* broke what prune.* all kernels together"):
        demand(found, "codes{values=4}")
