"""How zeros are shared out: LAMP scores as its authors define them, thresholds, and costs that were measured."""

from itertools import product

import numpy as np
import pytest

from edgecompress.compress.weights.allocation import cheapest, count_zeros, lamp_scores, whole


def kernels() -> dict[str, np.ndarray]:
    """Squares of weights."""
    generator = np.random.default_rng(2)
    shapes = {"small": (7, 3), "large": (40, 11), "scaled": (40, 11), "one": (1,)}
    factors = {"small": 1, "large": 1, "scaled": 1000, "one": 1}
    return {name: np.square(factors[name] * generator.normal(0, 1, shape)) for name, shape in shapes.items()}


def test_a_lamp_score_is_a_square_over_the_squares_that_are_no_smaller():
    np.testing.assert_allclose(lamp_scores(np.array([[9.0, 1.0], [4.0, 0.0]])), [0, 1 / 14, 4 / 13, 9 / 9])


def test_the_scores_of_a_kernel_of_zeros_are_zero():
    np.testing.assert_array_equal(lamp_scores(np.zeros((2, 3))), np.zeros(6))


@pytest.mark.parametrize("sparsity", [0.001, 0.29, 0.7, 0.93, 0.99])
@pytest.mark.parametrize("threshold", ["layer", "global"])
def test_exactly_the_wanted_share_is_zeroed(sparsity, threshold):
    given = kernels()
    counts = count_zeros(given, sparsity, threshold)
    sizes = {name: values.size for name, values in given.items()}
    if threshold == "layer":
        assert counts == {name: whole(sparsity, size) for name, size in sizes.items()}
    else:
        assert sum(counts.values()) == whole(sparsity, sum(sizes.values()))
    assert all(0 <= counts[name] <= size for name, size in sizes.items())


def test_a_global_threshold_takes_the_weights_of_lowest_score_whatever_kernel_they_are_in():
    given = kernels()
    counts = count_zeros(given, 0.6, "global")
    taken = [lamp_scores(values)[: counts[name]] for name, values in given.items()]
    left = [lamp_scores(values)[counts[name] :] for name, values in given.items()]
    assert max(scores.max(initial=0) for scores in taken) <= min(scores.min(initial=1) for scores in left)


def test_a_kernel_scaled_by_a_factor_loses_as_many_weights_as_before():
    given = kernels()
    before = count_zeros(given, 0.8, "global")
    assert count_zeros({**given, "large": 0.01 * given["large"]}, 0.8, "global") == before


def test_no_kernel_loses_its_largest_weight_to_a_global_threshold():
    given = kernels()
    counts = count_zeros(given, 0.99, "global")
    # Four kernels, four largest weights, each of score 1: the last that would go.
    assert all(counts[name] < values.size for name, values in given.items())


def test_a_share_that_a_float_just_misses_is_a_whole_number():
    assert whole(0.7, 10) == 7  # 0.7 * 10 is 7.000000000000001 or 6.999999999999999, as the platform rounds
    assert whole(0.57, 100) == 57  # 56.99999999999999


def test_what_is_gone_already_goes_before_all_others():
    given = {"first": np.array([0.0, 1.0, 2.0]), "second": np.array([-1.0, -1.0, 0.5, 3.0])}
    np.testing.assert_allclose(lamp_scores(given["second"]), [-1, -1, 0.5 / 3.5, 1])
    assert count_zeros(given, 2 / 7, "global") == {"first": 0, "second": 2}


def random_curves(seed: int) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    generator = np.random.default_rng(seed)
    sizes = {name: [0, *np.cumsum(generator.integers(1, 4, 4)).tolist()] for name in "abc"}
    return {name: [0.0, *np.cumsum(generator.normal(0.4, 1, 4)).tolist()] for name in sizes}, sizes


@pytest.mark.parametrize("seed", range(20))
def test_no_other_choice_of_numbers_costs_less_on_the_hulls_of_measured_curves(seed):
    costs, sizes = random_curves(seed)
    hulls = {}
    for name in costs:
        rising = np.maximum.accumulate(costs[name])
        # The lower convex hull at every whole number, by trying all pairs of points around it.
        pairs = [(i, j) for i in range(5) for j in range(5)]
        hulls[name] = [
            min(
                np.interp(at, [sizes[name][i], sizes[name][j]], [rising[i], rising[j]])
                for i, j in pairs
                if sizes[name][i] <= at <= sizes[name][j]
            )
            for at in range(sizes[name][-1] + 1)
        ]
    total = sum(one[-1] for one in sizes.values())
    for wanted in (0, 1, total // 3, total - 2, total):
        found = cheapest(costs, sizes, wanted)
        assert sum(found.values()) == wanted
        least = min(
            sum(hulls[name][count] for name, count in zip("abc", counts, strict=True))
            for counts in product(*(range(len(hulls[name])) for name in "abc"))
            if sum(counts) == wanted
        )
        assert sum(hulls[name][count] for name, count in found.items()) == pytest.approx(least)


@pytest.mark.parametrize("seed", range(5))
def test_stepwise_only_measured_numbers_are_taken_and_at_least_as_many_as_wanted(seed):
    costs, sizes = random_curves(seed)
    total = sum(one[-1] for one in sizes.values())
    for wanted in range(total + 1):
        found = cheapest(costs, sizes, wanted, stepwise=True)
        assert all(count in sizes[name] for name, count in found.items())
        assert wanted <= sum(found.values())


def test_a_kernel_that_costs_nothing_goes_first_and_a_dear_one_last():
    costs = {"free": [1.0, 1.0, 1.0], "dear": [1.0, 5.0, 9.0]}
    sizes = {"free": [0, 5, 9], "dear": [0, 5, 9]}
    assert cheapest(costs, sizes, 11) == {"free": 9, "dear": 2}
