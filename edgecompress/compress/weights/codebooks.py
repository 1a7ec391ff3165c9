"""Integer codes for a kernel: a scale per output channel, and few integers within ±127 that all channels share.

Codebook and scales are found in turns, as ternary weight networks find theirs (Li et al., 2016,
https://arxiv.org/abs/1605.04711): the best integers for the scales (see `codebook_forms`), then the best scales for the
codes in closed form.
"""

from dataclasses import dataclass

import numpy as np

from edgecompress.compress.weights.codebook_forms import FORMS, LARGEST, Form

ROUNDS = 8
LEAST_SCALE = 1e-4
"""Of the largest scale of the kernel: a channel that has all but vanished gets no finer one, or its bias, an int32 in
units of input scale · weight scale, would overflow."""


@dataclass(frozen=True, eq=False)
class Coding:
    """A kernel as codes: weight ≈ scales[channel] · code.

    Attributes:
        codes: (channels, weights of each), int8, within ±127.
        scales: (channels,), float32, positive.
        codebook: (1, values) for the tensor or (channels, values), ascending integers as float32; a codebook of fewer
            values repeats its last.
    """

    codes: np.ndarray
    scales: np.ndarray
    codebook: np.ndarray

    def rows(self) -> np.ndarray:
        """The weights that the codes stand for, float32."""
        return (self.codes.astype(np.float64) * self.scales[:, None].astype(np.float64)).astype(np.float32)


def encode(
    rows: np.ndarray,
    values: int,
    *,
    per_channel: bool,
    zero: bool,
    mask: np.ndarray | None = None,
    form: Form = FORMS["learned"],
) -> Coding:
    """The codes of least error, which is summed over channels, each relative to its own energy.

    Args:
        rows: (channels, weights of each), float.
        values: the most different codes in the tensor, or in a channel.
        per_channel: a codebook for every channel instead of one for all.
        zero: 0 must be among the codes.
        mask: False where the code must be 0 (then 0 is among them).
        form: what the codes may be; one that has no zero is for rows without zeros.
    """
    rows = rows.astype(np.float64)
    energy = (rows**2).sum(axis=1)
    alive = energy > 0
    zero = zero or mask is not None or not alive.all()
    scales = _usable(np.abs(rows).max(axis=1, initial=0) / LARGEST)
    best: tuple[float, Coding] | None = None
    for _ in range(ROUNDS):
        units = rows / scales[:, None]
        importance = np.where(alive, scales**2, 0) / np.where(alive, energy, 1)
        codebook = _codebook(units, importance, values, per_channel, zero, form)
        codes = nearest(units, codebook) * (1 if mask is None else mask)
        fitted = (rows * codes).sum(axis=1) / np.maximum((codes**2).sum(axis=1), 1)
        scales = _usable(np.where(fitted > 0, fitted, 0))
        error = float((((rows - scales[:, None] * codes) ** 2).sum(axis=1)[alive] / energy[alive]).sum())
        if best is not None and error >= best[0]:
            break
        best = error, Coding(codes.astype(np.int8), scales.astype(np.float32), codebook.astype(np.float32))
    assert best is not None, "there is at least one round"
    return best[1]


def nearest(units: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """The entry of the codebook, (1, values) or (channels, values), that is nearest to every value."""
    found = np.empty(units.shape)
    books = np.broadcast_to(codebook, (len(units), codebook.shape[1]))
    for one, (row, book) in enumerate(zip(units, books, strict=True)):
        found[one] = book[np.searchsorted((book[1:] + book[:-1]) / 2, row)]
    return found


def _codebook(
    units: np.ndarray, importance: np.ndarray, values: int, per_channel: bool, zero: bool, form: Form
) -> np.ndarray:
    codes = np.clip(np.rint(units), -LARGEST, LARGEST).astype(np.int64) + LARGEST
    histograms = np.stack([np.bincount(row, minlength=2 * LARGEST + 1) for row in codes]) * importance[:, None]
    if not per_channel:
        histograms = histograms.sum(axis=0, keepdims=True)
    books = [form.fit(one, values, zero=zero) if one.any() else np.zeros(1) for one in histograms]
    return np.stack([np.pad(book, (0, values - len(book)), mode="edge") for book in books])


def _usable(scales: np.ndarray) -> np.ndarray:
    """Scales that a file can hold: none vanishes; a channel without weights gets the median of the others."""
    alive = scales > 0
    if not alive.any():
        return np.ones_like(scales)
    filled = np.where(alive, scales, np.median(scales[alive]))
    return np.maximum(filled, LEAST_SCALE * scales.max())
