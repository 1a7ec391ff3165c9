"""Pruning: the schedule against TF-MOT's, global thresholds, groups and blocks down to the integer file, and what broke a promise."""

from functools import partial
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, Kind, Promise, TrainingSettings
from edgecompress.compress.models.cloning import tfmot
from edgecompress.compress.models.kernels import Kernel, keras_kernels, kernel_variables
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.passes.prune import Prune
from edgecompress.compress.promises import check_tflite, measure
from edgecompress.compress.training.fine_tuning import describe_output
from edgecompress.compress.training.task import infer
from edgecompress.errors import PromiseError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader

run_passes = partial(examples.run_passes, epochs=2)


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
    model, _, (step,) = run_passes("prune{sparsity=0.7,threshold=global}", examples.trained(name))
    zeros, size = zeros_in(model)
    assert zeros == int(0.7 * size)
    assert step.measured[0].reached == pytest.approx(zeros / size)
    shares = list(step.measured[0].layers.values())
    assert max(shares) > 0.72
    assert min(shares) < 0.65


def test_weights_that_were_pruned_stay_zero_and_the_others_learn_on():
    given = examples.trained("residual")
    model, _, _ = run_passes("prune{sparsity=0.5,schedule=constant,threshold=global}", given)
    cut, _, _ = run_passes("prune{sparsity=0.5,threshold=global,epochs=0}", given)
    for one, other in zip(kernel_variables(model), kernel_variables(cut), strict=True):
        learnt, at_once = one.variable.numpy(), other.variable.numpy()
        assert np.any(learnt[at_once != 0] != at_once[at_once != 0])
    assert zeros_in(model) == zeros_in(cut)


def test_both_kernels_of_a_separable_convolution_are_pruned_by_their_own_shares():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(16, 5, name="separable")(given)
    model = keras2().Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    pruned, _, (step,) = run_passes("prune{sparsity=0.6,threshold=global,epochs=1}", model)
    assert set(step.outcome.promise.layers) == {"separable/depthwise_kernel", "separable/pointwise_kernel", "classes"}
    zeros, size = zeros_in(pruned)
    assert zeros == int(0.6 * size)


@pytest.mark.slow
def test_a_global_share_of_zeros_and_the_codes_behind_it_are_in_the_file():
    from edgecompress.convert.codes import with_codes

    model, context, _ = run_passes(
        "prune{sparsity=0.75,threshold=global},codes{values=5,epochs=1}", examples.trained("residual")
    )
    content = examples.to_tflite(model, examples.samples().x["validation"][:12])
    graph = reader.read_bytes(with_codes(content, keras_kernels(model), context.standing))
    check_tflite(graph, context.standing, map_layers(graph, keras_kernels(model)))
    operands = [graph.operands(o)[1].data for o in graph.operations if o.opcode in ("CONV_2D", "FULLY_CONNECTED")]
    assert sum(int((one == 0).sum()) for one in operands) >= int(0.75 * sum(one.size for one in operands))
    assert max(len(np.unique(one)) for one in operands) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2])
def test_of_every_four_neighbours_in_the_file_n_are_not_zero_depthwise_kernels_included(n):
    model, context, _ = run_passes(f"prune{{n_of_m=[{n},4],epochs=1}}", examples.trained("depthwise"))
    graph = reader.read_bytes(examples.to_tflite(model, examples.samples().x["validation"][:12]))
    mapping = map_layers(graph, keras_kernels(model))
    check_tflite(graph, context.standing, mapping)
    assert set(mapping) == {"stem", "wide", "point", "narrow", "classes"}
    weighted = [o for o in graph.operations if o.opcode in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")]
    assert len(weighted) == 5
    for operation in weighted:
        data = graph.operands(operation)[1].data
        channels = np.moveaxis(data, -1 if operation.opcode == "DEPTHWISE_CONV_2D" else 0, 0)
        for channel in channels.reshape(len(channels), -1).tolist():
            for first in range(0, len(channel), 4):
                assert sum(value != 0 for value in channel[first : first + 4]) <= n


def test_neighbours_are_input_channels_where_these_are_a_multiple_of_m():
    layers = keras2().layers
    given = layers.Input((4, 4, 8))
    x = layers.Conv2D(5, 3, name="conv")(given)
    model = keras2().Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    pruned = prune_at_once("prune{n_of_m=[2,4]}", model)
    kernel, before = pruned.get_layer("conv").kernel.numpy(), model.get_layer("conv").kernel.numpy()
    for place in np.ndindex(3, 3, 2, 5):
        row, column, group, output = place
        four = (row, column, slice(4 * group, 4 * group + 4), output)
        largest = np.sort(np.abs(before[four]))[2:]
        assert np.array_equal(np.sort(np.abs(kernel[four])), [0, 0, *largest])


@pytest.mark.slow
@pytest.mark.parametrize("size", [(4, 1), (1, 4)])
def test_zeros_come_in_blocks_in_the_file(size):
    text = f"prune{{sparsity=0.6,block_size=[{size[0]},{size[1]}],epochs=1}}"
    model, context, _ = run_passes(text, examples.trained("sequential"))
    graph = reader.read_bytes(examples.to_tflite(model, examples.samples().x["validation"][:12]))
    check_tflite(graph, context.standing, map_layers(graph, keras_kernels(model)))
    for opcode in ("CONV_2D", "FULLY_CONNECTED"):
        weights = [graph.operands(o)[1].data for o in graph.operations if o.opcode == opcode]
        for rows in (one.reshape(len(one), -1) for one in weights):
            blocks = [
                rows[top : top + size[0], left : left + size[1]]
                for top in range(0, rows.shape[0], size[0])
                for left in range(0, rows.shape[1], size[1])
            ]
            assert sum(not block.any() for block in blocks) >= int(0.6 * len(blocks))


def prune_at_once(text: str, model: Any) -> Any:
    data = examples.samples()
    context = Context(data, infer(describe_output(model), data.y["train"]), TrainingSettings(epochs=0))
    (spec,) = parse_passes(text)
    return make(spec).apply(model, context).model


def test_a_second_pass_keeps_the_zeros_of_the_first_whatever_it_adds():
    text = "prune{sparsity=0.7,epochs=1},prune{n_of_m=[2,4],epochs=1},prune{sparsity=0.3,threshold=global,epochs=1}"
    _, context, steps = run_passes(text, examples.trained("residual"))
    assert [promise.kind for promise in context.standing] == [Kind.ZEROS, Kind.N_OF_M, Kind.ZEROS]
    shares = [zeros_in(step.outcome.model)[0] for step in steps]
    assert shares[0] < shares[1] == shares[2]


def test_quantization_aware_training_behind_groups_keeps_them_and_filters_is_refused_before_it_trains():
    model = examples.trained("residual")
    _, context, _ = run_passes("prune{n_of_m=[2,4],epochs=1},qat{epochs=1}", model)
    assert context.standing[0].kind is Kind.N_OF_M
    with pytest.raises(PromiseError, match=r"filters.* broke what prune"):
        run_passes("prune{n_of_m=[1,3],epochs=0},filters{macs=0.6,multiple=1,epochs=1}", model)


def test_every_round_takes_the_same_share_of_what_is_left():
    rounds = list(Prune(sparsity=1 - 0.5**3, rounds=3)._rounds(7))
    assert [epochs for _, _, epochs in rounds] == [2, 2, 3]
    np.testing.assert_allclose([shares[:2] for shares in rounds], [(0, 0.5), (0.5, 0.75), (0.75, 0.875)])
    # Of the half that is too much: what leaves sqrt(1/2) of all weights, and all of it.
    groups = list(Prune(n_of_m=(2, 4), rounds=2)._rounds(2))
    np.testing.assert_allclose([last for _, last, _ in groups], [(1 - 0.5**0.5) / 0.5, 1])


def test_a_round_starts_where_the_last_one_ended():
    ours = Prune(sparsity=0.8, rounds=2, schedule="constant", begin=0.2)
    assert [ours.sparsity_at(step, 10, 0.4, 0.6) for step in (0, 1, 2)] == [None, None, 0.6]
    ours = Prune(sparsity=0.8, rounds=2)
    found = [ours.sparsity_at(step, 10, 0.4, 0.6) for step in range(10)]
    assert found[0] == 0.4
    assert found[7:] == [0.6, 0.6, 0.6]
    assert found == sorted(found)


def test_the_penalty_makes_weights_smaller_until_the_zeros_are_there_and_is_gone_with_the_pass():
    given = examples.trained("residual")
    sizes = {}
    for l1 in (0, 0.3):
        text = f"prune{{sparsity=0.5,schedule=constant,begin=0.9,l1={l1},epochs=8}}"
        model, _, _ = run_passes(text, given)
        sizes[l1] = sum(float(np.abs(kernel.rows).sum()) for kernel in keras_kernels(model).values())
        assert not model.losses
        assert not given.losses
        assert zeros_in(model)[0] > 0.4 * zeros_in(model)[1]
    assert sizes[0.3] < 0.9 * sizes[0]


@pytest.mark.parametrize("threshold", ["layer", "global"])
def test_scores_choose_other_weights_and_never_touch_the_share(threshold):
    model = examples.trained("depthwise")
    zero = {}
    for score in ("magnitude", "taylor", "second_order", "random"):
        pruned, _, _ = run_passes(f"prune{{sparsity=0.6,threshold={threshold},score={score},epochs=0}}", model)
        zero[score] = np.concatenate([kernel.rows.ravel() == 0 for kernel in keras_kernels(pruned).values()])
    counts = {score: found.sum() for score, found in zero.items()}
    assert len(set(counts.values())) == 1
    for score, found in zero.items():
        assert score == "magnitude" or np.mean(found != zero["magnitude"]) > 0.02


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
