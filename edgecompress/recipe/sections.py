"""The values of a recipe: one frozen dataclass per section; type hints and limits are what a recipe file may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgecompress.recipe.schema import limits
from edgecompress.recipe.text import Parameters, PassSpec

KINDS = ("npz", "npy", "csv", "images", "python")
LABELS = ("index", "one-hot", "values", "input", "anomaly", "none")
DTYPES = ("float32", "float16", "int8", "uint8", "int16", "int32")
LOSSES = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
    "mean_squared_error",
    "mean_absolute_error",
    "distillation",
)
METRICS = ("accuracy", "mean_absolute_error", "mean_squared_error", "auc")
OPTIMIZERS = ("adam", "sgd", "rmsprop")
TEACHERS = ("original", "baseline")
HINTS = ("features", "attention")
CALIBRATIONS = ("minmax", "percentile", "mse", "kl")
FORMATS = ("int8", "int16", "dynamic", "float16")

Numbers = float | tuple[float, ...]
NO_NAMES: Mapping[str, Any] = Parameters()


@dataclass(frozen=True, kw_only=True)
class InputRecipe:
    """How one of several model inputs is prepared; what is None here is taken from [data]."""

    name: str
    scale: Numbers | None = None
    offset: Numbers | None = None
    dtype: str | None = field(default=None, metadata=limits(choices=DTYPES))
    reshape: tuple[int, ...] | None = field(default=None, metadata=limits(low=1))


@dataclass(frozen=True, kw_only=True)
class GroupsRecipe:
    """Which groups (values of the group column) belong to which split; one that is empty is filled by fractions."""

    train: tuple[int | str, ...] = ()
    calibration: tuple[int | str, ...] = ()
    validation: tuple[int | str, ...] = ()
    test: tuple[int | str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SplitRecipe:
    """How samples are divided. A whole number is a count, a number with a point a fraction of the samples.

    Attributes:
        train: None is the rest.
        calibration: taken out of the training part; None is 256, at most a fifth of that part.
        group: the column whose values never appear in two of train, validation and test.
        stratify: keep the proportions of the classes (not with groups).
    """

    train: int | float | None = field(default=None, metadata=limits(low=0))
    calibration: int | float | None = field(default=None, metadata=limits(above=0))
    validation: int | float = field(default=0.15, metadata=limits(low=0))
    test: int | float = field(default=0.15, metadata=limits(low=0))
    stratify: bool = True
    group: str | None = field(default=None, metadata=limits(pattern=".+"))
    groups: GroupsRecipe = GroupsRecipe()


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """[data]: where samples come from and what the model is to see of them: x_model = x * scale + offset.

    Attributes:
        source: a file or folder, relative to the recipe, or `module:function` / `file.py:function`.
        kind: one of npz, npy, csv, images, python; None tells by the name.
        x: the input arrays' names, one per model input in the model's order.
        y: the labels' name; None is "y" where there is one.
        labels: index, one-hot, values (regression), input (the target is the input), anomaly (0 normal, 1 not; the
            model's target is its input) or none; None is inferred and reported.
        classes: class names in the order of their index.
        scale, offset: numbers, or one per channel (last axis).
        dtype: of what the model sees; for integers the result is rounded and must be in range.
        reshape: the shape of one sample as the model sees it.
        input: overrides for single inputs of a model with several.
        names: other names for arrays, as x_train = "training_images".
        columns: the feature columns of a CSV file in order; empty is all but y and the group.
        delimiter: of a CSV file.
        count: how many samples a generator yields.
        image_size: height and width that images are resized to; None takes them as they are.
        color: grayscale or rgb; None takes images as they are.
    """

    source: str | None = field(default=None, metadata=limits(pattern="(?s:.+)"))
    kind: str | None = field(default=None, metadata=limits(choices=KINDS))
    x: str | tuple[str, ...] = "x"
    y: str | None = None
    labels: str | None = field(default=None, metadata=limits(choices=LABELS))
    classes: tuple[str, ...] = ()
    scale: Numbers = 1.0
    offset: Numbers = 0.0
    dtype: str = field(default="float32", metadata=limits(choices=DTYPES))
    reshape: tuple[int, ...] | None = field(default=None, metadata=limits(low=1))
    input: tuple[InputRecipe, ...] = ()
    names: Mapping[str, str] = NO_NAMES
    columns: tuple[str, ...] = ()
    delimiter: str = field(default=",", metadata=limits(pattern=r"[,;|\t ]"))
    count: int | None = field(default=None, metadata=limits(low=1))
    image_size: tuple[int, ...] | None = field(default=None, metadata=limits(low=1, high=4096))
    color: str | None = field(default=None, metadata=limits(choices=("grayscale", "rgb")))
    split: SplitRecipe = SplitRecipe()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the input arrays."""
        return (self.x,) if isinstance(self.x, str) else self.x


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """[training]: how fine-tuning goes; None is inferred from the model and the labels, and printed.

    Attributes:
        output: whether the model ends in probabilities or logits, where its last layer does not tell.
        distillation: the share of the loss that comes from what a teacher answers; the rest is the labels'. None is 0.
        temperature: by which both answers are softened before they are compared; None is 2.
        teacher: "original", the model as loaded; "baseline", that model trained as long without compression; or one or more
            model files, relative to the recipe, whose answers are averaged. None is the original.
        hints: learn from the teacher's layers inside as well: their "features", or their "attention".
        hint_weight: of the hints in the loss; None is 1.
        batch_norm: "trained", or "frozen" as loaded: with few samples the statistics of batches are mostly noise; None is trained.
        shift: move each sample at random by up to so many steps along its first axes, the border repeated.
        flip: mirror images at random along their width.
        mixup: train on random mixtures of two samples each, as the teacher answers them: needs distillation = 1.
    """

    loss: str | None = field(default=None, metadata=limits(choices=LOSSES))
    metric: str | None = field(default=None, metadata=limits(choices=METRICS))
    output: str | None = field(default=None, metadata=limits(choices=("probabilities", "logits")))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    batch_size: int | None = field(default=None, metadata=limits(low=1, high=65_536))
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))
    optimizer: str | None = field(default=None, metadata=limits(choices=OPTIMIZERS))
    distillation: float | None = field(default=None, metadata=limits(low=0, high=1))
    temperature: float | None = field(default=None, metadata=limits(above=0, high=100))
    teacher: str | tuple[str, ...] | None = field(default=None, metadata=limits(pattern="(?s:.+)"))
    hints: str | None = field(default=None, metadata=limits(choices=HINTS))
    hint_weight: float | None = field(default=None, metadata=limits(low=0, high=1000))
    batch_norm: str | None = field(default=None, metadata=limits(choices=("trained", "frozen")))
    shift: tuple[int, ...] = field(default=(), metadata=limits(low=0, high=1024))
    flip: bool = False
    mixup: bool = False

    @property
    def teacher_files(self) -> tuple[str, ...]:
        """Where teachers are models of their own."""
        if self.teacher is None or self.teacher in TEACHERS:
            return ()
        return (self.teacher,) if isinstance(self.teacher, str) else self.teacher

    def beside(self, folder: Path) -> "TrainingRecipe":
        """With absolute paths of teachers, which were relative to the folder."""
        files = tuple(str((folder / file).absolute()) for file in self.teacher_files)
        return replace(self, teacher=files) if files else self


@dataclass(frozen=True, kw_only=True)
class ConvertRecipe:
    """[convert]: calibration_samples (None: the whole split); random_calibration gives up accuracy figures."""

    calibration_samples: int | None = field(default=None, metadata=limits(low=1, high=1_000_000))
    random_calibration: bool = False


@dataclass(frozen=True, kw_only=True)
class QuantizationRecipe:
    """[quantization]: post-training quantization beyond what the converter does by itself.

    Attributes:
        auto: try what is below in a sensible order on calibration and validation samples, and keep what helps; what is
            given besides is the start.
        calibration: how activation ranges are taken from calibration samples; None is the converter's own min-max.
        percentile: with calibration = "percentile": the share of the values below the range's end, and above its start.
        weights: one scale per output "channel", or per "tensor".
        equalize: scale channels of neighbouring layers to and fro first (cross-layer equalization).
        correct_bias: give every channel's integer output the mean of the float one.
        adaround: decide for every weight whether it is rounded up or down by what its layer gives.
        format: of the file that `quantize` writes; a build makes "int8" only.
    """

    auto: bool = False
    calibration: str | None = field(default=None, metadata=limits(choices=CALIBRATIONS))
    percentile: float = field(default=99.99, metadata=limits(low=50, high=100))
    weights: str = field(default="channel", metadata=limits(choices=("channel", "tensor")))
    equalize: bool = False
    correct_bias: bool = False
    adaround: bool = False
    format: str = field(default="int8", metadata=limits(choices=FORMATS))

    @property
    def is_plain(self) -> bool:
        """The converter's own file is what is asked for."""
        return self == QuantizationRecipe(percentile=self.percentile, format=self.format)

    @property
    def words(self) -> str:
        """What is done, as a recipe says it."""
        share = f" ({self.percentile:g})" if self.calibration == "percentile" else ""
        switches = [f"{key} = true" for key in ("equalize", "correct_bias", "adaround") if getattr(self, key)]
        scales = ['weights = "tensor"'] if self.weights == "tensor" else []
        return ", ".join([f'calibration = "{self.calibration or "minmax"}"{share}', *scales, *switches])


@dataclass(frozen=True, kw_only=True)
class BuildRecipe:
    """[build]: target by name, max_drop in percentage points of the metric, the seed, the prefix of all C names, what the
    schedule is for (optimize), the largest arena (ram: "32k"), the largest firmware (flash: "64k")."""

    target: str | None = None
    max_drop: float | None = field(default=None, metadata=limits(low=0, high=100))
    seed: int = field(default=0, metadata=limits(low=0, high=2**32 - 1))
    prefix: str = field(default="model", metadata=limits(pattern="[A-Za-z][A-Za-z0-9_]{0,31}"))
    optimize: str | None = field(default=None, metadata=limits(choices=("ram", "balanced", "speed", "size")))
    ram: str | None = None
    flash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe, checked.

    Attributes:
        base: the folder that data.source is relative to.
    """

    data: DataRecipe = DataRecipe()
    training: TrainingRecipe = TrainingRecipe()
    passes: tuple[PassSpec, ...] = ()
    convert: ConvertRecipe = ConvertRecipe()
    quantization: QuantizationRecipe = QuantizationRecipe()
    build: BuildRecipe = BuildRecipe()
    base: Path = field(default=Path(), compare=False)

    @property
    def source(self) -> str | None:
        """data.source as an absolute path (`…/file.py:function` where a module lies beside the recipe)."""
        text = self.data.source
        if text is None:
            return None
        module, colon, function = text.rpartition(":")
        try:
            if colon and function.isidentifier() and len(module) > 1 and not (self.base / text).exists():
                file = self.base / (module if module.endswith(".py") else module.replace(".", "/") + ".py")
                return f"{file.absolute()}:{function}" if file.is_file() else text
        except OSError:
            return text
        return str((self.base / text).absolute())
