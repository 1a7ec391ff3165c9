"""The report's records about kernels: which were chosen among which, and what waiting for flash adds to them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelOption:
    """A kernel that could compute a layer: what the layer cost with it.

    Attributes:
        instructions: counted.
        cycles: modelled, typical.
        scratch_bytes: of the arena while it runs.
        chosen: it is what the firmware holds.
    """

    kernel: str
    instructions: int
    cycles: int
    scratch_bytes: int
    chosen: bool


@dataclass(frozen=True)
class Tuning:
    """How the kernels were chosen by measuring all of them on the emulator.

    Attributes:
        by: what had to be least: "cycles" (modelled, typical), or "instructions" (counted) where cycles are a mere estimate.
        runs: emulated inferences that it took.
        cached: they were made earlier, for the same model, core, compiler and version.
        saved: of `by`, against the best guess for every layer.
    """

    by: str
    runs: int
    cached: bool
    saved: int


@dataclass(frozen=True)
class FlashWaits:
    """What waiting for flash adds to an inference: modelled, and part of the modelled cycles.

    Attributes:
        wait_states: of a read beyond every cache, at full clock.
        min: every access hits a cache. typical: the misses of simulated caches, cold at first. max: every access to another
            line than the one before waits.
        loads: from flash, counted.
        source: of the board's numbers; none of them is checked on silicon here.
    """

    wait_states: int
    min: int
    typical: int
    max: int
    loads: int
    source: str
