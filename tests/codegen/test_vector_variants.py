"""What the variants for the vector unit prove before they are used, and the order that they bring weights into."""

from itertools import product

import numpy as np
import pytest

from edgecompress.codegen.variants.mve import BLOCK, ORDER, depthwise_tables, pack_lanes, pack_slices, pairs_fit
from edgecompress.codegen.variants.quick import QuickLayer

ENDS = (-128, 127)


@pytest.mark.parametrize("pair", [*product((-128, -127, -126, 0, 1, 126, 127), repeat=2)])
def test_pairs_fit_when_no_inputs_at_the_ends_of_the_range_leave_16_bits(pair):
    sums = [pair[0] * x + pair[1] * y for x, y in product(ENDS, repeat=2)]
    assert pairs_fit(np.array([pair], np.int8)) == (min(sums) >= -(2**15) and max(sums) < 2**15)


def test_a_last_single_tap_always_fits():
    assert pairs_fit(np.array([[1, 2, -128]], np.int8))


def test_one_channel_whose_pair_does_not_fit_is_enough():
    assert not pairs_fit(np.array([[1, 2], [-128, -128], [3, 4]], np.int8))


@pytest.mark.parametrize(
    ("outputs", "lines", "depth"),
    [(1, 1, 1), (2, 1, 16), (3, 1, 17), (5, 2, 32), (64, 1, 40), (67, 3, 59), (130, 1, 64), (4, 3, 9)],
)
def test_slices_hold_every_weight_where_the_kernel_looks_for_it(outputs, lines, depth):
    rows = np.random.default_rng(outputs).integers(-127, 128, (outputs, lines * depth)).astype(np.int8)
    packed, at = pack_slices(rows, lines), 0
    for first in range(0, outputs, BLOCK):
        channels = range(first, first + min(BLOCK, outputs + outputs % 2 - first))
        for line in range(lines):
            done = 0
            while done < depth:
                left = depth - done
                size = 32 if left >= 32 else min(16, left)
                begin = line * depth + done
                for channel in channels:
                    expected = rows[channel, begin : begin + size] if channel < outputs else np.zeros(size)
                    assert np.array_equal(packed[at : at + size], expected)
                    at += size
                done += size
    assert len(packed) == at + 15, "the last vector reads up to 15 bytes more"


def test_lanes_are_16_channels_of_one_tap():
    rows = np.arange(2 * 18, dtype=np.int8).reshape(18, 2)
    lanes = pack_lanes(rows).reshape(2, 2, 16)
    assert np.array_equal(lanes[0], rows[:16].T)
    assert np.array_equal(lanes[1, :, :2], rows[16:].T)
    assert not lanes[1, :, 2:].any()


def test_order_of_channels_is_that_of_lanes_widened_twice():
    halves = np.arange(16).reshape(8, 2).T  # even and odd bytes
    quarters = [half.reshape(4, 2).T[k] for half in halves for k in (0, 1)]
    assert np.array_equal(np.concatenate(quarters), ORDER)


def test_tables_repeat_one_factor_for_all_channels_and_hold_the_shifts_as_bytes():
    layer = QuickLayer(
        np.zeros((3, 1), np.int8), np.array([5, 6, 7]), np.array([2**30], np.int32), np.array([-2], np.int8)
    )
    table = depthwise_tables(layer, 3)
    assert table.shape == (36,)
    shifts = table[:4].astype("<i4").view(np.int8)
    place = {channel: ORDER.index(channel) for channel in range(3)}
    assert [shifts[place[c]] for c in range(3)] == [-2] * 3
    assert [table[4 + place[c]] for c in range(3)] == [5, 6, 7]
    assert [table[20 + place[c]] for c in range(3)] == [2**30] * 3
