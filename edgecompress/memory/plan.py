"""The values of memory planning: what must be kept, when, and where it was put in the one arena."""

from collections.abc import Mapping
from dataclasses import dataclass

SCRATCH_BASE = 2


def scratch_key(step: int) -> int:
    """The key of the scratch buffer of a step: -2, -3, ...; tensors have keys from 0, and -1 means "absent"."""
    return -(step + SCRATCH_BASE)


@dataclass(frozen=True)
class Buffer:
    """A run of bytes that is needed during the steps `first` to `last`, both included.

    Attributes:
        key: the tensor's index; the scratch of step s has the key -(s + 2).
        name: the tensor's name: untrusted text.
        size: bytes; 0 is allowed.
        first, last: steps, counted in order of execution from 0.
        alignment: the offset is a multiple of this power of two.
        shared_with: further tensors that are kept in the same bytes (an alias, or an operation done in place).
    """

    key: int
    name: str
    size: int
    first: int
    last: int
    alignment: int = 4
    shared_with: tuple[int, ...] = ()

    def meets(self, other: "Buffer") -> bool:
        """Whether both are needed during some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Block:
    """A buffer where it was put: what a picture or a report needs of it."""

    key: int
    name: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """The place of every buffer in the arena.

    Attributes:
        buffers: as the planner got them.
        offsets: bytes from the arena's start, by key; tensors that share a buffer have entries too.
        arena_bytes: the end of the highest buffer.
        bound_without_sharing: the largest sum of bytes alive at once, every tensor counted apart.
        bound_of_schedule: the same over `buffers`; no plan of them can be smaller.
        planner: the name of the planner that found it.
    """

    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    arena_bytes: int
    bound_without_sharing: int
    bound_of_schedule: int
    planner: str

    @property
    def overhead(self) -> int:
        """Bytes above `bound_of_schedule`; never negative."""
        return self.arena_bytes - self.bound_of_schedule

    @property
    def overhead_percent(self) -> float:
        """`overhead` in percent of `bound_of_schedule`; 0 for an empty arena."""
        return 100.0 * self.overhead / self.bound_of_schedule if self.bound_of_schedule else 0.0

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The placed buffers in the order of their offsets."""
        placed = (Block(b.key, b.name, self.offsets[b.key], b.size, b.first, b.last) for b in self.buffers)
        return tuple(sorted(placed, key=lambda block: (block.offset, block.first, block.key)))
