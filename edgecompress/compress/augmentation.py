"""Samples made from samples, where there are few: a teacher answers those too.

Mixing two samples at random (Zhang et al., "mixup", 2017, https://arxiv.org/abs/1710.09412) makes inputs without end. Their
labels would only be guesses, but a teacher's answers to them are what the model has to match: Beyer et al., "Knowledge
distillation: a good teacher is patient and consistent", 2021, https://arxiv.org/abs/2106.05237.
"""

import numpy as np

from edgecompress.compress.samples import Inputs


def mixed(inputs: Inputs, generator: np.random.Generator) -> Inputs:
    """Every sample of a batch mixed with another: a · one + (1 - a) · other, a evenly from 0 to 1 for each sample.

    Args:
        inputs: (n, …) floats, or several such, which are mixed alike.
        generator: of pairs and shares.
    """
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    count = len(arrays[0])
    partners, shares = generator.permutation(count), generator.uniform(0, 1, count).astype(np.float32)
    found = []
    for one in arrays:
        share = shares.reshape(count, *[1] * (one.ndim - 1))
        found.append((share * one + (1 - share) * one[partners]).astype(np.float32))
    return tuple(found) if isinstance(inputs, tuple) else found[0]
