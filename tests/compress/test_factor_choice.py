"""Which ranks a budget affords, against all choices that there are; and what counts as smaller."""

from itertools import product

import numpy as np
import pytest

from edgecompress.compress.base import Kind
from edgecompress.compress.factors.choice import (
    Option,
    as_given,
    by_budget,
    by_energy,
    by_vbmf,
    fitted,
    option,
    options,
    saved,
)
from edgecompress.compress.factors.metric import metric_of_outputs, metric_of_weights
from edgecompress.compress.factors.schemes import Matrix, Places, Scheme, Spatial, Tucker, grid, schemes_of

ONCE = Places(1, 1, 1)


def matrix(shape: tuple[int, ...], seed: int = 0, decay: float = 0.3) -> np.ndarray:
    """Singular values that fall off."""
    generator = np.random.default_rng(seed)
    left, right = (np.linalg.qr(generator.normal(0, 1, (size, size)))[0] for size in shape[-2:])
    count = min(shape[-2:])
    found = (left[:, :count] * np.exp(-decay * np.arange(count))) @ right[:count]
    return found.reshape(shape)


def scheme(shape: tuple[int, ...], places: Places = ONCE, seed: int = 0, method: str = "auto") -> list[Scheme]:
    kernel = np.random.default_rng(seed).normal(0, 1, shape) if len(shape) > 2 else matrix(shape, seed)
    return schemes_of(kernel, metric_of_weights(kernel.size // shape[-1]), places, method)


@pytest.mark.parametrize("kind", [Kind.PARAMETERS, Kind.MACS])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("seed", range(4))
def test_a_budget_is_met_and_hardly_less_is_lost_by_any_other_choice(kind, share, seed):
    generator = np.random.default_rng(seed)
    shapes = {name: (int(generator.integers(12, 60)), int(generator.integers(12, 60))) for name in "abc"}
    places = {name: int(generator.integers(1, 5)) for name in shapes}
    layers, whole = {}, {}
    for number, (name, shape) in enumerate(shapes.items()):
        kernel = matrix(shape, seed=number, decay=generator.uniform(0.02, 0.5))
        some = Matrix(kernel, metric_of_weights(shape[0]), Places(places[name], places[name], places[name]))
        layers[name] = options([some], 1)
        whole[name] = shape[0] * shape[1] * (places[name] if kind is Kind.MACS else 1)
    spare = int((1 - share) * sum(whole.values()))
    chosen = by_budget(layers, whole, kind, spare)
    assert saved(chosen, whole, kind) >= spare
    best = min(
        sum(one.error for one in some if one)
        for some in product(*([None, *layers[name]] for name in shapes))
        if sum(whole[name] - one.cost(kind) for name, one in zip(shapes, some, strict=True) if one) >= spare
    )
    steps = max(np.diff(sorted(one.error for one in layers[name])).max() for name in shapes)
    assert best - 1e-12 <= sum(one.error for one in chosen.values()) <= best + steps


def test_a_budget_out_of_reach_takes_the_lowest_ranks():
    layers = {"one": options(scheme((20, 30)), 1)}
    chosen = by_budget(layers, {"one": 600}, Kind.PARAMETERS, 599)
    assert chosen["one"].ranks == (1,)
    assert saved(chosen, {"one": 600}, Kind.PARAMETERS) == 600 - 50


def test_nothing_is_chosen_where_nothing_has_to_be_saved():
    assert by_budget({"one": options(scheme((20, 30)), 1)}, {"one": 600}, Kind.PARAMETERS, 0) == {}


def test_a_layer_is_smaller_when_its_weights_and_new_biases_are_and_no_more_is_multiplied():
    (some,) = scheme((20, 30))
    # r · (20 + 30) weights and r biases of four bytes: 11 ranks take 594 of 600 bytes, 12 take 648.
    assert grid(some, 1) == [(rank,) for rank in range(1, 12)]
    assert not some.shrinks((12,))
    (spatial,) = scheme((3, 3, 4, 4), Places(1000, 1000, 10), method="spatial")
    # A vertical convolution at a thousand places costs more than the whole one at ten.
    assert spatial.limits == (12,)
    assert grid(spatial, 1) == []


def test_tuckers_sides_may_be_whole_and_a_core_makes_no_more_channels_than_it_has_weights_for():
    kernel = np.random.default_rng(0).normal(0, 1, (3, 1, 8, 40))
    some = Tucker(kernel, metric_of_weights(24), ONCE)
    ranks = grid(some, 1)
    assert (8, 40) not in ranks
    assert any(one[0] == 8 for one in ranks)
    assert any(one[1] == 40 for one in ranks)
    assert all(one[1] == 40 or one[1] <= 3 * one[0] for one in ranks)
    assert [shape for shape, _ in some.sizes((8, 12))] == [(3, 1, 8, 12), (1, 1, 12, 40)]
    assert [shape for shape, _ in some.sizes((2, 40))] == [(1, 1, 8, 2), (3, 1, 2, 40)]


def test_ranks_are_multiples_where_a_layer_has_some_to_choose_from():
    assert grid(scheme((64, 64))[0], 8) == [(8,), (16,), (24,)]
    assert grid(scheme((16, 12))[0], 8) == [(1,), (2,), (3,), (4,), (5,)]
    many = {rank for ranks in grid(scheme((3, 3, 64, 64), method="tucker")[0], 4) for rank in ranks}
    assert many <= {*range(4, 65, 4)}


def test_kernels_get_the_schemes_that_suit_their_shape_and_the_method():
    def names(shape: tuple[int, ...], method: str) -> list[str]:
        return [one.name for one in scheme(shape, method=method)]

    for method in ("auto", "tucker", "spatial"):
        assert names((6, 8), method) == names((1, 1, 6, 8), method) == names((1, 6, 8), method) == ["svd"]
        assert names((5, 1, 6, 8), method) == names((5, 6, 8), method) == ["tucker"]
    assert names((3, 3, 6, 8), "auto") == ["tucker", "spatial"]
    assert names((3, 3, 6, 8), "spatial") == ["spatial"]
    assert names((3, 3, 6, 8), "tucker") == ["tucker"]


@pytest.mark.parametrize("outputs", [True, False])
@pytest.mark.parametrize("shape", [(12, 9), (1, 1, 12, 9), (3, 2, 6, 7), (4, 6, 7)])
def test_errors_are_what_the_factors_lose(shape, outputs):
    generator = np.random.default_rng(1)
    kernel = generator.normal(0, 1, shape)
    size = kernel.size // shape[-1]
    rows = generator.normal(0, 1, (200, size)) * np.geomspace(0.05, 2, size)
    metric = metric_of_outputs(rows) if outputs else metric_of_weights(size)
    for some in schemes_of(kernel, metric, ONCE, "auto"):
        for ranks in grid(some, 1):
            kernels = some.kernels(ranks)
            assert [one.shape for one in kernels] == [one for one, _ in some.sizes(ranks)]
            off = metric.apply((kernel - multiplied(kernels, kernel.ndim)).reshape(size, -1))
            lost = (off**2).sum() / (some.measured**2).sum()
            # Tucker's error is that of HOSVD's first factor, HOOI's is about as good: never worse where weights count.
            exact = not isinstance(some, Tucker) or ranks[0] == some.limits[0] or ranks[1] == some.limits[1]
            assert (
                lost == pytest.approx(some.error(ranks), abs=1e-9) if exact else lost <= some.error(ranks) * 1.15 + 1e-9
            )
            assert outputs or lost <= some.error(ranks) * (1 + 1e-6) + 1e-9


def multiplied(kernels: list[np.ndarray], axes: int) -> np.ndarray:
    """One kernel that does what several do behind each other: taps add up, channels are multiplied."""
    found = kernels[0]
    for other in kernels[1:]:
        window = [a + b - 1 for a, b in zip(found.shape[:-2], other.shape[:-2], strict=True)]
        both = np.zeros((*window, found.shape[-2], other.shape[-1]))
        for one in np.ndindex(*found.shape[:-2]):
            for two in np.ndindex(*other.shape[:-2]):
                both[tuple(np.add(one, two))] += found[one] @ other[two]
        found = both
    assert found.ndim == axes
    return found


def test_the_error_of_the_outputs_is_smaller_where_that_is_what_counts():
    generator = np.random.default_rng(4)
    kernel = generator.normal(0, 1, (3, 3, 8, 8))
    rows = generator.normal(0, 1, (500, 72)) @ generator.normal(0, 1, (72, 72)) * np.geomspace(0.01, 1, 72)
    for of_outputs, of_weights in zip(
        schemes_of(kernel, metric_of_outputs(rows), ONCE, "auto"),
        schemes_of(kernel, metric_of_weights(72), ONCE, "auto"),
        strict=True,
    ):
        for ranks in grid(of_outputs, 2):
            lost = [
                float(((rows @ (kernel - multiplied(one.kernels(ranks), 4)).reshape(72, 8)) ** 2).sum())
                for one in (of_outputs, of_weights)
            ]
            assert lost[0] <= lost[1] * (1 + 1e-6)


def test_energy_takes_the_smallest_that_keeps_it():
    found = options(scheme((60, 80)), 1)
    for energy in (0.5, 0.9, 0.999):
        one = by_energy(found, energy)
        assert one is not None
        assert one.error <= 1 - energy
        assert all(other.error > 1 - energy for other in found if other.weights < one.weights)
    assert by_energy([], 0.5) is None
    flat = np.linalg.qr(np.random.default_rng(0).normal(0, 1, (30, 30)))[0]  # all singular values are 1
    assert by_energy(options([Matrix(flat, metric_of_weights(30), ONCE)], 1), 0.9) is None


def test_vbmf_ranks_are_rounded_up_unless_only_the_rank_itself_makes_the_layer_smaller():
    generator = np.random.default_rng(2)
    noisy = generator.normal(0, 1, (80, 5)) @ generator.normal(0, 1, (5, 60)) + 0.3 * generator.normal(0, 1, (80, 60))
    (some,) = schemes_of(noisy, metric_of_weights(80), ONCE, "auto")
    found = by_vbmf([some], 4)
    assert found is not None
    assert found.ranks == (8,)
    assert fitted(Matrix(matrix((12, 10)), metric_of_weights(12), ONCE), (3,), 4).ranks == (4,)
    assert fitted(Matrix(matrix((10, 10)), metric_of_weights(10), ONCE), (3,), 4).ranks == (4,)
    assert fitted(Matrix(matrix((7, 9)), metric_of_weights(7), ONCE), (3,), 4).ranks == (3,)
    assert fitted(Matrix(matrix((7, 9)), metric_of_weights(7), ONCE), (4,), 4) is None


def test_given_ranks_pick_the_scheme_by_their_number():
    both = scheme((3, 3, 16, 16))
    assert [type(one) for one in both] == [Tucker, Spatial]
    found = {numbers: as_given(both, numbers) for numbers in ((5,), (6, 7), (48,))}
    assert (found[5,].scheme.name, found[5,].ranks) == ("spatial", (5,))
    assert (found[6, 7].scheme.name, found[6, 7].ranks) == ("tucker", (6, 7))
    assert found[48,] is None
    assert as_given(scheme((20, 30)), (4, 5)) is None
    (tucker,) = scheme((3, 3, 16, 16), method="tucker")
    assert as_given([tucker], (6,)).ranks == (6, 6)
    (spatial,) = scheme((3, 3, 16, 16), method="spatial")
    assert as_given([spatial], (6, 6)) is None


def test_an_option_costs_what_its_factors_take_at_their_places():
    kernel = np.random.default_rng(0).normal(0, 1, (3, 5, 6, 8))
    metric, places = metric_of_weights(90), Places(read=400, between=200, given=100)
    tucker = option(Tucker(kernel, metric, places), (2, 3))
    assert isinstance(tucker, Option)
    assert tucker.weights == 6 * 2 + 15 * 2 * 3 + 3 * 8
    assert tucker.macs == 6 * 2 * 400 + 15 * 2 * 3 * 100 + 3 * 8 * 100
    spatial = option(Spatial(kernel, metric, places), (4,))
    assert spatial.weights == 3 * 6 * 4 + 5 * 4 * 8
    assert spatial.macs == 3 * 6 * 4 * 200 + 5 * 4 * 8 * 100
    assert (spatial.cost(Kind.MACS), spatial.cost(Kind.PARAMETERS)) == (spatial.macs, spatial.weights)
