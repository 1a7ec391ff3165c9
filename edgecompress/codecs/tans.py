"""Entropy coding of each weight by itself: its high bits by tANS (`ans.py`), its low bits as they are (`low_bits.py`)."""

from dataclasses import dataclass

import numpy as np

from edgecompress.codecs import ans, low_bits
from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import BitReader, BitWriter, padded

RARE = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Numbers of rare symbols that are tried to be patched."""
HALF = 128
"""Added to the high bits for a symbol."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How a matrix is to be written.

    Attributes:
        bits: it takes about.
        shifts: numbers of low bits, int8 [rows].
        shares: of the states, [symbols]; 0 where patches stand in for it.
        log: of the number of states.
    """

    bits: float
    shifts: np.ndarray
    shares: np.ndarray
    log: int


class Tans(Codec):
    name = decoder = "tans"

    def __init__(self, logs: tuple[int, ...] = ans.LOGS) -> None:
        """logs: of the number of states, that may be tried; the table takes 4 * 2^log bytes of RAM."""
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        plan = find_plan(matrix, self._logs)
        rows, taps = matrix.shape
        symbols = (matrix >> plan.shifts[:, None]).astype(np.int64) + HALF
        symbols[plan.shares[symbols] == 0] = plan.shares.argmax()
        histogram = ans.write_histogram(plan.shares)
        states, bits = write_symbols(symbols, ans.table_of(histogram, plan.log))
        high = symbols - HALF
        finish = low_bits.parameters(matrix, plan.shifts, high)
        if isinstance(finish, Refusal):
            return finish
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "stream": weights(padded(np.concatenate([states, np.packbits(bits)]))),
                "histogram": weights(histogram),
                **finish,
                "end": bits.size,
                "taps": taps,
                "histogram_bytes": histogram.size,
                "log": plan.log,
            },
            frozenset({"histogram"}) | low_bits.TABLES,
            4 << plan.log,
            {
                "begin": 1,
                "state": 1 << plan.log,
                "row": rows,
                "six": rows * (taps // 6),
                "two": rows * -(-(taps % 6) // 2),
                "code": int(np.count_nonzero(plan.shares)),
                **low_bits.work(matrix, plan.shifts, high),
            },
            row_step=low_bits.ROW_STEP,
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        rows, taps = encoded.rows, encoded.taps
        table = ans.table_of(values_of(encoded, "histogram"), number(encoded, "log"))
        stream = values_of(encoded, "stream")
        reader, states = BitReader(stream[2:]), stream[:2].tolist()
        symbols = np.zeros((rows, taps), np.int64)
        for row in range(rows):
            for tap in range(taps):
                symbols[row, tap], states[tap % 2] = table.take(states[tap % 2], reader)
        return low_bits.finish(encoded, symbols - HALF)


def find_plan(matrix: np.ndarray, logs: tuple[int, ...]) -> Plan:
    """The plan with the fewest bits that was found; there is always one, with most symbols patched if need be."""
    best: Plan | None = None
    for shifts in low_bits.candidates(matrix, bits=8):
        counts = np.bincount((matrix >> shifts[:, None]).reshape(-1).astype(np.int64) + HALF, minlength=ans.SYMBOLS)
        low = low_bits.bits_of_low(matrix.shape[1], shifts)
        rarest = np.argsort(counts, kind="stable")
        rarest = rarest[counts[rarest] > 0]
        for rare in (n for n in RARE if n < len(rarest)):
            kept = counts.copy()
            kept[rarest[:rare]] = 0
            patches = int(counts[rarest[:rare]].sum())
            for log in logs:
                shares = ans.shares_of(kept, log)
                if shares is not None:
                    tables = 8 * (len(rarest) - rare)
                    bits = ans.bits_of(kept, shares, log) + low + tables + low_bits.PATCH_BITS * patches
                    best = Plan(bits, shifts, shares, log) if best is None or bits < best.bits else best
    assert best
    return best


def write_symbols(symbols: np.ndarray, table: ans.Table) -> tuple[np.ndarray, np.ndarray]:
    """Symbols [rows, taps] as the two states to begin with and the bits, one per byte."""
    states, writer = [0, 0], BitWriter()
    for row in symbols[::-1].tolist():
        for tap in range(len(row) - 1, -1, -1):
            states[tap % 2] = table.put(row[tap], states[tap % 2], writer)
    return np.array(states, np.uint8), writer.bits()
