"""How much worse a model gets when one kernel after the other is compressed by itself, on validation samples.

Han et al., "Learning both weights and connections", 2015, https://arxiv.org/abs/1506.02626, section 5 and figure 6, choose every
layer's threshold from such curves by hand; `allocation.cheapest` does it for a budget over all layers.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgecompress.compress.kernels import KernelVariable

SAMPLES = 512
"""Validation samples that every point of a curve is measured on."""


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
