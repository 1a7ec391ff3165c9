"""Thinner copies: how many channels every layer keeps, that tied layers agree, and which channels stay."""

import channel_examples as channels
import numpy as np
import pytest

from edgecompress.compress.channels.removal import remove_channels
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.channels.width import rounded, thinned
from edgecompress.compress.models.rebuilding import rebuild
from edgecompress.compress.training.fine_tuning import outputs_of


def thin(name, width, multiple=1, scores=None, layers=None):
    whole = rebuild(channels.randomized(name))
    graph = trace(whole)
    given = np.zeros(graph.count) if scores is None else scores(graph)
    removed = thinned(graph, given, layers or graph.given, width, multiple)
    return whole, remove_channels(whole, graph, removed)


def widths(model):
    """Of every layer with a kernel of its own; what depthwise convolutions give follows from what they read."""
    keys = {"Dense": "units", "Conv1D": "filters", "Conv2D": "filters", "Conv2DTranspose": "filters"}
    keys["SeparableConv2D"] = "filters"
    return {one.name: getattr(one, keys[type(one).__name__]) for one in model.layers if type(one).__name__ in keys}


@pytest.mark.parametrize(
    ("count", "multiple", "wanted"), [(12.5, 4, 12), (10, 4, 12), (9.9, 4, 8), (1, 4, 4), (2.5, 1, 3)]
)
def test_numbers_of_channels_become_the_nearest_multiple_and_never_none(count, multiple, wanted):
    assert rounded(count, multiple) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("plain", {"one": 4, "two": 6, "hidden": 5, "classes": 4}),
        ("residual", {"stem": 4, "first": 3, "inner": 4, "second": 4, "last": 6, "shortcut": 6, "classes": 4}),
        ("branched", {"left": 3, "right": 4, "wide": 10, "after": 4, "below": 4, "hidden": 6, "classes": 4}),
        ("mobile", {"stem": 4, "point": 6, "separable": 5, "classes": 4}),
        ("squeezed", {"stem": 6, "reduce": 3, "excite": 6, "next": 4, "along": 3, "classes": 4}),
        ("shared", {"left": 3, "right": 3, "both": 4, "larger": 3, "classes": 4}),
        ("nested", {"stem": 3, "inside": 4, "outside": 3, "hidden": 4, "classes": 4}),
    ],
)
def test_every_layer_keeps_half_of_its_channels_and_tied_layers_agree(name, wanted):
    whole, small = thin(name, 0.5)
    assert widths(small) == wanted
    found = outputs_of(small)(channels.inputs_of(whole)[0])
    assert found.shape == (5, 4)
    assert np.isfinite(found).all()


def test_channels_are_rounded_and_a_layer_too_small_for_a_multiple_stays():
    _, small = thin("residual", 0.5, multiple=4)
    assert widths(small) == {"stem": 4, "first": 4, "inner": 4, "second": 4, "last": 8, "shortcut": 8, "classes": 4}
    _, small = thin("residual", 0.25, multiple=8)
    assert widths(small)["stem"] == widths(small)["inner"] == 8


def test_layers_that_are_not_named_keep_theirs_and_those_that_are_tied_to_them():
    whole, small = thin("residual", 0.5, layers={"stem", "first", "last", "shortcut"})
    kept = {name: width for name, width in widths(small).items() if width == widths(whole)[name]}
    assert kept == {"stem": 8, "inner": 8, "second": 8, "classes": 4}


def test_the_channels_of_the_highest_scores_stay_with_their_weights():
    whole = rebuild(channels.randomized("plain"))
    graph = trace(whole)
    scores = np.zeros(graph.count)
    scores[graph.given["one"]] = [5, 1, 7, 2, 8, 3, 6, 4]
    small = remove_channels(whole, graph, thinned(graph, scores, {"one"}, 0.5, 1))
    best = [0, 2, 4, 6]
    kernel = whole.get_layer("one").get_weights()[0]
    np.testing.assert_array_equal(small.get_layer("one").get_weights()[0], kernel[..., best])
    reader = whole.get_layer("two").get_weights()[0]
    np.testing.assert_array_equal(small.get_layer("two").get_weights()[0], reader[:, :, best])
