"""The report's records about weights that are coded in flash. Part of `records`' contract."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CodedLayer:
    """A layer whose weights do not lie in flash as int8.

    Attributes:
        index: of the operator.
        codec: of its weights; "lists": of those that are not zero, which the kernel reads as they are.
        bytes: of its weights in flash, with codebooks and tables.
        int8_bytes: of its weights in the model.
        decoding_cycles: of one inference, estimated: decoding as often as the kernel is called, and going over the input again.
        blocks: in which a call of the kernel decodes them; 0: it does not.
        ram_bytes: of the layer's scratch for decoder and decoded weights.
    """

    index: int
    codec: str
    bytes: int
    int8_bytes: int
    decoding_cycles: int
    blocks: int
    ram_bytes: int


@dataclass(frozen=True)
class Coding:
    """The choice of kernels and codes, and what it was estimated to cost before anything ran.

    Attributes:
        reason: what asked for it: "--optimize size", "--flash", or the board whose flash is too small for the fastest kernels.
        layers: those whose weights do not lie in flash as int8.
        weights, int8_weights: bytes of weights in flash, and in the model, all layers.
        flash, plain_flash: bytes of the firmware, and with the kernels that it would have without a limit, both linked.
        flash_limit: for the firmware; None: there was none.
        arena, plain_arena: bytes, likewise.
        times: the cycles of one inference, estimated, over those with these other kernels, estimated alike.
    """

    reason: str
    layers: tuple[CodedLayer, ...]
    weights: int
    int8_weights: int
    flash: int
    plain_flash: int
    flash_limit: int | None
    arena: int
    plain_arena: int
    times: float
