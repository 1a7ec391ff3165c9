"""What becomes zero as one, held against loops over every block and every group; and masks that never give back a zero."""

from itertools import pairwise

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.codecs.base import Refusal
from edgecompress.codecs.nm import NofM as Codec
from edgecompress.compress.base import Kind, Promise
from edgecompress.compress.models.kernels import Kernel, kernel_variables
from edgecompress.compress.promises import fullest_group, measure, zero_blocks
from edgecompress.compress.weights.sparsity import GONE, Blocks, Masks, NofM, Single

SHAPES = [(6, 9), (4, 8), (3, 1), (1, 7), (5, 16)]
STRUCTURES = [
    Single(),
    Blocks(4, 1, "average"),
    Blocks(1, 4, "max"),
    Blocks(2, 3, "average"),
    NofM(2, 4),
    NofM(1, 4),
    NofM(3, 5),
]


def scores(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("structure", STRUCTURES, ids=lambda one: f"{type(one).__name__}-{vars(one)}")
def test_units_are_as_many_as_their_scores_and_the_lowest_go_first(structure, shape):
    rows = scores(shape)
    found = structure.scores(rows)
    assert found.shape == (structure.count(shape),)
    assert structure.kept(rows, 0).all()
    kept = [structure.kept(rows, count) for count in range(len(found) + 1)]
    for more, fewer in pairwise(kept):
        assert not (fewer & ~more).any()
        assert fewer.sum() < more.sum()
    lowest = [rows[more & ~fewer].mean() for more, fewer in pairwise(kept)]
    if not isinstance(structure, Blocks) or structure.pooling == "average":
        np.testing.assert_allclose(lowest, np.sort(found))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("height", "width"), [(4, 1), (1, 4), (2, 3), (3, 5)])
def test_blocks_are_zero_as_a_whole_counted_one_by_one(shape, height, width):
    rows = scores(shape)
    structure = Blocks(height, width, "average")
    for count in (1, structure.count(shape) // 2):
        left = np.where(structure.kept(rows, count), rows, 0)
        blocks = [
            left[top : top + height, start : start + width]
            for top in range(0, shape[0], height)
            for start in range(0, shape[1], width)
        ]
        assert len(blocks) == structure.count(shape)
        assert sum(not block.any() for block in blocks) == count
        assert sum(block.all() for block in blocks) == len(blocks) - count
        assert zero_blocks(left, height, width) == (count, len(blocks))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("n", "m"), [(1, 4), (2, 4), (3, 5)])
def test_of_every_group_the_n_highest_stay_counted_one_by_one(shape, n, m):
    rows = scores(shape)
    kept = NofM(n, m).kept(rows, NofM(n, m).count(shape))
    for row, stays in zip(rows, kept, strict=True):
        for start in range(0, shape[1], m):
            group, mask = row[start : start + m], stays[start : start + m]
            assert mask.sum() == min(n, len(group))
            assert set(group[mask]) == set(np.sort(group)[-mask.sum() :])
    assert fullest_group(kept, m) == min(n, shape[1])


@pytest.mark.parametrize("n", [1, 2])
def test_the_codec_for_two_or_one_of_four_takes_what_is_pruned_so(n):
    rows = np.random.default_rng(3).integers(1, 128, (8, 36)).astype(np.int8)
    assert isinstance(Codec().encode(rows), Refusal)
    kept = NofM(n, 4).kept(rows.astype(np.float64), NofM(n, 4).count(rows.shape))
    encoded = Codec().encode(np.where(kept, rows, 0).astype(np.int8))
    assert not isinstance(encoded, Refusal)
    assert encoded.form.startswith(f"{n} of 4")


def test_what_is_gone_goes_first_and_a_block_is_gone_with_the_last_of_its_weights():
    rows = np.array([[GONE, GONE, 0.1, 0.2], [0.3, GONE, 5.0, 5.0]])
    np.testing.assert_allclose(Blocks(1, 2, "average").scores(rows), [GONE, 0.15, 0.15, 5])
    assert not Single().kept(rows, 3)[rows == GONE].any()
    kept = NofM(2, 4).kept(rows, NofM(2, 4).count(rows.shape))
    assert kept.tolist() == [[False, False, True, True], [False, False, True, True]]


def test_masks_never_give_back_what_they_took_and_keep_zeros_that_were_promised_before():
    model = examples.depthwise()
    chosen = [one for one in kernel_variables(model) if one.name in ("wide", "point")]
    before = {one.name: one.variable.numpy() for one in chosen}
    chosen[0].variable.assign(np.where(before["wide"] > 0, before["wide"], 0))
    masks = Masks(chosen, Single(), frozenset({"wide"}))
    for one in chosen:
        one.variable.assign(before[one.name])
    masks.apply()
    assert not chosen[0].variable.numpy()[before["wide"] <= 0].any()
    np.testing.assert_array_equal(chosen[1].variable.numpy(), before["point"])
    masks.cut(masks.rows([before["wide"] ** 2, before["point"] ** 2]), {"wide": 0, "point": 20})
    zero = chosen[1].variable.numpy() == 0
    assert zero.sum() == 20
    again = masks.rows([before["wide"] ** 2, 1 / before["point"] ** 2])  # the other way round
    masks.cut(again, {"wide": 0, "point": 25})
    assert (chosen[1].variable.numpy() == 0).sum() == 25
    assert not chosen[1].variable.numpy()[zero].any()


def test_a_share_of_zero_blocks_is_promised_to_the_nearest_block_for_each_kernel_or_for_all():
    values = np.ones((4, 6), np.float32)
    values[:2, :3] = 0
    kernels = {"a": Kernel("a", "dense", values), "b": Kernel("b", "dense", np.ones((2, 3), np.float32))}
    each = Promise(Kind.ZERO_BLOCKS, (0.3, 2.0, 3.0), layers=("a",), source="prune{}")
    assert str(each) == "at least 0.3 of the 2 x 3 blocks of each kernel are zero, to the nearest block"
    assert measure(each, kernels).holds
    assert measure(each, kernels).reached == 0.25
    assert Promise.from_dict(each.as_dict()) == each
    together = Promise(Kind.ZERO_BLOCKS, (0.2, 2.0, 3.0), "model", "model", ("a", "b"), source="prune{}")
    assert measure(together, kernels, in_file=True).reached == 0.2
    values[1, 2] = 1
    assert measure(each, kernels).broken == ("a",)
    assert not measure(together, kernels).holds
