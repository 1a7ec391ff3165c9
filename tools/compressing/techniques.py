"""The same techniques on several networks, side by side: a short training each, by the recipe of the network's row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from compressing import recipes
from compressing.trained import Training, options
from edgecompress.pipeline.comparing import Compared, compare_pipelines

PIPELINES = (
    "prune{{sparsity={sparsity},threshold=global}}",
    "prune{{n_of_m=[2,4]}}",
    "cluster{{clusters=16}}",
    "codes{{values=16}}",
    "codes{{bits=3}}",
    "codes{{codebook=power_of_two,values=7}}",
    "codes{{values=3}}",
    "codes{{codebook=linear,values=2}}",
    "filters{{macs=0.5}}",
    "low_rank{{parameters=0.5}}",
    "student{{width=0.75}}",
    "qat",
    "prune{{sparsity={sparsity},threshold=global}},codes{{values=16}}",
)


@dataclass(frozen=True)
class Network:
    """What the techniques are tried on.

    Attributes:
        training: makes its training from the folders of models, data and cache; its passes do not count.
        epochs: of every pass.
        sparsity: of pruning.
        samples: to train on, drawn by the seed; None: all.
        settings: of [training], instead of the row's.
    """

    training: Callable[[Path, Path, Path], Training]
    epochs: int
    sparsity: float
    samples: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def job(self, models: Path, data: Path, cache: Path) -> Training:
        row = self.training(models, data, cache)
        split = {**row.recipe["data"].get("split", {})} | ({"train": self.samples} if self.samples else {})
        section = {**row.recipe["training"], **self.settings, "epochs": self.epochs}
        recipe = {"data": {**row.recipe["data"], "split": split}, "training": section}
        return replace(row, recipe=recipe, teachers=() if self.settings else row.teachers)


def _lenet(name: str) -> Callable[[Path, Path, Path], Training]:
    return lambda models, data, cache: recipes.lenet(name, "", 0, data, cache, name)


OWN_TEACHER = {**recipes.TEACHER, "mixup": False}
"""Networks of other shapes teach the rows of the LeNets; here all learn from their own kind."""
NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "lenet-300-100": Network(_lenet("lenet-300-100"), 10, 0.917, settings=OWN_TEACHER),
        "lenet-5": Network(_lenet("lenet-5"), 3, 0.917, settings=OWN_TEACHER),
        "har": Network(lambda models, data, cache: recipes.har(data, cache), 6, 0.8),
        "resnet8": Network(recipes.resnet8, 3, 0.71, samples=8_000),
        "kws": Network(lambda models, data, cache: recipes.kws(models, data, cache, 0), 4, 0.71, samples=8_000),
    }
)


def compare(name: str, models: Path, data: Path, cache: Path, say: Any) -> Compared:
    """All pipelines on a network; what is there from an earlier time is taken up.

    Args:
        name: of `NETWORKS`.
        models, data, cache: folders.
        say: takes progress events.
    """
    network = NETWORKS[name]
    job = network.job(models, data, cache)
    folder = cache / "techniques" / name
    pipelines = [text.format(sparsity=network.sparsity) for text in PIPELINES]
    return compare_pipelines(job.start, pipelines, out=folder, optimize="size", **options(job, folder, say))
