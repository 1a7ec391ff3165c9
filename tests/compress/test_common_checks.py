"""What every pass must do, on every structure of model: a pass that is new in the table is checked by itself."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import PASSES, make
from edgecompress.compress.base import Context, Kind, TrainingSettings
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.cloning import copy_model, is_wrapped
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.saved import save_model
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.training.fine_tuning import describe_output, evaluate, outputs_of
from edgecompress.compress.training.task import infer
from edgecompress.convert.codes import with_codes
from edgecompress.convert.lite import to_integer
from edgecompress.load import load_stage
from edgecompress.load.runtime import keras2
from edgecompress.load.summary import describe_model
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader

EXAMPLES = {
    "cluster": "cluster{clusters=6,epochs=1}",
    "codes": "codes{values=6,epochs=1}",
    "filters": "filters{macs=0.7,multiple=2,epochs=1}",
    "fine_tune": "fine_tune{epochs=1}",
    "low_rank": "low_rank{macs=0.7,multiple=2,epochs=1}",
    "prune": "prune{sparsity=0.6,epochs=1}",
    "qat": "qat{epochs=1}",
    "student": "student{width=0.5,multiple=2,epochs=1}",
}
"""A text for every pass of the table, that has something to do on all example models."""

OPTIONS = {
    "prune by Taylor, in blocks": ("prune{sparsity=0.6,score=taylor,block_size=[2,1],epochs=1}", ("depthwise",)),
    "prune by second order, 2:4": ("prune{score=second_order,n_of_m=[2,4],epochs=1}", ("depthwise",)),
    "prune by sensitivity, in rounds": ("prune{sparsity=0.6,threshold=sensitivity,rounds=2,epochs=2}", ("residual",)),
    "prune by lot, with L1": ("prune{sparsity=0.6,score=random,l1=0.001,epochs=1}", ("functional",)),
    "cluster per channel": ("cluster{clusters=5,per=channel,epochs=1}", ("depthwise",)),
    "cluster with some bits": ("cluster{bits=2.5,epochs=1}", ("residual",)),
    "codes with some bits": ("codes{bits=2.5,epochs=1}", ("residual",)),
    "student, thin and fresh": ("student{width=0.5,multiple=2,weights=fresh,epochs=1}", ("depthwise", "functional")),
    "student, separable": ("student{design=depthwise_separable,epochs=1}", ("residual",)),
    "student, fire": ("student{design=fire,multiple=1,epochs=1}", ("residual",)),
    "student, shuffle": ("student{design=shuffle,groups=2,epochs=1}", ("residual",)),
}
"""Options that make another pass of one: a text, and the models to try it on."""

TEXTS = EXAMPLES | {name: text for name, (text, _) in OPTIONS.items()}

SMALLER = ("filters", "low_rank", "student")
"""Passes that leave smaller kernels."""

DEPTHWISE = ("wide", "narrow")
"""The depthwise kernels of the example models."""

MATRIX = [(name, model) for name in sorted(PASSES) for model in sorted(examples.MODELS)]
MATRIX += [(name, model) for name, (_, models) in OPTIONS.items() for model in models]
pytestmark = pytest.mark.slow


@dataclass(frozen=True, eq=False)
class Run:
    """One pass on one model."""

    model: Any
    weights: list[np.ndarray]
    step: Step
    text: str


@cache
def trained(model: str) -> Any:
    return examples.trained(model)


def apply(name: str, model: Any) -> Step:
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    context = Context(data, task, TrainingSettings(learning_rate=1e-3, seed=5), original=model)
    (spec,) = parse_passes(TEXTS[name])
    return run_pass(make(spec), TEXTS[name], model, context)


@cache
def run(name: str, model: str) -> Run:
    given = trained(model)
    return Run(given, [w.copy() for w in given.get_weights()], apply(name, given), TEXTS[name])


def test_every_pass_of_the_table_has_an_example():
    assert set(EXAMPLES) == set(PASSES)
    assert all(text.split("{")[0] in PASSES for text in TEXTS.values())


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_the_argument_keeps_its_weights_and_its_layers(name, model):
    done = run(name, model)
    for before, after in zip(done.weights, done.model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert not {id(layer) for layer in done.model.layers} & {id(layer) for layer in done.step.outcome.model.layers}
    inner = {id(getattr(layer, "layer", layer)) for layer in done.step.outcome.model.layers}
    assert not {id(layer) for layer in done.model.layers} & inner


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_shapes_of_inputs_outputs_and_kernels_are_kept_and_no_wrapper_of_training_is_left(name, model):
    done = run(name, model)
    result = done.step.outcome.model
    assert result.input_shape == done.model.input_shape
    assert result.output_shape == done.model.output_shape
    before, after = keras_kernels(done.model), keras_kernels(result)
    now = {n: done.step.outcome.successors.get(n, (n,)) for n in before}
    assert after.keys() == {one for names in now.values() for one in names}
    sizes = {n: sum(after[one].rows.size for one in names) for n, names in now.items()}
    assert (done.text.split("{")[0] in SMALLER) is any(sizes[n] < before[n].rows.size for n in before)
    assert all(sizes[n] <= before[n].rows.size for n in before)
    kinds = {type(layer).__name__ for layer in result.layers}
    assert not kinds & {"PruneLowMagnitude", "ClusterWeights"}
    assert is_wrapped(result) is make(parse_passes(done.text)[0]).final


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_the_pass_trained_something(name, model):
    done = run(name, model)
    before, after = keras_kernels(done.model), keras_kernels(done.step.outcome.model)
    same = [kernel for kernel in before if kernel in after]
    assert all(not np.array_equal(before[kernel].rows, after[kernel].rows) for kernel in same)
    assert set(before) - set(same) <= set(done.step.outcome.successors)
    assert not done.step.outcome.did_nothing_reason


@pytest.mark.parametrize(
    ("name", "model"),
    [*((name, "depthwise") for name in sorted(PASSES)), *((name, m) for name, (_, (m, *_)) in OPTIONS.items())],
)
def test_the_same_seed_gives_the_same_weights(name, model):
    done = run(name, model)
    again = apply(name, trained(model))
    for one, two in zip(done.step.outcome.model.get_weights(), again.outcome.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_the_result_can_be_saved_loaded_and_copied(name, model, tmp_path):
    result = run(name, model).step.outcome.model
    save_model(result, tmp_path / "model.h5")
    loaded = load_stage(tmp_path / "model.h5", quantized=is_wrapped(result))
    x = examples.samples().x["validation"]
    wanted = outputs_of(result)(x)
    np.testing.assert_allclose(outputs_of(loaded)(x), wanted, atol=1e-6)
    np.testing.assert_allclose(outputs_of(copy_model(result))(x), wanted, atol=1e-6)


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_the_result_converts_to_full_integer_and_the_promise_holds_in_the_file(name, model, tmp_path):
    done = run(name, model)
    result = done.step.outcome.model
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    path = tmp_path / "model.tflite"
    path.write_bytes(with_codes(examples.to_tflite(result, x), keras_kernels(result), done.step.standing))
    graph = reader.read(path)
    assert {t.dtype.kind for t in graph.tensors.values() if not t.is_constant} == {"i"}
    mapping = map_layers(graph, keras_kernels(result))
    assert set(mapping) == set(keras_kernels(result))
    check_tflite(graph, done.step.standing, mapping)
    _count_in_file(done, graph, mapping)


def _count_in_file(done: Run, graph: Any, mapping: dict[str, tuple[int, ...]]) -> None:
    """The promise once more, counted here without the package's measuring functions."""
    promise = done.step.outcome.promise
    if promise.kind is Kind.MACS:
        weights = {i: graph.tensors[i].data.size for indices in mapping.values() for i in indices}
        places = [(o.inputs[1], graph.tensors[o.outputs[0]].shape[1:-1]) for o in graph.operations if len(o.inputs) > 1]
        assert sum(int(np.prod(shape)) * weights.get(i, 0) for i, shape in places) <= promise.bound
    if promise.kind is Kind.BITS:
        tensors = [graph.tensors[index].data for layer in promise.layers for index in mapping[layer]]
        parts = [list(data.reshape(len(data), -1)) if promise.in_file == "channel" else [data] for data in tensors]
        assert _mean_bits(parts, [data.size for data in tensors]) <= promise.bound
    for layer in promise.layers:
        for index in mapping[layer]:
            tensor = graph.tensors[index]
            values = tensor.data
            axis = tensor.quantization.axis if tensor.quantization.per_channel else 0
            channels = np.moveaxis(values, axis, 0)
            if promise.kind is Kind.ZEROS and promise.granularity == "tensor":
                assert np.sum(values == 0) >= int(promise.bound * values.size)
            if promise.kind in (Kind.N_OF_M, Kind.ZERO_BLOCKS):
                _count_groups(promise, channels.reshape(len(channels), -1))
            if promise.kind is Kind.DISTINCT_VALUES:
                assert max(len(set(channel.ravel().tolist())) for channel in channels) <= promise.bound
                assert promise.in_file == "channel" or len(np.unique(values)) <= promise.bound


def _mean_bits(kernels: list[list[np.ndarray]], sizes: list[int]) -> float:
    """Of an index into the values of each kernel's fullest part, each weight counted once."""
    bits = [np.ceil(np.log2(max(len(set(part.ravel().tolist())) for part in parts))) for parts in kernels]
    return float(np.average(bits, weights=sizes))


def _count_groups(promise: Any, rows: np.ndarray) -> None:
    """Groups and blocks one by one; rows are (output channels, weights of each)."""
    if promise.kind is Kind.N_OF_M:
        n, m = promise.bound
        groups = [row[first : first + int(m)] for row in rows for first in range(0, len(row), int(m))]
        assert max(np.sum(group != 0) for group in groups) <= n
        return
    share, height, width = promise.bound[0], int(promise.bound[1]), int(promise.bound[2])
    tops, lefts = range(0, rows.shape[0], height), range(0, rows.shape[1], width)
    blocks = [rows[top : top + height, left : left + width] for top in tops for left in lefts]
    assert sum(not block.any() for block in blocks) >= int(share * len(blocks))


@pytest.mark.parametrize(("name", "model"), MATRIX)
def test_the_promise_holds_in_keras_weights_counted_by_hand(name, model):
    done = run(name, model)
    promise = done.step.outcome.promise
    layers = {layer.name: layer for layer in done.step.outcome.model.layers}
    if promise.kind is Kind.ZEROS and promise.granularity == "model":
        kernels = [w for layer in layers.values() for w in layer.get_weights() if w.ndim >= 2]
        assert sum(np.sum(w == 0) for w in kernels) >= int(promise.bound * sum(w.size for w in kernels))
    if promise.kind is Kind.MACS:
        counted = [describe_model(one)["macs"] for one in (done.model, done.step.outcome.model)]
        assert counted[1] <= promise.bound <= int(0.7 * counted[0])
        assert promise.bound == (int(0.7 * counted[0]) if name == "filters" else counted[1])  # others know it before
    shared: dict[str, list[np.ndarray]] = {}
    for kernel in promise.layers:
        values = next(w for w in layers[kernel].get_weights() if w.ndim >= 2)
        if promise.kind is Kind.ZEROS and promise.granularity == "tensor":
            assert np.sum(values == 0) >= int(promise.bound * values.size)
        if promise.kind in (Kind.N_OF_M, Kind.ZERO_BLOCKS):
            depthwise = kernel in DEPTHWISE
            rows = np.moveaxis(values, (2, 3) if depthwise else -1, (0, 1) if depthwise else 0)
            _count_groups(promise, rows.reshape(int(np.prod(rows.shape[: 1 + depthwise])), -1))
        if kernel in promise.units:
            # A number for each output channel, which are the last two dimensions of a depthwise kernel.
            values = values / np.reshape(promise.units[kernel], values.shape[-2:] if kernel in DEPTHWISE else -1)
            assert np.abs(values - np.rint(values)).max() < 1e-4
            values = np.rint(values)
        shared[kernel] = [values]
        if promise.granularity == "channel":
            rows = values.reshape(-1, int(np.prod(values.shape[-2:] if kernel in DEPTHWISE else values.shape[-1])))
            shared[kernel] = list(rows.T)
        if promise.kind is Kind.DISTINCT_VALUES:
            assert max(len(np.unique(part)) for part in shared[kernel]) <= promise.bound
    if promise.kind is Kind.BITS:
        sizes = [sum(part.size for part in parts) for parts in shared.values()]
        assert _mean_bits(list(shared.values()), sizes) <= promise.bound


@pytest.mark.parametrize("name", sorted(PASSES))
def test_a_pass_with_nothing_to_do_says_so_and_returns_a_copy(name):
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    if name == "qat":
        model = keras2().Model(given, layers.GaussianNoise(0.1)(given))
    else:
        pooled = layers.GlobalAveragePooling2D()(given)
        model = keras2().Model(given, layers.Softmax()(pooled))
    task = infer(describe_output(model), None)
    (spec,) = parse_passes(EXAMPLES[name])
    context = Context(examples.samples(labels=False), task, original=model)
    step = run_pass(make(spec), EXAMPLES[name], model, context)
    assert step.outcome.did_nothing_reason
    assert step.outcome.promise.kind is Kind.NONE
    assert step.outcome.model is not model


@pytest.mark.parametrize("name", sorted(name for name, text in TEXTS.items() if "design=" not in text))
def test_a_model_of_two_inputs_is_compressed_like_any_other(name):
    data = examples.samples()
    paired = examples.PairedSamples(data.x, data.y)
    keras2().utils.set_random_seed(3)
    model = examples.two_inputs()
    context = Context(paired, infer(describe_output(model), data.y["train"]), TrainingSettings(seed=5), original=model)
    (spec,) = parse_passes(TEXTS[name])
    step = run_pass(make(spec), TEXTS[name], model, context)  # which measures the promise
    assert not step.outcome.did_nothing_reason
    assert [tensor.shape for tensor in step.outcome.model.inputs] == [tensor.shape for tensor in model.inputs]
    assert step.outcome.promise.kind is Kind.NONE or all(measurement.holds for measurement in step.measured)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_model_of_two_outputs_is_compressed_like_any_other_down_to_the_file(name):
    data = examples.samples(labels=False)
    paired = examples.PairedSamples(data.x, data.y)
    keras2().utils.set_random_seed(3)
    model = examples.two_inputs(outputs=2)
    context = Context(paired, infer(describe_output(model), None), TrainingSettings(seed=5), original=model)
    (spec,) = parse_passes(TEXTS[name])
    step = run_pass(make(spec), TEXTS[name], model, context)
    result = step.outcome.model
    assert [tensor.shape for tensor in result.outputs] == [tensor.shape for tensor in model.outputs]
    assert evaluate(result, paired, "validation", context.task, model).metric == "agreement"
    inputs = [(x[0][:1], x[1][:1]) for x, _ in paired.batches("validation", 8)]
    content = with_codes(to_integer(result, lambda: iter(inputs)), keras_kernels(result), step.standing)
    graph = reader.read_bytes(content)
    assert [graph.tensors[index].shape for index in graph.outputs] == [(1, examples.CLASSES)] * 2
    wanted = {layer for promise in step.standing for layer in promise.layers or keras_kernels(result)}
    check_tflite(graph, step.standing, map_layers(graph, keras_kernels(result), wanted))
