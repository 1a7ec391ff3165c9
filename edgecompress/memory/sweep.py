"""How a kernel goes over its data: from this follows whether its output may lie on an input that nobody needs any more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """How a filter slides over an NHWC tensor; `extent` is the filter with its dilation."""

    batches: int
    in_height: int
    in_width: int
    out_height: int
    out_width: int
    filter_height: int
    filter_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int

    @property
    def is_inside(self) -> bool:
        """Whether no tap of any position is outside the input."""
        last_row = (self.out_height - 1) * self.stride_height + (self.filter_height - 1) * self.dilation_height
        last_column = (self.out_width - 1) * self.stride_width + (self.filter_width - 1) * self.dilation_width
        padded = self.pad_top or self.pad_left
        return not padded and last_row < self.in_height and last_column < self.in_width

    def sweep(
        self, in_bytes: int, out_bytes: int, *, positions: int = 1, part: int = 0, own: bool = False
    ) -> "Sweep | None":
        """How a kernel slides it; arguments as of `Sweep`. None for several batches: nothing is stated of them."""
        return Sweep(self, in_bytes, out_bytes, positions, part, own) if self.batches == 1 else None

    def parameters(self) -> dict[str, int]:
        """The fields of the C struct `ec_window`, flattened with the prefix `window.`."""
        return {f"window.{name}": value for name, value in vars(self).items()}


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
        apart: the input is gone over several times: nothing of it may be overwritten.
    """

    window: Window
    in_bytes: int
    out_bytes: int
    positions: int = 1
    part: int = 0
    own_channels: bool = False
    channels_first: bool = False
    reads_once: bool = False
    apart: bool = False

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
