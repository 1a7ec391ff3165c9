"""The values of memory planning: what must be kept, when, and where it was put in the one arena."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

SCRATCH_BASE = 2


def align_up(value: int, alignment: int) -> int:
    return (value + alignment - 1) // alignment * alignment


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
        state_bytes: at the end of the arena, which are kept from one inference to the next.
    """

    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    arena_bytes: int
    bound_without_sharing: int
    bound_of_schedule: int
    planner: str
    state_bytes: int = 0

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


def with_states(plan: Plan, states: Sequence[Buffer]) -> Plan:
    """The plan with buffers behind all others that nothing else may use: wherever they lay, they would cost as much.

    Args:
        plan: of all other buffers; its bound without sharing is that of all.
    """
    if not states:
        return plan
    start = end = align_up(plan.arena_bytes, max(buffer.alignment for buffer in states))
    offsets = dict(plan.offsets)
    for buffer in states:
        at = align_up(end, buffer.alignment)
        offsets |= dict.fromkeys((buffer.key, *buffer.shared_with), at)
        end = at + buffer.size
    return replace(
        plan,
        buffers=(*states, *plan.buffers),
        offsets=MappingProxyType(dict(sorted(offsets.items()))),
        arena_bytes=end,
        bound_of_schedule=plan.bound_of_schedule + sum(buffer.size for buffer in states),
        state_bytes=end - start,
    )
