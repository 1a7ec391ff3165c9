"""The values that `inspect`, `targets` and `doctor` show; `codec.dumps` writes them as JSON too."""

from dataclasses import dataclass

from edgecompress.report.memory_records import MemoryMap
from edgecompress.report.records import ModelFile, TensorRecord
from edgecompress.report.shrink_records import Shrinking


@dataclass(frozen=True)
class InspectedLayer:
    """A layer or operator before anything is built.

    Attributes:
        quantization: in words, e.g. "int8 per channel"; None: float or unknown.
        problem: why the back end cannot run it; None: it can, or it is not known yet.
        constant_channels: of its output, whatever the input; None: not analysed.
        weights, distinct_values, zeros: how many weights it has, how many values these have, how many are zero.
        entropy_bits: of one weight, from the frequencies of the values in the whole tensor.
    """

    index: int
    op: str
    name: str
    output_shape: tuple[int, ...] | None = None
    macs: int | None = None
    parameters: int | None = None
    weight_bytes: int | None = None
    quantization: str | None = None
    problem: str | None = None
    constant_channels: int | None = None
    weights: int | None = None
    distinct_values: int | None = None
    zeros: int | None = None
    entropy_bits: float | None = None


@dataclass(frozen=True)
class Inspection:
    """What a model file holds.

    Attributes:
        shrinking: what could be taken out of it without loss; None: it is no .tflite.
    """

    model: ModelFile
    inputs: tuple[TensorRecord, ...] = ()
    outputs: tuple[TensorRecord, ...] = ()
    layers: tuple[InspectedLayer, ...] = ()
    macs: int | None = None
    parameters: int | None = None
    weight_bytes: int | None = None
    arena: int | None = None
    bound_without_sharing: int | None = None
    bound_of_schedule: int | None = None
    memory: MemoryMap | None = None
    quantization: str | None = None
    shrinking: Shrinking | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetRow:
    """A board or CPU that a model can be built for.

    Attributes:
        runner: what emulates it here.
        problem: why it cannot be run here; None: it can.
        flashed_by: the ways to flash it, best first; pyOCD's with its name of the chip.
    """

    name: str
    cpu: str
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    clock_hz: int | None = None
    description: str = ""
    runner: str | None = None
    problem: str | None = None
    flashed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolCheck:
    """Something that edgecompress uses.

    Attributes:
        found: version or path; None: not there.
        needed_for: what does not work without it.
        hint: how to get it.
        required: nothing works without it.
    """

    name: str
    found: str | None
    needed_for: str
    hint: str = ""
    required: bool = False
