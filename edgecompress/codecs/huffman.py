"""Huffman's code of the high bits of one, two or four weights together, their low bits as they are (`low_bits.py`).

Several weights in a symbol make decoding fast, and cost less than one bit each for rounding; there are only 256 / their number bits
for each, so that more bits are low.
"""

import numpy as np

from edgecompress.codecs import low_bits
from edgecompress.codecs.base import Codec, Encoded, Refusal, values_of
from edgecompress.codecs.huffman_code import SYMBOLS, coded, lengths_of, read_lengths, read_symbols, write_lengths

LOGS = (8, 9, 10)
"""Longest codes that are tried; the table takes 2 * 2^log bytes of RAM."""
FEWEST = (0, 2, 4, 8, 16, 32)
"""Symbols that occur less often than one of these are patched."""


class Huffman(Codec):
    decoder = "huffman"

    def __init__(self, together: int, logs: tuple[int, ...] = LOGS) -> None:
        """together: weights of a symbol, 1, 2 or 4; logs: longest codes that may be tried."""
        self.name = "huffman" if together == 1 else f"huffman{together}"  # type: ignore[misc]
        self._together = together
        self._bits = 8 // together
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        shifts, symbols, lengths = self._plan(matrix)
        rows, taps = matrix.shape
        symbols = np.where(lengths[symbols] > 0, symbols, _most_likely(symbols, lengths))
        high = self._split(symbols, taps)
        finish = low_bits.parameters(matrix, shifts, high)
        if isinstance(finish, Refusal):
            return finish
        stream, begin = coded(symbols.reshape(-1), lengths)
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {**stream, **finish, "taps": taps},
            frozenset({"lengths"}) | low_bits.TABLES,
            max(4, 2 << int(lengths.max())),
            {**begin, "row": rows, "symbol": symbols.size, **low_bits.work(matrix, shifts, high)},
            row_step=low_bits.ROW_STEP,
            row_form=f"_{self._together}" if self._together > 1 else "",
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        lengths = read_lengths(values_of(encoded, "lengths"))
        groups = -(-encoded.taps // (4 * self._together))
        symbols = read_symbols(values_of(encoded, "stream"), encoded.rows * groups * 4, lengths)
        return low_bits.finish(encoded, self._split(symbols.reshape(encoded.rows, groups, 4), encoded.taps))

    def _plan(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of low bits [rows], symbols [rows, groups, 4] and lengths of their codes [SYMBOLS] that take the fewest bits; a
        length is 0 where patches stand in for the symbol."""
        best: tuple[float, np.ndarray, np.ndarray, np.ndarray] | None = None
        for shifts in low_bits.candidates(matrix, self._bits):
            symbols, outside = self._join(matrix >> shifts[:, None])
            counts = np.bincount(symbols.reshape(-1), minlength=SYMBOLS)
            low = low_bits.bits_of_low(matrix.shape[1], shifts) + low_bits.PATCH_BITS * outside
            for fewest in (n for n in FEWEST if n <= counts.max()):
                kept = np.where(counts >= fewest, counts, 0)
                rare = self._together * int(counts.sum() - kept.sum()) * low_bits.PATCH_BITS
                about = _entropy(kept) + low + rare
                if best is not None and about > best[0]:
                    continue
                for lengths in (lengths_of(kept, log) for log in self._logs):
                    if lengths is not None:
                        bits = float(kept @ lengths + low + rare + 8 * write_lengths(lengths).size)
                        best = (bits, shifts, symbols, lengths) if best is None or bits < best[0] else best
        assert best
        return best[1:]

    def _join(self, high: np.ndarray) -> tuple[np.ndarray, int]:
        """High bits [rows, taps] as symbols [rows, groups, 4], and how many do not fit into them."""
        rows, taps = high.shape
        half = 1 << (self._bits - 1)
        parts = high.astype(np.int64) + half
        is_outside = (parts < 0) | (parts >= 2 * half)
        parts[is_outside] = half
        parts = np.pad(parts, ((0, 0), (0, -taps % (4 * self._together))), constant_values=half)
        steps = self._bits * np.arange(self._together)[:, None]
        return (parts.reshape(rows, -1, self._together, 4) << steps).sum(axis=2), int(is_outside.sum())

    def _split(self, symbols: np.ndarray, taps: int) -> np.ndarray:
        """The high bits of symbols: int64 [rows, taps]."""
        steps = self._bits * np.arange(self._together)[:, None]
        parts = (symbols[:, :, None, :] >> steps) & ((1 << self._bits) - 1)
        return parts.reshape(len(symbols), -1)[:, :taps] - (1 << (self._bits - 1))


def _most_likely(symbols: np.ndarray, lengths: np.ndarray) -> int:
    counts = np.bincount(symbols.reshape(-1), minlength=SYMBOLS)
    return int(np.where(lengths > 0, counts, -1).argmax())


def _entropy(counts: np.ndarray) -> float:
    """Bits of symbols that occur so often, at least."""
    often = counts[counts > 0]
    return float(-(often * np.log2(often / often.sum())).sum())
