"""Count what fetches and loads do to a board's flash and its caches, layer by layer, while a program runs."""

import ctypes
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgecompress.device.port import Limit
from edgecompress.emulate import host_library
from edgecompress.emulate.counter import NOWHERE, BlockCount, CountedFunction, NativeCounter, engine_library
from edgecompress.emulate.cycles import Cycles
from edgecompress.emulate.machine import Machine
from edgecompress.errors import ToolError
from edgecompress.targets.flash_timing import FlashCache, FlashTiming
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FlashTraffic:
    """Accesses to flash, counted; what misses is simulated: caches that are empty at first and forget the least recently
    used line.

    Attributes:
        lines: fetches from another line than the one before.
        misses: of these, not in the cache, reached by a jump.
        sequential: of these, not in the cache, following the line before.
        loads: of literals, constants and weights.
        load_lines: of these, from another line than the load before.
        load_misses: of these, not in the cache.
    """

    lines: int = 0
    misses: int = 0
    sequential: int = 0
    loads: int = 0
    load_lines: int = 0
    load_misses: int = 0

    def waits(self, timing: FlashTiming) -> Cycles:
        """Cycles of waiting. Least: everything is in a cache already. Typical: the simulated misses. Most: every access
        to another line than the one before waits for the flash, and nothing is read ahead."""
        typical = (self.misses + self.load_misses) * timing.wait_states
        typical += self.sequential * timing.sequential_wait_states
        return Cycles(0, typical, (self.lines + self.load_lines) * timing.wait_states)


def trace_flash(
    image: Image, target: Target, function: CountedFunction, expected: Sequence[BlockCount], status: int, limit: Limit
) -> list[FlashTraffic] | None:
    """Runs a program to its exit, and returns what the function did before its first layer, then in each layer.

    It is a run of its own: a hook on loads was seen to disturb this emulator.

    Args:
        expected, status: the blocks that ran without that hook, and what the program exited with.

    Returns:
        None where this computer has no C compiler for the hooks, or where the program ran or ended another way with them.
    """
    with Machine(target, image, function=function) as machine:
        if not isinstance(machine.counter, NativeCounter):
            return None
        trace = FlashTrace(machine.engine, machine.counter, function, target)
        stop = machine.run(limit)
        if stop.status != status or _executed(machine.counter.blocks()) != _executed(expected):
            log.warning("%s runs another way when its loads are watched: waits for flash are not modelled", image.path)
            return None
    return trace.traffic()


def _executed(blocks: Sequence[BlockCount]) -> dict[int, tuple[int, int]]:
    """By layer, bytes of code and taken branches: the same however the emulator cuts straight code into blocks, which it does
    in shorter ones where every load calls a hook."""
    sums: dict[int, tuple[int, int]] = {}
    for block in blocks:
        code, taken = sums.get(block.layer, (0, 0))
        sums[block.layer] = code + block.executed * block.size, taken + block.taken
    return sums


class _Cache(ctypes.Structure):
    _fields_ = (
        ("lines", ctypes.c_void_p),
        ("sets", ctypes.c_uint32),
        ("ways", ctypes.c_uint32),
        ("shift", ctypes.c_uint32),
    )


class _Traffic(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in FlashTraffic.__dataclass_fields__)


class _Trace(ctypes.Structure):
    _fields_ = (
        ("layer", ctypes.c_void_p),
        ("state", ctypes.c_void_p),
        ("traffic", ctypes.c_void_p),
        ("fetched", _Cache),
        ("loaded", _Cache),
        ("shared", ctypes.c_uint32),
        ("origin", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("fetched_line", ctypes.c_uint32),
        ("loaded_line", ctypes.c_uint32),
    )


class FlashTrace:
    """Hooks in a Unicorn engine, installed after the block counter whose layers it counts by.

    Raises:
        ToolError, MissingToolError: the hooks cannot be compiled for this computer.
    """

    def __init__(self, uc: Any, counter: NativeCounter, function: CountedFunction, target: Target) -> None:
        import unicorn

        timing, flash = target.flash_timing, target.flash
        assert timing is not None

        library = ctypes.CDLL(str(host_library.build("flash_hook.c")))
        self._rows = (_Traffic * (len(function.layers) + 1))()
        self._tags: list[Any] = []
        layer, state = counter.addresses()
        self._trace = _Trace(
            layer=layer,
            state=state,
            traffic=ctypes.addressof(self._rows),
            fetched=self._cache(timing.instructions),
            loaded=self._cache(timing.data or timing.instructions),
            shared=timing.data is None,
            origin=flash.origin,
            end=min(flash.end, NOWHERE),
            fetched_line=NOWHERE,
            loaded_line=NOWHERE,
        )
        self._hooks = [ctypes.c_size_t(), ctypes.c_size_t()]
        pairs = ((unicorn.UC_HOOK_BLOCK, library.ec_fetch_hook), (unicorn.UC_HOOK_MEM_READ, library.ec_load_hook))
        for handle, (kind, hook) in zip(self._hooks, pairs, strict=True):
            status = engine_library().uc_hook_add(
                uc._uch,
                ctypes.byref(handle),
                ctypes.c_int(kind),
                ctypes.cast(hook, ctypes.c_void_p),
                ctypes.byref(self._trace),
                ctypes.c_uint64(1),
                ctypes.c_uint64(0),
            )
            if status:
                raise ToolError("Unicorn refused a hook", found=f"error {status}")

    def traffic(self) -> list[FlashTraffic]:
        """Of what ran before the first layer, then of each layer."""
        names = FlashTraffic.__dataclass_fields__
        return [FlashTraffic(*(getattr(row, name) for name in names)) for row in self._rows]

    def _cache(self, cache: FlashCache) -> _Cache:
        tags = (ctypes.c_uint32 * (cache.sets * cache.ways))(*[NOWHERE] * (cache.sets * cache.ways))
        self._tags.append(tags)
        return _Cache(ctypes.addressof(tags), cache.sets, cache.ways, cache.line.bit_length() - 1)
