"""What a run found out: the contents of report.json, as values that a pipeline builds up with `dataclasses.replace`.

The names are a contract with everybody who reads the file. None means unknown; 0 means that it was found to be 0.
Fields are only ever added; a change of meaning changes `SCHEMA`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from edgecompress.report.coding_records import Coding
from edgecompress.report.kernel_records import FlashWaits, KernelOption, Tuning
from edgecompress.report.linux_records import ExecutorRecord, Machine
from edgecompress.report.memory_records import MemoryMap, Schedule
from edgecompress.report.shrink_records import Shrinking

SCHEMA = "edgecompress-report/1"
MEASURED, MODELLED, COUNTED, EMULATED = "measured", "modelled", "counted", "emulated"
"""Measured on silicon; modelled from counted instructions; counted exactly; a time that an emulator took, which says
nothing about any processor. Never mixed up."""


@dataclass(frozen=True)
class ModelFile:
    """The model as it came in.

    Attributes:
        format: "keras", "saved_model", "tflite", ...
        bytes: of the file; of all its files for a folder.
    """

    path: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    format: str | None = None


@dataclass(frozen=True)
class Board:
    """What the target has: bytes of flash and RAM, its clock, and what ran in its place."""

    cpu: str | None = None
    description: str | None = None
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    clock_hz: int | None = None
    runner: str | None = None


@dataclass(frozen=True)
class Interval:
    """A confidence interval, `level` as a fraction."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True)
class Accuracy:
    """The metric on test data that took no part in training.

    Attributes:
        metric: its name, e.g. "accuracy", "auc", "rmse".
        unit: "fraction" (0..1, shown in percent), or None: shown as it is.
        higher_is_better: of the metric.
        samples: how many test samples.
        float_: of the float model that was converted (key "float").
        int8: of the integer model on the host.
        device: of the integer model as it ran on the (emulated) device.
        original: of the model as it came in.
        baseline: of the model that was fine-tuned for the same steps without compression.
        drop: what int8 (where there is none, `float`) is worse by than the better of `original` and `baseline`, in the metric's unit.
        drop_interval: of `drop`, paired over the same samples.
        max_drop: what the user allows, in the metric's unit.
        device_samples: fewer than `samples` when the device ran only some of them.
        device_differing_bytes: of the device's outputs on its samples against this computer's run of the same C.
    """

    metric: str | None = None
    samples: int | None = None
    float_: float | None = field(default=None, metadata={"json": "float"})
    int8: float | None = None
    device: float | None = None
    float_interval: Interval | None = None
    int8_interval: Interval | None = None
    device_interval: Interval | None = None
    device_samples: int | None = None
    original: float | None = None
    original_interval: Interval | None = None
    baseline: float | None = None
    baseline_interval: Interval | None = None
    drop: float | None = None
    drop_interval: Interval | None = None
    max_drop: float | None = None
    unit: str | None = None
    higher_is_better: bool | None = None
    device_differing_bytes: int | None = None


@dataclass(frozen=True)
class Agreement:
    """How near the compressed model's outputs are to the original's, on test inputs; no labels needed."""

    samples: int | None = None
    rmse: float | None = None
    cosine: float | None = None


@dataclass(frozen=True)
class BitExact:
    """The device's bytes against a reference, over every operator's output.

    Attributes:
        inputs: how many inputs were run.
        tensors: how many tensors were compared for each.
        differing_bytes: over all inputs and tensors; 0 is bit-exact.
        reference: what it was compared with.
    """

    inputs: int | None = None
    tensors: int | None = None
    differing_bytes: int | None = None
    reference: str | None = None


@dataclass(frozen=True)
class LitertDifference:
    """An operator whose output differs between LiteRT and TensorFlow Lite Micro's arithmetic."""

    index: int
    op: str
    name: str
    differing_bytes: int
    max_lsb: int


@dataclass(frozen=True)
class Flash:
    """Bytes of flash: code; constants (biases, multipliers, tables); encoded weights with their codebooks; all."""

    code: int | None = None
    constants: int | None = None
    weights: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Ram:
    """Bytes of RAM: the arena with its two lower bounds, static data, stack, and all; the state is a part of the arena."""

    arena: int | None = None
    bound_without_sharing: int | None = None
    bound_of_schedule: int | None = None
    static: int | None = None
    stack: int | None = None
    total: int | None = None
    state: int | None = None


@dataclass(frozen=True)
class Cycles:
    """Cycles of one inference.

    Attributes:
        kind: "measured" (silicon) or "modelled" (from counted instructions).
        min, typical, max: over repeats when measured, of the model's range when modelled.
        confidence: of the cycle model on this CPU.
    """

    kind: str | None = None
    min: int | None = None
    typical: int | None = None
    max: int | None = None
    confidence: str | None = None


@dataclass(frozen=True)
class Run:
    """Where the model ran, when that was not an emulator of this tool.

    Attributes:
        place: what `--on` said.
        counter: what counted the cycles: "dwt", "systick"; None: nothing did.
        runs: how many inferences were timed.
        register_writes: how many registers the host set before the run, as at the board's full clock.
    """

    place: str | None = None
    counter: str | None = None
    runs: int | None = None
    register_writes: int | None = None


@dataclass(frozen=True)
class CalibrationRecord:
    """What an earlier `calibrate` found on this board: measured over modelled cycles, of a whole inference.

    Attributes:
        model_sha256: of the model it was measured with.
        same_model: that model is this one: the layers' ratios are its own, else those of their operators.
    """

    ratio: float
    model_sha256: str | None = None
    same_model: bool | None = None


@dataclass(frozen=True)
class Milliseconds:
    """The cycles at the board's clock."""

    min: float | None = None
    typical: float | None = None
    max: float | None = None
    clock_hz: int | None = None


@dataclass(frozen=True)
class Layer:
    """One operator; `cycles` are the typical ones.

    Attributes:
        modelled_cycles: what the cycle model says, where `cycles` are measured.
        expected_ratio: measured over modelled cycles of this operator in the board's calibration, where they are modelled.
        snr_db: of its integer output against the float model's, on a handful of training samples; at most 200.
        cosine: between the two, mean over those samples.
        added_noise: error power over signal power that this operator itself adds.
        error_share: of the sum over all operators of what each one's integers alone do to the outputs, 0..1.
        remedy: what would lessen that, a setting of [quantization] or a pass.
        milliseconds: measured on a Linux computer, the median of all runs.
        flash_wait_cycles: of the modelled cycles, those that wait for flash; None where the flash never waits.
        flash_loads: loads from flash, counted where it waits.
        kernel: what computes it on the device; None for aliases.
        alternatives: every kernel that could, the chosen one among them, where they were measured.
    """

    index: int
    op: str
    name: str
    macs: int | None = None
    weight_bytes: int | None = None
    instructions: int | None = None
    cycles: int | None = None
    cycles_min: int | None = None
    cycles_max: int | None = None
    output_shape: tuple[int, ...] | None = None
    parameters: int | None = None
    codec: str | None = None
    snr_db: float | None = None
    cosine: float | None = None
    added_noise: float | None = None
    error_share: float | None = None
    remedy: str | None = None
    milliseconds: float | None = None
    modelled_cycles: int | None = None
    expected_ratio: float | None = None
    flash_wait_cycles: int | None = None
    flash_loads: int | None = None
    kernel: str | None = None
    alternatives: tuple[KernelOption, ...] = ()


@dataclass(frozen=True)
class PromiseRecord:
    """What a pass promised about the weights.

    Attributes:
        text: a sentence.
        kind: zeros, zero_blocks, n_of_m, distinct_values, bits, allowed_values, macs, parameters, none.
        bound: the promise's numbers.
        layers: which it speaks of; empty: all.
    """

    text: str
    kind: str | None = None
    bound: tuple[float, ...] = ()
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PassRecord:
    """One compression pass, measured.

    Attributes:
        name: in text form, with parameters: "prune{sparsity=0.6}".
        promise: None when it makes none.
        reached: the number that the promise is about, right after the pass, over its worst layer.
        reached_in_tflite: the same, of the weights inside the final file; of cycles, flash and RAM what the firmware takes.
        status: "kept", "broken", "ended by <pass>", "nothing to do".
        accuracy_before, accuracy_after: on validation data.
        notes: layers left out and why.
    """

    name: str
    promise: PromiseRecord | None = None
    reached: float | None = None
    seconds: float | None = None
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    reached_in_tflite: float | None = None
    status: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline and the size of what it left: the model's bytes on their way to the device.

    Attributes:
        memory: the most that the stage's process held at once, in bytes.
    """

    name: str
    artefact: str | None = None
    bytes: int | None = None
    compressed_bytes: int | None = None
    seconds: float | None = None
    note: str | None = None
    memory: int | None = None


@dataclass(frozen=True)
class TensorRecord:
    """An input or output of the integer model: real = scale * (value - zero_point)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


TRAINED_WITHOUT = "trained without passes"
"""The stage of the model that the passes are held against."""


def _no_texts() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Report:
    """Everything about one run. The order of the fields is the order of the file's keys."""

    schema: str = SCHEMA
    kind: str | None = None
    model: ModelFile = ModelFile()
    target: str | None = None
    board: Board = Board()
    macs: int | None = None
    parameters: int | None = None
    accuracy: Accuracy = Accuracy()
    agreement: Agreement = Agreement()
    bit_exact: BitExact = BitExact()
    flash: Flash = Flash()
    ram: Ram = Ram()
    instructions: int | None = None
    cycles: Cycles = Cycles()
    modelled: Cycles = Cycles()
    flash_waits: FlashWaits | None = None
    tuning: Tuning | None = None
    coding: Coding | None = None
    run: Run = Run()
    calibration: CalibrationRecord | None = None
    milliseconds: Milliseconds = Milliseconds()
    layers: tuple[Layer, ...] = ()
    passes: tuple[PassRecord, ...] = ()
    inputs: tuple[TensorRecord, ...] = ()
    outputs: tuple[TensorRecord, ...] = ()
    stages: tuple[Stage, ...] = ()
    memory: MemoryMap | None = None
    schedule: Schedule = field(default_factory=Schedule)
    shrinking: Shrinking | None = None
    litert: tuple[LitertDifference, ...] | None = None
    machine: Machine | None = None
    executors: tuple[ExecutorRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    command: str | None = None
    seed: int | None = None
    seconds: float | None = None
    compiler: str | None = None
    compiler_flags: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=_no_texts)
    hashes: Mapping[str, str] = field(default_factory=_no_texts)
