"""Count every basic block that runs inside one function, per layer: exact, and fast where the hook is C.

The C hook (`block_hook.c`) is compiled once for the host and kept in the cache. Without a C compiler the same rules run
in Python, some twenty times slower; `BlockCounter.native` says which it was.
"""

import ctypes
import functools
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from edgecompress.emulate import host_library
from edgecompress.errors import EdgecompressError, ToolError

NOWHERE = 0xFFFFFFFF
SLOTS = 1 << 18
WAITING, COUNTING, DONE = 0, 1, 2
LIMIT, TABLE_FULL = 1, 2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BlockCount:
    """One basic block as one layer ran it; layer -1 is what ran before the first layer was entered.

    `executed` is how often it ran, `taken` how often its end was left by a branch.
    """

    layer: int
    address: int
    size: int
    executed: int
    taken: int


@dataclass(frozen=True)
class CountedFunction:
    """Counted is from the first entry of the function at `start` to its return. `layers` are the entries of its layers:
    what runs from one on, to the next, belongs to it."""

    start: int
    layers: tuple[int, ...] = ()


class BlockCounter(Protocol):
    """A block hook that is installed in an emulator."""

    native: bool

    def limit(self, instructions: int) -> None:
        """Stop the emulator at the latest after twice as many instructions as this, from now on, and not before it."""
        ...

    @property
    def trouble(self) -> int:
        """0, LIMIT or TABLE_FULL: why the counter stopped the emulator."""
        ...

    @property
    def state(self) -> int:
        """WAITING for the function, COUNTING, or DONE when it has returned."""
        ...

    def blocks(self) -> tuple[BlockCount, ...]:
        """All blocks that ran, in order of layer and address."""
        ...


def install(uc: Any, function: CountedFunction | None = None, *, native: bool = True) -> BlockCounter:
    """Install a counter in a Unicorn engine; without a function it only guards the limit."""
    if native:
        try:
            return NativeCounter(uc, function, _hook_library())
        except EdgecompressError as error:
            log.warning("blocks are counted in Python, which is slow: %s", error)
    return PythonCounter(uc, function)


class _Block(ctypes.Structure):
    _fields_ = (
        ("address", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("layer", ctypes.c_int32),
        ("enters", ctypes.c_int32),
        ("executed", ctypes.c_uint64),
        ("taken", ctypes.c_uint64),
    )


_ROW = [("address", "<u4"), ("size", "<u4"), ("layer", "<i4"), ("enters", "<i4"), ("executed", "<u8"), ("taken", "<u8")]


class _Counter(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_uint64),
        ("bytes_limit", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
        ("read_register", ctypes.c_void_p),
        ("blocks", ctypes.c_void_p),
        ("layers", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("mask", ctypes.c_uint32),
        ("used", ctypes.c_uint32),
        ("start", ctypes.c_uint32),
        ("finish", ctypes.c_uint32),
        ("link_register", ctypes.c_int32),
        ("layer", ctypes.c_int32),
        ("state", ctypes.c_uint32),
        ("trouble", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("before", ctypes.c_uint32),
    )


class NativeCounter:
    """The counter of `block_hook.c`, given to Unicorn's own `uc_hook_add`."""

    native = True

    def __init__(self, uc: Any, function: CountedFunction | None, library: ctypes.CDLL) -> None:
        import unicorn
        from unicorn.arm_const import UC_ARM_REG_LR

        engine = engine_library()
        layers = function.layers if function else ()
        slots = SLOTS if function else 2
        self._layers = (ctypes.c_uint32 * max(1, len(layers)))(*layers)
        self._blocks = (_Block * slots)()
        self._counter = _Counter(
            bytes_limit=(1 << 64) - 1,
            stop=ctypes.cast(engine.uc_emu_stop, ctypes.c_void_p),
            read_register=ctypes.cast(engine.uc_reg_read, ctypes.c_void_p),
            blocks=ctypes.cast(self._blocks, ctypes.c_void_p),
            layers=ctypes.cast(self._layers, ctypes.c_void_p),
            layer_count=len(layers),
            mask=slots - 1,
            start=function.start if function else NOWHERE,
            link_register=UC_ARM_REG_LR,
            layer=-1,
            before=NOWHERE,
        )
        self._handle = ctypes.c_size_t()
        status = engine.uc_hook_add(
            uc._uch,
            ctypes.byref(self._handle),
            ctypes.c_int(unicorn.UC_HOOK_BLOCK),
            ctypes.cast(library.ec_block_hook, ctypes.c_void_p),
            ctypes.byref(self._counter),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status:
            raise ToolError("Unicorn refused the block hook", found=f"error {status}")

    def limit(self, instructions: int) -> None:
        self._counter.bytes = 0
        self._counter.bytes_limit = 4 * instructions

    @property
    def trouble(self) -> int:
        return int(self._counter.trouble)

    @property
    def state(self) -> int:
        return int(self._counter.state)

    def addresses(self) -> tuple[int, int]:
        """Where the layer that runs now and the state lie, for other hooks that are C."""
        base = ctypes.addressof(self._counter)
        return base + _Counter.layer.offset, base + _Counter.state.offset

    def blocks(self) -> tuple[BlockCount, ...]:
        if not self._counter.used:
            return ()
        import numpy as np

        table = np.frombuffer(memoryview(self._blocks).cast("B"), dtype=_ROW)
        rows = table[table["executed"] > 0][["layer", "address", "size", "executed", "taken"]].tolist()
        return tuple(BlockCount(*row) for row in sorted(rows))


class PythonCounter:
    """The rules of `block_hook.c` in Python."""

    native = False

    def __init__(self, uc: Any, function: CountedFunction | None) -> None:
        import unicorn

        self.trouble = 0
        self.state = WAITING
        self._bytes, self._bytes_limit = 0, (1 << 64) - 1
        self._start = function.start if function else NOWHERE
        self._layers = {address: k for k, address in reversed(list(enumerate(function.layers if function else ())))}
        self._finish, self._layer, self._end = NOWHERE, -1, 0
        self._before: list[int] | None = None
        self._counts: dict[tuple[int, int, int], list[int]] = {}
        uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def limit(self, instructions: int) -> None:
        self._bytes, self._bytes_limit = 0, 4 * instructions

    def blocks(self) -> tuple[BlockCount, ...]:
        return tuple(BlockCount(*key, *counts) for key, counts in sorted(self._counts.items()))

    def _block(self, uc: Any, address: int, size: int, _: object) -> None:
        self._bytes += size
        if self._bytes > self._bytes_limit:
            self.trouble = LIMIT
            uc.emu_stop()
            return
        if self.state == WAITING and address == self._start:
            from unicorn.arm_const import UC_ARM_REG_LR

            self.state, self._finish = COUNTING, uc.reg_read(UC_ARM_REG_LR) & ~1
        elif self.state == COUNTING and address == self._finish:
            self._leave(address)
            self.state = DONE
        if self.state == COUNTING:
            self._leave(address)
            self._layer = self._layers.get(address, self._layer)
            self._before = self._counts.setdefault((self._layer, address, size), [0, 0])
            self._before[0] += 1
            self._end = address + size

    def _leave(self, address: int) -> None:
        if self._before is not None and address != self._end:
            self._before[1] += 1


@functools.cache
def _hook_library() -> ctypes.CDLL:
    library = host_library.build("block_hook.c")
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise ToolError("the compiled block hook cannot be loaded", found=str(error)) from error


def engine_library() -> ctypes.CDLL:
    """Unicorn's own C library, for hooks that are C."""
    try:
        from unicorn.unicorn_py3.unicorn import uclib
    except ImportError as error:
        raise ToolError("this version of unicorn hides its C library", found=str(error)) from error
    library: ctypes.CDLL = uclib
    return library
