"""Weights as they are: what the other codecs are compared with. Kernels read them in place."""

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, values_of, weights


class Dense(Codec):
    name = "dense"
    decoder = ""

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        rows, taps = matrix.shape
        return Encoded(self.name, self.decoder, rows, taps, {"weights": weights(matrix)}, frozenset(), 0, {})

    def decode(self, encoded: Encoded) -> np.ndarray:
        return values_of(encoded, "weights").reshape(encoded.rows, encoded.taps)
