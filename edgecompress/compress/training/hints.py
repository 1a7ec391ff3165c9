"""Hints: what a teacher's layers give inside teaches the model's layers of the same name, not its outputs alone.

"features" compares values (Romero et al., "FitNets", 2014, https://arxiv.org/abs/1412.6550), "attention" where an activation is
strong, over all of its channels (Zagoruyko and Komodakis, "Paying more attention to attention", 2016,
https://arxiv.org/abs/1612.03928), which a model of fewer channels can match as well. With few samples this is the larger part
of what a teacher has to say: thousands of numbers for each sample instead of one for each class.
"""

import math
from typing import Any

from edgecompress.compress.models.cloning import copy_model
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2

_ACTIVATIONS = ("ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Add")
_NAMES = ("{}", "codes_{}", "quant_{}", "{}_activation", "quant_{}_activation")
"""What a layer is called that is wrapped, or whose activation became a layer of its own."""


def with_hints(model: Any, teacher: Any, kind: str, weight: float) -> Any:
    """The model with a loss of hints added to whatever it is trained for; layers and weights are the model's own.

    Args:
        model: functional or sequential; is not changed.
        teacher: of the same inputs; it is run in inference and does not learn.
        kind: "features" or "attention".
        weight: of the mean over all hints, each of which is 0 where both agree and about 1 where they have nothing in common.

    Raises:
        RecipeError: when no activation of the one has a counterpart in the other.
    """
    keras = keras2()
    teacher = copy_model(teacher)  # frozen below: its layers may be those that a pass copies
    pairs = _pairs(model, teacher, kind)
    if not pairs:
        raise RecipeError(
            f'training.hints = "{kind}" finds no activation inside the model that the teacher has, too.',
            hint="leave hints out" if kind == "attention" else 'leave hints out, or try "attention"',
        )
    answers = keras.Model(teacher.inputs, [other for _, other in pairs], name="hints")
    answers.trainable = False
    taught = keras.Model(model.inputs, model.outputs)
    given = answers(model.inputs if len(model.inputs) > 1 else model.inputs[0], training=False)
    given = given if isinstance(given, list) else [given]
    difference = _feature_difference if kind == "features" else _attention_difference
    losses = [difference(one, other) for (one, _), other in zip(pairs, given, strict=True)]
    taught.add_loss(sum(losses) * (weight / len(losses)))
    return taught


def _pairs(model: Any, teacher: Any, kind: str) -> list[tuple[Any, Any]]:
    """Outputs of activations, the model's and the teacher's of the same name."""
    own, known = _outputs(model), _outputs(teacher)
    active = {layer.name for layer in model.layers if _activates(getattr(layer, "layer", layer))}
    found = []
    for layer in teacher.layers:
        names = [form.format(layer.name) for form in _NAMES]
        name = next((name for name in names if name in own and name in active), "")
        other = known.get(layer.name)
        if not name or other is None or not _activates(layer) or any(other is last for last in teacher.outputs):
            continue
        mine = _shaped(own[name], other)
        if _comparable(tuple(mine.shape[1:]), tuple(other.shape[1:]), kind):
            found.append((mine, other))
    return found


def _shaped(one: Any, other: Any) -> Any:
    """Without leading dimensions of 1 that the other lacks: quantization-aware training makes images of sequences."""
    shape = tuple(one.shape[1:])
    while shape[:1] == (1,) and len(shape) >= len(other.shape):
        shape = shape[1:]
    return one if len(shape) == len(one.shape[1:]) else keras2().layers.Reshape(shape)(one)


def _activates(layer: Any) -> bool:
    if type(layer).__name__ in _ACTIVATIONS:
        return True
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)  # TF-MOT's, around the layer's own
    return activation is not None and getattr(activation, "__name__", "") not in ("linear", "softmax")


def _outputs(model: Any) -> dict[str, Any]:
    """What the layers give that the model uses once, by layer; a layer may stand in other models as well."""
    found: dict[str, list[Any]] = {}
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            found.setdefault(node.layer.name, []).append(node.outputs)
    return {name: uses[0] for name, uses in found.items() if len(uses) == 1 and not isinstance(uses[0], (list, tuple))}


def _comparable(one: tuple[int | None, ...], other: tuple[int | None, ...], kind: str) -> bool:
    if kind == "features":
        return one == other
    return one[:-1] == other[:-1] and None not in one and math.prod(size or 0 for size in one[:-1]) > 1


def _feature_difference(one: Any, other: Any) -> Any:
    """Squared difference over a batch, as a share of the teacher's energy."""
    import tensorflow as tf

    return tf.reduce_sum(tf.square(one - other)) / (tf.reduce_sum(tf.square(other)) + keras2().backend.epsilon())


def _attention_difference(one: Any, other: Any) -> Any:
    """Squared distance of the maps of mean squares over channels, each of length 1; mean over the batch."""
    import tensorflow as tf

    maps = [tf.reduce_mean(tf.square(values), axis=-1) for values in (one, other)]
    places = math.prod(one.shape[1:-1])
    mine, wanted = (tf.math.l2_normalize(tf.reshape(values, [-1, places]), axis=1) for values in maps)
    return tf.reduce_mean(tf.reduce_sum(tf.square(mine - wanted), axis=1))
