"""Which Keras layer a tensor of the converted file comes from, so that a refusal can name it."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from edgecompress.errors import UnsupportedError

_OUTPUT = re.compile(r"(Stateful)?PartitionedCall:\d+")
"""What the converter calls a model's output, whatever made it."""


@contextmanager
def layers_named(model: Any) -> Iterator[None]:
    """While it lasts, an UnsupportedError that names a tensor or a node begins with the layer that this comes from."""
    try:
        yield
    except UnsupportedError as error:
        layer = layer_of(model, re.findall(r'"([^"]+)"', f"{error.what} {error.found}"))
        if not layer:
            raise
        raise UnsupportedError(f"{layer}: {error.what}", found=error.found, hint=error.hint) from error


def layer_of(model: Any, names: Iterable[str]) -> str:
    """'layer "pool" (MaxPooling3D)' for the first of these names that says so; "" where none does.

    Args:
        model: a Keras model.
        names: of tensors in the converted file, or of nodes in TensorFlow's graph: paths of scopes, "model/pool/MaxPool3D".
    """
    classes = {layer.name: type(layer).__name__ for layer in model._flatten_layers(include_self=False)}
    known = [one for name in names for one in _parts(model, name) if one in classes]
    return f'layer "{known[0]}" ({classes[known[0]]})' if known else ""


def _parts(model: Any, name: str) -> list[str]:
    """The innermost scope first; of an output, the layer that gives it."""
    if _OUTPUT.fullmatch(name):
        return list(model.output_names) if len(model.output_names) == 1 else []
    return name.split("/")[::-1]
