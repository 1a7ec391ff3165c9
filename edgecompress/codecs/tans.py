"""Entropy coding: the high bits of the weights by tANS, their low bits as they are, how many may differ from row to row.

The low bits of weights with a wide distribution are as good as random: coding them gains nothing and makes the table large. With
rows (output channels) of different spread, a number of low bits per row brings them to one common histogram, which takes fewer
bytes than the entropy of the tensor as a whole. Weights whose high bits are rare are written as something else and put right
afterwards, so that they take no states away.
"""

from dataclasses import dataclass

import numpy as np

from edgecompress.codecs import ans
from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import BitReader, BitWriter, pack_fields, padded, unpack_fields

SHIFTS = np.array([0, 1, 2, 4], np.int8)
"""Numbers of low bits that a row may have, by their code: divisors of 8."""
RARE = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
"""Numbers of rare symbols that are tried to be put right afterwards."""
PATCH_BYTES = 3
"""About, for choosing."""
ROUNDS = 8
"""At most, of giving each row the number of low bits that suits the common histogram best."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How a matrix is to be written.

    Attributes:
        bits: it takes about.
        codes: of the shifts, [rows].
        shares: of the symbols -128 to 127; 0 for those that are put right afterwards.
        log: of the number of states.
    """

    bits: float
    codes: np.ndarray
    shares: np.ndarray
    log: int


class Tans(Codec):
    name = "tans"

    def __init__(self, logs: tuple[int, ...] = ans.LOGS) -> None:
        """logs: of the number of states, that may be tried; the table takes 4 * 2^log bytes of RAM."""
        self._logs = logs

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        plan = find_plan(matrix, self._logs)
        rows, taps = matrix.shape
        shifts = SHIFTS[plan.codes]
        symbols = matrix >> shifts[:, None]
        is_rare = plan.shares[symbols.astype(np.int64) + 128] == 0
        patches = write_patches(matrix, is_rare)
        if patches.size > 2**16 - 1:
            return Refusal("too many rare weights")
        symbols[is_rare] = int(plan.shares.argmax()) - 128
        first = int(np.flatnonzero(plan.shares)[0])
        histogram = ans.write_histogram(plan.shares[first:], first - 128)
        table = ans.table_of(histogram, plan.log)
        states, bits = write_symbols(symbols, table)
        low = write_low_bits(matrix, shifts)
        is_uniform = (plan.codes == plan.codes[0]).all()
        return Encoded(
            self.name,
            rows,
            taps,
            {
                "stream": weights(padded(np.concatenate([states, np.packbits(bits)]))),
                "histogram": weights(histogram),
                "shifts": 0 if is_uniform else weights(pack_fields(plan.codes[None], 2)),
                "low_bits": weights(low) if low.size else 0,
                "patches": weights(patches) if patches.size else 0,
                "end": bits.size,
                "low_words": low.size,
                "taps": taps,
                "histogram_bytes": histogram.size,
                "patch_bytes": patches.size,
                "log": plan.log,
                "shift": int(plan.codes[0]),
            },
            frozenset({"histogram", "shifts"}),
            4 << plan.log,
            {
                "begin": 1,
                "state": 1 << plan.log,
                "row": rows,
                "weight": matrix.size,
                "four with low bits": int((shifts > 0).sum()) * -(-taps // 4),
                "patch": int(is_rare.sum()),
            },
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        rows, taps = encoded.rows, encoded.taps
        table = ans.table_of(values_of(encoded, "histogram"), number(encoded, "log"))
        stream = values_of(encoded, "stream")
        reader, states = BitReader(stream[2:]), stream[:2].tolist()
        symbols = np.zeros((rows, taps), np.uint8)
        for row in range(rows):
            for tap in range(taps):
                symbols[row, tap], states[tap % 2] = table.take(states[tap % 2], reader)
        codes = np.full(rows, encoded.parameters["shift"], np.uint8)
        if "shifts" in encoded.arrays:
            codes = unpack_fields(values_of(encoded, "shifts"), 1, rows, 2)[0]
        shifts = SHIFTS[codes]
        low = read_low_bits(encoded.arrays["low_bits"].values, taps, shifts) if shifts.any() else np.uint8(0)
        matrix = ((symbols << shifts[:, None].astype(np.uint8)) | low).view(np.int8)
        if "patches" in encoded.arrays:
            read_patches(matrix.reshape(-1), values_of(encoded, "patches"))
        return matrix


def find_plan(matrix: np.ndarray, logs: tuple[int, ...]) -> Plan:
    """The plan with the fewest bits that was found; there is one for every matrix, with all but 16 symbols put right if need be."""
    rows, taps = matrix.shape
    counts = np.stack([_counts_of_rows(matrix >> shift) for shift in SHIFTS])  # [codes, rows, symbols]
    best: Plan | None = None
    for codes in _starts(matrix):
        codes = _settled(codes, counts, taps)
        total = counts[codes, np.arange(rows)].sum(axis=0)
        low = taps * int(SHIFTS[codes].sum(dtype=np.int64)) + (0 if (codes == codes[0]).all() else 2 * rows)
        rarest = np.argsort(total, kind="stable")
        rarest = rarest[total[rarest] > 0]
        for rare in (n for n in RARE if n < len(rarest)):
            kept = total.copy()
            kept[rarest[:rare]] = 0
            patches = int(total.sum() - kept.sum())
            for log in logs:
                shares = ans.shares_of(kept, log)
                if shares is None:
                    continue
                rest = 8 * (PATCH_BYTES * patches + len(rarest) - rare)
                bits = ans.bits_of(kept, shares, log) + low + rest
                if best is None or bits < best.bits:
                    best = Plan(bits, codes, shares, log)
    assert best
    return best


def _starts(matrix: np.ndarray) -> list[np.ndarray]:
    """Codes of rows to start from: all the same, or by the rows' spread around each of them."""
    rows = len(matrix)
    spread = np.log2(np.abs(matrix.astype(float)).mean(axis=1) + 0.01)
    relative = np.round(spread - np.median(spread))
    same = [np.full(rows, code) for code in range(len(SHIFTS))]
    return same + [np.clip(code + relative, 0, len(SHIFTS) - 1).astype(int) for code in range(len(SHIFTS))]


def _settled(codes: np.ndarray, counts: np.ndarray, taps: int) -> np.ndarray:
    """Codes of rows, given anew by what each row takes with the common histogram until nothing changes; uniform ones stay."""
    rows = np.arange(len(codes))
    if (codes == codes[0]).all():
        return codes
    for _ in range(ROUNDS):
        total = counts[codes, rows].sum(axis=0) + 0.25
        costs = counts @ -np.log2(total / total.sum()) + taps * SHIFTS[:, None].astype(int)
        settled = costs.argmin(axis=0)
        if (settled == codes).all():
            break
        codes = settled
    return codes


def _counts_of_rows(symbols: np.ndarray) -> np.ndarray:
    """How often each of the symbols -128 to 127 is in each row: [rows, 256]."""
    rows = len(symbols)
    places = symbols.astype(np.int64) + 128 + 256 * np.arange(rows)[:, None]
    return np.bincount(places.reshape(-1), minlength=256 * rows).reshape(rows, 256)


def write_symbols(symbols: np.ndarray, table: ans.Table) -> tuple[np.ndarray, np.ndarray]:
    """Symbols [rows, taps] as the two states to begin with and the bits, one per byte."""
    states, writer = [0, 0], BitWriter()
    for row in symbols.view(np.uint8)[::-1].tolist():
        for tap in range(len(row) - 1, -1, -1):
            states[tap % 2] = table.put(row[tap], states[tap % 2], writer)
    return np.array(states, np.uint8), writer.bits()


def write_low_bits(matrix: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """The low bits of all rows: int32 [words]."""
    words = []
    for row, shift in zip(matrix.view(np.uint8), shifts.tolist(), strict=True):
        if shift:
            low = row & ((1 << shift) - 1)
            lanes = np.pad(low, (0, -low.size % (32 // shift))).reshape(-1, 8 // shift, 4)
            steps = shift * np.arange(8 // shift, dtype=np.uint8)[:, None]
            words.append((lanes << steps).sum(axis=1, dtype=np.uint8).reshape(-1))
    return np.concatenate(words).view("<i4") if words else np.zeros(0, np.int32)


def read_low_bits(words: np.ndarray, taps: int, shifts: np.ndarray) -> np.ndarray:
    """The low bits of every weight: uint8 [rows, taps]."""
    low, at = np.zeros((len(shifts), taps), np.uint8), 0
    for row, shift in enumerate(shifts.tolist()):
        if shift:
            count = -(-taps // (32 // shift))
            lanes = words[at : at + count].astype("<i4").view(np.uint8).reshape(-1, 1, 4)
            steps = shift * np.arange(8 // shift, dtype=np.uint8)[:, None]
            low[row] = ((lanes >> steps) & ((1 << shift) - 1)).reshape(-1)[:taps]
            at += count
    return low


def write_patches(matrix: np.ndarray, is_rare: np.ndarray) -> np.ndarray:
    """The weights that are put right, each behind the number of weights since the one before: uint8 [bytes]."""
    result, before = [], -1
    for place in np.flatnonzero(is_rare).tolist():
        whole, rest = divmod(place - before - 1, 255)
        result += [255] * whole + [rest, int(matrix.reshape(-1)[place]) & 0xFF]
        before = place
    return np.array(result, np.uint8)


def read_patches(flat: np.ndarray, patches: np.ndarray) -> None:
    """Put the weights right, in place."""
    place, numbers = 0, iter(patches.tolist())
    for gap in numbers:
        place += gap
        if gap < 255:
            flat[place] = np.uint8(next(numbers)).view(np.int8)
            place += 1
