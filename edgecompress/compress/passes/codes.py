"""Shared weights as the device holds them: few integers for a whole tensor, times a scale for each output channel.

Han, Mao and Dally, "Deep compression", 2015, https://arxiv.org/abs/1510.00149, share float values. An integer file scales
every channel by itself, so what is shared there is the integers: batch norms are folded first, each channel is divided
by its scale, and the integers are shared and trained (see `codebooks` and `straight_through`). The conversion writes
them into the file (`edgecompress.convert.codes`); left to itself the converter would give every channel others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.models.cloning import copy_model, wrap_layers
from edgecompress.compress.models.folding import Wiring, fold_batch_norms, wiring
from edgecompress.compress.models.kernels import KernelVariable, from_rows, kernel_variables, to_rows
from edgecompress.compress.training.fine_tuning import fine_tune, validation_loss
from edgecompress.compress.training.straight_through import Quantizer, wrap
from edgecompress.compress.weights.codebook_forms import FORMS
from edgecompress.compress.weights.codebooks import Coding, encode
from edgecompress.compress.weights.selection import layer_names, select
from edgecompress.compress.weights.sensitivity import MOST_BITS, SAMPLES, bits_of
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import limits

DEFAULT_VALUES = 16
FEWEST_BITS = MappingProxyType({"learned": 1, "linear": 2})
"""Of a kernel, where they are chosen, by codebook; a linear one of one bit has no zero."""


@dataclass(frozen=True)
class Codes:
    """Let a whole tensor share a few integer codes, with a scale per output channel; zeros of an earlier prune stay.

    Activations stay float meanwhile; their ranges come from calibration, or from a `qat` behind this pass.

    Attributes:
        values: different codes, zero included; 16 where nothing is said.
        bits: instead: the mean over all weights of the bits that number the codes of their kernel. Each kernel gets 1 to 6
            of them, by what validation samples lose when it is encoded by itself.
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

    values: int | None = field(default=None, metadata=limits(low=2, high=255))
    bits: float | None = field(default=None, metadata=limits(low=1, high=MOST_BITS))
    per: str = field(default="tensor", metadata=limits(choices=("tensor", "channel")))
    codebook: str = field(default="learned", metadata=limits(choices=tuple(FORMS)))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        if self.values is not None and self.bits is not None:
            raise RecipeError("codes: values or bits, not both.", hint="codes{values=16}, or codes{bits=3.5}")
        if self.bits is not None and self.codebook not in FEWEST_BITS:
            raise RecipeError(
                f"codes: bits are chosen for codebooks {' and '.join(FEWEST_BITS)} only.",
                found=f"codebook={self.codebook},bits={self.bits:g}",
                hint="values instead of bits",
            )
        if reason := FORMS[self.codebook].reason_against(self.fewest):
            raise RecipeError(f"codes: {reason}.", found=f"codebook={self.codebook},values={self.fewest}")

    def apply(self, model: Any, context: Context) -> Outcome:
        found = wiring(model)
        chosen, notes = select(
            model, self.name, self.exclude, lambda kernel: self._reason_against(kernel, found, context)
        )
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to encode")
        names = frozenset(kernel.name for kernel in chosen)
        folded = fold_batch_norms(model, layer_names(chosen))
        counts, said = self._counts(folded, names, context)
        quantizers = self._quantizers(folded, counts, context)
        trained = wrap_layers(folded, quantizers, lambda layer: wrap(layer, quantizers[layer.name]))
        epochs = epochs_of(self, context.settings)
        fine_tune(trained, context, epochs, learning_rate=self.learning_rate, unguarded=names)
        encoded, units = _encoded(folded, trained, quantizers)
        kind, bound = (Kind.DISTINCT_VALUES, self.fewest) if self.bits is None else (Kind.BITS, self.bits)
        promise = Promise(kind, bound, self.per, self.per, tuple(kernel.name for kernel in chosen), units=units)
        return Outcome(encoded, promise, notes=(*notes, *said))

    @property
    def fewest(self) -> int:
        """The values of the kernel that gets fewest."""
        if self.bits is not None:
            return int(2 ** FEWEST_BITS[self.codebook])
        return DEFAULT_VALUES if self.values is None else self.values

    def _reason_against(self, kernel: KernelVariable, found: Wiring, context: Context) -> str:
        name = kernel.layer.name
        norm = found.norm_behind(name)
        if norm and not found.foldable(name):
            return f"the batch norm {norm} behind it cannot be folded into it: something else reads or shares the layer"
        rows = to_rows(kernel.variable.numpy(), kernel.kind)
        sharing = rows.shape[1] if self.per == "channel" else rows.size
        if sharing <= self.fewest:
            return f"a {self.per} of it has {sharing} weights only: sharing would gain nothing"
        if FORMS[self.codebook].has_zero(self.fewest):
            return ""
        if kernel.name in context.pruned or not rows.any(axis=1).all():
            return f"it has zeros to keep, and {self.fewest} values by {self.codebook} have none"
        return ""

    def _counts(
        self, folded: Any, names: frozenset[str], context: Context
    ) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """The number of codes of every kernel, and notes where it was chosen."""
        if self.bits is None:
            return dict.fromkeys(names, self.fewest), ()
        tried = copy_model(folded)
        kernels = [kernel for kernel in kernel_variables(tried) if kernel.name in names]
        bits = bits_of(
            kernels,
            self.bits,
            FEWEST_BITS[self.codebook],
            lambda kernel, number: _laid_out(self._coding(kernel, 2**number, context)[0], kernel),
            validation_loss(tried, context, SAMPLES),
        )
        notes = tuple(f"codes: {name} gets {number} bits" for name, number in bits.items())
        return {name: int(2**number) for name, number in bits.items()}, notes

    def _coding(self, kernel: KernelVariable, values: int, context: Context) -> tuple[Coding, np.ndarray | None]:
        """The codes of a kernel before any training, and its mask: False where weights stay zero."""
        rows = to_rows(kernel.variable.numpy(), kernel.kind)
        mask = rows != 0 if kernel.name in context.pruned else None
        form, per_channel = FORMS[self.codebook], self.per == "channel"
        return encode(rows, values, per_channel=per_channel, zero=False, mask=mask, form=form), mask

    def _quantizers(self, folded: Any, counts: Mapping[str, int], context: Context) -> dict[str, dict[str, Quantizer]]:
        """Layer name → attribute → quantizer."""
        quantizers: dict[str, dict[str, Quantizer]] = {}
        form = FORMS[self.codebook]
        for kernel in kernel_variables(folded):
            if kernel.name in counts:
                coding, mask = self._coding(kernel, counts[kernel.name], context)
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
