"""Which channels go: a budget met with counts that kernels like, the least important first, and nothing needlessly."""

from itertools import combinations
from typing import Any

import channel_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Kind
from edgecompress.compress.channels.choice import Budget, choose, cost_of
from edgecompress.compress.channels.graph import ChannelGraph
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.models.kernels import kernel_variables
from edgecompress.load.runtime import keras2
from edgecompress.load.summary import describe_model


def chain(*widths: int) -> tuple[Any, ChannelGraph]:
    """Dense layers of these widths, and a last one of two outputs."""
    layers = keras2().layers
    dense = [layers.Dense(width, activation="relu", name=f"d{i}") for i, width in enumerate(widths)]
    model = keras2().Sequential([layers.Input((4,)), *dense, layers.Dense(2, name="last")])
    return model, trace(model)


def chosen(
    model: Any, graph: ChannelGraph, scores: np.ndarray, fraction: float, **options: Any
) -> dict[str, list[int]]:
    """The channels that go, by layer."""
    cost = cost_of(Kind.MACS, kernel_variables(model), graph)
    bound = int(fraction * cost.of(np.zeros(graph.count, bool)))
    removed = choose(graph, scores, cost, Budget(Kind.MACS, bound, **options))
    return {name: np.flatnonzero(removed[groups]).tolist() for name, groups in graph.given.items()}


@pytest.mark.parametrize("name", sorted(examples.MODELS))
def test_the_cost_is_what_the_models_own_description_counts(name):
    from edgecompress.compress.models.rebuilding import rebuild

    model = rebuild(examples.MODELS[name]())
    graph = trace(model)
    none = np.zeros(graph.count, bool)
    assert cost_of(Kind.MACS, kernel_variables(model), graph).of(none) == describe_model(model)["macs"]
    weights = sum(kernel.variable.numpy().size for kernel in kernel_variables(model))
    assert cost_of(Kind.PARAMETERS, kernel_variables(model), graph).of(none) == weights


def test_no_smaller_choice_of_the_least_important_channels_meets_the_budget():
    model, graph = chain(6, 5)
    scores = np.random.default_rng(3).random(graph.count)
    gone = chosen(model, graph, scores, 0.5, multiple=1, least=0)
    for name in ("d0", "d1"):
        order = np.argsort(scores[graph.given[name]])
        assert sorted(gone[name]) == sorted(order[: len(gone[name])].tolist())
    bound = int(0.5 * (4 * 6 + 6 * 5 + 5 * 2))
    left = [6 - len(gone["d0"]), 5 - len(gone["d1"])]

    def macs(first: int, second: int) -> int:
        return 4 * first + first * second + second * 2

    assert macs(*left) <= bound
    assert macs(left[0] + 1, left[1]) > bound
    assert macs(left[0], left[1] + 1) > bound


@pytest.mark.parametrize("multiple", [4, 8])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_counts_that_stay_are_multiples_or_untouched(multiple, scope):
    model, graph = chain(30, 16, 7, 33)
    scores = np.random.default_rng(1).random(graph.count)
    gone = chosen(model, graph, scores, 0.4, multiple=multiple, scope=scope)
    for name, width in zip(("d0", "d1", "d2", "d3"), (30, 16, 7, 33), strict=True):
        left = width - len(gone[name])
        assert left == width or left % multiple == 0
        assert left >= max(1, 0.1 * width)
    assert any(gone.values())


def test_the_share_that_goes_is_alike_in_all_layers_or_decided_by_the_scores():
    model, graph = chain(24, 24, 24)
    scores = np.ones(graph.count) + np.arange(graph.count) * 1e-3
    scores[graph.given["d1"]] /= 100
    even = chosen(model, graph, scores, 0.5, scope="layer", multiple=2)
    assert max(map(len, even.values())) - min(len(even[name]) for name in ("d0", "d1", "d2")) <= 4
    free = chosen(model, graph, scores, 0.5, scope="global", multiple=2)
    assert len(free["d1"]) > 12
    assert not free["d2"]


def test_a_score_per_cost_prefers_the_channels_that_save_more():
    model, graph = chain(8, 32, 8)  # a channel of d1 costs 8 + 8, one of d0 4 + 32
    scores = 1 + np.random.default_rng(0).random(graph.count) * 0.01
    scores[graph.given["d0"]] *= 2
    plain = chosen(model, graph, scores, 0.8, multiple=1)
    assert plain["d1"]
    assert not plain["d0"]
    priced = chosen(model, graph, scores, 0.8, multiple=1, per_cost=True)
    assert not priced["d1"]
    assert priced["d0"] or priced["d2"]


def test_the_least_share_stays_even_where_the_budget_is_missed():
    model, graph = chain(20, 20)
    scores = np.random.default_rng(0).random(graph.count)
    gone = chosen(model, graph, scores, 0.01, least=0.5, multiple=4)
    assert [20 - len(gone[name]) for name in ("d0", "d1")] == [12, 12]


def test_groups_without_a_score_stay():
    model, graph = chain(8, 8)
    scores = np.random.default_rng(0).random(graph.count)
    scores[graph.given["d0"]] = np.nan
    gone = chosen(model, graph, scores, 0.7, multiple=1)
    assert not gone["d0"]
    assert gone["d1"]


def test_tied_layers_lose_the_same_channels():
    model = examples.residual()
    graph = trace(model)
    scores = np.random.default_rng(2).random(graph.count)
    gone = chosen(model, graph, scores, 0.5, multiple=1)
    assert gone["stem"] == gone["inner"]
    assert gone["last"] == gone["shortcut"]
    for one, other in combinations(("stem", "first", "second", "last"), 2):
        assert not set(graph.given[one]) & set(graph.given[other])


def test_channels_of_a_concatenation_go_with_what_they_are_subtracted_from():
    graph = trace(examples.branched())
    left, right, wide = (graph.given[name] for name in ("left", "right", "wide"))
    np.testing.assert_array_equal(wide, [*left, *right, *left])
