"""Which codec for which tensor: the fewest bytes, the fewest cycles, or the best of one within a limit of the other.

Bytes are those of the tensors and of every decoder's functions once, whoever shares them. That makes the choices of the tensors
depend on each other only through the set of decoders: every set is tried, and within it the choice is exact.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from edgecompress.errors import DoesNotFitError

Mode = Literal["size", "balanced", "speed"]
SLACK = 0.1
"""`balanced` may cost this share of cycles more than the fastest choice."""


@dataclass(frozen=True)
class Option:
    """A tensor in one codec.

    Attributes:
        codec: its name.
        bytes: of flash, for payload, tables and parameters.
        cycles: of the layer in one inference, decoding as often as it does included.
        code: bytes of flash of every function of the decoder, by name.
    """

    codec: str
    bytes: int
    cycles: int
    code: Mapping[str, int]


@dataclass(frozen=True)
class Choice:
    """One option for every tensor, in their order; `bytes` includes `code_bytes`."""

    options: tuple[Option, ...]
    bytes: int
    code_bytes: int
    cycles: int


def choose(
    tensors: Sequence[Sequence[Option]],
    mode: Mode,
    *,
    flash: int | None = None,
    most_cycles: int | None = None,
    cycles_a_byte: int | None = None,
) -> Choice:
    """The best choice.

    Args:
        tensors: the options of every tensor, at least one each.
        mode: `size`: the fewest bytes; `speed`: the fewest cycles; `balanced`: the fewest bytes within SLACK of the fewest cycles.
            What is equal in that is better with less of the other.
        flash: bytes that tensors and decoders may take together: the mode is `speed` then.
        most_cycles: that they may take, where the mode is `size`.
        cycles_a_byte: that a byte less may cost, where the mode is `size`; None: whatever it takes.

    Raises:
        DoesNotFitError: nothing is within the limit.
    """
    if flash is not None:
        found = _least(tensors, "cycles", flash)
        if found is None:
            fewest = _least(tensors, "bytes").bytes  # type: ignore[union-attr]
            raise DoesNotFitError(
                f"no choice of codecs fits the weights into {flash:,} bytes",
                found=f"{fewest:,} bytes at least, decoders included",
                hint="prune, cluster, or a board with more flash",
            )
        return found
    if mode == "size" and cycles_a_byte is not None:
        made = (_cheapest(usable, cycles_a_byte) for usable in _sets_of_decoders(tensors))
        best = min(made, key=lambda choice: price(choice, cycles_a_byte))
        if most_cycles is None or best.cycles <= most_cycles:
            return best
    if mode == "balanced":
        fastest = _least(tensors, "cycles")
        assert fastest
        most_cycles = int(fastest.cycles * (1 + SLACK))
    found = _least(tensors, "cycles") if mode == "speed" else _least(tensors, "bytes", most_cycles)
    if found is None:
        fastest = _least(tensors, "cycles")
        assert fastest
        raise DoesNotFitError(
            f"no choice of codecs decodes the weights within {most_cycles:,} cycles",
            found=f"{fastest.cycles:,} at least",
        )
    return found


def _least(
    tensors: Sequence[Sequence[Option]], what: Literal["bytes", "cycles"], limit: int | None = None
) -> Choice | None:
    """The choice with the least of one where the other is within a limit; None where there is none."""
    best: Choice | None = None
    for usable in _sets_of_decoders(tensors):
        rest = None if limit is None else limit - (usable.code_bytes if what == "cycles" else 0)
        if best is not None and usable.least(what) > getattr(best, what):
            continue
        for options in usable.pick(what, rest):
            made = _choice(options)
            if best is None or _rank(made, what) < _rank(best, what):
                best = made
    return best


def price(one: Option | Choice, cycles_a_byte: int) -> int:
    """In cycles, with a byte at so many."""
    return one.cycles + cycles_a_byte * one.bytes


def _cheapest(usable: "_Usable", cycles_a_byte: int) -> Choice:
    """The least price of all that a set of decoders can decode."""
    return _choice([min(options, key=lambda one: price(one, cycles_a_byte)) for options in usable.tensors])


def _rank(choice: Choice, what: str) -> tuple[int, int]:
    return (choice.bytes, choice.cycles) if what == "bytes" else (choice.cycles, choice.bytes)


def _choice(options: Sequence[Option]) -> Choice:
    code = sum(union(option.code for option in options).values())
    return Choice(tuple(options), sum(o.bytes for o in options) + code, code, sum(option.cycles for option in options))


def union(codes: Iterator[Mapping[str, int]] | Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The functions of several decoders, each once."""
    return {name: size for code in codes for name, size in code.items()}


@dataclass(frozen=True)
class _Usable:
    """The options of every tensor that a set of decoders can decode, at least one each, and the code of the set."""

    tensors: tuple[tuple[Option, ...], ...]
    code_bytes: int

    def least(self, what: str) -> int:
        """That any choice of these takes if it takes the code of the whole set; less is another set's matter."""
        return sum(min(getattr(o, what) for o in options) for options in self.tensors) + (
            self.code_bytes if what == "bytes" else 0
        )

    def pick(self, what: str, limit: int | None) -> list[tuple[Option, ...]]:
        """The choice with the least of one, and of those with the least of the other, within a limit of the other; or none."""
        other = "cycles" if what == "bytes" else "bytes"
        if limit is None:
            best = (min(options, key=lambda o: (getattr(o, what), getattr(o, other))) for options in self.tensors)
            return [tuple(best)]
        front = _front(self.tensors, what, other, limit)
        return [front] if front else []


def _front(tensors: Sequence[Sequence[Option]], what: str, other: str, limit: int) -> tuple[Option, ...] | None:
    """Tensor by tensor, all sums of (`what`, `other`) that no other sum beats in both; the last one's least within the limit."""
    sums = np.zeros((1, 2), np.int64)
    steps = []
    for i, options in enumerate(tensors):
        rest = sum(min(getattr(o, other) for o in later) for later in tensors[i + 1 :])
        values = np.array([[getattr(o, what), getattr(o, other)] for o in options], np.int64)
        made = (sums[:, None, :] + values[None, :, :]).reshape(-1, 2)
        kept = _undominated(made, limit - rest)
        if not kept.size:
            return None
        steps.append((kept // len(options), kept % len(options)))
        sums = made[kept]
    at, chosen = 0, []  # the first one has the least
    for before, option in reversed(steps):
        chosen.append(int(option[at]))
        at = int(before[at])
    return tuple(options[i] for options, i in zip(tensors, reversed(chosen), strict=True))


def _undominated(sums: np.ndarray, limit: int) -> np.ndarray:
    """Places of the sums whose second number is within the limit and less than that of all with no larger first one."""
    order = np.lexsort((sums[:, 1], sums[:, 0]))
    order = order[sums[order, 1] <= limit]
    seconds = sums[order, 1]
    lowest = np.minimum.accumulate(seconds)
    return order[np.flatnonzero(np.diff(lowest, prepend=np.iinfo(np.int64).max) < 0)]


def _sets_of_decoders(tensors: Sequence[Sequence[Option]]) -> Iterator[_Usable]:
    """Every set of decoders that can decode all tensors."""
    kinds = sorted({tuple(sorted(option.code)) for options in tensors for option in options})
    codes = {tuple(sorted(option.code)): option.code for options in tensors for option in options}
    for count in range(1, len(kinds) + 1):
        for chosen in combinations(kinds, count):
            functions = union([codes[kind] for kind in chosen])
            usable = tuple(tuple(o for o in options if o.code.keys() <= functions.keys()) for options in tensors)
            if all(usable):
                yield _Usable(usable, sum(functions.values()))
