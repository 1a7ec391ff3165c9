"""Weights of at most 16 values, pruned or not, two neighbours together in Huffman's code: less than a bit each for frequent pairs, and
one look-up for both."""

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, values_of, weights
from edgecompress.codecs.codebooks import codebook_of, indices_in
from edgecompress.codecs.huffman_code import SYMBOLS, coded, lengths_of, read_lengths, read_symbols, write_lengths

LOGS = (6, 7, 8, 9)
"""Longest codes that are tried; the table takes 4 * 2^log bytes of RAM."""
BITS = 4
"""Of a place in the codebook."""


class Pairs(Codec):
    name = decoder = "pairs"

    def __init__(self, logs: tuple[int, ...] = LOGS) -> None:
        """logs: longest codes that may be tried."""
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        distinct = np.unique(matrix)
        if len(distinct) > 1 << BITS:
            return Refusal(f"{len(distinct)} values are more than {1 << BITS}")
        rows, taps = matrix.shape
        codebook = codebook_of(matrix, BITS)
        places = np.pad(indices_in(matrix, codebook), ((0, 0), (0, taps % 2)), mode="edge").astype(np.int64)
        symbols = places[:, ::2] | places[:, 1::2] << BITS
        lengths = self._lengths(np.bincount(symbols.reshape(-1), minlength=SYMBOLS))
        if lengths is None:
            return Refusal(f"{len(np.unique(symbols))} pairs are more than {1 << max(self._logs)}")
        stream, begin = coded(symbols.reshape(-1), lengths)
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {**stream, "codebook": weights(codebook), "taps": taps},
            frozenset({"lengths", "codebook"}),
            4 << int(lengths.max()),
            {
                **begin,
                "row": rows,
                "four": rows * (symbols.shape[1] // 4),
                "rest": rows * (symbols.shape[1] % 4),
            },
        )

    def _lengths(self, counts: np.ndarray) -> np.ndarray | None:
        """Those with which codes and their lengths take the fewest bytes; None where pairs are too many."""
        made = [lengths for log in self._logs if (lengths := lengths_of(counts, log)) is not None]
        return min(made, default=None, key=lambda lengths: int(counts @ lengths) + 8 * write_lengths(lengths).size)

    def decode(self, encoded: Encoded) -> np.ndarray:
        lengths, half = read_lengths(values_of(encoded, "lengths")), -(-encoded.taps // 2)
        symbols = read_symbols(values_of(encoded, "stream"), encoded.rows * half, lengths).reshape(encoded.rows, half)
        places = np.stack([symbols & 15, symbols >> BITS], axis=2).reshape(encoded.rows, -1)
        return values_of(encoded, "codebook")[places[:, : encoded.taps]]
