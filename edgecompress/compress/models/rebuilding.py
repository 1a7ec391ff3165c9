"""Models built anew from their layers' configurations: changed ones, and with nested models dissolved into their layers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecompress.errors import UnsupportedError
from edgecompress.load.runtime import keras2


@dataclass(frozen=True, eq=False)
class Part:
    """A layer to be made.

    Attributes:
        kind: its class.
        config: as Keras describes the layer; the name in it does not count.
        weights: in Keras' order; None takes initial values.
        name: "" is that of the layer whose place it takes.
        undoes: a reshape; where it would undo another of these right before it, both are left out.
    """

    kind: type
    config: dict[str, Any]
    weights: list[np.ndarray] | None
    name: str = ""
    undoes: bool = False


@dataclass(frozen=True, eq=False)
class Branches:
    """Layers side by side: all chains read the same, and what they give is concatenated along the channels.

    Attributes:
        chains: each is one layer behind the other.
        name: of the concatenation; "" is that of the layer whose place it takes.
    """

    chains: Sequence[Sequence[Part]]
    name: str = ""


Change = Callable[[Any], Sequence[Part | Branches]]
"""A layer to what takes its place, one behind the other."""


def is_nested(layer: Any) -> bool:
    """The layer is a model."""
    return isinstance(layer, keras2().Model)


def nodes(model: Any) -> Iterator[Any]:
    """Every use of a layer in a Sequential or functional model, what it reads before itself; inputs are left out."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from (node for node in model._nodes_by_depth[depth] if not node.is_input)


def unchanged(layer: Any) -> Sequence[Part]:
    """The `Change` that copies."""
    return (Part(type(layer), layer.get_config(), layer.get_weights()),)


def rebuild(model: Any, change: Change = unchanged) -> Any:
    """A functional model of new layers, wired as `model` is.

    Args:
        model: Sequential or functional; it is not changed. Models inside it are replaced by their layers, which keep
            their names where these are unique, else get the model's name in front.
        change: says what takes a layer's place.

    Raises:
        UnsupportedError: for a subclassed model in it, or a layer that Keras cannot build from its configuration.
    """
    import tensorflow as tf

    _check(model)
    builder = _Builder(model, change)
    tensors = {}
    for tensor in model.inputs:
        given = tensor._keras_history.layer
        tensors[id(tensor)] = type(given).from_config(given.get_config()).output
    builder.follow(model, tensors)
    ends = tf.nest.map_structure(lambda tensor: tensors[id(tensor)], (model.input, model.output))
    built = keras2().Model(*ends, name=model.name)
    for layer, weights in builder.weights:
        layer.set_weights(weights)
    return built


def nested_models(model: Any) -> tuple[str, ...]:
    """The names of the models inside a model, deeper ones as "outer/inner"."""
    found = []
    for layer in model.layers:
        if is_nested(layer):
            found += [layer.name, *(f"{layer.name}/{name}" for name in nested_models(layer))]
    return tuple(found)


def _check(model: Any) -> None:
    """Refuse a subclassed model, here or inside: how its layers are wired is not known."""
    if not getattr(model, "_is_graph_network", False):
        raise UnsupportedError(
            f"How the layers of the model {model.name} are wired is not known: it is subclassed.",
            found=type(model).__name__,
            hint="build it with the Sequential or functional API",
        )
    for layer in filter(is_nested, model.layers):
        _check(layer)


class _Builder:
    """Makes a new layer for each old one, and calls it wherever the old one is called."""

    def __init__(self, model: Any, change: Change) -> None:
        self._change = change
        self._names = _names(model)
        self._made: dict[int, list[Callable[..., Any]]] = {}
        self._reshapes: set[int] = set()
        self.weights: list[tuple[Any, list[np.ndarray]]] = []

    def follow(self, model: Any, tensors: dict[int, Any]) -> None:
        """Add to `tensors`, new by the id of the old, all that the model computes of those in it."""
        import tensorflow as tf

        for node in nodes(model):
            args, kwargs = tf.nest.map_structure(
                lambda value: tensors.get(id(value), value), (node.call_args, node.call_kwargs)
            )
            if is_nested(node.layer):
                inside = dict(zip(map(id, node.layer.inputs), tf.nest.flatten(args), strict=True))
                self.follow(node.layer, inside)
                outputs = [inside[id(tensor)] for tensor in node.layer.outputs]
            else:
                first, *others = self._layers(node.layer)
                before = self._unshaped(first, args[:1])
                found = first(*args, **kwargs) if before is None else before
                outputs = tf.nest.flatten(_behind(others, found))
            tensors.update(zip(map(id, tf.nest.flatten(node.outputs)), outputs, strict=True))

    def _unshaped(self, layer: Any, tensors: Sequence[Any]) -> Any:
        """What a reshape was made from that this layer would undo; None for other layers."""
        if id(layer) not in self._reshapes or len(tensors) != 1:
            return None
        history = getattr(tensors[0], "_keras_history", None)
        if history is None or id(history.layer) not in self._reshapes:
            return None
        before = history.layer.inbound_nodes[history.node_index].call_args[0]
        return before if layer.compute_output_shape(tensors[0].shape) == before.shape else None

    def _layers(self, layer: Any) -> list[Callable[..., Any]]:
        if id(layer) not in self._made:
            self._made[id(layer)] = [
                self._branches(layer, part) if isinstance(part, Branches) else self._layer(layer, part)
                for part in self._change(layer)
            ]
        return self._made[id(layer)]

    def _branches(self, layer: Any, branches: Branches) -> Callable[..., Any]:
        chains = [[self._layer(layer, part) for part in chain] for chain in branches.chains]
        joined = keras2().layers.Concatenate(name=branches.name or self._names[id(layer)])

        def side_by_side(*args: Any, **kwargs: Any) -> Any:
            return joined([_behind(others, first(*args, **kwargs)) for first, *others in chains])

        return side_by_side

    def _layer(self, layer: Any, part: Part) -> Any:
        name = part.name or self._names[id(layer)]
        try:
            made = part.kind.from_config({**part.config, "name": name})  # type: ignore[attr-defined]
        except (ValueError, TypeError, NotImplementedError) as error:
            raise UnsupportedError(
                f"The layer {layer.name} ({type(layer).__name__}) cannot be built from its configuration.",
                found=str(error).splitlines()[0][:300] if str(error) else type(error).__name__,
                hint="use Keras' own layers",
            ) from error
        if part.weights is not None:
            self.weights.append((made, part.weights))
        if part.undoes:
            self._reshapes.add(id(made))
        return made


def _behind(layers: Sequence[Callable[..., Any]], tensors: Any) -> Any:
    """What the last of the layers gives, one behind the other."""
    for layer in layers:
        tensors = layer(tensors)
    return tensors


def _names(model: Any) -> dict[int, str]:
    """A unique name for every layer, nested ones by the id of the layer; outer layers keep theirs."""
    names = {id(layer): layer.name for layer in model.layers if not is_nested(layer)}
    taken = set(names.values()) | {tensor._keras_history.layer.name for tensor in model.inputs}
    for outer in filter(is_nested, model.layers):
        for number, name in _names(outer).items():
            free = name if name not in taken else f"{outer.name}_{name}"
            while free in taken:
                free += "_"
            names.setdefault(number, free)
            taken.add(free)
    return names
