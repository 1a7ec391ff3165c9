"""A thinner copy of a network: every layer keeps the same share of its channels.

The width multiplier of MobileNet (Howard et al., 2017, https://arxiv.org/abs/1704.04861). Channels that the wiring ties together
are counted together, so that layers that are added, or that share a flattened image, agree on their widths.
"""

import math
from collections import defaultdict
from collections.abc import Collection

import numpy as np

from edgecompress.compress.channels.graph import ChannelGraph


def thinned(
    graph: ChannelGraph, scores: np.ndarray, layers: Collection[str], width: float, multiple: int
) -> np.ndarray:
    """The groups of channels that go.

    Args:
        graph: the channels.
        scores: (groups,) importance; the least important of a layer go.
        layers: that may lose channels; a group goes only if all layers that give it are among them.
        width: share of a layer's channels that stays, 0..1.
        multiple: to which numbers of channels are rounded, where fewer than all stay.

    Returns:
        (groups,) bool.
    """
    sets: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for group, makers in enumerate(graph.makers):
        sets[makers].append(group)
    removed = np.zeros(graph.count, bool)
    for makers, groups in sets.items():
        may_go = [group for group in groups if group not in graph.staying]
        if not makers or not set(makers) <= set(layers):
            continue
        stays = max(rounded(width * len(groups), multiple), len(groups) - len(may_go))
        least_first = sorted(may_go, key=lambda group: (scores[group], -group))
        removed[least_first[: max(len(groups) - stays, 0)]] = True
    return removed


def rounded(count: float, multiple: int) -> int:
    """The nearest multiple, halves up, and one multiple at least."""
    return max(math.floor(count / multiple + 0.5), 1) * multiple
