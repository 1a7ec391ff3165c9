"""Which kernels a pass works on, and why it leaves others out."""

import difflib
import fnmatch
from collections.abc import Callable
from typing import Any

from edgecompress.compress.models.kernels import KernelVariable, kernel_variables, layers_without_kernels
from edgecompress.errors import RecipeError


def select(
    model: Any, pass_name: str, exclude: tuple[str, ...], reason_against: Callable[[KernelVariable], str]
) -> tuple[tuple[KernelVariable, ...], tuple[str, ...]]:
    """The kernels to work on, and a note for every layer that is left out.

    Args:
        model: to compress.
        pass_name: for messages.
        exclude: layer names, or patterns as "block_*".
        reason_against: why the pass leaves a kernel out; "" takes it.

    Raises:
        RecipeError: for an exclude that names no layer.
    """
    found = kernel_variables(model)
    _check_exclude(found, pass_name, exclude)
    chosen, notes = [], []
    for kernel in found:
        if any(_matches(kernel, pattern) for pattern in exclude):
            notes.append(f"{pass_name}: {kernel.name} is excluded")
        elif reason := reason_against(kernel):
            notes.append(f"{pass_name}: {kernel.name} is left out, since {reason}")
        else:
            chosen.append(kernel)
    for layer in layers_without_kernels(model):
        notes.append(f"{pass_name}: {layer.name} is left out, since passes do not know {type(layer).__name__} layers")
    return tuple(chosen), tuple(notes)


def layer_names(kernels: tuple[KernelVariable, ...]) -> dict[str, tuple[str, ...]]:
    """Layer names and the attributes of the kernels to work on."""
    names: dict[str, tuple[str, ...]] = {}
    for kernel in kernels:
        names[kernel.layer.name] = (*names.get(kernel.layer.name, ()), kernel.attribute)
    return names


def _matches(kernel: KernelVariable, pattern: str) -> bool:
    return fnmatch.fnmatchcase(kernel.layer.name, pattern) or fnmatch.fnmatchcase(kernel.name, pattern)


def _check_exclude(found: tuple[KernelVariable, ...], pass_name: str, exclude: tuple[str, ...]) -> None:
    for pattern in exclude:
        if not any(_matches(kernel, pattern) for kernel in found):
            names = [kernel.layer.name for kernel in found]
            near = difflib.get_close_matches(pattern, names, n=2)
            raise RecipeError(
                f"{pass_name}: exclude names no layer with weights: {pattern}",
                hint=f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}",
            )
