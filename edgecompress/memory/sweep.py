"""How a kernel goes over its data: from this follows whether its output may lie on an input that nobody needs any more."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecompress.codegen.ops.windows import Window


@dataclass(frozen=True)
class Sweep:
    """The order in which a kernel reads one input and writes its output: step by step, all reads of a step before its writes.

    Output positions come in row-major order. A kernel states of itself what its C does; the verifier believes it, and tests
    run the C on overlapping buffers.

    Attributes:
        window: which input positions an output position needs; one batch.
        in_bytes, out_bytes: of one position: its channels.
        positions: output positions in one step.
        part: bytes of a position in one step; 0: all of them. The positions of a step are then gone over once for each part.
        own_channels: a step needs, of each input position, only the channels that it writes (with a depth multiplier:
            those that they are made from); else all of them.
        channels_first: the parts are the outermost loop: all positions of the first channels, then of the next ones. The
            kernel keeps to the bytes of its channels; in_bytes equals out_bytes.
        reads_once: every byte is read in the first step that needs it and kept elsewhere for the later ones.
    """

    window: "Window"
    in_bytes: int
    out_bytes: int
    positions: int = 1
    part: int = 0
    own_channels: bool = False
    channels_first: bool = False
    reads_once: bool = False

    def __post_init__(self) -> None:
        """ValueError where the attributes contradict one another: a defect of the kernel's declaration."""
        in_parts = 0 < self.part < self.out_bytes
        if self.window.batches != 1:
            raise ValueError("a sweep is over one batch")
        if in_parts and self.reads_once and not self.channels_first:
            raise ValueError("what is read once is read for whole positions")
        if self.channels_first and not (self.own_channels and self.in_bytes == self.out_bytes):
            raise ValueError("a sweep by channels has as many channels in as out, and needs its own only")
        if self.own_channels and self.out_bytes % self.in_bytes:
            raise ValueError("every channel has the same number of filters")

    @property
    def part_bytes(self) -> int:
        return min(self.part, self.out_bytes) or self.out_bytes
