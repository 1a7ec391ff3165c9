"""How much worse a model gets when one kernel after the other is compressed by itself, on validation samples.

Han et al., "Learning both weights and connections", 2015, https://arxiv.org/abs/1506.02626, section 5 and figure 6, choose every
layer's threshold from such curves by hand; `allocation.cheapest` does it for a budget over all layers.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgecompress.compress.models.kernels import KernelVariable
from edgecompress.compress.weights.allocation import cheapest
from edgecompress.errors import RecipeError

SAMPLES = 512
"""Validation samples that every point of a curve is measured on."""
MOST_BITS = 6
"""Of an index into a kernel's values: more of them lose nothing that can be measured."""


def scan(
    kernels: Sequence[KernelVariable],
    levels: Mapping[str, Sequence[int]],
    compressed: Callable[[KernelVariable, int], np.ndarray],
    loss: Callable[[], float],
) -> dict[str, list[float]]:
    """The loss with one kernel compressed, at every level, by kernel.

    Args:
        kernels: of a model, which has its own weights again afterwards.
        levels: by kernel: how far to compress; at [0] it is as it is.
        compressed: what a kernel holds at a level, in Keras' layout.
        loss: of the model as it is when called.
    """
    untouched = loss()
    curves = {}
    for kernel in kernels:
        before = kernel.variable.numpy()
        curves[kernel.name] = [untouched]
        for level in levels[kernel.name][1:]:
            kernel.variable.assign(compressed(kernel, level))
            curves[kernel.name].append(loss())
            kernel.variable.assign(before)
    return curves


def bits_of(
    kernels: Sequence[KernelVariable],
    mean: float,
    fewest: int,
    compressed: Callable[[KernelVariable, int], np.ndarray],
    loss: Callable[[], float],
) -> dict[str, int]:
    """The bits that number the values of every kernel, so that the loss grows least for a mean over all weights.

    Args:
        kernels: of a model, which has its own weights again afterwards.
        mean: of the bits at most.
        fewest: bits of a kernel.
        compressed: what a kernel holds with so many bits, in Keras' layout.
        loss: of the model as it is when called.

    Raises:
        RecipeError: the mean is below the fewest bits.
    """
    if mean < fewest:
        raise RecipeError(
            f"A mean of {mean:g} bits cannot be reached.", found=f"at least {fewest} bits for each kernel"
        )
    size = {one.name: int(np.prod(one.variable.shape)) for one in kernels}
    saved = list(range(MOST_BITS - fewest + 1))
    curves = scan(kernels, {name: saved for name in size}, lambda one, level: compressed(one, MOST_BITS - level), loss)
    wanted = int(np.ceil((MOST_BITS - mean) * sum(size.values()) - 1e-9))
    sizes = {name: [level * weights for level in saved] for name, weights in size.items()}
    taken = cheapest(curves, sizes, wanted, stepwise=True)
    return {name: MOST_BITS - taken[name] // weights for name, weights in size.items()}
