"""Samples made from samples, where there are few.

Shifting and mirroring keep what a sample shows, so its label goes on to hold. Mixing two samples at random (Zhang et al.,
"mixup", 2017, https://arxiv.org/abs/1710.09412) makes inputs without end. Their labels would only be guesses, but a teacher's
answers to them are what the model has to match: Beyer et al., "Knowledge distillation: a good teacher is patient and
consistent", 2021, https://arxiv.org/abs/2106.05237.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgecompress.compress.training.samples import Inputs
from edgecompress.errors import RecipeError


@dataclass(frozen=True)
class Augmentation:
    """What is done to each training batch, in this order.

    Attributes:
        shift: each sample is moved at random by up to that many steps along its first axes, see `shifted`.
        flip: every second sample, at random, is mirrored along its second axis (the width of an image).
        mixup: every sample is mixed with another, see `mixed`: a teacher alone can answer those.
    """

    shift: tuple[int, ...] = ()
    flip: bool = False
    mixup: bool = False

    def __call__(self, inputs: Inputs, generator: np.random.Generator) -> Inputs:
        """A batch, changed by what was asked for.

        Args:
            inputs: (n, …) floats, or several such, which only mixing takes.
            generator: of all choices.

        Raises:
            RecipeError: where the samples have too few axes, or there are several inputs.
        """
        if any(self.shift):
            inputs = _alone(inputs, "shift", len(self.shift), lambda one: shifted(one, self.shift, generator))
        if self.flip:
            inputs = _alone(inputs, "flip", 3, lambda one: flipped(one, generator))
        return mixed(inputs, generator) if self.mixup else inputs


def shifted(inputs: np.ndarray, most: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Every sample moved by its own -most..most steps along each axis; what moves in repeats the border.

    Args:
        inputs: (n, …) floats.
        most: steps along the axes behind the first, one or more: rows and columns of an image, time of a recording.
        generator: of the steps.
    """
    for axis, (steps, length) in enumerate(zip(most, inputs.shape[1:], strict=False), 1):
        moves = generator.integers(-steps, steps + 1, len(inputs))
        places = np.clip(np.arange(length) - moves[:, None], 0, length - 1)
        shape = [1] * inputs.ndim
        shape[0], shape[axis] = places.shape
        inputs = np.take_along_axis(inputs, places.reshape(shape), axis)
    return inputs


def flipped(inputs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Images (n, height, width, channels), each mirrored or not."""
    mirrored = generator.integers(0, 2, len(inputs)).astype(bool)
    return np.where(mirrored[:, None, None, None], inputs[:, :, ::-1], inputs)


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


def _alone(inputs: Inputs, name: str, axes: int, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    if isinstance(inputs, tuple):
        raise RecipeError(
            f"training.{name} is for models of one input.",
            found=f"{len(inputs)} inputs",
            hint="leave it out, or use mixup",
        )
    if inputs.ndim - 1 < axes:
        found = "shape " + " x ".join(map(str, inputs.shape[1:]))
        raise RecipeError(f"training.{name} needs samples of {axes} axes at least.", found=found, hint="leave it out")
    return change(inputs)
