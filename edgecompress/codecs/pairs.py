"""Two neighbouring weights in a symbol of Huffman's code: less than a bit each for frequent pairs, and one look-up for both. A symbol
has four bits of each weight: its place among at most 16 values, or its high bits, where the low ones are as good as random
(`low_bits.py`).

Kernels want the weights of two output channels side by side, and weights of one input are often large or small together: then pairs
take less than the entropy of the weights.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edgecompress.codecs import low_bits
from edgecompress.codecs.base import Codec, Encoded, Refusal, values_of, weights
from edgecompress.codecs.codebooks import codebook_of, indices_in
from edgecompress.codecs.huffman_code import SYMBOLS, coded, lengths_of, read_lengths, read_symbols, write_lengths
from edgecompress.codegen.ops.base import Array

LOGS = (6, 7, 8, 9)
"""Longest codes that are tried; the table takes 4 * 2^log bytes of RAM."""
BITS = 4
"""Of a weight in a symbol."""
MOST_SHIFT = 8 - BITS
HALF = 1 << (BITS - 1)
FEWEST = (0, 2, 4, 8, 16, 32)
"""Symbols that occur less often than one of these are patched."""
_NO_LOW_BITS: dict[str, int] = {
    "finish.shifts": 0,
    "finish.low_bits": 0,
    "finish.patches": 0,
    "finish.low_words": 0,
    "finish.patch_bytes": 0,
    "finish.shift": 0,
}


@dataclass(frozen=True, eq=False)
class Plan:
    """How high bits are to be written.

    Attributes:
        bits: that all takes about.
        shifts: numbers of low bits, int8 [rows].
        symbols: int64 [rows, pairs]; where a weight does not fit, something near.
        lengths: of the symbols' codes, int64 [SYMBOLS]; 0 where patches stand in for the symbol.
    """

    bits: float
    shifts: np.ndarray
    symbols: np.ndarray
    lengths: np.ndarray


class Pairs(Codec):
    name = decoder = "pairs"

    def __init__(self, logs: tuple[int, ...] = LOGS) -> None:
        """logs: longest codes that may be tried."""
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        if len(np.unique(matrix)) <= 1 << BITS:
            made = self._of_values(matrix)
            if isinstance(made, Encoded):
                return made
        plan = self.plan(matrix)
        symbols = np.where(plan.lengths[plan.symbols] > 0, plan.symbols, _most_likely(plan.symbols, plan.lengths))
        high = _split(symbols, matrix.shape[1]) - HALF
        finish = low_bits.parameters(matrix, plan.shifts, high)
        if isinstance(finish, Refusal):
            return finish
        patches = int(np.count_nonzero((matrix >> plan.shifts[:, None]) != high))
        return _encoded(matrix, symbols, plan.lengths, {"codebook": 0, **finish}, plan.shifts, patches)

    def _of_values(self, matrix: np.ndarray) -> Encoded | None:
        """Places in a codebook; None where the pairs are too many."""
        codebook = codebook_of(matrix, BITS)
        symbols = _join(indices_in(matrix, codebook).astype(np.int64))
        counts = np.bincount(symbols.reshape(-1), minlength=SYMBOLS)
        made = [lengths for log in self._logs if (lengths := lengths_of(counts, log)) is not None]
        if not made:
            return None
        lengths = min(made, key=lambda lengths: int(counts @ lengths) + 8 * write_lengths(lengths).size)
        no_shifts = np.zeros(len(matrix), np.int64)
        return _encoded(matrix, symbols, lengths, {"codebook": weights(codebook), **_NO_LOW_BITS}, no_shifts, 0)

    def plan(self, matrix: np.ndarray) -> Plan:
        """The plan of high bits with the fewest bits that was found; there is always one."""
        best: Plan | None = None
        for shifts in low_bits.candidates(matrix, BITS, MOST_SHIFT):
            parts = (matrix >> shifts[:, None]).astype(np.int64) + HALF
            outside = int(((parts < 0) | (parts >= 2 * HALF)).sum())
            symbols = _join(np.clip(parts, 0, 2 * HALF - 1))
            counts = np.bincount(symbols.reshape(-1), minlength=SYMBOLS)
            low = low_bits.bits_of_low(matrix.shape[1], shifts) + low_bits.PATCH_BITS * outside
            for kept in _reduced(counts, 1 << max(self._logs)):
                rare = 2 * int(counts.sum() - kept.sum()) * low_bits.PATCH_BITS
                if best is not None and _entropy(kept) + low + rare > best.bits:
                    continue
                for lengths in (lengths_of(kept, log) for log in self._logs):
                    if lengths is not None:
                        bits = float(kept @ lengths + low + rare + 8 * write_lengths(lengths).size)
                        best = Plan(bits, shifts, symbols, lengths) if best is None or bits < best.bits else best
        assert best
        return best

    def decode(self, encoded: Encoded) -> np.ndarray:
        lengths, pairs = read_lengths(values_of(encoded, "lengths")), -(-encoded.taps // 4) * 2
        symbols = read_symbols(values_of(encoded, "stream"), encoded.rows * pairs, lengths)
        places = _split(symbols.reshape(encoded.rows, pairs), encoded.taps)
        if "codebook" in encoded.arrays:
            return values_of(encoded, "codebook")[places]
        return low_bits.finish(encoded, places - HALF)


def _reduced(counts: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Counts without those of rare symbols, zeros in their places; the last are of `most` symbols at most."""
    for fewest in FEWEST:
        if fewest <= counts.max():
            yield np.where(counts >= fewest, counts, 0)
    if np.count_nonzero(counts) > most:
        kept = np.zeros_like(counts)
        frequent = np.argsort(-counts, kind="stable")[:most]
        kept[frequent] = counts[frequent]
        yield kept


def _encoded(
    matrix: np.ndarray,
    symbols: np.ndarray,
    lengths: np.ndarray,
    finish: Mapping[str, int | Array],
    shifts: np.ndarray,
    patches: int,
) -> Encoded:
    rows, taps = matrix.shape
    stream, begin = coded(symbols.reshape(-1), lengths)
    words, odd = -(-taps // 4), shifts.astype(np.int64) & 1
    slow = words % 4 + odd * (words // 4 % 2 * 4)  # of each row
    return Encoded(
        "pairs",
        "pairs",
        rows,
        taps,
        {**stream, **finish, "taps": taps, "is_joint": 0},
        frozenset({"lengths", "codebook"}) | low_bits.TABLES,
        4 << int(lengths.max()),
        {
            **begin,
            "row": rows,
            "row of high bits": 0 if finish["codebook"] else rows,
            "end": 1,
            "unit": int((words - slow).sum()) // 4,
            "unit with low bits": int((words - slow) @ (shifts > 0)) // 4,
            "unit with an odd number": int((words - slow) @ odd) // 4,
            "word": int(slow.sum()),
            "word apart": rows * words,
            "patch": patches,
        },
    )


def _join(parts: np.ndarray) -> np.ndarray:
    """Four bits of weights [rows, taps] as symbols [rows, an even number of pairs]."""
    padded = np.pad(parts, ((0, 0), (0, -parts.shape[1] % 4)), mode="edge")
    return padded[:, ::2] | padded[:, 1::2] << BITS


def _split(symbols: np.ndarray, taps: int) -> np.ndarray:
    """The inverse: int64 [rows, taps]."""
    both = np.stack([symbols & (1 << BITS) - 1, symbols >> BITS], axis=2)
    return both.reshape(len(symbols), -1)[:, :taps]


def _most_likely(symbols: np.ndarray, lengths: np.ndarray) -> int:
    counts = np.bincount(symbols.reshape(-1), minlength=SYMBOLS)
    return int(np.where(lengths > 0, counts, -1).argmax())


def _entropy(counts: np.ndarray) -> float:
    """Bits of symbols that occur so often, at least."""
    often = counts[counts > 0]
    return float(-(often * np.log2(often / often.sum())).sum())
