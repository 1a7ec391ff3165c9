"""Matrices of weights to encode: random ones of every kind, and some that only certain codecs take."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

KINDS = ("values", "normal", "of four", "rows differ")


@dataclass(frozen=True)
class Recipe:
    """How a matrix is made; the same recipe makes the same matrix."""

    kind: str
    rows: int
    taps: int
    distinct: int
    zeros: float
    seed: int

    def matrix(self) -> np.ndarray:
        """int8 [rows, taps]."""
        rng = np.random.default_rng(self.seed)
        shape = (self.rows, self.taps)
        values = rng.choice(256, self.distinct, replace=False) - 128
        made = rng.choice(values, shape)
        if self.kind == "normal":
            made = np.round(rng.normal(0, self.distinct / 8, shape))
        elif self.kind == "rows differ":
            made = np.round(rng.normal(0, self.distinct / 16, shape) * 2.0 ** rng.integers(-2, 3, (self.rows, 1)))
        elif self.kind == "of four":
            fours = rng.choice(values, (self.rows, -(-self.taps // 4), 4))
            fours[..., 1 + self.seed % 2 :] = 0
            made = rng.permuted(fours, axis=2).reshape(self.rows, -1)[:, : self.taps]
        made[rng.random(shape) < self.zeros] = 0
        return np.clip(made, -128, 127).astype(np.int8)


RECIPES = st.builds(
    Recipe,
    kind=st.sampled_from(KINDS),
    rows=st.integers(1, 12),
    taps=st.integers(1, 90),
    distinct=st.one_of(st.integers(1, 5), st.integers(1, 64), st.integers(1, 256)),
    zeros=st.sampled_from((0.0, 0.0, 0.3, 0.7, 0.9, 1.0)),
    seed=st.integers(0, 2**32 - 1),
)

SUITABLE = {
    "dense": Recipe("values", 5, 37, 256, 0.0, 1),
    "lut": Recipe("values", 5, 37, 13, 0.0, 2),
    "trits": Recipe("values", 5, 37, 3, 0.0, 3),
    "nm": Recipe("of four", 5, 37, 200, 0.0, 4),
    "sparse": Recipe("values", 5, 37, 200, 0.7, 5),
    "gaps": Recipe("values", 9, 61, 12, 0.7, 12),
    "pairs": Recipe("values", 9, 61, 14, 0.6, 11),
    "tans": Recipe("rows differ", 9, 61, 100, 0.0, 9),
    "runs": Recipe("values", 9, 61, 120, 0.85, 10),
}
"""By codec: a matrix that it must take."""
