"""A shadow of the arena that remembers, byte by byte, which byte of which value it holds."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import numpy as np

from edgecompress.memory.clocks import clocks
from edgecompress.memory.plan import Plan
from edgecompress.memory.sweep import Sweep
from edgecompress.memory.visits import Move, Rows
from edgecompress.tflite.graph import Graph

FREE = -1


class PlanError(Exception):
    """The plan would corrupt a tensor. Never the user's fault: a defect of a planner, an alias or a scratch size."""


class Shadow:
    """The arena while the program runs; every value has a range of numbers, one for each of its bytes.

    Args:
        sizes: bytes of every tensor (negative keys: scratch), as if it were kept whole.
    """

    def __init__(self, graph: Graph, plan: Plan, sizes: Mapping[int, int]) -> None:
        self._graph = graph
        self._offsets = plan.offsets
        self._sizes = sizes
        self._bytes = np.full(plan.arena_bytes, FREE, dtype=np.int64)
        self._values: dict[int, int] = {}
        self._starts: list[int] = []
        self._writers: list[str] = []
        self._next = 0

    def whole(self, key: int) -> Rows:
        return Rows(key, 0, self._sizes[key], 0)

    def begin(self, where: str, key: int) -> None:
        """From now on `key` is a new value, none of whose bytes is there yet."""
        self._values[key] = self._next
        self._starts.append(self._next)
        self._writers.append(f"{self.name(key)} by {where}")
        self._next += self._sizes[key]

    def write(self, rows: Rows) -> None:
        self._bytes[self._places(rows)] = self._numbers(rows)

    def move(self, key: int, move: Move) -> None:
        """Bytes of a buffer go to its start, the lowest first."""
        at = self._offsets[key]
        self._bytes[at : at + move.bytes] = self._bytes[at + move.source : at + move.source + move.bytes].copy()

    def pass_on(self, where: str, aliases: Mapping[int, int]) -> None:
        """Outputs that are their input: no byte is written."""
        for key, source in aliases.items():
            if source not in self._values:
                raise PlanError(f"{where} passes on {self.name(source)}, which nothing has written")
            self._values[key] = self._values[source]

    def read(self, where: str, wanted: Iterable[Rows]) -> None:
        for rows in wanted:
            if rows.tensor not in self._values:
                raise PlanError(f"{where} reads {self.name(rows.tensor)}, which nothing has written")
            places = self._places(rows)
            if places.size and not 0 <= places.min() <= places.max() < self._bytes.size:
                raise PlanError(f"{where} reads {self.name(rows.tensor)} outside the arena")
            found = self._bytes[places]
            wrong = np.flatnonzero(found != self._numbers(rows))
            if wrong.size:
                culprit = self._writer(int(found[wrong[0]]))
                raise PlanError(f"{where}: {wrong.size} bytes of {self.name(rows.tensor)} are overwritten: {culprit}")

    def refuse_overlaps(
        self, where: str, read: Iterable[Rows], written: Iterable[Rows], sweeps: Mapping[int, Sweep]
    ) -> None:
        """What an operation writes lies apart from all that it reads and writes, except where it has been read by then."""
        written = list(written)
        for i, one in enumerate(written):
            for other in (*read, *written[i + 1 :]):
                if not self._overlap(one, other):
                    continue
                if one.tensor < 0 or other in written or other.tensor not in sweeps:
                    raise PlanError(f"{where}: {self.name(one.tensor)} and {self.name(other.tensor)} overlap")
                lost = self._lost(sweeps[other.tensor], one, other)
                if lost:
                    raise PlanError(
                        f"{where}: {lost} bytes of {self.name(other.tensor)} are overwritten by "
                        f"{self.name(one.tensor)} before they have been read"
                    )

    def name(self, key: int) -> str:
        return f'tensor {key} "{self._graph.tensors[key].name}"' if key >= 0 else f"the scratch of step {-key - 2}"

    def _lost(self, sweep: Sweep, output: Rows, source: Rows) -> int:
        """How many bytes of the input are still to be read when the output is written over them."""
        last_read, written = clocks(sweep)
        if (last_read.size, written.size) != (source.bytes, output.bytes):
            raise PlanError(f"the sweep over {self.name(source.tensor)} is about tensors of other sizes")
        _, here, there = np.intersect1d(self._places(source), self._places(output), return_indices=True)
        return int((last_read[here] > written[there]).sum())

    def _overlap(self, one: Rows, other: Rows) -> bool:
        mark = np.zeros(self._bytes.size, dtype=bool)
        mark[self._places(one)] = True
        return bool(mark[self._places(other)].any())

    def _places(self, rows: Rows) -> np.ndarray:
        """Where in the arena each byte is."""
        starts = [at for _, at in rows.places()]
        return (np.array(starts)[:, None] + np.arange(rows.run)).reshape(-1) + self._offsets[rows.tensor]

    def _numbers(self, rows: Rows) -> np.ndarray:
        firsts = [first for first, _ in rows.places()]
        return (np.array(firsts)[:, None] + np.arange(rows.run)).reshape(-1) + self._values[rows.tensor]

    def _writer(self, number: int) -> str:
        return "nothing" if number == FREE else self._writers[bisect_right(self._starts, number) - 1]
