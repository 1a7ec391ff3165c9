"""The report's records about shrinking: what was taken out of the integer model, what was left and why, and the proof."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ShrinkItem:
    """Something that a rewrite took out, or left.

    Attributes:
        rewrite: "constant channels", ...
        index, op, name: the operator in the model as it came in.
        count: channels, or 1 for a whole operator.
        text: what was done, or why it was left.
    """

    rewrite: str
    index: int
    op: str
    name: str
    count: int
    text: str


@dataclass(frozen=True)
class ShrunkLayer:
    """A convolution or FULLY_CONNECTED that lost something; numbers of before and after.

    Attributes:
        index: the operator's in the model as it came in.
        channels_before, channels: of its output.
        weights_before, weights: how many.
    """

    index: int
    op: str
    name: str
    channels_before: int
    channels: int
    macs_before: int
    macs: int
    weights_before: int
    weights: int


@dataclass(frozen=True)
class OriginalOutputs:
    """The outputs of the device against those of the model as it came in: bytes that differ, over all inputs.

    Attributes:
        inputs: how many inputs were run.
        tensors: how many outputs the model has.
        reference: who ran the model as it came in.
    """

    inputs: int
    tensors: int
    differing_bytes: int
    reference: str


@dataclass(frozen=True)
class Shrinking:
    """What shrinking did to the integer model.

    Attributes:
        file: the shrunk model in the run directory; None: nothing could be taken out, the model is used as it came in.
        sha256, bytes: of that file.
        operators_before, operators, macs_before, macs, weights_before, weights: of the whole model.
        layers: those that lost something.
        done, left: what was taken out; what could not be.
        defects: rewrites whose proof failed; they were undone.
        reason: why nothing was tried.
        proof_inputs, proof_executor: what every step was proven on, and by whom.
        outputs: of the device against the model as it came in; None where nothing ran.
    """

    operators_before: int
    operators: int
    macs_before: int
    macs: int
    weights_before: int
    weights: int
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    layers: tuple[ShrunkLayer, ...] = ()
    done: tuple[ShrinkItem, ...] = ()
    left: tuple[ShrinkItem, ...] = ()
    defects: tuple[str, ...] = ()
    reason: str | None = None
    proof_inputs: int | None = None
    proof_executor: str | None = None
    outputs: OriginalOutputs | None = None
    seconds: float | None = None
