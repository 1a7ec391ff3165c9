"""The groups of the table: each finds figures for some bars, with the words that a reader needs to judge them."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compressing import material, recipes
from compressing.sizes import Sizes, measure, shares, weights_of
from compressing.trained import Trained, Training, joined, train
from edgecompress.report.statistics import PairedDifference


@dataclass(frozen=True)
class Figure:
    """What was reached for one bar.

    Attributes:
        bar: its key in `bars.toml`.
        value: in the bar's unit.
        words: how it came about.
        facts: JSON-able numbers behind it.
    """

    bar: str
    value: float
    words: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """Where things are: models and data to read, the folder of what was trained, and who is told of progress."""

    models: Path
    data: Path
    cache: Path
    say: Callable[[Mapping[str, Any]], None]


def vww(at: Setting) -> Iterator[Figure]:
    """MLPerf Tiny's VWW as it is."""
    sizes = measure(material.find(at.models, "vww_96_int8.tflite"), at.say, unshrunk=True)
    yield Figure("vww_weights", sizes.weights, sizes.words)
    yield Figure("vww_cycles", sizes.unshrunk_ratio, f"{sizes.cycles_ratio:.2f} of the shrunk dense")
    yield _ram(sizes, "VWW")


def ad(at: Setting) -> Iterator[Figure]:
    """MLPerf Tiny's AD as it is."""
    sizes = measure(material.find(at.models, "ad01_int8.tflite"), at.say)
    yield Figure("ad_weights", sizes.weights, sizes.words)
    yield Figure("ad_cycles", sizes.cycles_ratio)
    yield _ram(sizes, "AD")


def resnet8(at: Setting) -> Iterator[Figure]:
    """On JPEG images of CIFAR-10."""
    yield from _compressed("resnet8", [recipes.resnet8(at.models, at.data, at.cache)], at)


def kws(at: Setting) -> Iterator[Figure]:
    """On halves of the clips: trained on each, tested on the other."""
    yield from _compressed("kws", [recipes.kws(at.models, at.data, at.cache, half) for half in (0, 1)], at)


def har(at: Setting) -> Iterator[Figure]:
    """By subject."""
    yield from _compressed("har", [recipes.har(at.data, at.cache)], at)


def lenet(name: str, at: Setting) -> Iterator[Figure]:
    """A LeNet on MNIST, with a few seeds."""
    jobs = [recipes.lenet(name, recipes.PASSES[name], seed, at.data, at.cache, name) for seed in recipes.SEEDS]
    made = [train(job, at.cache, at.say) for job in jobs]
    sizes = [measure(one.model, at.say) for one in made]
    yield _errors(f"{name}_error", made)
    yield from _worst_drops(name, made)
    parts = [one.constants / (4 * recipes.PARAMETERS[name]) for one in sizes]
    factors = ", ".join(f"1/{1 / one:.1f}" for one in parts)
    middle = sizes[int(np.argsort(parts)[len(parts) // 2])]
    zeros = ", ".join(f"{weights_of(one.model).zeros:.1%}" for one in made)
    yield Figure(f"{name}_flash", statistics.median(parts), f"{factors}; {zeros} zeros; the median: {middle.words}")
    yield max((_ram(one, name) for one in sizes), key=lambda figure: figure.value)


def few(at: Setting) -> Iterator[Figure]:
    """LeNet-300-100 with three and with two values in every tensor."""
    for name, passes in recipes.FEW_VALUES.items():
        job = recipes.lenet("lenet-300-100", passes, 0, at.data, at.cache, name)
        made = train(job, at.cache, at.say)
        sizes, weights = measure(made.model, at.say), weights_of(made.model)
        found = shares(sizes.coded)
        each = ", ".join(f"{layer}: {share:.3f}" for layer, share in found.items())
        yield Figure(f"{name}_weights", sizes.weights / weights.count, f"{each}; {sizes.words}")
        yield from _drops(name, made)
        yield _ram(sizes, name)


def low_rank(at: Setting) -> Iterator[Figure]:
    """LeNet-300-100 with layers of lower rank, with a few seeds."""
    jobs = [
        recipes.lenet("lenet-300-100", recipes.LOW_RANK, seed, at.data, at.cache, "low-rank") for seed in recipes.SEEDS
    ]
    made = [train(job, at.cache, at.say) for job in jobs]
    yield _errors("low_rank_error", made)
    yield from _worst_drops("low_rank", made)
    shares_left = [weights_of(one.model).count / weights_of(one.baseline).count for one in made]
    yield Figure("low_rank_weights", max(shares_left), ", ".join(f"1/{1 / one:.2f}" for one in shares_left))
    sizes, whole = measure(made[0].model, at.say), measure(made[0].baseline, at.say)
    words = (
        f"weights as they are: {sizes.dense.flash.weights:,} of {whole.dense.flash.weights:,} B; coded: {sizes.words}"
    )
    yield Figure("low_rank_cycles", sizes.dense_cycles / whole.dense_cycles, words)


def worst_of(figures: list[Figure]) -> list[Figure]:
    """One figure for each bar: the largest where several groups found one."""
    found: dict[str, Figure] = {}
    for figure in figures:
        if figure.bar not in found or figure.value > found[figure.bar].value:
            found[figure.bar] = figure
    return list(found.values())


def _compressed(name: str, jobs: Sequence[Training], at: Setting) -> Iterator[Figure]:
    """Accuracy over the test samples of all jobs together, sizes of each: the worst counts."""
    made = [train(job, at.cache, at.say) for job in jobs]
    yield from _drops(name, joined(made))
    for one in made:
        sizes, weights = measure(one.model, at.say), weights_of(one.model)
        words = f"{weights.zeros:.2%} zeros of {weights.count:,} weights, at most {weights.most_values} values; {sizes.words}"
        facts = {"zeros": weights.zeros, "most_values": weights.most_values, "weights": weights.count}
        yield Figure(f"{name}_weights", sizes.weights / weights.count, words, facts)
        yield Figure(f"{name}_cycles", sizes.cycles_ratio)
        yield _ram(sizes, name)


def _worst_drops(name: str, made: Sequence[Trained]) -> Iterator[Figure]:
    """Of several trainings, by their seeds."""
    yield from worst_of([figure for one in made for figure in _drops(name, one)])


def _drops(name: str, made: Trained) -> Iterator[Figure]:
    """Points of accuracy lost, paired, against the int8 model trained as long and against the float one as loaded."""
    trained = (
        f"uncompressed, trained as long: float {made.trained_on:.2%}, int8 {made.baseline_right.mean():.2%};"
        f" seed {made.seed}; {made.passes}; {made.seconds:.0f} s, {made.peak_bytes / 2**20:.0f} MB"
    )
    yield _loss(f"{name}_drop", made.difference, f"int8 trained as long; {trained}", {"seconds": made.seconds})
    yield _loss(f"{name}_loaded", made.difference_from_loaded, "the float model as loaded", {})


def _loss(bar: str, found: PairedDifference, reference: str, facts: Mapping[str, Any]) -> Figure:
    low, high = (-100 * end for end in (found.interval.high, found.interval.low))
    words = (
        f"{found.samples:,} test samples, 95 % interval of the loss {low:+.2f} to {high:+.2f} points;"
        f" {found.after.value:.2%} against {found.before.value:.2%} of {reference}"
    )
    numbers = {"int8": found.after.value, "reference": found.before.value, "samples": found.samples}
    return Figure(bar, -100 * found.difference, words, {**numbers, "interval": [low, high], **facts})


def _errors(bar: str, made: list[Trained]) -> Figure:
    """How far the median of the compressed models' test errors lies above that of the float models they were made from."""
    compressed = [100 * (1 - one.right.mean()) for one in made]
    floats = [100 * (1 - one.original_right.mean()) for one in made]
    longer = [100 * (1 - one.trained_on) for one in made]
    value = statistics.median(compressed) - statistics.median(floats)
    each = zip(compressed, floats, longer, strict=True)
    triples = ", ".join("{:.2f} ({:.2f}, {:.2f})".format(*errors) for errors in each)
    seeds = ", ".join(str(one.seed) for one in made)
    words = (
        f"int8 (float as loaded, float after the same training), % of {len(made[0].right):,}: {triples}; seeds {seeds};"
        f" {made[0].passes}; {sum(one.seconds for one in made):.0f} s, {max(one.peak_bytes for one in made) / 2**20:.0f} MB"
    )
    return Figure(bar, value, words, {"errors": compressed, "float_errors": floats, "trained_float_errors": longer})


def _ram(sizes: Sizes, name: str) -> Figure:
    words = f"{name}: arena, stack and static data beyond the dense build's; a layer decodes into {sizes.decoding_bytes:,} B"
    return Figure("decoding_ram", sizes.extra_ram, words)
