"""Weights as lists of those that are not zero, read by kernels where they lie in flash (`runtime/kernels/ec_gemm_sparse.h`,
`ec_conv_2d_sparse_single.h`).

Relative places in four bits, and weights as places in a table that the layer shares: S. Han et al., "EIE: Efficient Inference
Engine on Compressed Deep Neural Network", 2016. A longer gap is bridged by entries whose weight is zero.
"""

from dataclasses import dataclass

import numpy as np

from edgecompress.codegen.ops.base import Array

SHARED_GAP, ANY_GAP = 15, 255
"""The largest gaps of an entry."""
VALUES = 16
"""In the table of the shared form."""
HEAD, COUNT_BITS, SUM_BITS = 3, 10, 14
"""Bytes of a list's head, and the bits in it."""
MOST_ENTRIES = 2**COUNT_BITS - 2
"""Of a list."""
CYCLES_AN_ENTRY = {"shared": 18, "any": 16}
"""Of `ec_gemm_sparse` on a Cortex-M4: eight products."""
CYCLES_AN_INPUT = {"shared": 10.4, "any": 8.0}
"""Of an entry in `ec_fully_connected_sparse`: one product."""
PAGE, MOST_PLACES = 256, 255
"""Inputs whose places are a byte each, and places of a value that are added in 16 bits."""


@dataclass(frozen=True, eq=False)
class Lists:
    """The lists of a layer.

    Attributes:
        form: "shared": a byte for each weight; "any": two.
        data: all lists, uint8, and the byte that kernels read behind them.
        values: the table of the shared form, int8 [16]; None of the other.
        entries: of each output's list, int64.
    """

    form: str
    data: np.ndarray
    values: np.ndarray | None
    entries: np.ndarray

    def parameters(self) -> dict[str, int | Array]:
        """The fields `lists` and `values` of a kernel's struct."""
        values: int | Array = 0 if self.values is None else Array(self.values, is_weights=True)
        return {"lists": Array(self.data, is_weights=True), "values": values}


def pack_lists(rows: np.ndarray) -> Lists | None:
    """Weights [outputs, inputs], int8, as lists: shared where the values are few enough.

    Returns:
        None where a list has too many entries for its head, or a sum of weights that is too large.
    """
    values = np.unique(rows[rows != 0])
    shared = [_entries(row, SHARED_GAP) for row in rows]
    has_fillers = any(len(gaps) > np.count_nonzero(row) for (gaps, _), row in zip(shared, rows, strict=True))
    if len(values) + has_fillers <= VALUES:
        table = np.zeros(VALUES, np.int8)
        table[-len(values) or VALUES :] = values
        places = np.zeros(256, np.int64)
        places[table[::-1].view(np.uint8)] = np.arange(VALUES)[::-1]
        lists = [gaps * VALUES + places[weights & 255] for gaps, weights in shared]
        return _lists("shared", [gaps.size for gaps, _ in shared], lists, rows, table)
    anyhow = [_entries(row, ANY_GAP) for row in rows]
    lists = [np.stack([gaps, weights & 255], axis=1).reshape(-1) for gaps, weights in anyhow]
    return _lists("any", [gaps.size for gaps, _ in anyhow], lists, rows, None)


def _entries(row: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(gaps, weights), int64, of a row's weights that are not zero, none of the gaps larger than `most`."""
    places = np.flatnonzero(row)
    gaps = np.diff(places, prepend=-1) - 1
    fillers = gaps // (most + 1)
    ends = np.cumsum(fillers + 1) - 1
    all_gaps = np.full(int((fillers + 1).sum()), most, np.int64)
    weights = np.zeros(len(all_gaps), np.int64)
    all_gaps[ends], weights[ends] = gaps % (most + 1), row[places]
    return all_gaps, weights


def entries_in_one(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """All rows [outputs, inputs] as one list of the shared form: (gaps, weights, zeros behind the last entry, at most SHARED_GAP).

    A gap may go from one row into the next.
    """
    gaps, weights = _entries(rows.reshape(-1), SHARED_GAP)
    behind = rows.size - int((gaps + 1).sum())
    more = behind // (SHARED_GAP + 1)
    gaps, weights = np.append(gaps, np.full(more, SHARED_GAP)), np.append(weights, np.zeros(more, np.int64))
    return gaps, weights, behind - more * (SHARED_GAP + 1)


def bytes_in_rows(rows: np.ndarray) -> np.ndarray:
    """Of the list of each row where it is cut from `entries_in_one`: int64 [outputs]."""
    gaps, _, _ = entries_in_one(rows)
    outputs, inputs = rows.shape
    return HEAD + np.bincount((np.cumsum(gaps + 1) - 1) // inputs, minlength=outputs)


def _lists(
    form: str, counts: list[int], lists: list[np.ndarray], rows: np.ndarray, values: np.ndarray | None
) -> Lists | None:
    sums = rows.astype(np.int64).sum(axis=1)
    if max(counts) > MOST_ENTRIES or np.abs(sums).max() >= 2 ** (SUM_BITS - 1):
        return None
    parts = []
    for count, total, entries in zip(counts, sums, lists, strict=True):
        head = count | (-int(total) % 2**SUM_BITS) << COUNT_BITS
        parts += [np.frombuffer(head.to_bytes(HEAD, "little"), np.uint8), entries.astype(np.uint8)]
    data = np.concatenate([*parts, np.zeros(1, np.uint8)])
    return Lists(form, data, values, np.array(counts, np.int64))


def pack_places(rows: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs], int8, as the places of every value, uint8 (`ec_conv_2d_sparse_single.h`).

    Inputs that share a weight can be added before they are multiplied: K. Hegde et al., "UCNN: Exploiting Computational Reuse in
    Deep Neural Networks via Weight Repetition", 2018.
    """
    data: list[int] = []
    for row in rows:
        for start in range(0, len(row), PAGE):
            page = row[start : start + PAGE]
            places = [np.flatnonzero(page == value) for value in np.unique(page[page != 0])]
            parts = [part[at : at + MOST_PLACES] for part in places for at in range(0, len(part), MOST_PLACES)]
            data.append(len(parts))
            for part in parts:
                data += [int(page[part[0]]) & 255, len(part), *part.tolist()]
    return np.array(data, np.uint8)


def count_values(rows: np.ndarray) -> int:
    """How often `ec_conv_2d_sparse_single` multiplies for a pixel."""
    pages = (row[start : start + PAGE] for row in rows for start in range(0, rows.shape[1], PAGE))
    return sum(len(np.unique(page[page != 0])) for page in pages)
