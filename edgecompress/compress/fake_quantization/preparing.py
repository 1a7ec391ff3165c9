"""A model made ready for fake quantization: rewritten where TF-MOT knows no layer, with what is quantized of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecompress.compress.fake_quantization.forms import Form, form_of
from edgecompress.compress.fake_quantization.surroundings import Surroundings
from edgecompress.compress.models.rebuilding import Part, nested_models, rebuild, unchanged
from edgecompress.errors import ToolError
from edgecompress.load.bridge import TOLERANCE, difference_of, random_inputs


@dataclass(frozen=True, eq=False)
class Prepared:
    """What TF-MOT is given.

    Attributes:
        model: computes what the user's model computes.
        annotated: layers to quantize; a quantize config for those for which TF-MOT's own would be wrong or missing, else None.
        successors: kernels that changed their names.
        notes: on layers that are trained as something else, or not quantized.
    """

    model: Any
    annotated: Mapping[str, Any]
    successors: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


def prepare(model: Any) -> Prepared:
    """A model of layers that TF-MOT quantizes, as far as that goes; the others are named.

    Args:
        model: Sequential or functional; is not changed.

    Raises:
        UnsupportedError: a subclassed model inside it, or a layer that Keras cannot build from its configuration.
        ToolError: the new model does not compute what the model computes (a defect).
    """
    nested = nested_models(model)
    whole = rebuild(model) if nested else model
    around = Surroundings(whole)
    forms = {layer.name: form_of(layer, around) for layer in whole.layers if type(layer).__name__ != "InputLayer"}
    prepared = whole
    if any(form.parts for form in forms.values()):
        prepared = rebuild(whole, lambda layer: _parts(layer, forms[layer.name]))
    if prepared is not model:
        _prove(model, prepared)
    configs = {name: config for form in forms.values() for name, config in form.configs.items()}
    annotated = {}
    for layer in prepared.layers:
        config = configs.get(layer.name)
        if config is not None or (layer.name not in configs and around.is_known(layer)):
            annotated[layer.name] = config
    successors = {name: now for form in forms.values() for name, now in form.successors.items()}
    replaced = (f"the model {name} is replaced by its layers" for name in nested)
    return Prepared(prepared, annotated, successors, (*replaced, *(form.note for form in forms.values() if form.note)))


def _parts(layer: Any, form: Form) -> tuple[Part, ...]:
    return form.parts or tuple(unchanged(layer))


def _prove(model: Any, prepared: Any) -> None:
    """Both give the same on random numbers, as well as float32 can say."""
    samples = random_inputs(model, 1.0)
    worst = difference_of(model(samples, training=False), prepared(samples, training=False))
    if worst > TOLERANCE:
        raise ToolError(
            f"Rewriting {model.name} for quantization-aware training changed what it computes.",
            found=f"outputs differ by {worst:.2g} of their magnitude",
            hint="leave qat out; this is a defect of edgecompress",
        )
