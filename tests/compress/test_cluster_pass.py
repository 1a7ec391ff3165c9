"""Clustering: values of each channel's own, zeros that stay, and bits chosen kernel by kernel."""

from dataclasses import replace
from typing import Any

import keras_examples as examples
import numpy as np
import pytest
from keras_examples import run_passes

from edgecompress.compress.base import Kind, Promise
from edgecompress.compress.models.kernels import Kernel, keras_kernels, kernel_variables
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.promises import check_tflite, measure
from edgecompress.compress.weights.sensitivity import bits_of
from edgecompress.errors import PromiseError, RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.tflite import reader


def test_values_of_a_channel_are_its_own_and_train_and_zeros_of_an_earlier_prune_stay():
    model, _, steps = run_passes(
        "prune{sparsity=0.4,epochs=0},cluster{clusters=4,per=channel}", examples.trained("depthwise")
    )
    pruned, clustered = keras_kernels(steps[0].outcome.model), keras_kernels(model)
    assert set(steps[1].outcome.promise.layers) == set(clustered)
    for name, kernel in clustered.items():
        assert max(len(set(row.tolist())) for row in kernel.rows) <= 4
        assert not kernel.rows[pruned[name].rows == 0].any()
        # Moved by training, and not to where the means of the weights before were.
        assert not np.allclose(kernel.rows.mean(axis=1), pruned[name].rows.mean(axis=1), atol=1e-4)
    assert len(np.unique(clustered["stem"].rows)) > 4


def test_both_kernels_of_a_separable_convolution_share_values_by_channel():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(8, 5, name="separable")(given)
    model = keras2().Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    _, _, (step,) = run_passes("cluster{clusters=3,per=channel}", model)
    assert set(step.outcome.promise.layers) == {"separable/depthwise_kernel", "classes"}
    assert any("separable/pointwise_kernel is left out, since a channel of it has 2" in n for n in step.outcome.notes)


def test_bits_go_to_the_kernels_that_need_them_and_keep_the_mean():
    model = examples.functional()
    kernels = kernel_variables(model)
    need = {"left": 5, "right": 2, "classes": 4}
    before = {kernel.name: kernel.variable.numpy() for kernel in kernels}

    def marked(kernel: Any, bits: int) -> np.ndarray:
        return before[kernel.name] + 10.0 * max(need[kernel.name] - bits, 0)

    def loss() -> float:
        return sum(float(np.abs(kernel.variable.numpy() - before[kernel.name]).max()) for kernel in kernels)

    sizes = {kernel.name: before[kernel.name].size for kernel in kernels}
    mean = sum(need[name] * sizes[name] for name in need) / sum(sizes.values())
    assert bits_of(kernels, mean, 1, marked, loss) == need
    fewer = bits_of(kernels, mean - 1, 1, marked, loss)
    assert sum(fewer[name] * sizes[name] for name in need) <= (mean - 1) * sum(sizes.values())
    with pytest.raises(RecipeError, match=r"A mean of 1.5 bits cannot be reached"):
        bits_of(kernels, 1.5, 2, marked, loss)


def test_a_mean_of_bits_is_measured_over_all_weights():
    kernels = {
        "a": Kernel("a", "dense", np.float32([[1, 2, 3, 1], [1, 2, 4, 1]])),  # 3 bins: 4 values, 2 bits; 3 per channel
        "b": Kernel("b", "dense", np.float32([[1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9]])),  # 9 values, 4 bits
    }
    promise = Promise(Kind.BITS, 3.2, layers=("a", "b"), source="cluster{bits=3.2}")
    found = measure(promise, kernels)
    assert found.layers == {"a": 2, "b": 4}
    assert found.reached == pytest.approx((2 * 8 + 4 * 12) / 20)
    assert found.holds
    assert not measure(replace(promise, bound=3.1), kernels).holds
    assert Promise.from_dict(promise.as_dict()) == promise
    ones = {"a": Kernel("a", "dense", np.ones((2, 2), np.float32))}
    assert measure(Promise(Kind.BITS, 0.0, layers=("a",)), ones).holds


@pytest.mark.parametrize(
    "text", ["cluster{bits=3,epochs=0}", "codes{bits=2,epochs=0}", "codes{bits=2,per=channel,epochs=0}"]
)
def test_the_mean_of_bits_is_kept_told_and_guarded(text):
    model = examples.trained("residual")
    _, _, (step,) = run_passes(text, model)
    assert step.measured[0].reached <= step.outcome.promise.bound
    assert sum(" bits" in note for note in step.outcome.notes) == len(step.outcome.promise.layers)
    with pytest.raises(PromiseError, match="broke what"):
        run_passes(f"{text},prune{{sparsity=0.3,epochs=1}}", model)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["cluster{bits=3,epochs=0}", "cluster{clusters=4,per=channel,epochs=0}"])
def test_quantization_aware_training_behind_keeps_what_is_shared_in_the_file(text):
    model, context, _ = run_passes(f"{text},qat{{epochs=1}}", examples.trained("residual"))
    graph = reader.read_bytes(examples.to_tflite(model, examples.samples().x["validation"][:12]))
    mapping = map_layers(graph, keras_kernels(model))
    (found,) = check_tflite(graph, context.standing, mapping)
    assert set(found.layers) == set(mapping)
    most = {name: 2**bits for name, bits in found.layers.items()} if "bits" in text else dict.fromkeys(mapping, 4)
    for name, (index,) in mapping.items():
        channels = graph.tensors[index].data
        assert max(len(set(channel.ravel().tolist())) for channel in channels) <= most[name]
