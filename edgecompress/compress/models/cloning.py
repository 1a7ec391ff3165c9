"""Copies of Keras models: TF-MOT wraps layers in place, so every pass works on a copy of its own."""

from collections.abc import Callable, Collection
from types import ModuleType
from typing import Any

from edgecompress.errors import MissingToolError, UnsupportedError
from edgecompress.load.runtime import keras2


def tfmot() -> ModuleType:
    """TensorFlow Model Optimization, on Keras 2.

    Raises:
        MissingToolError: it is not installed.
    """
    keras2()
    try:
        import tensorflow_model_optimization
    except ImportError as error:
        hint = "pip install tensorflow-model-optimization"
        raise MissingToolError("TensorFlow Model Optimization is not installed", found=str(error), hint=hint) from error
    return tensorflow_model_optimization


def copy_model(model: Any) -> Any:
    """A model of new layers with the same configuration and weights.

    Raises:
        UnsupportedError: for a subclassed model, whose layers cannot be listed and copied.
    """
    keras = keras2()
    with tfmot().quantization.keras.quantize_scope():
        clone = _clone(keras, model, None)
    clone.set_weights(model.get_weights())
    return clone


def wrap_layers(model: Any, names: Collection[str], wrap: Callable[[Any], Any]) -> Any:
    """A copy of the model in which the layers of these names are replaced by what `wrap` makes of their copies.

    Wrappers read the weights of the layer that they are given, so a layer is copied first and wrapped then.
    """
    copied = copy_model(model)
    return _clone(keras2(), copied, lambda layer: wrap(layer) if layer.name in names else layer)


def with_weights_of(model: Any, trained: Any) -> Any:
    """A copy of `model` with the weights of the layers of the same names in `trained`."""
    copied = copy_model(model)
    for layer in copied.layers:
        if layer.weights:
            layer.set_weights(trained.get_layer(layer.name).get_weights())
    return copied


def is_wrapped(model: Any) -> bool:
    """The model holds TF-MOT's quantize wrappers: it is ready for conversion and for nothing else."""
    return any(type(layer).__name__.startswith("Quantize") for layer in model.layers)


def _clone(keras: ModuleType, model: Any, function: Callable[[Any], Any] | None) -> Any:
    try:
        # None is Keras' own way: a new layer from each layer's configuration.
        return keras.models.clone_model(model, **({} if function is None else {"clone_function": function}))
    except (ValueError, TypeError, NotImplementedError) as error:
        raise UnsupportedError(
            f"The model {model.name} cannot be copied, and passes never work on the model itself.",
            found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
            hint="build it with the Sequential or functional API, of Keras' own layers",
        ) from error
