"""Batch norms folded into the layer before: the same function, fewer layers, and what cannot be folded stays."""

from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.models import folding
from edgecompress.compress.models.folding import fold_batch_norms, wiring
from edgecompress.compress.models.kernels import keras_kernels, kernel_variables
from edgecompress.errors import ToolError
from edgecompress.load.runtime import keras2


def statistics(model: Any) -> Any:
    """Batch norms with numbers that training might leave, a negative gamma among them."""
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(generator.normal(0, 1, shape))
            layer.moving_variance.assign(generator.uniform(0.2, 3, shape))
            for variable in (layer.gamma, layer.beta):
                if variable is not None:
                    variable.assign(generator.normal(0, 1, shape))
    return model


def separable() -> Any:
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=False, name="separable")(given)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.Conv2DTranspose(3, 2, strides=2, name="transpose")(x)
    x = layers.BatchNormalization(center=False)(x)
    x = layers.DepthwiseConv2D(2, depth_multiplier=3, name="depthwise")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv1D(4, 3, name="line")(layers.Reshape((121, 9))(x))
    return keras2().Model(given, layers.BatchNormalization()(x))


@pytest.mark.parametrize("make", [*examples.MODELS.values(), separable], ids=lambda make: make.__name__)
def test_the_folded_model_computes_the_same_without_batch_norms_under_the_same_names(make):
    model = statistics(make())
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batch_norms(model, {kernel.layer.name for kernel in kernel_variables(model)})
    x = np.random.default_rng(1).normal(0.2, 1, (6, *examples.SHAPE)).astype(np.float32)
    np.testing.assert_allclose(folded(x).numpy(), model(x, training=False).numpy(), rtol=1e-3, atol=1e-4)
    assert not [layer for layer in folded.layers if type(layer).__name__ == "BatchNormalization"]
    kept = [layer.name for layer in model.layers if type(layer).__name__ != "BatchNormalization"]
    assert [layer.name for layer in folded.layers] == kept
    assert keras_kernels(folded).keys() == keras_kernels(model).keys()
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_zeros_of_a_kernel_stay_zeros():
    model = statistics(examples.residual())
    kernel = model.get_layer("inner").kernel
    kernel.assign(np.where(np.random.default_rng(2).random(kernel.shape) < 0.6, 0, kernel.numpy()))
    folded = fold_batch_norms(model, {"inner"})
    np.testing.assert_array_equal(folded.get_layer("inner").kernel.numpy() == 0, kernel.numpy() == 0)


def test_only_the_named_layers_take_their_batch_norm_in_and_lose_weight_decay():
    keras, layers = keras2(), keras2().layers
    decay = keras.regularizers.L2(0.1)
    given = layers.Input(examples.SHAPE)
    x = layers.BatchNormalization(name="n1")(layers.Conv2D(4, 3, name="c1", kernel_regularizer=decay)(given))
    x = layers.BatchNormalization(name="n2")(layers.Conv2D(4, 3, name="c2", kernel_regularizer=decay)(x))
    folded = fold_batch_norms(keras.Model(given, x), {"c2"})
    assert [layer.name for layer in folded.layers[1:]] == ["c1", "n1", "c2"]
    assert folded.get_layer("c1").kernel_regularizer is not None
    assert folded.get_layer("c2").kernel_regularizer is None


def test_a_batch_norm_is_left_alone_where_folding_would_change_something_else():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    twice = layers.Conv2D(2, 3, padding="same", name="twice")
    first, second = twice(given), twice(layers.ReLU(name="relu")(given))
    read = layers.Conv2D(2, 3, padding="same", name="read")(given)
    active = layers.Conv2D(2, 3, padding="same", activation="relu", name="active")(given)
    norms = [layers.BatchNormalization(name=f"norm_{i}")(x) for i, x in enumerate((first, second, read, active))]
    model = statistics(keras.Model(given, layers.Add(name="add")([*norms, read])))
    found = wiring(model)
    assert {name: found.norm_behind(name) for name in ("twice", "read", "active")} == {
        "twice": "norm_0",
        "read": "norm_2",
        "active": "",  # an activation lies between: the converter cannot fold it either
    }
    assert not any(found.foldable(name) for name in ("twice", "read", "active"))
    folded = fold_batch_norms(model, {"twice", "read", "active"})
    assert len(folded.layers) == len(model.layers)


def test_a_copy_that_computes_something_else_is_refused(monkeypatch):
    model = statistics(examples.residual())
    right = folding._folded
    monkeypatch.setattr(folding, "_folded", lambda *given: [*right(*given)[:-1], right(*given)[-1] + 0.5])
    with pytest.raises(ToolError, match=r"changed what (the model|layer inner) computes"):
        fold_batch_norms(model, {"inner"})
