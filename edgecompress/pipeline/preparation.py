"""What a build was asked to do, read and checked before anything slow or lasting is done."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecompress import data as datasets
from edgecompress import recipe as recipes
from edgecompress import worker
from edgecompress.compress import make_all
from edgecompress.data.dataset import Dataset
from edgecompress.errors import DataError, ModelFileError, UsageError
from edgecompress.files import sha256
from edgecompress.pipeline import assembly
from edgecompress.pipeline.folder import RunFolder
from edgecompress.pipeline.judging import NOTHING_TRAINED
from edgecompress.recipe import Recipe
from edgecompress.targets import find
from edgecompress.tflite.interface import UNCHANGED, Interface

DEFAULT_TARGET = "cortex-m4"

Event = dict[str, Any]
OnEvent = Callable[[Event], None]


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that a build was asked to do, read and checked."""

    model: Path
    settings: Recipe
    recipe: Path | None
    overrides: dict[str, Any]
    source: str | None
    dataset: Dataset | None
    folder: RunFolder
    trust: bool
    on_event: OnEvent
    interface: Interface = UNCHANGED
    earlier: tuple[Path, ...] = ()

    @property
    def is_keras(self) -> bool:
        return self.model.suffix != ".tflite"

    def job(self, **more: Any) -> dict[str, Any]:
        """What every worker stage is told about recipe and data."""
        recipe = str(self.recipe) if self.recipe else None
        return {
            "recipe": recipe,
            "overrides": self.overrides,
            "data": self.source,
            "trust_model_code": self.trust,
            **more,
        }

    def compress(self, **device: Any) -> dict[str, Any]:
        """The passes, in a process of their own; finished passes of an earlier run are taken over.

        Args:
            device: how the build goes on, as `pipeline.gauging.compress` takes it.

        Returns:
            What `edgecompress.compress.stage:run` returns.
        """
        earlier = [str(folder / "compress") for folder in self.earlier]
        job = self.job(model=str(self.model), out=str(self.folder.path / "compress"), device=device, earlier=earlier)
        result: dict[str, Any] = worker.call(
            "edgecompress.pipeline.gauging:compress", job, log=self.folder.log, on_event=self.on_event
        )
        return result

    def base(self) -> dict[str, Any]:
        """What the result of every Keras stage depends on."""
        data = self.dataset.fingerprint if self.dataset else None
        return {
            "model": sha256(self.model),
            "data": data,
            "recipe": recipes.print_recipe(self.settings),
            "versions": assembly.keras_versions(),
        }


def prepare(
    model: Path,
    data: str | None,
    recipe: Path | str | None,
    out: Path | str | None,
    resume: bool,
    trust: bool,
    random_calibration: bool,
    on_event: OnEvent | None,
    overrides: dict[str, Any],
    interface: Interface = UNCHANGED,
) -> Run:
    """Reads and checks all that was asked, before anything slow or lasting is done."""
    if not model.exists():
        raise ModelFileError(f"{model}: no such file", hint="check the path")
    chosen = Path(recipe) if recipe else recipes.beside(model)
    if random_calibration:
        overrides["convert.random_calibration"] = True
    is_keras = model.suffix != ".tflite"
    given = {key: value for key, value in overrides.items() if value is not None}
    if not is_keras and chosen is None:
        given = {**NOTHING_TRAINED, **given}
    if is_keras and interface.is_changed:
        raise UsageError(
            "--integer-io and --input-shape are for a .tflite", found=model.name, hint="a Keras model gets int8 anyway"
        )
    settings = recipes.load(chosen, given)
    find(settings.build.target or DEFAULT_TARGET)  # what is misspelt is told before anything is trained
    make_all(settings.passes)
    if not is_keras and overrides.get("passes"):
        raise UsageError(
            "passes need a Keras model", found=model.name, hint="give the .h5, .keras or SavedModel it was made from"
        )
    if not is_keras and not settings.quantization.is_plain:
        raise UsageError(
            "[quantization] needs a Keras model",
            found=model.name,
            hint="give the .h5, .keras or SavedModel it was made from; an int8 file holds no float weights any more",
        )
    source = data or settings.source
    dataset = (
        datasets.open(source, settings.data, settings.build.seed, run_code=bool(data or recipe)) if source else None
    )
    if dataset is None and is_keras:
        _require_random(model, settings)
    path = Path(out) if out else Path("build") / (model.stem or "model")
    return Run(
        model,
        settings,
        chosen,
        given,
        source,
        dataset,
        RunFolder(path, resume=resume),
        trust,
        on_event or (lambda _: None),
        interface,
    )


def _require_random(model: Path, settings: Recipe) -> None:
    if not settings.convert.random_calibration:
        raise DataError(
            "calibration and accuracy need samples, and there are none",
            found=f"no --data, and no [data] source in {model.with_suffix('.toml').name}",
            hint="--data data.npz with arrays x (samples first) and y (labels); or --random-calibration for size and speed only",
        )
    if settings.passes:
        raise UsageError(
            "passes train, and that needs samples",
            found="--random-calibration",
            hint='--data data.npz, or --passes "" for none',
        )
