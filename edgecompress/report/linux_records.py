"""The part of report.json about a Linux computer and what ran the model on it; see `records`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """How a Linux computer was at one moment.

    Attributes:
        temperature_c: of the processor, in degrees Celsius.
        throttled: whether it ran slower then than it can; None where it does not tell.
        throttling: in words, with what happened since its start.
        frequency_hz: of its first processor.
    """

    temperature_c: float | None = None
    throttled: bool | None = None
    throttling: tuple[str, ...] = ()
    frequency_hz: int | None = None


@dataclass(frozen=True)
class Machine:
    """The Linux computer on which the executors ran.

    Attributes:
        architecture: as `uname -m` says.
        model: the board's name, where it has one.
        cpu, system, cores, memory_bytes: of the computer.
        governor: of its first processor's frequency.
        emulator: what ran the programs in the processor's place; times then say nothing. None: the processor did.
        before, after: the runs.
    """

    architecture: str | None = None
    model: str | None = None
    cpu: str | None = None
    system: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    governor: str | None = None
    emulator: str | None = None
    before: Condition = Condition()
    after: Condition = Condition()


@dataclass(frozen=True)
class ExecutorRecord:
    """One way in which a Linux computer ran the model.

    Attributes:
        name: "generated C", "LiteRT".
        version: of the package, or of the compiler.
        kernels: which ones it uses, where there is a choice.
        kind: of the times: "measured" (a real processor) or "emulated" (they say nothing).
        threads, warm_up, runs: threads, untimed and timed inferences.
        min_ms, median_ms, p95_ms, max_ms: of one inference.
        instructions: of one inference, counted under emulation.
        peak_bytes: the most memory that was resident, of the whole process.
        compared_bytes, differing_bytes: of the model's outputs, against TensorFlow Lite Micro's arithmetic.
        max_lsb: the largest of these differences.
        accuracy: on labelled samples, in the metric of `Accuracy`.
        accuracy_low, accuracy_high: its 95 % confidence interval.
        samples: how many these were.
        note: what explains these numbers.
    """

    name: str
    version: str | None = None
    architecture: str | None = None
    kernels: str | None = None
    kind: str | None = None
    threads: int | None = None
    warm_up: int | None = None
    runs: int | None = None
    min_ms: float | None = None
    median_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    instructions: int | None = None
    peak_bytes: int | None = None
    compared_bytes: int | None = None
    differing_bytes: int | None = None
    max_lsb: int | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    samples: int | None = None
    note: str | None = None
