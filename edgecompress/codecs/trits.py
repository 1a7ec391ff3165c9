"""Ternary weights, or any of at most three values: five in a byte, 1.6 bits each."""

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.codebooks import indices_in

VALUES, TOGETHER = 3, 5
POWERS = VALUES ** np.arange(TOGETHER - 1, -1, -1)


class Trits(Codec):
    name = decoder = "trits"

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        distinct = np.unique(matrix)
        if len(distinct) > VALUES:
            return Refusal(f"{len(distinct)} values are more than {VALUES}")
        rows, taps = matrix.shape
        digits = np.pad(indices_in(matrix, distinct), ((0, 0), (0, -taps % TOGETHER)))
        numbers = digits.reshape(-1, TOGETHER).astype(np.int64) @ POWERS
        codebook = int.from_bytes(np.pad(distinct, (0, VALUES - len(distinct))).tobytes(), "little")
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "stream": weights(-(-numbers * 256 // VALUES**TOGETHER).astype(np.uint8)),
                "codebook": codebook,
                "taps": taps,
            },
            frozenset(),
            0,
            {"begin": 1, "row": rows, "weight": matrix.size},
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        numbers = values_of(encoded, "stream").astype(np.int64) * VALUES**TOGETHER // 256
        digits = numbers[:, None] // POWERS % VALUES
        codebook = np.frombuffer(number(encoded, "codebook").to_bytes(4, "little"), np.int8)
        return codebook[digits.reshape(encoded.rows, -1)[:, : encoded.taps]]
