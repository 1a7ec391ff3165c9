"""One line of the benchmark: a model on a core, by one engine, with the origin of every figure."""

from collections.abc import Mapping
from dataclasses import dataclass

OURS, BASELINE, SILICON = "ours", "baseline", "silicon"


@dataclass(frozen=True)
class Figures:
    """What one engine needs for one inference; None is unknown.

    Attributes:
        origin: OURS (emulated here), BASELINE (the same emulation of another engine, from a file) or SILICON (measured
            and published by others).
        engine: in words.
        macs: of the model.
        instructions: counted.
        cycles: typical; modelled at zero wait states, of SILICON milliseconds times clock.
        cycles_range: least and most of the model.
        code: of the baseline everything in flash but the model.
        parameters: bytes of int8 weights in the model file.
    """

    core: str
    model: str
    origin: str
    engine: str
    macs: int
    instructions: int | None = None
    cycles: int | None = None
    cycles_range: tuple[int, int] | None = None
    milliseconds: float | None = None
    arena: int | None = None
    code: int | None = None
    constants: int | None = None
    weights: int | None = None
    stack: int | None = None
    parameters: int | None = None

    @property
    def instructions_per_mac(self) -> float | None:
        return self.instructions / self.macs if self.instructions is not None else None

    @property
    def cycles_per_mac(self) -> float | None:
        return self.cycles / self.macs if self.cycles is not None else None


def ratios(ours: Figures, theirs: Figures) -> Mapping[str, float]:
    """Ours over theirs, of what both know; cycles only where one model made both."""
    names = ("instructions", "cycles", "arena", "code")
    pairs = {name: (getattr(ours, name), getattr(theirs, name)) for name in names}
    return {name: mine / other for name, (mine, other) in pairs.items() if mine is not None and other}
