"""The report's records about weights that are coded in flash. Part of `records`' contract."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CodedLayer:
    """A layer whose kernel or weights are not those that it would have without a limit of flash.

    Attributes:
        index: of the operator.
        codec: of its weights; "dense": plain ones, of another kernel.
        bytes: of its weights in flash, with codebooks and tables.
        plain_bytes: of its weights with its first kernel, plain.
        decoding_cycles: of one inference, estimated: decoding as often as the kernel is called, and going over the input again.
        blocks: in which a call of the kernel decodes them; 0: it does not.
        ram_bytes: of the layer's scratch for decoder and decoded weights.
    """

    index: int
    codec: str
    bytes: int
    plain_bytes: int
    decoding_cycles: int
    blocks: int
    ram_bytes: int


@dataclass(frozen=True)
class Coding:
    """The choice of kernels and codes, and what it was estimated to cost before anything ran.

    Attributes:
        reason: what asked for it: "--optimize size", "--flash", or the board whose flash is too small for plain weights.
        layers: those that differ from plain ones.
        weights, plain_weights: bytes of weights in flash, all layers.
        flash, plain_flash: bytes of the firmware, both linked.
        flash_limit: for the firmware; None: there was none.
        arena, plain_arena: bytes.
        times: the cycles of one inference, estimated, over those with plain weights, estimated alike.
    """

    reason: str
    layers: tuple[CodedLayer, ...]
    weights: int
    plain_weights: int
    flash: int
    plain_flash: int
    flash_limit: int | None
    arena: int
    plain_arena: int
    times: float
