"""Values that weights share: how many, which, and where k-means starts."""

import numpy as np
import pytest

from edgecompress.compress.weights.shared_values import INITIALISATIONS, share

GENERATOR = np.random.default_rng


def rows(shape: tuple[int, int] = (4, 60)) -> np.ndarray:
    found = GENERATOR(5).normal(0, 1, shape).astype(np.float32)
    found[GENERATOR(6).random(shape) < 0.3] = 0
    return found


def shared(values: np.ndarray, count: int, init: str = "kmeans++", per_channel: bool = True, keep: bool = False):
    return share(values, count, per_channel=per_channel, init=init, generator=GENERATOR(1), keep_zeros=keep)


@pytest.mark.parametrize("init", INITIALISATIONS)
@pytest.mark.parametrize("count", [2, 3, 8, 32])
def test_every_channel_or_the_kernel_holds_no_more_values_and_zeros_stay_where_wanted(init, count):
    given = rows()
    for keep in (False, True):
        channels = shared(given, count, init, keep=keep)
        assert max(len(np.unique(row)) for row in channels) <= count
        whole = shared(given, count, init, per_channel=False, keep=keep)
        assert len(np.unique(whole)) <= count
        if keep:
            assert not channels[given == 0].any()
            assert not whole[given == 0].any()


@pytest.mark.parametrize("init", INITIALISATIONS)
def test_every_weight_has_the_nearest_value_and_every_value_is_the_mean_of_its_weights(init):
    given = rows((1, 300))
    found = shared(given, 6, init)
    values = np.unique(found)
    nearest = values[np.abs(given[0][:, None] - values[None, :]).argmin(axis=1)]
    np.testing.assert_allclose(found[0], nearest, atol=1e-6)
    for value in values:
        assert given[found == value].mean() == pytest.approx(value, abs=1e-5)


def test_few_values_stay_as_they_are():
    given = np.float32([[0.5, -1, 0.5, 0], [3, 3, 3, 3]])
    np.testing.assert_array_equal(shared(given, 3), given)
    np.testing.assert_array_equal(shared(given, 3, keep=True), given)


def test_the_starts_are_those_of_the_paper():
    ascending = np.sort(GENERATOR(3).normal(0, 1, 1000))
    linear = INITIALISATIONS["linear"](ascending, 5, GENERATOR(0))
    np.testing.assert_allclose(np.diff(linear), (ascending[-1] - ascending[0]) / 4)
    density = INITIALISATIONS["density"](ascending, 4, GENERATOR(0))
    counts = np.histogram(ascending, bins=[-np.inf, *density, np.inf])[0]
    np.testing.assert_allclose(counts, [125, 250, 250, 250, 125], atol=2)
    for name in ("random", "kmeans++"):
        one, same, other = (INITIALISATIONS[name](ascending, 5, GENERATOR(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, other)
    assert np.isin(INITIALISATIONS["kmeans++"](ascending, 5, GENERATOR(1)), ascending).all()
