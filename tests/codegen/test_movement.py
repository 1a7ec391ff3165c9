"""The loops and tables of copies, walked in Python, lead to where NumPy's own moves found every element."""

from itertools import product

import numpy as np
import pytest

from edgecompress.codegen.ops.movement import copying
from edgecompress.tflite.graph import Tensor


def walked(call):
    """Which byte of the input each byte of the output is."""
    p, starts = call.parameters, []
    if call.kernel == "strided_copy":
        counts, strides = ([p[f"{name}[{i}]"] for i in range(6)] for name in ("counts", "strides"))
        starts = [p["first"] + sum(np.multiply(index, strides)) for index in product(*map(range, counts))]
    else:
        tables = [p[f"places_{i}"].values for i in range(4)]
        assert [len(table) for table in tables] == [p[f"counts[{i}]"] for i in range(4)]
        starts = [sum(index) for index in product(*tables)]
    return (np.array(starts)[:, None] + np.arange(p["bytes"])).reshape(-1)


def call_of(moved, shape, dtype=np.int8):
    source, result = (Tensor(i, "t", one, np.dtype(dtype)) for i, one in enumerate((shape, moved.shape)))
    return copying(moved, source, result)


def a_move(random, x):
    """One of NumPy's, with random arguments."""
    axis, kind = int(random.integers(x.ndim)), int(random.integers(7))
    if kind == 0:
        return np.transpose(x, random.permutation(x.ndim))
    if kind == 1:
        return np.flip(x, axis)
    if kind == 2:
        return np.tile(x, random.integers(1, 3, x.ndim)) if x.size < 400 else x
    if kind == 3:
        return np.take(x, random.integers(0, x.shape[axis], random.integers(1, 6)), axis)
    if kind == 4:
        return (
            np.pad(x, [(int(random.integers(0, size)), 0) for size in x.shape], mode="symmetric") if x.size < 99 else x
        )
    if kind == 5:
        return x.reshape(-1, *x.shape[:-1]) if x.ndim > 1 else x
    first = [int(random.integers(0, size)) for size in x.shape]
    return x[tuple(slice(f, None, int(random.integers(1, 3))) for f in first)]


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
@pytest.mark.parametrize("seed", range(60))
def test_loops_and_tables_lead_to_every_element(seed, dtype):
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(1, 6, random.integers(1, 5)).tolist())
    moved = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    for _ in range(random.integers(1, 4)):
        moved = a_move(random, moved)
    size = np.dtype(dtype).itemsize
    expected = (moved.reshape(-1, 1).astype(np.int64) * size + np.arange(size)).reshape(-1)
    assert np.array_equal(walked(call_of(moved, shape, dtype)), expected)


def test_neighbouring_elements_are_one_piece():
    call = call_of(np.arange(2 * 6 * 8).reshape(2, 6, 8)[:, 1:4], (2, 6, 8))
    assert call.kernel == "strided_copy"
    assert call.parameters["bytes"] == 24


def test_pieces_without_a_stride_take_a_table_for_each_dimension():
    places = np.arange(7 * 9 * 4).reshape(7, 9, 4)[[0, 3, 4]][:, [8, 2, 2, 0]]
    call = call_of(places, (7, 9, 4))
    assert call.kernel == "table_copy"
    assert [call.parameters[f"counts[{i}]"] for i in range(4)] == [1, 1, 3, 4]
    assert call.parameters["bytes"] == 4
