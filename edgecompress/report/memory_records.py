"""What of a report concerns the arena: where buffers lie, and in which order layers run. Part of `records`' contract."""

from dataclasses import dataclass

from edgecompress.memory.plan import Block


@dataclass(frozen=True)
class MemoryMap:
    """Where every buffer lies in the arena and when; step i is the layer i."""

    planner: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Turns:
    """Operators that take turns, a few rows or a patch at a time: of the tensors between them only what is needed exists.

    Attributes:
        first, last: indices of the operators.
        rows: of the last one's output, in each round.
        rounds: how many.
        calls: of kernels, in all rounds.
        moved_bytes: rows moved within their buffers, in all rounds.
        columns: of the last one's output, in each round; None: all of them.
        keeps_rows: whether patches go on with the rows of those above them.
        staged_bytes: copied to and from patches, in all rounds.
        computed_again: MACs beyond those of the operators run whole; element-wise ones count as one a byte.
    """

    first: int
    last: int
    rows: int
    rounds: int
    calls: int
    moved_bytes: int
    columns: int | None = None
    keeps_rows: bool = True
    staged_bytes: int = 0
    computed_again: int = 0


@dataclass(frozen=True)
class Schedule:
    """In which order the layers run, and why.

    Attributes:
        optimize: what was asked for: "ram", "balanced", "speed" or "size".
        ram_bytes: the arena that was allowed; None where no limit was given.
        flash_bytes: the firmware that was allowed; likewise.
        whole_bytes: the arena that running every layer whole would need.
        reason: why this schedule.
        turns: all other layers run whole, one after the other.
    """

    optimize: str | None = None
    ram_bytes: int | None = None
    whole_bytes: int | None = None
    reason: str | None = None
    turns: tuple[Turns, ...] = ()
    flash_bytes: int | None = None
