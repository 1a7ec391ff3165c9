"""Check how layers are wired before Keras rebuilds them: Keras waits forever for a layer that is never reached."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

from edgecompress.errors import ModelFileError
from edgecompress.load.limits import MOST_LAYERS, MOST_USES

_WIRED = {"Functional", "Model"}
_CONSTANT = "_CONSTANT_VALUE"

Config = dict[str, Any]


def check_wiring(config: Config, file: str) -> None:
    """Follow the uses of every layer from the inputs on, in nested models too.

    Args:
        config: a model's description in Keras 2's form.

    Raises:
        ModelFileError: a cycle, a reference to nothing, a layer that is called on no tensor, more layers or uses of
            layers than any device runs, or a part that has not the form Keras writes.
    """
    uses = _check_model(config, file)
    if uses > MOST_USES:
        raise ModelFileError(f"{file}: layers are used too often", found=f"{uses} times, in nested models together")


def _check_model(config: Config, file: str) -> int:
    """How many layers Keras walks through for one use of the model."""
    inner = config.get("config")
    layers = inner.get("layers", []) if isinstance(inner, dict) else inner
    if not isinstance(layers, list) or not all(isinstance(one, dict) for one in layers):
        raise ModelFileError(f"{file}: the model's description has no proper list of layers")
    if len(layers) > MOST_LAYERS:
        raise ModelFileError(f"{file}: a model may have at most {MOST_LAYERS} layers", found=f"{len(layers)}")
    times: dict[str, int] = {}
    if isinstance(inner, dict) and config.get("class_name") in _WIRED:
        times = _check_reached(inner, layers, file)
    return sum(_steps(one, file) * max(1, times.get(str(one.get("name")), 1)) for one in layers)


def _steps(layer: Config, file: str) -> int:
    """One, and for every model inside, also inside of wrappers, what it has."""
    return 1 + sum(_check_model(model, file) for model in _models_in(layer.get("config"), layer))


def _models_in(node: Any, parent: Config | None = None) -> Iterator[Config]:
    """The outermost models at and below a layer's parameters."""
    if isinstance(node, dict):
        if parent is not None and isinstance(node.get("layers"), list):
            yield parent
            return
        for value in node.values():
            yield from _models_in(value, node)
    elif isinstance(node, list):
        for item in node:
            yield from _models_in(item)


def _check_reached(inner: Config, layers: list[Config], file: str) -> dict[str, int]:
    """How often every layer is used."""
    names = [str(layer["name"]) for layer in layers if layer.get("name")]
    if len(set(names)) < len(names):
        twice = next(name for name in sorted(names) if names.count(name) > 1)
        raise ModelFileError(f'{file}: two layers are named "{twice}"')
    uses = _follow(layers, file)
    for key in ("input_layers", "output_layers"):
        for source, index in references(inner.get(key) or []):
            if not 0 <= index < uses.get(source, 0):
                raise ModelFileError(f'{file}: {key} names "{source}", which is never computed')
    return uses


def _follow(layers: list[Config], file: str) -> dict[str, int]:
    """Compute what can be computed; every reference is looked at twice at most.

    Raises:
        ModelFileError: something cannot.
    """
    uses = {str(layer["name"]): _first_use(layer) for layer in layers if layer.get("name")}
    waiting = {str(layer["name"]): deque(_nodes(layer, file)) for layer in layers if layer.get("name")}
    blocked: dict[str, list[str]] = defaultdict(list)
    ready = list(waiting)
    while ready:
        name = ready.pop()
        nodes = waiting[name]
        while nodes:
            while nodes[0] and 0 <= nodes[0][-1][1] < uses.get(nodes[0][-1][0], 0):
                nodes[0].pop()
            if nodes[0]:
                blocked[nodes[0][-1][0]].append(name)
                break
            nodes.popleft()
            uses[name] += 1
            ready += blocked.pop(name, [])
    stuck = [name for name in waiting if waiting[name]]
    if stuck:
        raise ModelFileError(
            f'{file}: layer "{stuck[0]}" is wired to something that is never computed',
            found=", ".join(source for source, _ in waiting[stuck[0]][0][-3:]),
        )
    return uses


def _nodes(layer: Config, file: str) -> Iterator[list[tuple[str, int]]]:
    """What each use of a layer refers to."""
    for node in layer.get("inbound_nodes") or []:
        found = list(references(node))
        if not found:
            raise ModelFileError(f'{file}: layer "{layer["name"]}" is called on no tensor', found=str(node)[:200])
        yield found


def _first_use(layer: Config) -> int:
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
