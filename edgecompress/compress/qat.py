"""Quantization-aware training with TF-MOT: the model learns with the rounding that the integer device will do.

Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", 2017,
https://arxiv.org/abs/1712.05877. After a prune it is what TF-MOT calls PQAT, after a cluster CQAT, after both PCQAT.
TF-MOT's own schemes for these leave depthwise kernels unguarded (a pruned one lost every zero when tried), so here its
plain 8-bit scheme runs and the pattern is kept by projection (see `guarding`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import SHARED, SPARSE, Context, Outcome, epochs_of
from edgecompress.compress.cloning import copy_model, tfmot, wrap_layers
from edgecompress.compress.kernels import KernelVariable, kernel_variables
from edgecompress.compress.training import fine_tune
from edgecompress.errors import UnsupportedError
from edgecompress.recipe.schema import limits

_MODES = {(False, False): "QAT", (True, False): "PQAT", (False, True): "CQAT", (True, True): "PCQAT"}
_REFUSED = re.compile(r"Layer ([^:\s]+):")


@dataclass(frozen=True)
class Qat:
    """Train with fake quantization of weights and activations, 8 bits; what was promised before is kept.

    Attributes:
        epochs: of fine-tuning, None as the recipe says; at least one, since activation ranges are learnt from data.
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "qat"
    final: ClassVar[bool] = True
    least_epochs: ClassVar[int] = 1

    epochs: int | None = field(default=None, metadata=limits(low=1, high=100_000))
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def apply(self, model: Any, context: Context) -> Outcome:
        quantized, refused = _quantize(model)
        if quantized is None:
            notes = _notes(refused)
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="TF-MOT quantizes none of its layers")
        successors = _successors(model, quantized)
        standing = tuple(promise.carried(successors) for promise in context.standing)
        context = Context(**{**vars(context), "standing": standing})
        fine_tune(quantized, context, epochs_of(self, context.settings), learning_rate=self.learning_rate)
        changed = {name: now for name, now in successors.items() if now != (name,)}
        return Outcome(quantized, successors=changed, notes=(f"qat: {mode(context)}", *_notes(refused)))


def mode(context: Context) -> str:
    """What the literature calls quantization-aware training after the passes whose promises stand."""
    kinds = {promise.kind for promise in context.standing}
    return _MODES[bool(kinds & SPARSE), bool(kinds & SHARED)]


def _quantize(model: Any) -> tuple[Any, tuple[str, ...]]:
    """The wrapped model and the layers that TF-MOT refuses; None when it refuses all."""
    quantization = tfmot().quantization.keras
    supported = _supported(model)
    refused = [layer.name for layer in model.layers if layer.name not in supported and layer.weights]
    while supported:
        annotated = wrap_layers(model, supported, quantization.quantize_annotate_layer)
        try:
            return quantization.quantize_apply(annotated), tuple(refused)
        except RuntimeError as error:
            # Which batch norms fold into their neighbours is known to TF-MOT's pattern matcher only: ask it.
            match = _REFUSED.match(str(error))
            if match is None or match[1] not in supported:
                raise _foreign(model, error) from error
            supported.discard(match[1])
            refused.append(match[1])
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise _foreign(model, error) from error
    return None, tuple(refused)


def _supported(model: Any) -> set[str]:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_registry as registry,
    )

    known = registry.Default8BitQuantizeRegistry()
    folded = ("BatchNormalization", "SeparableConv2D")  # supported by rewriting, not by the table
    return {
        layer.name
        for layer in model.layers
        if type(layer).__name__ != "InputLayer" and (type(layer).__name__ in folded or known.supports(layer))
    }


def _successors(model: Any, quantized: Any) -> dict[str, tuple[str, ...]]:
    """Kernels by name to the kernels of the same values: TF-MOT splits separable convolutions into two new layers."""
    now = {kernel.name: kernel for kernel in kernel_variables(quantized)}
    return {kernel.name: _same(kernel, now) for kernel in kernel_variables(model)}


def _same(kernel: KernelVariable, now: Mapping[str, KernelVariable]) -> tuple[str, ...]:
    if kernel.name in now:
        return (kernel.name,)
    values = kernel.variable.numpy()
    return tuple(
        name
        for name, other in now.items()
        if other.variable.shape == kernel.variable.shape and np.array_equal(other.variable.numpy(), values)
    )


def _notes(refused: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f"qat: {name} is trained without fake quantization, since TF-MOT does not know how to quantize it; "
        "its ranges come from calibration"
        for name in refused
    )


def _foreign(model: Any, error: Exception) -> UnsupportedError:
    return UnsupportedError(
        f"TF-MOT cannot quantize the model {model.name}.",
        found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
        hint="leave qat out: conversion quantizes after training, too",
    )
