"""Shared weights as the device holds them: few integers for a whole tensor, times a scale for each output channel.

Han, Mao and Dally, "Deep compression", 2015, https://arxiv.org/abs/1510.00149, share float values. An integer file scales
every channel by itself, so what is shared there is the integers: batch norms are folded first, each channel is divided
by its scale, and the integers are shared and trained (see `codebooks` and `straight_through`). The conversion writes
them into the file (`edgecompress.convert.codes`); left to itself the converter would give every channel others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.cloning import copy_model, wrap_layers
from edgecompress.compress.codebook_forms import FORMS
from edgecompress.compress.codebooks import Coding, encode
from edgecompress.compress.folding import Wiring, fold_batch_norms, wiring
from edgecompress.compress.kernels import KernelVariable, from_rows, kernel_variables, to_rows
from edgecompress.compress.selection import layer_names, select
from edgecompress.compress.straight_through import Quantizer, wrap
from edgecompress.compress.training import fine_tune
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import limits


@dataclass(frozen=True)
class Codes:
    """Let a whole tensor share a few integer codes, with a scale per output channel; zeros of an earlier prune stay.

    Activations stay float meanwhile; their ranges come from calibration, or from a `qat` behind this pass.

    Attributes:
        values: different codes, zero included.
        per: what shares them: "tensor", or "channel" for a codebook per output channel.
        codebook: what the codes may be: "learned" integers, a "linear" ladder (of 2: the signs), 0 and a "power_of_two" of
            either sign, or the sums of "binary_bases"; see `codebook_forms`.
        epochs: of training codes, scales and biases, None as the recipe says; 0 only finds the nearest codes.
        exclude: layers to leave alone, by name or pattern.
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "codes"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    values: int = field(default=16, metadata=limits(low=2, high=255))
    per: str = field(default="tensor", metadata=limits(choices=("tensor", "channel")))
    codebook: str = field(default="learned", metadata=limits(choices=tuple(FORMS)))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        if reason := FORMS[self.codebook].reason_against(self.values):
            raise RecipeError(f"codes: {reason}.", found=f"codebook={self.codebook},values={self.values}")

    def apply(self, model: Any, context: Context) -> Outcome:
        found = wiring(model)
        chosen, notes = select(
            model, self.name, self.exclude, lambda kernel: self._reason_against(kernel, found, context)
        )
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to encode")
        names = frozenset(kernel.name for kernel in chosen)
        folded = fold_batch_norms(model, layer_names(chosen))
        quantizers = self._quantizers(folded, names, context)
        trained = wrap_layers(folded, quantizers, lambda layer: wrap(layer, quantizers[layer.name]))
        epochs = epochs_of(self, context.settings)
        fine_tune(trained, context, epochs, learning_rate=self.learning_rate, unguarded=names)
        encoded, units = _encoded(folded, trained, quantizers)
        promise = Promise(
            Kind.DISTINCT_VALUES, self.values, self.per, self.per, tuple(kernel.name for kernel in chosen), units=units
        )
        return Outcome(encoded, promise, notes=notes)

    def _reason_against(self, kernel: KernelVariable, found: Wiring, context: Context) -> str:
        name = kernel.layer.name
        norm = found.norm_behind(name)
        if norm and not found.foldable(name):
            return f"the batch norm {norm} behind it cannot be folded into it: something else reads or shares the layer"
        rows = to_rows(kernel.variable.numpy(), kernel.kind)
        sharing = rows.shape[1] if self.per == "channel" else rows.size
        if sharing <= self.values:
            return f"a {self.per} of it has {sharing} weights only: sharing would gain nothing"
        if FORMS[self.codebook].has_zero(self.values):
            return ""
        if kernel.name in context.pruned or not rows.any(axis=1).all():
            return f"it has zeros to keep, and {self.values} values by {self.codebook} have none"
        return ""

    def _quantizers(self, folded: Any, names: frozenset[str], context: Context) -> dict[str, dict[str, Quantizer]]:
        """Layer name → attribute → quantizer."""
        quantizers: dict[str, dict[str, Quantizer]] = {}
        form, per_channel = FORMS[self.codebook], self.per == "channel"
        for kernel in kernel_variables(folded):
            if kernel.name not in names:
                continue
            rows = to_rows(kernel.variable.numpy(), kernel.kind)
            mask = rows != 0 if kernel.name in context.pruned else None
            coding = encode(rows, self.values, per_channel=per_channel, zero=False, mask=mask, form=form)
            quantizers.setdefault(kernel.layer.name, {})[kernel.attribute] = Quantizer(kernel, coding, mask, form)
        return quantizers


def _encoded(
    folded: Any, trained: Any, quantizers: Mapping[str, Mapping[str, Quantizer]]
) -> tuple[Any, dict[str, tuple[float, ...]]]:
    """The folded model with trained weights, codes times scales in the encoded kernels; and the scales."""
    layers = {getattr(layer, "layer", layer).name: getattr(layer, "layer", layer) for layer in trained.layers}
    encoded = copy_model(folded)
    for layer in encoded.layers:
        layer.set_weights(layers[layer.name].get_weights())
    units = {}
    for kernel in kernel_variables(encoded):
        quantizer = quantizers.get(kernel.layer.name, {}).get(kernel.attribute)
        if quantizer is not None:
            coding = quantizer.coding(kernel.variable)
            kernel.variable.assign(_laid_out(coding, kernel))
            units[kernel.name] = tuple(float(scale) for scale in coding.scales)
    return encoded, units


def _laid_out(coding: Coding, kernel: KernelVariable) -> np.ndarray:
    return from_rows(coding.rows(), kernel.kind, tuple(kernel.variable.shape))
