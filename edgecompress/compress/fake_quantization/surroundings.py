"""What decides how a layer is quantized besides itself: who reads it, what it reads, and what TF-MOT knows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from edgecompress.compress.fake_quantization.two_dimensions import CONVOLUTIONS, FOLLOWERS, raised_layers
from edgecompress.compress.models.folding import Wiring, wiring
from edgecompress.load.runtime import keras2

NORMS = ("BatchNormalization", "SyncBatchNormalization")
_HOSTS = ("Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", *CONVOLUTIONS)
"""Layers into which TF-MOT and the converter fold a batch norm behind them."""
_AFFINE = ("Rescaling", "Normalization")
_MOST_RANK = 4


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A model without models inside it, as its layers see it.

    Attributes:
        model: Sequential or functional.
    """

    model: Any

    @cached_property
    def wiring(self) -> Wiring:
        return wiring(self.model)

    @cached_property
    def raised(self) -> frozenset[str]:
        """Layers that compute in two dimensions while training, and have fewer."""
        first = {layer.name for layer in self.model.layers if type(layer).__name__ in CONVOLUTIONS}
        for layer in self.model.layers:
            kind = type(layer).__name__
            alone = kind in NORMS and not self.host(layer.name) and self.is_by_channel(layer)
            if alone or (kind in _AFFINE and self.factor_and_addend(layer) is not None):
                first |= {layer.name} if len(layer.get_input_shape_at(0)) < _MOST_RANK else set()
        return raised_layers(self.model, first, self._may_be_raised)

    @cached_property
    def no_config(self) -> Any:
        """The quantize config of a layer in whose place a later one is quantized."""
        return _configs().NoOpQuantizeConfig()

    def output_config(self, name: str) -> Any:
        """The quantize config of a layer whose output is rounded: here, or behind the ReLU that alone reads it."""
        readers = self.wiring.readers[name]
        if len(readers) == 1 and readers[0] and self.wiring.calls[name] == 1:
            reader = self.model.get_layer(readers[0])
            if type(reader).__name__ == "ReLU" or _function(reader) == ("Activation", "relu"):
                return self.no_config
        return _configs().Default8BitOutputQuantizeConfig()

    def host(self, norm: str) -> str:
        """The layer into which a batch norm is folded; "" for none."""
        found = self.wiring
        before = [name for name, readers in found.readers.items() if norm in readers]
        if len(before) != 1 or found.kinds[before[0]] not in _HOSTS or before[0] not in found.linear:
            return ""
        calls = found.calls[norm]
        return before[0] if found.readers[before[0]] == (norm,) * calls and found.calls[before[0]] == calls else ""

    def host_config(self, layer: Any) -> Any:
        """The quantize config of a layer that is used more than once, each time with a batch norm behind it.

        TF-MOT knows those that are used once, and would round what the others give before the batch norm.
        """
        readers = set(self.wiring.readers[layer.name])
        if self.wiring.calls[layer.name] == 1 or len(readers) != 1 or self.host(min(readers)) != layer.name:
            return None
        if type(layer).__name__ == "Dense":
            return _registry().Default8BitQuantizeConfig(["kernel"], [], False)
        depthwise = type(layer).__name__.startswith("Depthwise")
        return _registry().Default8BitConvQuantizeConfig(["depthwise_kernel" if depthwise else "kernel"], [], False)

    def is_known(self, layer: Any) -> bool:
        """TF-MOT quantizes such layers: with another activation maybe, batch norms behind a layer that takes them."""
        kind, function = _function(layer)
        if kind in NORMS:
            return True
        if kind == "Activation":
            return function in ("linear", "relu", "relu6", "swish", "gelu", "softmax", "sigmoid", "tanh")
        return bool(_registry().Default8BitQuantizeRegistry().supports(layer))

    def is_by_channel(self, layer: Any) -> bool:
        """A batch norm has a mean and a variance per channel, of tensors that a convolution can take."""
        shape = layer.get_input_shape_at(0)
        axes = [axis % len(shape) for axis in np.atleast_1d(layer.axis)]
        return 2 <= len(shape) <= _MOST_RANK and axes == [len(shape) - 1]

    def factor_and_addend(self, layer: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """Of a Rescaling or Normalization, float64, one per channel; None where they are others at other places.

        A model's integer inputs stay with the layer that makes floats of them.
        """
        shape = layer.get_input_shape_at(0)
        given = layer.get_input_at(0)
        if not isinstance(shape, tuple) or not 2 <= len(shape) <= _MOST_RANK or not given.dtype.is_floating:
            return None
        if type(layer).__name__ == "Rescaling":
            factor, addend = np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
        else:
            mean = np.asarray(layer.mean, np.float64)
            deviation = np.maximum(np.sqrt(np.asarray(layer.variance, np.float64)), keras2().backend.epsilon())
            factor, addend = (deviation, mean) if layer.invert else (1 / deviation, -mean / deviation)
        if not (_is_by_channel(factor, shape[-1]) and _is_by_channel(addend, shape[-1])):
            return None
        return np.broadcast_to(factor.ravel(), shape[-1:]), np.broadcast_to(addend.ravel(), shape[-1:])

    def _may_be_raised(self, layer: Any) -> bool:
        return type(layer).__name__ in FOLLOWERS and (type(layer).__name__ != "Activation" or self.is_known(layer))


def _is_by_channel(values: np.ndarray, channels: int) -> bool:
    return values.ndim == 0 or (values.size == values.shape[-1] and values.size in (1, channels))


def _function(layer: Any) -> tuple[str, str]:
    """A layer's kind, and the name of its activation."""
    return type(layer).__name__, str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _configs() -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_configs

    return default_8bit_quantize_configs


def _registry() -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import default_8bit_quantize_registry

    return default_8bit_quantize_registry
