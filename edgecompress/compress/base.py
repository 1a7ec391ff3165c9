"""What a compression pass is: parameters, a promise about the weights it leaves, and how to hand on earlier promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from edgecompress.compress.training.augmentation import Augmentation
from edgecompress.compress.training.task import Task
from edgecompress.recipe.text import FILE

if TYPE_CHECKING:
    from edgecompress.compress.training.samples import Samples


class Kind(StrEnum):
    """What a promise is about; `edgecompress.compress.promises` holds one measuring function for each."""

    ZEROS = "zeros"
    ZERO_BLOCKS = "zero_blocks"
    N_OF_M = "n_of_m"
    DISTINCT_VALUES = "distinct_values"
    BITS = "bits"
    ALLOWED_VALUES = "allowed_values"
    MACS = "macs"
    PARAMETERS = "parameters"
    CYCLES = "cycles"
    FLASH = "flash"
    RAM = "ram"
    NONE = "none"


SPARSE = frozenset({Kind.ZEROS, Kind.ZERO_BLOCKS, Kind.N_OF_M})
"""Kinds that a weight other than zero in the place of a zero would break."""
SHARED = frozenset({Kind.DISTINCT_VALUES, Kind.BITS})
"""Kinds that hold while weights of one value stay of one value."""
ON_DEVICE = frozenset({Kind.CYCLES, Kind.FLASH, Kind.RAM})
"""Kinds that only a device knows, or its emulator: weights alone do not tell."""
UNITS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MACS: "MACs",
        Kind.PARAMETERS: "weights",
        Kind.CYCLES: "modelled cycles",
        Kind.FLASH: "bytes of flash",
        Kind.RAM: "bytes of arena",
    }
)
"""What a number of each kind that is bounded by one is of."""


@dataclass(frozen=True)
class Promise:
    """What a pass says about the weights of the model that it returns.

    Attributes:
        kind: which property.
        bound: zeros: the least fraction of zeros, 0..1, short of it by less than one weight; zero_blocks: (fraction,
            height, width), of blocks of so many output channels and consecutive weights; distinct_values: the largest
            number of values; bits: the largest mean over all weights of the bits that number their kernel's values; n_of_m:
            (n, m), at most n non-zeros in m consecutive inputs; allowed_values: the values, up to one scale; macs,
            parameters, cycles, flash (bytes of the firmware), ram (bytes of the arena): the largest number; none: None.
        granularity: "tensor" or "channel": what distinct and allowed values (and bits) are counted over in the Keras model; zeros and
            zero_blocks: "tensor" for every kernel, or "model" for all of `layers` together.
        in_file: the same for the integer file. The converter rescales every output channel (batch-norm folding,
            per-channel scales), so what is shared across a tensor is shared within each channel there, unless `units`
            say which integers to write.
        layers: the kernels it speaks of (see `edgecompress.compress.models.kernels`); () with macs and parameters: all.
        units: kernels whose weights are integers times a unit of each output channel: the units, float32 numbers. Their
            values are counted in these units, and the conversion writes the integers as they are, the units as scales.
        source: the pass that made it, in text form.
        target: the device of cycles, flash and ram.
    """

    kind: Kind
    bound: float | tuple[float, ...] | None = None
    granularity: str = "tensor"
    in_file: str = "tensor"
    layers: tuple[str, ...] = ()
    source: str = ""
    units: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    target: str = ""

    def __str__(self) -> str:
        match self.kind:
            case Kind.ZEROS:
                where = "all kernels together" if self.granularity == "model" else "each kernel"
                return f"at least {self.bound:.4g} of the weights of {where} are zero, to the nearest weight"
            case Kind.ZERO_BLOCKS:
                share, height, width = self.numbers
                where = "all kernels together" if self.granularity == "model" else "each kernel"
                return f"at least {share:.4g} of the {height:g} x {width:g} blocks of {where} are zero, to the nearest block"
            case Kind.N_OF_M:
                return "at most {:g} of {:g} consecutive weights are not zero".format(*self.numbers)
            case Kind.DISTINCT_VALUES:
                codes = ", in units of each channel's scale" if self.units else ""
                return f"at most {self.bound:g} distinct values per {self.granularity}{codes}"
            case Kind.BITS:
                codes = ", in units of each channel's scale" if self.units else ""
                what = f"number the distinct values per {self.granularity}, in the mean over all weights"
                return f"at most {self.bound:g} bits {what}{codes}"
            case Kind.ALLOWED_VALUES:
                return f"only multiples of {{{', '.join(f'{v:g}' for v in self.numbers)}}} per {self.granularity}"
            case Kind.MACS | Kind.PARAMETERS:
                return f"at most {self.bound:,.0f} {UNITS[self.kind]}"
            case Kind.CYCLES | Kind.FLASH | Kind.RAM:
                return f"at most {self.bound:,.0f} {UNITS[self.kind]} on {self.target}"
        return "nothing about the weights"

    @property
    def numbers(self) -> tuple[float, ...]:
        """The bound of a kind that has several numbers."""
        return self.bound if isinstance(self.bound, tuple) else ()

    def carried(
        self, successors: Mapping[str, tuple[str, ...]], rows: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    ) -> "Promise":
        """The same promise about the layers that took the place of its layers; a layer not named stayed itself.

        Args:
            successors, rows: as in `Outcome`.
        """
        now = {layer: successors.get(layer, (layer,)) for layer in self.layers}
        left = {layer: tuple(n[row] for row in rows.get(layer, range(len(n)))) for layer, n in self.units.items()}
        units = {name: left[layer] for layer in self.units for name in now[layer]}
        return replace(self, layers=tuple(name for names in now.values() for name in names), units=units)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it."""
        bound = list(self.bound) if isinstance(self.bound, tuple) else self.bound
        units = {layer: list(numbers) for layer, numbers in self.units.items()}
        return {**vars(self), "kind": self.kind.value, "bound": bound, "layers": list(self.layers), "units": units}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Promise":
        bound = values["bound"]
        return cls(
            kind=Kind(values["kind"]),
            bound=tuple(bound) if isinstance(bound, list) else bound,
            granularity=values["granularity"],
            in_file=values["in_file"],
            layers=tuple(values["layers"]),
            source=values["source"],
            units={layer: tuple(numbers) for layer, numbers in values.get("units", {}).items()},
            target=values.get("target", ""),
        )


NO_PROMISE = Promise(Kind.NONE)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a pass did.

    Attributes:
        model: a new Keras model; the argument's weights and layers are untouched.
        promise: about the new model's weights.
        further: what else it promises about them.
        successors: kernels that were replaced, by name; () for one that is gone. Kernels not named stayed.
        rows: kernels that lost output channels, by name: the numbers of those that stayed.
        added: kernels of the new model that have no predecessor: promises about all kernels do not speak of them.
        notes: what a user should know: layers left out and why.
        did_nothing_reason: non-empty when there was nothing to do; the model is then a plain copy.
    """

    model: Any
    promise: Promise = NO_PROMISE
    further: tuple[Promise, ...] = ()
    successors: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    did_nothing_reason: str = ""


DEFAULT_EPOCHS = 3
"""Where neither the pass nor the recipe says how long to fine-tune."""


NO_AUGMENTATION = Augmentation()


@dataclass(frozen=True)
class TrainingSettings:
    """How passes fine-tune, where they do not say otherwise.

    Attributes:
        batch: samples per step.
        learning_rate: small, since the model is trained already.
        optimizer: "adam", "sgd" (with momentum 0.9) or "rmsprop".
        epochs: of a pass that does not say.
        seed: of shuffling, initialisation and dropout.
        distillation: the share of the loss that comes from what a teacher answers, 0..1.
        temperature: by which its answers and the model's are softened.
        teacher: the model as loaded ("original"), or trained as long without compression ("baseline"), or hashes of model files.
        hints: what the layers inside learn from the teacher's, "features", "attention", or "" for nothing; see `hints`.
        hint_weight: of that in the loss.
        frozen_norms: batch norms stay as they are, statistics, scale and offset.
        augmentation: what is done to the training samples.
    """

    batch: int = 32
    learning_rate: float = 1e-4
    optimizer: str = "adam"
    epochs: int = DEFAULT_EPOCHS
    seed: int = 0
    distillation: float = 0.0
    temperature: float = 2.0
    teacher: str = "original"
    hints: str = ""
    hint_weight: float = 1.0
    frozen_norms: bool = False
    augmentation: Augmentation = NO_AUGMENTATION


@dataclass(frozen=True)
class Reading:
    """What a model takes on a device.

    Attributes:
        value: modelled cycles, or bytes.
        holder: what takes most of it, by name, largest first; "" where cycles are read.
    """

    value: int
    holder: str = ""


class Gauge(Protocol):
    """Says what a model takes on a device, as the firmware that would be built of it.

    Attributes:
        target: the device.
        setting: how the firmware is built: what a note says behind the target.
        key: changes where readings of the same model may change.
    """

    @property
    def target(self) -> str: ...

    @property
    def setting(self) -> str: ...

    @property
    def key(self) -> str: ...

    def read(self, model: Any, kind: Kind, samples: "Samples") -> Reading:
        """The cycles, the flash or the arena of a Keras model; some training samples fix its ranges.

        Raises:
            EdgecompressError: it cannot be converted or built, or a tool is missing.
        """
        ...


@dataclass(frozen=True, eq=False)
class Context:
    """What a pass may use.

    Attributes:
        samples: the training samples (test data never comes here).
        task: loss and metric.
        settings: training settings.
        standing: promises of earlier passes that this one has to keep.
        original: the model as loaded, the teacher where labels are absent.
        teacher: the model to distil from; None trains without.
        emit: takes progress events (JSON-able dicts).
        label: what the events call this stretch of training.
        gauge: of the device that the build is for; None where there is none.
    """

    samples: "Samples"
    task: Task
    settings: TrainingSettings = TrainingSettings()
    standing: tuple[Promise, ...] = ()
    original: Any = None
    teacher: Any = None
    emit: Callable[[dict[str, Any]], None] = lambda event: None
    label: str = ""
    gauge: Gauge | None = None

    @property
    def pruned(self) -> frozenset[str]:
        """Kernels whose zeros an earlier pass promised."""
        return frozenset(name for promise in self.standing if promise.kind in SPARSE for name in promise.layers)


class Pass(Protocol):
    """A compression technique: a frozen dataclass whose fields are its parameters.

    Attributes:
        name: in recipes and on the command line.
        final: True when no pass may follow (the model it returns is wrapped for conversion).
        least_epochs: without which the pass cannot work.
        epochs, learning_rate: how it fine-tunes, None as the recipe says; the uncompressed baseline is trained alike.
    """

    name: ClassVar[str]
    final: ClassVar[bool]
    least_epochs: ClassVar[int]

    @property
    def epochs(self) -> int | None: ...

    @property
    def learning_rate(self) -> float | None: ...

    def apply(self, model: Any, context: Context) -> Outcome:
        """A compressed copy of `model` with a promise; `model` itself is never changed."""
        ...


def epochs_of(compression: Pass, settings: TrainingSettings) -> int:
    """How many epochs a pass trains."""
    epochs = settings.epochs if compression.epochs is None else compression.epochs
    return max(epochs, compression.least_epochs)


def parameters_of(compression: Pass) -> dict[str, Any]:
    """The parameters of a pass by name, in the order of its fields."""
    return {f.name: getattr(compression, f.name) for f in fields(compression)}  # type: ignore[arg-type]


def files_of(compression: Pass) -> tuple[Path, ...]:
    """The model files that a pass reads, which its result depends on."""
    file = parameters_of(compression).get(FILE)
    return (Path(file),) if file else ()


def needs_gauge(compression: Pass) -> bool:
    """Whether a pass has a budget of something that only a device knows: a parameter with the name of such a kind."""
    return any(value is not None for name, value in parameters_of(compression).items() if name in ON_DEVICE)
