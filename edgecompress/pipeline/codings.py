"""Which kernel computes each layer, and in which code its weights lie in flash: what `--flash` and `--optimize size` ask for."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from edgecompress.codecs.choice import Choice as Options
from edgecompress.codecs.choice import Option, choose, union
from edgecompress.codecs.coding import codable
from edgecompress.codecs.costs import known_cpus
from edgecompress.codecs.options import Catalogue
from edgecompress.codegen import variants
from edgecompress.codegen.features import Features, features_of
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.program import Program, arrange, lower
from edgecompress.errors import DoesNotFitError
from edgecompress.memory.choice import Wish
from edgecompress.pipeline.firmware import check_ram, flash_bytes, largest_weights, weight_bytes
from edgecompress.pipeline.forms import Form, Layers, plain_bytes
from edgecompress.pipeline.kernel_code import functions_of
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target
from edgecompress.tflite.graph import Graph

MOST_TIMES = 5.9
"""So many times the cycles without codes may a model take, by estimate, for its size alone: six with what estimates miss."""
CYCLES_A_BYTE = 2000
"""That a byte less of flash may cost: the last ones can take more cycles than all others."""
CYCLES_A_BYTE_OF_RAM = 200
"""The same of the arena, which may grow for the sake of the flash."""
GROWTHS = (0, 1024, 1800, 2736)
"""Bytes by which codes may make the arena grow, to choose from; the most is what the largest tables and a unit take."""
FEWER = 0.9
"""The share of bytes of weights for which another kernel than the first is looked at."""
SHARES = (80, 90, 97, 100)
"""Percent of a given limit of RAM that layers may take, to choose from."""
ATTEMPTS = 5
MARGIN = 64
"""Images can take more than is estimated: so often is a lower limit tried, each time with twice this margin."""
PRICES = (100, 400, 1000)
"""Cycles for a byte, tried in this order where a limit of flash may need other kernels."""
CERTAIN = 2**16
"""Bytes beside its weights that are enough for any model: only where there are fewer, its image is linked to see."""
SPARE = 2048
"""Bytes of a board's flash that are left to its other programs: the self-test, a driver of its UART."""

Say = Callable[[str, int, int], None]
_Pick = Callable[[Sequence[Sequence[Option]]], Options]
"""From the options of every layer to one of each; DoesNotFitError where none is good enough."""
_Key = Callable[[Any], Any]
"""What is to be least of a choice."""


@dataclass(frozen=True, eq=False)
class Coding:
    """What was chosen, and what it is estimated to cost.

    Attributes:
        plain: the program with every layer's first kernel, as without a limit.
        decoding: cycles that decoding takes, by step.
        cycles, plain_cycles: of one inference.
        flash, plain_flash: bytes of the firmware, and of the plain program's.
        flash_limit: for the firmware; None: there was none.
        reason: what asked for it: an option, or a board.
    """

    plain: Program
    decoding: Mapping[int, int]
    cycles: int
    plain_cycles: int
    flash: int
    plain_flash: int
    flash_limit: int | None
    reason: str


@dataclass(frozen=True, eq=False)
class Lowered:
    """A program, and how its kernels and codes were chosen; None where they are the first ones, without codes."""

    program: Program
    coding: Coding | None = None


def lower_for(graph: Graph, target: Target, wish: Wish, compiler: Name = "zig", say: Say = lambda *_: None) -> Lowered:
    """The program that a wish asks for, on a target whose flash is a limit too.

    Raises:
        UnsupportedError: as `lower`. MissingToolError, ToolError: as the compiler.
        DoesNotFitError: as `lower`, or no kernels and codes keep the firmware within the limit; says what the least is.
    """
    plain = lower(graph, features_of(target.cpu, spends_flash=wish.spends_flash), wish=wish)
    check_ram(plain, target)  # codes never need less
    limit = _flash_limit(plain, target, wish)
    if target.cpu.name not in known_cpus() or not (wish.codes_weights or limit):
        return Lowered(plain)
    chooser = _Chooser(plain, target, wish, compiler, say, limit)
    return chooser.smallest() if wish.codes_weights else chooser.fastest()


@dataclass(frozen=True)
class _Limit:
    bytes: int
    whose: str


def _flash_limit(plain: Program, target: Target, wish: Wish) -> _Limit | None:
    """What was asked for; else what a board has, unless it certainly has enough."""
    if wish.flash_bytes is not None:
        return _Limit(wish.flash_bytes, "--flash")
    ends = sum(plain.graph.tensors[key].nbytes for key in (*plain.graph.inputs, *plain.graph.outputs))
    there = target.flash.bytes - SPARE - ends
    return _Limit(there, target.name) if sum(weight_bytes(plain)) + CERTAIN > there else None


@dataclass(frozen=True, eq=False)
class _Choice:
    """A form for every layer within a limit of RAM, and the sums of what they take, the code of kernels and decoders included.

    Attributes:
        without: files of kernels that were not to be used.
    """

    forms: tuple[Form, ...]
    limit: int
    bytes: int
    cycles: int
    without: frozenset[str] = frozenset()

    @property
    def price(self) -> int:
        return self.cycles + CYCLES_A_BYTE * self.bytes + CYCLES_A_BYTE_OF_RAM * self.ram

    @property
    def ram(self) -> int:
        return max(form.ram for form in self.forms)


class _Chooser:
    """Everything about one model on one target."""

    def __init__(
        self, plain: Program, target: Target, wish: Wish, compiler: Name, say: Say, limit: _Limit | None
    ) -> None:
        self.plain, self.wish, self.say, self.limit = plain, wish, say, limit
        self.features = features_of(target.cpu, spends_flash=wish.spends_flash)
        candidates = _candidates(plain, self.features)
        self.layers = Layers(plain, candidates, Catalogue(target, compiler))
        self.plain_cycles = sum(self.layers.forms(layer, 0)[0].option.cycles for layer in plain.layers)
        self.functions_of = partial(functions_of, target=target, compiler=compiler)
        self.size_of = partial(flash_bytes, target=target, compiler=compiler)
        self.plain_flash = self.size_of(plain)

    def smallest(self) -> Lowered:
        """The fewest bytes that are worth their cycles; fewer where the limit demands it; never more than with plain weights."""
        most = int(MOST_TIMES * self.plain_cycles)
        program, choice = self._best(partial(choose, mode="size", most_cycles=most, cycles_a_byte=CYCLES_A_BYTE))
        size = self.size_of(program)
        if self._is_enough(min(size, self.plain_flash)):
            return Lowered(self.plain) if size >= self.plain_flash else self._lowered(program, choice, size)
        return self._least()

    def fastest(self) -> Lowered:
        """The fewest cycles whose firmware keeps to the limit."""
        assert self.limit
        if self._is_enough(self.plain_flash):
            return Lowered(self.plain)
        found = [one for one in (self._filled(self.limit.bytes), self._cheapest()) if one]
        return min(found, key=attrgetter("coding.cycles")) if found else self._least()

    def _filled(self, limit: int) -> Lowered | None:
        """The fewest cycles within a budget of bytes for weights and decoders, beside the code of the plain program."""
        budget = limit - self.plain_flash + sum(weight_bytes(self.plain))
        for attempt in range(ATTEMPTS):
            try:
                pick = partial(choose, mode="speed", flash=budget)
                program, choice = self._best(pick, attrgetter("cycles", "ram"), leaves_out=False)
            except DoesNotFitError:
                break
            size = self.size_of(program)
            if self._is_enough(size):
                return self._lowered(program, choice, size)
            budget -= size - limit + (MARGIN << attempt)
        return None

    def _cheapest(self) -> Lowered | None:
        """What fits of the best at rising prices of a byte: they count the code of kernels, which a budget of weights does not."""
        for rate in PRICES:
            program, choice = self._best(partial(choose, mode="size", cycles_a_byte=rate), partial(_price, rate))
            size = self.size_of(program)
            if self._is_enough(size):
                return self._lowered(program, choice, size)
        return None

    def _least(self) -> Lowered:
        """The fewest bytes, whatever they cost, if they keep to the limit."""
        assert self.limit
        program, choice = self._best(partial(choose, mode="size"), attrgetter("bytes", "price"))
        size = self.size_of(program)
        if not self._is_enough(size):
            asked = self.wish.flash_bytes is not None
            raise DoesNotFitError(
                "no choice of kernels and codes of weights keeps the firmware within "
                f"{self.limit.bytes:,} bytes{'' if asked else f' of the flash of {self.limit.whose}'}",
                found=f"{size:,} bytes at least, {self.plain_flash:,} with the fastest kernels; "
                f"weights without codes: {largest_weights(self.plain)}",
                hint=f"prune and share weights (--passes), {f'--flash {size}' if asked else 'or a board with more flash'}"
                + ("" if self.wish.ram_bytes is None else ", or a larger --ram"),
            )
        return self._lowered(program, choice, size)

    def _is_enough(self, size: int) -> bool:
        return self.limit is None or size <= self.limit.bytes

    def _best(
        self, pick: _Pick, key: _Key = attrgetter("price"), *, leaves_out: bool = True
    ) -> tuple[Program, _Choice]:
        """The best of what is picked within each limit of RAM, if a plan keeps to it.

        Args:
            leaves_out: kernels whose code takes more than they gain; where only cycles count, none does.

        Raises:
            DoesNotFitError: nothing can be picked.
        """
        limits = self._limits()
        found: list[_Choice] = []
        for number, limit in enumerate(limits):
            self.say("choosing kernels and codes of weights", number, len(limits))
            try:
                found.append(self._leanest(limit, pick, key) if leaves_out else self._choice(limit, pick))
            except DoesNotFitError:
                if limit == limits[-1] and not found:
                    raise
        for choice in sorted(found, key=key):
            if program := self._arranged(choice):
                return program, choice
        return self.plain, self._choice(0, pick=partial(choose, mode="speed"))

    def _limits(self) -> list[int]:
        """Of the arena, to choose from, the largest last. Plans can need more than each of their layers."""
        if self.wish.ram_bytes is None:
            return [self.plain.plan.arena_bytes + growth for growth in GROWTHS]
        return [self.wish.ram_bytes * share // 100 for share in SHARES]

    def _leanest(self, limit: int, pick: _Pick, key: _Key) -> _Choice:
        """The best within a limit of RAM, with or without each of the kernels: their code may take more than they gain."""
        best = self._choice(limit, pick)
        tried, waiting = {best.without}, [best]
        while waiting:
            before = waiting.pop()
            for without in (before.without | {file} for file in self._avoidable(before)):
                if without not in tried:
                    tried.add(without)
                    with suppress(DoesNotFitError):
                        waiting.append(self._choice(limit, pick, without))
                        best = min(best, waiting[-1], key=key)
        return best

    def _avoidable(self, choice: _Choice) -> list[str]:
        """Files of its kernels without which every layer still has one."""
        rows = [{call.file for call in calls} - choice.without for calls in self.layers.candidates.values()]
        return sorted(file for file in {form.call.file for form in choice.forms} if all(row - {file} for row in rows))

    def _choice(self, limit: int, pick: _Pick, without: frozenset[str] = frozenset()) -> _Choice:
        found = (self.layers.forms(layer, limit) for layer in self.plain.layers)
        forms = [[form for form in row if form.call.file not in without] for row in found]
        if not all(forms):
            raise DoesNotFitError("some layer has no other kernel that its RAM allows")
        chosen = pick([[form.option for form in row] for row in forms])
        rows = zip(forms, chosen.options, strict=True)
        picked = tuple(next(form for form in row if form.option is option) for row, option in rows)
        code = union([self.functions_of(form.call) for form in picked])
        return _Choice(picked, limit, chosen.bytes + sum(code.values()), chosen.cycles, without)

    def _arranged(self, choice: _Choice) -> Program | None:
        """The choice's program; None where no plan keeps to its limit."""
        pairs = zip(self.plain.layers, choice.forms, strict=True)
        layers = tuple(replace(layer, call=form.call) for layer, form in pairs)
        if layers == self.plain.layers:
            return self.plain
        try:
            program = arrange(self.plain.graph, layers, Wish(ram_bytes=self.wish.ram_bytes or choice.limit))
        except DoesNotFitError:
            return None
        reason = f"{program.reason}: {self.plain.plan.arena_bytes:,} without codes, and what these may take"
        return replace(program, wish=self.wish, whole_bytes=self.plain.whole_bytes, reason=reason)

    def _lowered(self, program: Program, choice: _Choice, size: int) -> Lowered:
        steps = (layer.step for layer in program.layers)
        decoding = {step: form.decoding for step, form in zip(steps, choice.forms, strict=True) if form.call.code}
        limit = self.limit.bytes if self.limit else None
        reason = "--optimize size" if self.wish.codes_weights or self.limit is None else self.limit.whose
        return Lowered(
            program,
            Coding(self.plain, decoding, choice.cycles, self.plain_cycles, size, self.plain_flash, limit, reason),
        )


def _price(rate: int, choice: _Choice) -> int:
    """Of a choice in cycles, with a byte at so many."""
    return choice.cycles + rate * choice.bytes


def _candidates(program: Program, features: Features) -> dict[int, list[KernelCall]]:
    """The kernels that are worth a look, by step: the first, those with clearly fewer bytes of weights or fewer cycles, and the
    first that decodes weights, as rows and as lists.

    Never the plain kernel, the last of them, behind others.
    """
    found: dict[int, list[KernelCall]] = {}
    for layer in program.layers:
        kept = found.setdefault(layer.step, [layer.call])
        for call in list(variants.candidates(program.graph, layer.operation, features))[1:-1]:
            assert call
            fewer = plain_bytes(call) < FEWER * min(map(plain_bytes, kept))
            faster = call.cycles_a_mac < min(one.cycles_a_mac for one in kept)
            if fewer or faster or _decodes_into(call) not in (None, *map(_decodes_into, kept)):
                kept.append(call)
    return found


def _decodes_into(call: KernelCall) -> str | None:
    """What its kernel takes decoded weights as; None where it takes none."""
    blocks = codable(call).blocks
    return None if blocks is None else "rows" if blocks.sizes is None else "lists"
