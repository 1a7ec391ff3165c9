"""What reading a board's flash costs at its full clock, as data: wait states, caches, prefetch."""

from dataclasses import dataclass

from edgecompress.errors import RecipeError
from edgecompress.targets.table import Table


@dataclass(frozen=True)
class FlashCache:
    """A cache or a read buffer between flash and core.

    Attributes:
        bytes: of all its lines.
        line: bytes of one, a power of two.
        ways: lines of a set; as many as there are lines where any line may hold any address.
    """

    bytes: int
    line: int
    ways: int

    @property
    def sets(self) -> int:
        return self.bytes // self.line // self.ways


@dataclass(frozen=True)
class FlashTiming:
    """Reading flash at the board's full clock.

    Attributes:
        wait_states: cycles of the core that a read beyond every cache adds.
        instructions: what fetches go through.
        data: what loads go through; None: the same cache as fetches.
        prefetch: the line after the one that is executed is read ahead.
        source: where the numbers are from.
    """

    wait_states: int
    instructions: FlashCache
    data: FlashCache | None
    prefetch: bool
    source: str

    @property
    def sequential_wait_states(self) -> int:
        """What the next line in order costs: with prefetch, less what the line before takes at one cycle per word."""
        hidden = self.instructions.line // 4 if self.prefetch else 0
        return max(0, self.wait_states - hidden)


def read_flash_timing(table: Table) -> FlashTiming:
    """From a board's table `flash_timing`; RecipeError names what is wrong."""
    timing = FlashTiming(
        wait_states=table.take("wait_states", int),
        instructions=_read_cache(table.table("instructions")),
        data=_read_cache(table.table("data")) if table.has("data") else None,
        prefetch=table.take("prefetch", bool),
        source=table.take("source", str),
    )
    table.close()
    if not 0 <= timing.wait_states <= 10_000:
        raise RecipeError(f"{table.where}: wait_states must be 0 to 10000", found=str(timing.wait_states))
    return timing


def _read_cache(table: Table) -> FlashCache:
    cache = FlashCache(**{key: table.take(key, int) for key in ("bytes", "line", "ways")})
    table.close()
    power = cache.line > 0 and cache.line & (cache.line - 1) == 0
    if not power or cache.ways < 1 or cache.bytes < cache.line or cache.bytes % (cache.line * cache.ways):
        raise RecipeError(
            f"{table.where}: line must be a power of two, and bytes a multiple of line times ways",
            found=f"bytes {cache.bytes}, line {cache.line}, ways {cache.ways}",
        )
    return cache
