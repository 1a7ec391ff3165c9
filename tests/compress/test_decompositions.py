"""Decompositions against numbers worked out by hand and definitions written out."""

import numpy as np
import pytest

from edgecompress.compress.factors.decompositions import balanced, hooi, hosvd, lost_energy, truncated_svd, unfolded
from edgecompress.compress.factors.metric import metric_of_outputs, metric_of_weights


def composed(core: np.ndarray, bases: list[np.ndarray]) -> np.ndarray:
    """A Tucker decomposition of the last two axes, multiplied out."""
    return np.einsum("hwrs,ir,os->hwio", core, *bases)


def kernel(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (3, 2, 6, 5))


def test_truncation_loses_the_singular_values_behind_the_rank():
    # 3, 2 and 1 along known directions: [[0.6, 0.8], [-0.8, 0.6]] turned, so that nothing is on the diagonal.
    turn = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    matrix = turn @ np.diag([3.0, 2.0, 1.0]) @ turn
    for rank, lost in ((1, 4.0 + 1.0), (2, 1.0), (3, 0.0)):
        left, right = truncated_svd(matrix, rank)
        assert left.shape == (3, rank)
        assert right.shape == (rank, 3)
        np.testing.assert_allclose(((matrix - left @ right) ** 2).sum(), lost, atol=1e-12)
    np.testing.assert_allclose(lost_energy(np.array([3.0, 2.0, 1.0])), np.array([14, 5, 1, 0]) / 14)


def test_nothing_is_lost_of_a_matrix_of_zeros():
    np.testing.assert_array_equal(lost_energy(np.zeros(2)), np.zeros(3))
    left, right = truncated_svd(np.zeros((3, 2)), 1)
    np.testing.assert_array_equal(left @ right, np.zeros((3, 2)))


def test_balanced_factors_have_the_same_product_and_equal_lengths():
    generator = np.random.default_rng(3)
    first, second = generator.normal(0, 5, (7, 3)), generator.normal(0, 0.1, (3, 4))
    one, other = balanced(first, second)
    np.testing.assert_allclose(one @ other, first @ second)
    np.testing.assert_allclose(np.linalg.norm(one, axis=0), np.linalg.norm(other, axis=1))


def test_a_core_of_the_higher_order_svd_keeps_all_at_full_rank_and_is_all_orthogonal():
    tensor = kernel()
    core, bases = hosvd(tensor, (2, 3))
    np.testing.assert_allclose(composed(core, bases), tensor, atol=1e-12)
    for axis in (2, 3):
        products = unfolded(core, axis) @ unfolded(core, axis).T
        np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-10)
        assert (np.diff(np.diag(products)) <= 1e-9).all()


@pytest.mark.parametrize("ranks", [(1, 1), (2, 3), (5, 2), (6, 5)])
def test_hooi_loses_no_more_than_the_truncated_higher_order_svd(ranks):
    tensor = kernel()
    _, whole = hosvd(tensor, (2, 3))
    cut = [basis[:, :rank] for basis, rank in zip(whole, ranks, strict=True)]
    truncated = composed(np.einsum("hwio,ir,os->hwrs", tensor, *cut), cut)
    found = composed(*hooi(tensor, (2, 3), ranks))
    errors = [float(((tensor - one) ** 2).sum()) for one in (found, truncated)]
    assert errors[0] <= errors[1] + 1e-12
    if ranks == (1, 1):
        assert errors[0] < errors[1] - 1e-3  # there, iterating does win something


def test_hooi_finds_a_tensor_that_has_the_ranks():
    generator = np.random.default_rng(1)
    bases = [np.linalg.qr(generator.normal(0, 1, shape))[0] for shape in ((6, 2), (5, 3))]
    tensor = composed(generator.normal(0, 1, (3, 2, 2, 3)), bases)
    np.testing.assert_allclose(composed(*hooi(tensor, (2, 3), (2, 3))), tensor, atol=1e-12)


@pytest.mark.parametrize("places", [400, 9])
def test_a_metric_of_outputs_is_the_root_of_the_second_moments_and_can_be_undone(places):
    generator = np.random.default_rng(2)
    rows = generator.normal(0, 1, (places, 12)) * np.linspace(0.1, 3, 12)
    metric = metric_of_outputs(rows)
    moments = rows.T @ rows / places
    root = metric.apply(np.eye(12))
    floor = metric.floor**2 * np.eye(12)
    np.testing.assert_allclose(root.T @ root, moments + floor, atol=1e-10)
    assert 0 < metric.floor**2 < 0.01 * np.trace(moments)
    np.testing.assert_allclose(metric.undo(root), np.eye(12), atol=1e-8)
    matrix = generator.normal(0, 1, (12, 4))
    measured = (metric.apply(matrix) ** 2).sum()
    np.testing.assert_allclose(measured, ((rows @ matrix) ** 2).sum() / places + metric.floor**2 * (matrix**2).sum())


def test_all_weights_count_alike_without_samples_or_where_inputs_are_zero():
    matrix = np.arange(6.0).reshape(3, 2)
    for metric in (metric_of_weights(3), metric_of_outputs(np.zeros((5, 3)))):
        np.testing.assert_array_equal(metric.apply(matrix), matrix)
        np.testing.assert_array_equal(metric.undo(matrix), matrix)
