"""EVBMF on matrices whose rank and noise are known, and against the variational problem that it solves."""

import numpy as np
import pytest

from edgecompress.compress.factors.vbmf import evbmf, least_eigenvalue


def noisy(shape: tuple[int, int], rank: int, noise: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    signal = generator.normal(0, 1, (shape[0], rank)) @ generator.normal(0, 1, (rank, shape[1]))
    return signal + noise * generator.normal(0, 1, shape)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    ("shape", "rank", "noise"),
    [((100, 300), 10, 0.1), ((300, 100), 10, 1.0), ((64, 64), 5, 2.0), ((300, 100), 40, 0.5), ((20, 400), 3, 1.0)],
)
def test_the_rank_of_a_low_rank_matrix_with_noise_is_found(shape, rank, noise, seed):
    found = evbmf(noisy(shape, rank, noise, seed))
    assert found.rank == rank
    assert np.sqrt(found.noise) == pytest.approx(noise, rel=0.07)


@pytest.mark.parametrize("shape", [(100, 300), (64, 64), (10, 500)])
def test_noise_alone_has_no_rank(shape):
    for seed in range(3):
        found = evbmf(noisy(shape, 0, 0.3, seed))
        assert found.rank == 0
        assert np.sqrt(found.noise) == pytest.approx(0.3, rel=0.05)


def test_a_signal_that_drowns_in_noise_is_not_seen():
    generator = np.random.default_rng(0)
    signal = np.outer(generator.normal(0, 1, 100), generator.normal(0, 1, 300))
    noise = generator.normal(0, 1, (100, 300))
    assert evbmf(0.03 * signal + noise).rank == 0
    assert evbmf(0.5 * signal + noise).rank == 1


def test_it_does_not_depend_on_the_side_or_the_unit():
    matrix = noisy((40, 90), 6, 0.4, 5)
    one, turned, scaled = evbmf(matrix), evbmf(matrix.T), evbmf(1000 * matrix)
    assert one.rank == turned.rank == scaled.rank
    assert scaled.noise == pytest.approx(1e6 * one.noise, rel=1e-6)


def test_a_matrix_without_noise_has_its_own_rank():
    assert evbmf(noisy((30, 50), 7, 0.0, 0)).rank == 7
    assert evbmf(np.zeros((3, 4))).rank == 0


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.5, 1.0])
def test_the_threshold_lies_where_keeping_a_component_begins_to_lower_the_free_energy(ratio):
    """By brute force, from the free energy that variational Bayes minimises.

    With the best priors and the best product of means put in, a component of x = γ²/(longer · σ²) adds, beside what it adds
    when it is left out, log(1 + 1/u) + ratio · log(1 + 1/v) - x / ((1 + u)(1 + v)) for each of the longer side, where
    u and v are its factors' variances over their squared means.
    """
    u, v = np.meshgrid(np.geomspace(1e-3, 1e3, 1500), np.geomspace(1e-3, 1e3, 1500))

    def lowest(x: float) -> float:
        return float((np.log1p(1 / u) + ratio * np.log1p(1 / v) - x / ((1 + u) * (1 + v))).min())

    least = least_eigenvalue(ratio)
    assert lowest(1.01 * least) < 0 < lowest(0.99 * least)
    assert least > (1 + np.sqrt(ratio)) ** 2  # the edge of the Marchenko-Pastur law, where noise ends
