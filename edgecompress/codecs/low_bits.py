"""Weights cut into high bits, which are worth coding, and low bits, which are as good as random: what `ec_low_bits.h` undoes.

How many bits are low may differ from row to row (output channel): that brings rows of different spread to one common histogram, so
that all together may take fewer bytes than the entropy of the tensor. Weights that the code of the high bits has no symbol for are
written as something else and put right afterwards ("patches").
"""

from collections.abc import Iterator

import numpy as np

from edgecompress.codecs.base import Encoded, Refusal, number, weights
from edgecompress.codecs.bits import pack_fields, unpack_fields
from edgecompress.codegen.ops.base import Array

MOST_SHIFT = 5
"""Low bits of a weight."""
SPAN = 4
"""Different numbers of low bits in one tensor, one behind the other."""
PATCH_BITS = 24
"""That a patch takes about."""
MOST_PATCH_BYTES = 2**16 - 1
"""The parameters have 16 bits for them."""
ROUNDS = 8
"""At most, of giving each row the number of low bits that suits the common histogram best."""
TABLES = frozenset({"finish.shifts"})
_BLOCK, _UNIT = 8, 4
"""Groups of four weights whose low bits lie together, and that are decoded at a time."""
ROW_STEP = 4 * _UNIT
"""Bytes that a row is decoded in at a time."""


def candidates(matrix: np.ndarray, bits: int, most: int = MOST_SHIFT) -> Iterator[np.ndarray]:
    """Numbers of low bits that may suit, int8 [rows] each.

    Args:
        matrix: int8 [rows, taps].
        bits: of a symbol; high bits outside of -2^(bits - 1) to 2^(bits - 1) - 1 need patches.
        most: low bits of a weight.
    """
    rows, taps = matrix.shape
    counts = np.stack([_counts_of_rows(matrix >> shift, bits) for shift in range(MOST_SHIFT + 1)])
    spread = np.log2(np.abs(matrix.astype(float)).mean(axis=1) + 0.01)
    relative = np.round(spread - np.median(spread))
    for shift in range(most + 1):
        yield np.full(rows, shift, np.int8)
        if relative.any() and shift + SPAN <= most + 1:
            start = np.clip(shift + 1 + relative, shift, shift + SPAN - 1).astype(int)
            yield _settled(start, counts, taps, shift)


def _settled(shifts: np.ndarray, counts: np.ndarray, taps: int, first: int) -> np.ndarray:
    """Shifts of rows, from `first` on, given anew by what each row takes with the common histogram until nothing changes."""
    rows, choices = np.arange(len(shifts)), np.arange(first, first + SPAN)
    for _ in range(ROUNDS):
        total = counts[shifts, rows].sum(axis=0) + 0.25
        bits = -np.log2(total / total.sum())
        bits[-1] = PATCH_BITS
        settled = choices[(counts[choices] @ bits + taps * choices[:, None]).argmin(axis=0)]
        if (settled == shifts).all():
            break
        shifts = settled
    return shifts.astype(np.int8)


def _counts_of_rows(high: np.ndarray, bits: int) -> np.ndarray:
    """How often each symbol is in each row, and last how often none is: int64 [rows, 2^bits + 1]."""
    rows, size = len(high), (1 << bits) + 1
    symbols = high.astype(np.int64) + (1 << bits - 1)
    symbols[(symbols < 0) | (symbols >= size - 1)] = size - 1
    return np.bincount((symbols + size * np.arange(rows)[:, None]).reshape(-1), minlength=rows * size).reshape(
        rows, size
    )


def bits_of_low(taps: int, shifts: np.ndarray) -> int:
    """That the low bits take, with their numbers."""
    words = sum(_words(taps, shift) * int((shifts == shift).sum()) for shift in range(MOST_SHIFT + 1))
    return 32 * words + (0 if (shifts == shifts[0]).all() else 2 * len(shifts))


def _words(taps: int, shift: int) -> int:
    """Of the low bits of a row."""
    fours = -(-taps // (4 * _UNIT)) * _UNIT
    blocks = [min(_BLOCK, fours - start) for start in range(0, fours, _BLOCK)]
    return sum(-(-block * bits // 8) for block in blocks for _, bits in _planes(shift))


def parameters(matrix: np.ndarray, shifts: np.ndarray, high: np.ndarray) -> dict[str, int | Array] | Refusal:
    """The fields of `ec_low_bits_params`, or why there are none.

    Args:
        matrix: int8 [rows, taps].
        shifts: int8 [rows].
        high: [rows, taps]: the high bits as they were written.
    """
    low, first = _write_low(matrix, shifts), int(shifts.min())
    patches = _write_patches(matrix, (matrix >> shifts[:, None]) != high)
    if patches.size > MOST_PATCH_BYTES:
        return Refusal(f"{patches.size:,} bytes of patches are more than {MOST_PATCH_BYTES:,}")
    fields = (shifts - first).astype(np.uint8)
    return {
        "finish.shifts": weights(pack_fields(fields[None], 2)) if fields.any() else 0,
        "finish.low_bits": weights(low) if low.size else 0,
        "finish.patches": weights(patches) if patches.size else 0,
        "finish.low_words": low.size,
        "finish.patch_bytes": patches.size,
        "finish.shift": first,
    }


def work(matrix: np.ndarray, shifts: np.ndarray, high: np.ndarray) -> dict[str, int]:
    """Of the last step."""
    units = -(-matrix.shape[1] // (4 * _UNIT))
    odd, others = int((shifts & 1).sum()), int(((shifts & 6) > 0).sum())
    return {
        "unit": units * len(shifts),
        "unit with one low bit": units * odd,
        "unit with others": units * others,
        "patch": int(np.count_nonzero((matrix >> shifts[:, None]) != high)),
    }


def finish(encoded: Encoded, high: np.ndarray) -> np.ndarray:
    """The matrix, from the high bits: int8 [rows, taps]."""
    shifts = np.full(encoded.rows, number(encoded, "finish.shift"), np.uint8)
    arrays = {name: array.values for name, array in encoded.arrays.items()}
    if "finish.shifts" in arrays:
        shifts += unpack_fields(arrays["finish.shifts"], 1, encoded.rows, 2)[0]
    matrix = high.astype(np.uint8) << shifts[:, None]
    if shifts.any():
        matrix |= _read_low(arrays["finish.low_bits"], encoded.taps, shifts)
    if "finish.patches" in arrays:
        _read_patches(matrix.reshape(-1), arrays["finish.patches"])
    return matrix.view(np.int8)


def _planes(shift: int) -> list[tuple[int, int]]:
    """(first bit, bits) of the parts that so many low bits are written in."""
    return [(shift & 6, 1)] * (shift & 1) + [(0, shift & 6)] * (shift > 1)


def _write_low(matrix: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """The low bits of all rows: int32 [words]."""
    words = []
    for row, shift in zip(matrix.view(np.uint8), shifts.tolist(), strict=True):
        fours = np.pad(row, (0, -row.size % (4 * _UNIT))).reshape(-1, 4)
        for start in range(0, len(fours), _BLOCK):
            for first, bits in _planes(shift):
                part = (fours[start : start + _BLOCK] >> first) & ((1 << bits) - 1)
                steps = bits * np.arange(8 // bits, dtype=np.uint8)[:, None]
                lanes = np.pad(part, ((0, -len(part) % (8 // bits)), (0, 0))).reshape(-1, 8 // bits, 4)
                words.append((lanes << steps).sum(axis=1, dtype=np.uint8).reshape(-1))
    return np.concatenate(words).view("<i4").astype(np.int32) if words else np.zeros(0, np.int32)


def _read_low(words: np.ndarray, taps: int, shifts: np.ndarray) -> np.ndarray:
    """The low bits of every weight: uint8 [rows, taps]."""
    count, at = -(-taps // (4 * _UNIT)) * _UNIT, 0
    low = np.zeros((len(shifts), count, 4), np.uint8)
    for row, shift in zip(low, shifts.tolist(), strict=True):
        for start in range(0, count, _BLOCK):
            part = row[start : start + _BLOCK]
            for first, bits in _planes(shift):
                used = -(-len(part) * bits // 8)
                lanes = words[at : at + used].astype("<i4").view(np.uint8).reshape(used, 1, 4)
                steps = bits * np.arange(8 // bits, dtype=np.uint8)[:, None]
                fields = ((lanes >> steps) & ((1 << bits) - 1)).reshape(-1, 4)[: len(part)]
                part |= fields << np.uint8(first)
                at += used
    return low.reshape(len(shifts), -1)[:, :taps]


def _write_patches(matrix: np.ndarray, is_wrong: np.ndarray) -> np.ndarray:
    """The weights that are put right, each behind the number of weights since the one before: uint8 [bytes]."""
    result, before = [], -1
    for place in np.flatnonzero(is_wrong).tolist():
        whole, rest = divmod(place - before - 1, 255)
        result += [255] * whole + [rest, int(matrix.reshape(-1)[place]) & 0xFF]
        before = place
    return np.array(result, np.uint8)


def _read_patches(flat: np.ndarray, patches: np.ndarray) -> None:
    """Put the weights right, in place: uint8."""
    place, numbers = 0, iter(patches.tolist())
    for gap in numbers:
        place += gap
        if gap < 255:
            flat[place] = next(numbers)
            place += 1
