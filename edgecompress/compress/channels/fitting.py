"""Which channels go so that a budget on the device is met: every candidate is made and read there, nothing is estimated.

What a device takes falls as channels go, but not in proportion, and not everywhere: the arena is as large as its busiest moment, and
a layer that is not part of it may keep all its channels.
"""

from collections.abc import Callable, Sequence

import numpy as np

from edgecompress.compress.base import Reading
from edgecompress.compress.channels.choice import Step, gone
from edgecompress.compress.channels.graph import ChannelGraph

Say = Callable[[int, int], None]
"""Called with the number of candidates read, and about how many there will be."""


class Fitting:
    """Looks for the shortest beginning of a list of steps that meets a bound.

    Attributes:
        reading: of what was chosen last.
        candidates: how many were read.
    """

    def __init__(
        self, graph: ChannelGraph, read: Callable[[np.ndarray], Reading], bound: int, say: Say = lambda *_: None
    ) -> None:
        """
        Args:
            graph: the channels.
            read: what the model takes without some groups: (groups,) bool.
            bound: the largest value that meets the budget.
        """
        self._graph, self._read, self._bound, self._say = graph, read, bound, say
        self._known: dict[frozenset[Step], Reading] = {}
        self._expected = 0

    @property
    def candidates(self) -> int:
        return len(self._known)

    def reading(self, steps: Sequence[Step]) -> Reading:
        """Of the model after these steps; read once."""
        key = frozenset(steps)
        if key not in self._known:
            self._say(len(self._known), max(self._expected, len(self._known) + 1))
            self._known[key] = self._read(gone(steps, self._graph))
        return self._known[key]

    def fit(self, steps: Sequence[Step], *, spare: bool) -> list[Step]:
        """The steps to take, all of them where not even they meet the bound.

        Args:
            steps: the least important first.
            spare: give back, set by set, what the bound does not need; for what is not a sum over layers.
        """
        self._expected = len(steps).bit_length() + 1
        if not self._meets(steps):
            return list(steps)
        count = _least(len(steps), lambda number: self._meets(steps[:number]))
        chosen = list(steps[:count])
        return self._spared(chosen) if spare and chosen else chosen

    def _meets(self, steps: Sequence[Step]) -> bool:
        return self.reading(steps).value <= self._bound

    def _spared(self, steps: list[Step]) -> list[Step]:
        """Without what is not needed: first everything but the set of the last step, which is; then set by set."""
        needed = [step for step in steps if step.which_set == steps[-1].which_set]
        if len(needed) < len(steps) and self._meets(needed):
            return needed
        sets = list(dict.fromkeys(step.which_set for step in reversed(steps)))
        self._expected = self.candidates + len(sets)
        for which in sets:
            others = [step for step in steps if step.which_set != which]
            steps = [*others, *self._needed([step for step in steps if step.which_set == which], others)]
        return steps

    def _needed(self, steps: Sequence[Step], others: Sequence[Step]) -> Sequence[Step]:
        """The least beginning of a set's steps with which the others meet the bound; mostly it is all or nothing."""
        if self._meets(others):
            return ()
        return steps[: _least(len(steps), lambda number: self._meets([*others, *steps[:number]]))]


def _least(most: int, holds: Callable[[int], bool]) -> int:
    """The least number for which something holds, if it then holds up to `most`; else one for which it holds."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high
