"""Agreement of outputs against figures worked out by hand."""

import math

import numpy as np
import pytest

from edgecompress.convert.agreement import compare, compare_files
from edgecompress.errors import DataError


def test_figures_by_hand():
    found = compare(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 3.0], [0.0, 2.0]]))
    assert found.samples == 2
    assert found.rmse == pytest.approx(math.sqrt((1 + 1 + 0 + 4) / 4))
    assert found.cosine == pytest.approx((24 / 25 + 0) / 2)
    assert found.max_abs == 2


def test_equal_outputs_agree_completely_zeros_included():
    x = np.array([[0.0, 0.0], [1.0, -2.0]])
    assert compare(x, x).as_dict() == {"samples": 2, "rmse": 0.0, "cosine": pytest.approx(1.0), "max_abs": 0.0}


def test_opposite_outputs_have_a_cosine_of_minus_one():
    assert compare(np.array([[1.0, 2.0]]), np.array([[-1.0, -2.0]])).cosine == pytest.approx(-1)


@pytest.mark.parametrize("other", [np.zeros((2, 3)), np.zeros((3, 2)), np.full((2, 2), np.nan)])
def test_what_cannot_be_compared_is_refused(other):
    with pytest.raises(DataError):
        compare(np.zeros((2, 2)), other)


def test_several_outputs_count_as_one_vector(tmp_path):
    np.savez(tmp_path / "a.npz", real_0=np.ones((2, 3)), real_1=np.zeros((2, 1)), labels=np.zeros(2))
    np.savez(tmp_path / "b.npz", real_0=np.ones((2, 3)), real_1=np.ones((2, 1)), output_0=np.zeros((2, 9)))
    assert compare_files(tmp_path / "a.npz", tmp_path / "b.npz").rmse == pytest.approx(math.sqrt(2 / 8))
