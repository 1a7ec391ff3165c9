"""Instructions of one inference of our C, counted layer by layer where QEMU's user-mode emulation runs it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.linux.execution import Processor


@dataclass(frozen=True)
class Counts:
    """What was counted.

    Attributes:
        total: instructions of one inference; None where nothing counts them.
        layers: of each layer.
        notes: why not, and how.
    """

    total: int | None = None
    layers: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def count(executable: Path, processor: Processor, program: Program, sample: dict[int, np.ndarray], prefix: str) -> Counts:
    return Counts()
