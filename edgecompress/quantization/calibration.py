"""What the float twin's activations look like on calibration samples: a histogram for every free scale."""

from collections.abc import Callable, Sequence

import numpy as np

from edgecompress.errors import DataError
from edgecompress.quantization.network import Network, Sample
from edgecompress.quantization.ranges import BINS, METHODS, Histogram, Range, percentile
from edgecompress.quantization.twin import Twins

Progress = Callable[[str, int, int], None]
"""Takes what is done, how many samples, of how many."""


def histograms(twins: Twins, samples: Sequence[Sample], say: Progress = lambda *_: None) -> tuple[Histogram, ...]:
    """One histogram per group of `twins.groups`, over all values of all samples; the float twin runs twice.

    Raises:
        DataError: no samples, or an activation that is NaN or infinite; names it.
    """
    if not len(samples):
        raise DataError("there are no calibration samples", hint="[data.split] calibration in the recipe")
    tensors = [sorted({twins.names[index] for index in group}) for group in twins.groups]
    network = Network(twins.floating)
    lows, highs = np.full(len(tensors), np.inf), np.full(len(tensors), -np.inf)
    for done, read in enumerate(network.run(samples)):
        for place, indices in enumerate(tensors):
            for index in indices:
                values = read(index)
                lows[place] = min(lows[place], values.min())
                highs[place] = max(highs[place], values.max())
        say("activation ranges", done + 1, 2 * len(samples))
    for bad in np.flatnonzero(~np.isfinite(lows) | ~np.isfinite(highs)):
        name = twins.integer.tensors[twins.groups[int(bad)][0]].name.split(";")[0]
        raise DataError(f'the activation "{name}" is NaN or infinite on a calibration sample')
    counts = [np.zeros(BINS, np.int64) for _ in tensors]
    for done, read in enumerate(network.run(samples)):
        for place, indices in enumerate(tensors):
            for index in indices:
                counts[place] += _counted(read(index), float(lows[place]), float(highs[place]))
        say("activation ranges", len(samples) + done + 1, 2 * len(samples))
    return tuple(Histogram(float(low), float(high), n) for low, high, n in zip(lows, highs, counts, strict=True))


def choose(found: Sequence[Histogram], method: str, share: float) -> tuple[Range, ...]:
    """A range for every histogram.

    Args:
        method: a name of `METHODS`.
        share: of "percentile".
    """
    if method == "percentile":
        return tuple(percentile(histogram, share) for histogram in found)
    return tuple(METHODS[method](histogram) for histogram in found)


def _counted(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Counts per bin; a range of nothing falls into the first."""
    flat = values.ravel()
    if high <= low:
        return np.bincount([0], [flat.size], BINS).astype(np.int64)
    place = ((flat - np.float32(low)) * np.float32(BINS / (high - low))).astype(np.int64)
    return np.bincount(np.clip(place, 0, BINS - 1), minlength=BINS)
