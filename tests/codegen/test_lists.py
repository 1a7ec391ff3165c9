"""Weights as lists of those that are not zero: read back by hand they are the weights, and kernels are chosen where they pay."""

import numpy as np
import pytest
from model_cases import model_of

from edgecompress.codegen.features import Features
from edgecompress.codegen.variants import candidates
from edgecompress.codegen.variants.lists import COUNT_BITS, SUM_BITS, pack_lists
from edgecompress.tflite.reader import read_bytes


def read(lists, outputs, inputs):
    """The weights that lists stand for, and minus the sum in every head."""
    rows, sums, place = np.zeros((outputs, inputs), np.int64), [], 0
    for row in rows:
        head = int.from_bytes(lists.data[place : place + 3].tobytes(), "little")
        count, total = head & (2**COUNT_BITS - 1), head >> COUNT_BITS
        sums.append(total - 2**SUM_BITS if total >= 2 ** (SUM_BITS - 1) else total)
        place, column = place + 3, 0
        for _ in range(count):
            if lists.form == "shared":
                gap, weight = lists.data[place] // 16, int(lists.values[lists.data[place] % 16])
                place += 1
            else:
                gap, weight = lists.data[place], int(lists.data[place + 1].view(np.int8))
                place += 2
            column += int(gap)
            row[column] = weight
            column += 1
    assert len(lists.data) == place + 1, "and one byte that is read ahead"
    return rows, sums


@pytest.mark.parametrize("distinct", [1, 2, 15, 16, 17, 255])
@pytest.mark.parametrize("zeros", [0, 0.3, 0.7, 0.9, 0.99, 1])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (16, 27), (5, 576), (64, 64)])
def test_lists_stand_for_the_weights(distinct, zeros, shape):
    random = np.random.default_rng([distinct, int(100 * zeros), *shape])
    values = random.choice(np.setdiff1d(np.arange(-128, 128), [0]), distinct, replace=False)
    rows = np.where(random.random(shape) < zeros, 0, random.choice(values, shape)).astype(np.int8)
    lists = pack_lists(rows)
    if lists is None:
        assert np.abs(rows.astype(int).sum(axis=1)).max() >= 2 ** (SUM_BITS - 1)
        return
    found, sums = read(lists, *shape)
    assert (found == rows).all()
    assert sums == (-rows.astype(int).sum(axis=1)).tolist()
    used = len(np.unique(rows[rows != 0]))
    assert used == 16 or lists.form == ("shared" if used < 16 else "any")


def test_a_long_gap_is_bridged_by_zeros():
    row = np.zeros((1, 40), np.int8)
    row[0, 36] = 7
    lists = pack_lists(row)
    assert lists.values.tolist() == [0] * 15 + [7]
    assert lists.data.tolist()[3:-1] == [15 * 16, 15 * 16, 4 * 16 + 15], "past 16, past 16, past 4"


def test_sixteen_values_share_a_table_where_no_zero_is_needed():
    row = np.arange(1, 17, dtype=np.int8)[None]
    assert pack_lists(row).form == "shared"
    assert pack_lists(np.pad(row, ((0, 0), (16, 0)))).form == "any"


def test_what_a_head_does_not_hold_is_refused():
    assert pack_lists(np.resize(np.array([1, -1], np.int8), (1, 1022))) is not None
    assert pack_lists(np.resize(np.array([1, -1], np.int8), (1, 1023))) is None
    assert pack_lists(np.full((1, 64), 127, np.int8)) is not None, "8,128"
    assert pack_lists(np.full((1, 65), 127, np.int8)) is None, "8,255 is beyond 14 bits"


def test_lists_are_taken_where_most_weights_are_zero_unless_there_are_vectors():
    graph = read_bytes(model_of("conv_2d-pruned_same"))
    first = {
        mve: next(candidates(graph, graph.operations[0], Features(dsp=True, mve=mve))).kernel for mve in (False, True)
    }
    assert "sparse" in first[False]
    assert first[True] == "conv_2d_mve"
