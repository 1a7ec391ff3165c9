"""The weights of kernels for single multiplication: in the order that the C reads, in groups that 16 bits hold."""

import numpy as np
import pytest

from edgecompress.codegen.variants.single import GROUP, pack_lanes, pack_runs


def groups_of(runs, inputs):
    """The lengths of the groups whose products are added, read as the kernel reads the runs."""
    lengths, waiting = [], list(runs)
    while True:
        lengths += [4] * waiting.pop(0)
        if sum(lengths) == inputs:
            break
        lengths += [2, 2]
        if sum(lengths) == inputs:
            break
    assert not waiting, "the next channel would begin too early"
    return lengths


@pytest.mark.parametrize("seed", range(20))
def test_groups_cover_all_inputs_and_their_sums_fit_16_bits(seed):
    random = np.random.default_rng(seed)
    inputs = int(random.integers(1, 400)) * GROUP
    row = np.clip(random.normal(0, random.choice([5, 40, 90]), inputs), -127, 127).astype(np.int8)
    start = 0
    for length in groups_of(pack_runs(row), inputs):
        group = row[start : start + length].astype(int)
        worst = [sum(max(w * -128, w * 127) for w in group), sum(min(w * -128, w * 127) for w in group)]
        assert -(2**15) <= min(worst) <= max(worst) < 2**15
        start += length


def test_runs_that_a_byte_does_not_hold_are_interrupted():
    assert pack_runs(np.ones(4 * 600, np.int8)) == [255, 255, 88]
    assert groups_of([255, 255, 88], 2400)


def test_two_products_that_16_bits_do_not_hold_are_refused():
    assert pack_runs(np.array([-128, -128, 0, 0], np.int8)) is None
    assert pack_runs(np.array([127, -128, 0, 0], np.int8)) == [1]
    assert pack_runs(np.array([127, -128, 1, 0], np.int8)) == [0]


def test_lanes_lie_side_by_side_and_the_rest_row_by_row():
    rows = np.arange(10 * 3, dtype=np.int8).reshape(10, 3)
    packed = pack_lanes(rows)
    assert packed[:8].tolist() == rows[:8, 0].tolist()
    assert packed[8:16].tolist() == rows[:8, 1].tolist()
    assert packed[24:].tolist() == rows[8:].reshape(-1).tolist()
