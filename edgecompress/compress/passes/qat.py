"""Quantization-aware training with TF-MOT: the model learns with the rounding that the integer device will do.

Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", 2017,
https://arxiv.org/abs/1712.05877. After a prune it is what TF-MOT calls PQAT, after a cluster CQAT, after both PCQAT.
TF-MOT's own schemes for these leave depthwise kernels unguarded (a pruned one lost every zero when tried), so here its
plain 8-bit scheme runs and the pattern is kept by projection (see `guarding`).
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from edgecompress.compress.base import SHARED, SPARSE, Context, Outcome, epochs_of
from edgecompress.compress.fake_quantization.preparing import Prepared, prepare
from edgecompress.compress.models.cloning import copy_model, tfmot, wrap_layers
from edgecompress.compress.models.kernels import kernel_variables
from edgecompress.compress.training.fine_tuning import fine_tune
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
        prepared = prepare(model)
        quantized, refused = _quantize(prepared)
        notes = tuple(f"qat: {note}" for note in (*prepared.notes, *refused))
        if quantized is None:
            reason = "TF-MOT quantizes none of its layers"
            return Outcome(copy_model(model), notes=notes, did_nothing_reason=reason)
        before, after = (tuple(kernel.name for kernel in kernel_variables(one)) for one in (model, quantized))
        changed = {name: now for name, now in prepared.successors.items() if name in before}
        standing = tuple(promise.carried(changed) for promise in context.standing)
        context = replace(context, standing=standing)
        fine_tune(quantized, context, epochs_of(self, context.settings), learning_rate=self.learning_rate)
        same = {one for name in before for one in changed.get(name, (name,))}
        added = tuple(name for name in after if name not in same)
        return Outcome(quantized, successors=changed, added=added, notes=(f"qat: {mode(context)}", *notes))


def mode(context: Context) -> str:
    """What the literature calls quantization-aware training after the passes whose promises stand."""
    kinds = {promise.kind for promise in context.standing}
    return _MODES[bool(kinds & SPARSE), bool(kinds & SHARED)]


def _quantize(prepared: Prepared) -> tuple[Any, tuple[str, ...]]:
    """The model with TF-MOT's wrappers, None where it wraps nothing, and what it refused beyond what is known."""
    from tf_keras.src.saving.serialization_lib import SafeModeScope

    quantization = tfmot().quantization.keras
    annotated = dict(prepared.annotated)
    refused: list[str] = []
    while annotated:
        model = wrap_layers(
            prepared.model, annotated, lambda layer: quantization.quantize_annotate_layer(layer, annotated[layer.name])
        )
        try:
            # Lambda layers of a model that is loaded were trusted when it was: TF-MOT makes them again from their configuration.
            with quantization.quantize_scope(), SafeModeScope(safe_mode=False):
                return quantization.quantize_apply(model), tuple(refused)
        except RuntimeError as error:
            match = _REFUSED.match(str(error))
            if match is None or match[1] not in annotated:
                return None, (*refused, _said(error))
            del annotated[match[1]]
            refused.append(f"{match[1]} is trained without fake quantization, which TF-MOT refuses there")
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            return None, (*refused, _said(error))
    return None, tuple(refused)


def _said(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"TF-MOT cannot quantize the model: {type(error).__name__}: {first}"[:400]
