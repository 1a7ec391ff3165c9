"""Pruned weights, entropy-coded: before each value that is not zero, how many zeros come first (Deep Compression; S. Han et al. 2016,
arXiv 1510.00149, with tANS in place of Huffman's code)."""

import numpy as np

from edgecompress.codecs import ans
from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import BitReader, BitWriter, padded

LOGS = (5, 6, 7)
"""Two tables of at most 512 bytes."""
MOST_ZEROS = (7, 15, 31, 62)
"""That one symbol counts; longer runs take several."""
SHIFTS = (0, 1, 2, 3, 4)
"""Numbers of low bits of a value that may be written as they are."""
LEAST_ZEROS = 1 / 4
"""Of the weights; with fewer, coding every weight by itself takes as few bytes and less time."""


class Runs(Codec):
    name = decoder = "runs"

    def __init__(self, logs: tuple[int, ...] = LOGS) -> None:
        """logs: of the number of states of either table, that may be tried; both take 8 * 2^log bytes of RAM."""
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        flat = matrix.reshape(-1)
        places = np.flatnonzero(flat)
        if places.size > (1 - LEAST_ZEROS) * flat.size:
            return Refusal(f"{1 - places.size / flat.size:.0%} of the weights are zero, less than {LEAST_ZEROS:.0%}")
        gaps = np.diff(places, prepend=-1) - 1
        values = flat[places]
        if not places.size:
            gaps, values = np.zeros(1, np.int64), np.zeros(1, np.int8)  # for the tables' sake
        made = [self._with(matrix, gaps, values, *best) for log in self._logs if (best := _best(gaps, values, log))]
        return min(made, key=lambda one: one.weight_bytes)

    def _with(
        self, matrix: np.ndarray, gaps: np.ndarray, values: np.ndarray, log: int, most: int, shift: int
    ) -> Encoded:
        zeros = _histogram(_symbols_of(gaps, most), log)
        first = _histogram((values >> shift).view(np.uint8), log)
        nonzeros = int(np.count_nonzero(matrix))
        tables = ans.table_of(zeros, log), ans.table_of(first, log)
        states, bits = _write(gaps[:nonzeros], values, most, shift, *tables)
        rows, taps = matrix.shape
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "stream": weights(padded(np.concatenate([states, np.packbits(bits)]))),
                "zeros": weights(zeros),
                "values": weights(first),
                "weights": matrix.size,
                "nonzeros": nonzeros,
                "end": bits.size,
                "taps": taps,
                "zeros_bytes": zeros.size,
                "values_bytes": first.size,
                "log": log,
                "most": most,
                "shift": shift,
            },
            frozenset({"zeros", "values"}),
            8 << log,
            {
                "begin": 1,
                "state": 2 << log,
                "code": _codes(zeros) + _codes(first),
                "row": rows,
                "four": rows * -(-taps // 4),
                "value": nonzeros,
                "more zeros": int((gaps // most).sum()),
            },
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        log, most, shift = (number(encoded, name) for name in ("log", "most", "shift"))
        zeros, first = (ans.table_of(values_of(encoded, name), log) for name in ("zeros", "values"))
        stream = values_of(encoded, "stream")
        reader, (state, other) = BitReader(stream[2:]), stream[:2].tolist()
        flat, place = np.zeros(encoded.rows * encoded.taps, np.uint8), 0
        for _ in range(number(encoded, "nonzeros")):
            gap = most
            while gap == most:
                gap, state = zeros.take(state, reader)
                place += gap
            symbol, other = first.take(other, reader)
            flat[place] = (symbol << shift | reader.take(shift)) & 0xFF
            place += 1
        return flat.view(np.int8).reshape(encoded.rows, encoded.taps)


def _best(gaps: np.ndarray, values: np.ndarray, log: int) -> tuple[int, int, int] | None:
    """`log`, the longest run of one symbol and the number of low bits that take the fewest bits with tables of 2^log states; None
    where the symbols are too many for them."""

    def score(symbols: np.ndarray) -> float:
        found = ans.histogram_of(symbols, log)
        return found[1] if found else float("inf")

    zeros = {most: score(_symbols_of(gaps, most)) for most in MOST_ZEROS}
    shifts = {shift: score((values >> shift).view(np.uint8)) + shift * values.size for shift in SHIFTS}
    most, shift = min(zeros, key=lambda key: zeros[key]), min(shifts, key=lambda key: shifts[key])
    return (log, most, shift) if np.isfinite(zeros[most] + shifts[shift]) else None


def _histogram(symbols: np.ndarray, log: int) -> np.ndarray:
    found = ans.histogram_of(symbols, log)
    assert found
    return found[0]


def _codes(histogram: np.ndarray) -> int:
    return len(ans.read_histogram(histogram))


def _symbols_of(gaps: np.ndarray, most: int) -> np.ndarray:
    """Numbers of zeros as symbols: `most` as often as it goes, then the rest."""
    return np.concatenate([gaps % most, np.full(int((gaps // most).sum()), most)])


def _write(
    gaps: np.ndarray, values: np.ndarray, most: int, shift: int, zeros: ans.Table, first: ans.Table
) -> tuple[np.ndarray, np.ndarray]:
    """The states of zeros and values to begin with, and the bits, one per byte."""
    state, other, writer = 0, 0, BitWriter()
    for gap, value in zip(gaps[::-1].tolist(), values[: len(gaps)].view(np.uint8)[::-1].tolist(), strict=True):
        writer.put(value & ((1 << shift) - 1), shift)
        signed = value - 256 if value > 127 else value
        other = first.put((signed >> shift) & 0xFF, other, writer)
        state = zeros.put(gap % most, state, writer)
        for _ in range(gap // most):
            state = zeros.put(most, state, writer)
    return np.array([state, other], np.uint8), writer.bits()
