"""Integer codes of a kernel: the best codebook against all others, the scales, zeros that stay, channels that vanish."""

from itertools import combinations

import numpy as np
import pytest

from edgecompress.compress.weights.codebook_forms import FORMS, LARGEST, optimal
from edgecompress.compress.weights.codebooks import encode, nearest


def error(x: np.ndarray, weights: np.ndarray, book: tuple[int, ...]) -> float:
    return float((weights * (x[:, None] - np.array(book)[None]).__pow__(2).min(axis=1)).sum())


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("values", [2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_no_choice_of_integers_stands_for_a_histogram_with_less_error(values, zero, seed):
    generator = np.random.default_rng(seed)
    # Cells of a least-squares clustering are intervals, and their best integers lie between their ends.
    x = np.sort(generator.choice(np.arange(-9, 10), 8, replace=False)).astype(float)
    weights = generator.uniform(0.1, 5, 8)
    histogram = np.zeros(2 * LARGEST + 1)
    histogram[x.astype(int) + LARGEST] = weights
    found = optimal(histogram, values, zero=zero)
    candidates = [book for book in combinations(range(-9, 10), values) if 0 in book or not zero]
    assert len(found) <= values
    assert 0 in found or not zero
    assert np.all(found == np.rint(found))
    assert error(x, weights, tuple(found)) <= min(error(x, weights, book) for book in candidates) + 1e-9


def test_a_histogram_of_few_codes_is_kept_as_it_is():
    histogram = np.zeros(2 * LARGEST + 1)
    histogram[[0, 100, 254]] = 1
    np.testing.assert_array_equal(optimal(histogram, 3, zero=False), [-127, -27, 127])
    np.testing.assert_array_equal(optimal(histogram, 4, zero=True), [-127, -27, 0, 127])


def test_weights_that_are_codes_times_scales_are_found_again_exactly():
    generator = np.random.default_rng(0)
    codes = generator.choice([-127, -40, 0, 13, 127], (6, 50))
    codes[:, 0], codes[:, 1] = 127, -127
    scales = generator.uniform(0.001, 0.3, 6).astype(np.float32)
    coding = encode(codes * scales[:, None], 5, per_channel=False, zero=False)
    np.testing.assert_array_equal(coding.codes, codes)
    np.testing.assert_allclose(coding.scales, scales, rtol=1e-6)
    np.testing.assert_allclose(coding.rows(), codes * scales[:, None], rtol=1e-6)


@pytest.mark.parametrize("values", [2, 3, 16, 64])
def test_a_tensor_shares_its_values_and_more_values_leave_less_error(values):
    rows = np.random.default_rng(1).normal(0, 1, (8, 40)) * np.geomspace(0.01, 5, 8)[:, None]
    coding = encode(rows, values, per_channel=False, zero=False)
    assert len(np.unique(coding.codes)) <= values
    assert set(np.unique(coding.codes)) <= set(coding.codebook.ravel())
    relative = np.linalg.norm(coding.rows() - rows, axis=1) / np.linalg.norm(rows, axis=1)
    # Two values are the signs: for normal weights sqrt(1 - 2/pi) = 0.60 of the energy's root is lost.
    assert relative.max() < {2: 0.75, 3: 0.6, 16: 0.2, 64: 0.08}[values]


def test_a_codebook_per_channel_is_no_worse_than_a_shared_one():
    generator = np.random.default_rng(2)
    rows = np.stack([generator.normal(0, 1, 60), generator.uniform(0, 1, 60), generator.laplace(0, 1, 60)])
    shared = encode(rows, 4, per_channel=False, zero=False)
    own = encode(rows, 4, per_channel=True, zero=False)
    assert max(len(np.unique(row)) for row in own.codes) <= 4
    assert own.codebook.shape == (3, 4)
    errors = [((coding.rows() - rows) ** 2).sum() / (rows**2).sum() for coding in (shared, own)]
    assert errors[1] < errors[0]


def test_masked_weights_are_zero_and_zero_is_a_code():
    rows = np.random.default_rng(3).normal(1, 0.1, (4, 30))  # nothing but the mask asks for zeros
    mask = np.random.default_rng(4).random(rows.shape) > 0.5
    coding = encode(rows * mask, 3, per_channel=False, zero=False, mask=mask)
    assert np.all(coding.codes[~mask] == 0)
    assert np.all(coding.codes[mask] != 0)
    assert 0 in coding.codebook


def test_a_channel_without_weights_gets_zeros_and_a_scale_like_the_others():
    rows = np.random.default_rng(5).normal(0, 1, (5, 20))
    rows[2] = 0
    coding = encode(rows, 2, per_channel=False, zero=False)
    assert np.all(coding.codes[2] == 0)
    assert coding.scales[2] == np.float32(np.median(np.delete(coding.scales.astype(np.float64), 2)))
    nothing = encode(np.zeros((3, 4)), 4, per_channel=False, zero=False)
    assert not nothing.codes.any()
    assert np.all(nothing.scales > 0)


def test_a_channel_that_has_all_but_vanished_does_not_get_a_scale_that_no_bias_can_count_in():
    rows = np.random.default_rng(6).normal(0, 1, (3, 20)) * np.array([1, 1e-30, 1])[:, None]
    coding = encode(rows, 8, per_channel=False, zero=True)
    assert coding.scales[1] >= 0.99e-4 * coding.scales.max()
    assert np.all(coding.codes[1] == 0)


def test_nearest_takes_the_entry_of_least_distance():
    units = np.array([[-200.0, -3.9, 0.2, 6.4, 300.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    book = np.array([[-8.0, 0.0, 5.0, 127.0]])
    np.testing.assert_array_equal(nearest(units, book), [[-8, 0, 0, 5, 127], [0, 0, 5, 5, 5]])


@pytest.mark.parametrize(
    ("form", "values", "wanted"),
    [
        ("linear", 2, [-127, 127]),
        ("linear", 3, [-127, 0, 127]),
        ("linear", 4, [-126, -63, 0, 63]),
        ("linear", 15, [18 * step for step in range(-7, 8)]),
        ("power_of_two", 3, [-64, 0, 64]),
        ("power_of_two", 7, [-64, -32, -16, 0, 16, 32, 64]),
    ],
)
def test_ladders_are_the_same_whatever_the_weights_are(form, values, wanted):
    histogram = np.random.default_rng(6).random(2 * LARGEST + 1)
    np.testing.assert_array_equal(FORMS[form].fit(histogram, values, zero=False), wanted)


@pytest.mark.parametrize("bases", [[70], [60, 23], [64, 32, 16], [50, 31, 9, 4]])
def test_binary_bases_are_found_again_from_their_sums(bases):
    signs = np.array(np.meshgrid(*[[-1, 1]] * len(bases))).reshape(len(bases), -1)
    sums = np.sort(np.array(bases) @ signs)
    histogram = np.zeros(2 * LARGEST + 1)
    histogram[sums + LARGEST] = 1
    form = FORMS["binary_bases"]
    np.testing.assert_array_equal(np.sort(form.start(sums[None])[0])[::-1], bases)
    found = form.fit(histogram, len(sums), zero=False)
    if len(bases) <= 2:
        np.testing.assert_array_equal(found, sums)
    np.testing.assert_array_equal(found, -found[::-1])
    np.testing.assert_array_equal(form.integers(np.float32(form.start(sums[None])), sums[None]), sums[None])


@pytest.mark.parametrize("values", [2, 4, 8, 16])
def test_more_binary_bases_leave_less_error_and_no_less_than_free_integers(values):
    rows = np.random.default_rng(7).normal(0, 1, (6, 200))

    def lost(form: str, count: int) -> float:
        coding = encode(rows, count, per_channel=False, zero=False, form=FORMS[form])
        return float(((coding.rows() - rows) ** 2).sum() / (rows**2).sum())

    assert lost("learned", values) <= lost("binary_bases", values) + 1e-3
    assert values == 2 or lost("binary_bases", values) < lost("binary_bases", values // 2)


def test_two_values_of_a_ladder_are_signs_times_the_mean_magnitude_of_each_filter():
    rows = np.random.default_rng(8).normal(0, 1, (5, 40)) * np.geomspace(0.1, 3, 5)[:, None]
    coding = encode(rows, 2, per_channel=False, zero=False, form=FORMS["linear"])
    # XNOR-Net's solution of least error in closed form.
    np.testing.assert_allclose(coding.rows(), np.sign(rows) * np.abs(rows).mean(axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(("form", "values"), [("power_of_two", 4), ("power_of_two", 17), ("binary_bases", 6)])
def test_numbers_of_values_that_a_form_cannot_have_are_refused(form, values):
    assert FORMS[form].reason_against(values)
