"""Weights as lists of those that are not zero, read by kernels where they lie in flash (`runtime/kernels/ec_gemm_sparse.h`).

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
COUNT_BITS, SUM_BITS = 10, 14
"""Of a list's head."""
CYCLES_AN_ENTRY = {"shared": 18, "any": 16}
"""Of `ec_gemm_sparse` on a Cortex-M4: eight products."""
CYCLES_AN_INPUT = {"shared": 10.4, "any": 8.0}
"""Of an entry in `ec_fully_connected_sparse`: one product."""


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
        table[: len(values)] = values
        places = {int(value): place for place, value in reversed(list(enumerate(table)))}
        lists = [gaps * VALUES + np.array([places[int(w)] for w in weights], np.int64) for gaps, weights in shared]
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


def _lists(
    form: str, counts: list[int], lists: list[np.ndarray], rows: np.ndarray, values: np.ndarray | None
) -> Lists | None:
    sums = rows.astype(np.int64).sum(axis=1)
    if max(counts) >= 2**COUNT_BITS or np.abs(sums).max() >= 2 ** (SUM_BITS - 1):
        return None
    parts = []
    for count, total, entries in zip(counts, sums, lists, strict=True):
        head = count | (-int(total) % 2**SUM_BITS) << COUNT_BITS
        parts += [np.frombuffer(head.to_bytes(3, "little"), np.uint8), entries.astype(np.uint8)]
    data = np.concatenate([*parts, np.zeros(1, np.uint8)])
    return Lists(form, data, values, np.array(counts, np.int64))
