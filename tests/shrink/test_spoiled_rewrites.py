"""Every rewrite with the condition taken away that makes it exact: the proof notices, and the step is undone."""

from dataclasses import replace

import numpy as np
import pytest
from small import Small

from edgecompress.memory.sweep import Window
from edgecompress.shrink import (
    REWRITES,
    clamps,
    constant_channels,
    dead_channels,
    duplicate_channels,
    identities,
    known_results,
    paddings,
    requantizations,
)
from edgecompress.shrink.driver import shrink

ONES, RAMP = np.ones((1, 3, 3, 2)), np.arange(9).reshape(1, 3, 3, 1)


class Alike(Window):
    """Equal to every other one."""

    __eq__ = lambda *_: True  # noqa: E731
    __hash__ = None


def one_more(fold):
    """What is computed beforehand is larger by one."""

    def spoiled(graph):
        folded = fold(graph)
        new = [t for i, t in folded.tensors.items() if t.is_constant and not graph.tensors[i].is_constant]
        return replace(folded, tensors={**folded.tensors, **{t.index: replace(t, data=t.data + 1) for t in new}})

    return spoiled


def add_a_known_line(net, x):
    line = net.tensor((1, 4, 4, 1), 0.5, -128, data=np.full((1, 4, 4, 1), 5))
    return net.add(x, net.unary("RELU", line))


def round_twice(net, x):
    middle = net.unary("QUANTIZE", x, net.result((1, 4, 4, 1), 1.1))
    return net.unary("QUANTIZE", middle, net.result((1, 4, 4, 1)))


SPOILED = {
    "known results": (known_results, "fold_constants", one_more(known_results.fold_constants), add_a_known_line),
    "operators without effect": (
        *(identities, "passes_on", lambda _, one: one.opcode.endswith("POOL_2D")),
        lambda net, x: net.pool(x, 1, activation="RELU6"),
    ),
    "requantizations in a row": (
        *(requantizations, "_one_table", lambda _, first, second: replace(second, inputs=first.inputs)),
        round_twice,
    ),
    "paddings of their own": (
        *(paddings, "_window", lambda *one, of=paddings._window: Alike(**vars(of(*one)))),
        lambda net, x: net.conv(net.pad(x, 1, 1), RAMP, stride=2),  # SAME is below and to the right only
    ),
    "dead channels": (
        *(dead_channels, "unused", lambda graph, one: np.arange(graph.tensors[one.inputs[0]].shape[-1]) == 1),
        lambda net, x: net.point(net.point(x, [[1], [2]], [3, 4]), [[1, 1]]),
    ),
    "constant channels": (
        *(constant_channels, "even", lambda *_: np.True_),
        lambda net, x: net.conv(net.point(x, [[1], [0]], [0, 20]), ONES, padding="SAME"),
    ),
    "duplicate channels": (
        *(duplicate_channels, "LARGEST_WEIGHT", 1000),
        lambda net, x: net.point(net.point(x, [[1], [1]], [5, 5]), [[100, 90]]),
    ),
    "clamps that never act": (
        *(clamps, "is_idle", lambda _, one: one.options.get("fused_activation_function") == "RELU6"),
        lambda net, x: net.point(x, [[1]], zero_point=-100, activation="RELU6"),
    ),
}
"""By rewrite: what is replaced by what, and the operators for which that is wrong."""


def graph_with(add):
    """Operators between two convolutions."""
    net = Small()
    source = net.input(1, 4, 4, 1)
    return net.graph([source], [net.point(add(net, net.point(source, [[1]], [3])), [[1]])])


def test_every_rewrite_is_spoiled():
    assert set(SPOILED) == {rewrite.name for rewrite in REWRITES}


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name)
def test_a_spoiled_rewrite_is_found_out_and_undone(rewrite, monkeypatch):
    module, attribute, spoiled, add = SPOILED[rewrite.name]
    graph = graph_with(add)
    assert not shrink(graph, multiple=1, rewrites=(rewrite,), with_interpreter=False).defects
    monkeypatch.setattr(module, attribute, spoiled)
    result = shrink(graph, multiple=1, rewrites=(rewrite,), with_interpreter=False)
    assert [defect.partition(":")[0] for defect in result.defects] == [rewrite.name]
    assert "bytes differ" in result.defects[0], "it ran, and it is the proof that noticed"
    assert result.after is graph
    assert not result.done
