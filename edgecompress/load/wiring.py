"""Check how layers are wired before Keras rebuilds them: Keras waits forever for a layer that is never reached."""

from collections.abc import Iterator
from typing import Any

from edgecompress.errors import ModelFileError

_MODELS = {"Functional", "Model"}
_CONSTANT = "_CONSTANT_VALUE"
_MOST_LAYERS = 10_000


def check_wiring(config: dict[str, Any], file: str) -> None:
    """Follow the uses of every layer from the inputs on, in nested models too.

    Args:
        config: a model's description in Keras 2's form.

    Raises:
        ModelFileError: a cycle, a reference to nothing, or a part that has not the form Keras writes.
    """
    inner = config.get("config")
    layers = inner.get("layers", []) if isinstance(inner, dict) else inner
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS or not all(isinstance(one, dict) for one in layers):
        raise ModelFileError(f"{file}: the model's description has no proper list of layers")
    for layer in layers:
        if isinstance(layer.get("config"), dict) and "layers" in layer["config"]:
            check_wiring(layer, file)
    if config.get("class_name") in _MODELS and isinstance(inner, dict):
        _check_reached(inner, layers, file)


def _check_reached(inner: dict[str, Any], layers: list[dict[str, Any]], file: str) -> None:
    names = [layer.get("name") for layer in layers]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ModelFileError(f'{file}: two layers are named "{twice[0]}"')
    uses = {layer["name"]: _first_use(layer) for layer in layers if layer.get("name")}
    waiting = {layer["name"]: list(layer.get("inbound_nodes") or []) for layer in layers if layer.get("name")}
    progress = True
    while progress:
        progress = False
        for name, nodes in waiting.items():
            while nodes and all(index < uses.get(source, 0) for source, index in references(nodes[0])):
                nodes.pop(0)
                uses[name] += 1
                progress = True
    stuck = [name for name, nodes in waiting.items() if nodes]
    if stuck:
        wanted = [s for s, index in references(waiting[stuck[0]][0]) if index >= uses.get(s, 0)]
        raise ModelFileError(
            f'{file}: layer "{stuck[0]}" is wired to something that is never computed', found=", ".join(wanted[:3])
        )
    for key in ("input_layers", "output_layers"):
        for source, index in references(inner.get(key) or []):
            if index >= uses.get(source, 0):
                raise ModelFileError(f'{file}: {key} names "{source}", which is never computed')


def _first_use(layer: dict[str, Any]) -> int:
    """An input layer's, and a nested model's own, graph is there before the model uses it."""
    if not layer.get("inbound_nodes"):
        return 1
    inner = layer.get("config")
    nested = inner.get("layers") if isinstance(inner, dict) else None
    return int(isinstance(nested, list) and bool(nested) and nested[0].get("class_name") == "InputLayer")


def references(node: Any) -> Iterator[tuple[str, int]]:
    """Every [layer, node, tensor] in one use of a layer, keyword arguments included."""
    if isinstance(node, dict):
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        if len(node) in (3, 4) and isinstance(node[0], str) and isinstance(node[1], int):
            if node[0] != _CONSTANT:
                yield node[0], node[1]
            yield from references(node[3:])
        else:
            for item in node:
                yield from references(item)
