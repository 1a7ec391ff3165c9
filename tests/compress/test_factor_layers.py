"""Factors as Keras layers: at full rank they compute what the layer computes, whatever its strides, padding or dilation."""

from typing import Any

import numpy as np
import pytest

from edgecompress.compress.base import Context, TrainingSettings
from edgecompress.compress.factors.choice import option
from edgecompress.compress.factors.layers import places_of, replacements
from edgecompress.compress.factors.metric import inputs_of, metric_of_outputs, metric_of_weights
from edgecompress.compress.factors.schemes import Scheme, schemes_of
from edgecompress.compress.models.rebuilding import rebuild, unchanged
from edgecompress.compress.training.task import Task
from edgecompress.load.runtime import keras2
from edgecompress.load.summary import describe_model

IMAGE, LINE = (9, 12, 3), (13, 4)
LAYERS: dict[str, tuple[tuple[int, ...], str, dict[str, Any]]] = {
    "dense": ((7,), "Dense", {"units": 9, "activation": "relu"}),
    "dense on lines": (LINE, "Dense", {"units": 5, "use_bias": False}),
    "1x1": (IMAGE, "Conv2D", {"filters": 6, "kernel_size": 1, "activation": "relu"}),
    "1x1 with strides": (IMAGE, "Conv2D", {"filters": 2, "kernel_size": 1, "strides": (2, 3), "padding": "same"}),
    "same": (IMAGE, "Conv2D", {"filters": 6, "kernel_size": (3, 5), "padding": "same", "activation": "relu"}),
    "strides": (IMAGE, "Conv2D", {"filters": 4, "kernel_size": (4, 3), "strides": (2, 3), "padding": "same"}),
    "valid": (IMAGE, "Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": (1, 2), "use_bias": False}),
    "dilated": (IMAGE, "Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": (2, 3), "padding": "same"}),
    "column": (IMAGE, "Conv2D", {"filters": 4, "kernel_size": (5, 1), "padding": "same", "activation": "tanh"}),
    "causal": (LINE, "Conv1D", {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}),
    "along": (LINE, "Conv1D", {"filters": 6, "kernel_size": 4, "padding": "same", "strides": 2}),
}


class Noise:
    """Samples of noise."""

    fingerprint = "noise"

    def __init__(self, shape: tuple[int, ...], count: int = 30) -> None:
        self.x = np.random.default_rng(5).normal(0.3, 1, (count, *shape)).astype(np.float32)

    def count(self, split: str) -> int:
        return len(self.x)

    def batches(self, split: str, size: int, seed: int | None = None) -> Any:
        return ((self.x[first : first + size], None) for first in range(0, len(self.x), size))


def made(name: str) -> Any:
    shape, kind, options = LAYERS[name]
    keras2().utils.set_random_seed(1)
    given = keras2().layers.Input(shape)
    layer = getattr(keras2().layers, kind)(name="layer", kernel_regularizer="l2", bias_initializer="normal", **options)
    return rebuild(keras2().Model(given, layer(given)))


def context_of(model: Any) -> Context:
    task = Task("mean_squared_error", "mean_squared_error")
    return Context(Noise(model.input_shape[1:]), task, TrainingSettings(), original=model)


def schemes(model: Any, *, outputs: bool) -> list[Scheme]:
    layer = model.get_layer("layer")
    kernel = layer.kernel.numpy().astype(np.float64)
    metric = metric_of_weights(kernel.size // kernel.shape[-1])
    if outputs:
        metric = metric_of_outputs(inputs_of(model, layer, context_of(model)))
    return schemes_of(kernel, metric, places_of(model, layer), "auto")


def factorised(model: Any, scheme: Scheme, ranks: tuple[int, ...]) -> Any:
    parts = replacements(model, {"layer": option(scheme, ranks)})["layer"]
    return rebuild(model, lambda layer: parts if layer.name == "layer" else unchanged(layer))


@pytest.mark.parametrize("outputs", [True, False])
@pytest.mark.parametrize("name", sorted(LAYERS))
def test_at_full_rank_the_factors_compute_what_the_layer_computes(name, outputs):
    model = made(name)
    x = np.random.default_rng(0).normal(0, 1, (4, *model.input_shape[1:])).astype(np.float32)
    wanted = model(x).numpy()
    for scheme in schemes(model, outputs=outputs):
        small = factorised(model, scheme, scheme.limits)
        assert small.output_shape == model.output_shape
        np.testing.assert_allclose(small(x).numpy(), wanted, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_kernel_of_low_rank_is_factorised_at_that_rank_without_loss_and_in_fewer_macs_as_keras_counts_them(name):
    model = made(name)
    layer = model.get_layer("layer")
    x = np.random.default_rng(0).normal(0, 1, (4, *model.input_shape[1:])).astype(np.float32)
    for scheme in schemes(model, outputs=False):
        ranks = tuple(max(most // 2, 1) for most in scheme.limits)
        low = multiplied(scheme.kernels(ranks), layer.kernel.shape)
        layer.kernel.assign(low)
        (again,) = [one for one in schemes(model, outputs=True) if one.name == scheme.name]
        small = factorised(model, again, ranks)
        wanted = model(x).numpy()
        np.testing.assert_allclose(small(x).numpy(), wanted, atol=5e-5 * np.abs(wanted).max())
        chosen = option(again, ranks)
        assert again.error(ranks) < 1e-9
        described = describe_model(small)
        assert described["macs"] == chosen.macs
        bias = layer.bias.shape[0] if layer.use_bias else 0
        assert described["parameters"] == chosen.weights + bias


def multiplied(kernels: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """One kernel that does what several do behind each other."""
    found = kernels[0]
    for other in kernels[1:]:
        window = [a + b - 1 for a, b in zip(found.shape[:-2], other.shape[:-2], strict=True)]
        both = np.zeros((*window, found.shape[-2], other.shape[-1]))
        for one in np.ndindex(*found.shape[:-2]):
            for two in np.ndindex(*other.shape[:-2]):
                both[tuple(np.add(one, two))] += found[one] @ other[two]
        found = both
    return found.reshape(shape)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_what_an_output_is_made_of_times_the_kernel_is_the_output(name):
    model = made(name)
    layer = model.get_layer("layer")
    rows = inputs_of(model, layer, context_of(model))
    kernel = layer.kernel.numpy().reshape(-1, layer.kernel.shape[-1])
    products = rows @ kernel + (layer.bias.numpy() if layer.use_bias else 0)
    wanted = model(Noise(model.input_shape[1:]).x).numpy().reshape(-1, kernel.shape[-1])
    found = layer.activation(products).numpy() if layer.activation.__name__ != "linear" else products
    assert rows.shape[0] == wanted.shape[0]
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(wanted, axis=0), atol=1e-4)


def test_the_last_factor_has_the_name_the_bias_and_the_activation_and_no_weight_decay_is_left_on_kernels():
    model = made("same")
    for scheme in schemes(model, outputs=False):
        small = factorised(model, scheme, (2, 3)[: len(scheme.limits)])
        *others, last = small.layers[1:]
        roles = ["reduce", "core"] if others[1:] else ["vertical"]
        assert [layer.name for layer in small.layers[1:]] == [*(f"layer_{role}" for role in roles), "layer"]
        assert not any(layer.use_bias for layer in others)
        assert {layer.activation.__name__ for layer in others} == {"linear"}
        assert last.activation.__name__ == "relu"
        np.testing.assert_array_equal(last.bias.numpy(), model.get_layer("layer").bias.numpy())
        assert not small.losses


def test_names_of_factors_are_taken_by_nobody_else():
    layers = keras2().layers
    given = layers.Input((8,))
    hidden = layers.Dense(9, name="layer")(given)
    model = keras2().Model(given, layers.Dense(4, name="layer_reduce")(hidden))
    (scheme,) = schemes(model, outputs=False)
    small = factorised(model, scheme, (2,))
    assert [layer.name for layer in small.layers[1:]] == ["layer_reduce_", "layer", "layer_reduce"]


def test_an_open_size_of_the_input_leaves_the_places_unknown():
    given = keras2().layers.Input((None, None, 3))
    model = keras2().Model(given, keras2().layers.Conv2D(8, 3, name="layer")(given))
    places = places_of(model, model.get_layer("layer"))
    assert (places.read, places.between, places.given) == (0, 0, 0)
