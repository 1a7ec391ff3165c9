"""The accuracy evidence: every model's answers on the same test samples, scored, with intervals, paired."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.compress.training.task import Task, auc, score, slices
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.opening import connect
from edgecompress.device.places import EMULATOR
from edgecompress.errors import NotExactError
from edgecompress.pipeline.execution import run_outputs
from edgecompress.pipeline.host import run_on_host
from edgecompress.report import bootstrap, statistics
from edgecompress.report.records import Accuracy, Agreement, Interval
from edgecompress.targets import Target
from edgecompress.targets.image import Image

DEVICE_INSTRUCTIONS = 4_000_000_000
"""How much is emulated for the accuracy on the device, some 25 s; counted, not timed, so that the sample count is always the same."""
DEVICE_SAMPLES = 2_000
EVERY = slice(None)
NO_LABELS = "the test data has no labels: accuracy is unknown"
FIELDS: Mapping[str, str] = MappingProxyType(
    {"original": "original", "baseline": "baseline", "compressed": "float_", "int8": "int8", "device": "device"}
)
"""The record's field of every model."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class TestSet:
    """What `judging` left in its folder.

    Attributes:
        inputs: one array per model input, quantized, first axis the sample; none where there is no integer model.
        labels: None where there are none.
        targets: the first input before quantization, for autoencoders.
        outputs: name of a Keras model -> its outputs; empty for a .tflite that came in as such.
    """

    __test__ = False  # not a test class

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray | None
    targets: np.ndarray | None
    outputs: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.inputs[0]) if self.inputs else max(map(len, self.outputs.values()), default=0)

    def take(self, count: int) -> "TestSet":
        """`count` of the samples, evenly spread."""
        some = spread(len(self), min(count, len(self)))
        return TestSet(
            tuple(values[some] for values in self.inputs),
            None if self.labels is None else self.labels[some],
            None if self.targets is None else self.targets[some],
            {name: values[some] for name, values in self.outputs.items()},
        )


def read_test_set(folder: Path) -> TestSet:
    """Opens the arrays without reading them whole."""

    def read(name: str) -> np.ndarray | None:
        path = folder / f"{name}.npy"
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None

    inputs = [np.load(p, mmap_mode="r", allow_pickle=False) for p in sorted(folder.glob("input_*.npy"))]
    outputs = {
        p.stem.removeprefix("outputs_"): np.load(p, allow_pickle=False) for p in sorted(folder.glob("outputs_*.npy"))
    }
    return TestSet(tuple(inputs), read("labels"), read("targets"), outputs)


@dataclass(frozen=True, eq=False)
class Answers:
    """The integer model's answers, dequantized: as those of the Keras models, several outputs as one vector; without any, the first.

    Attributes:
        host: of the generated C on this computer, on every sample.
        device: of the same C on the device, on some of the samples.
        device_samples: which.
        differing_bytes: of all outputs, between the two.
        first_difference: the number of the first sample that has any.
    """

    host: np.ndarray
    device: np.ndarray
    device_samples: np.ndarray
    differing_bytes: int = 0
    first_difference: int | None = None


def run_integer_model(
    program: Program,
    sources: Mapping[str, str],
    image: Image,
    target: Target,
    tests: TestSet,
    folder: Path,
    *,
    instructions: int,
    prefix: str,
    say: Progress,
) -> Answers:
    """Runs all test samples on the host and as many as the budget allows on the device.

    Args:
        instructions: of one inference on the device.

    Raises:
        NotExactError: host and device differ.
    """
    hosted = run_on_host(
        program,
        sources,
        folder,
        tests.inputs,
        prefix=prefix,
        on_progress=lambda d, n: say("test samples on this computer", d, n),
    )
    count = min(len(tests), DEVICE_SAMPLES, max(1, DEVICE_INSTRUCTIONS // max(instructions, 1)))
    chosen = spread(len(tests), count)
    with connect(EMULATOR, target, image) as device:
        answers = run_samples(program, Mailbox(device.port, image), tests, hosted, chosen, target.name, say)
    if answers.first_difference is not None:
        raise different_bytes(answers, target.name)
    return answers


def run_samples(
    program: Program,
    mailbox: Mailbox,
    tests: TestSet,
    hosted: tuple[np.ndarray, ...],
    chosen: np.ndarray,
    name: str,
    say: Progress,
) -> Answers:
    """Streams some of the test samples through a device and counts the bytes that differ from this computer's.

    Args:
        hosted: every output of the model on every test sample, as `run_on_host` returns it.
        chosen: numbers of the samples to run.
        name: of the device, for the progress.
    """
    samples = [[np.ascontiguousarray(values[i]).tobytes() for values in tests.inputs] for i in chosen]
    on_device = run_outputs(program, mailbox, samples, lambda d, n: say(f"test samples on {name}", d, n))
    differing, first = 0, None
    for number, outputs in zip(chosen, on_device, strict=True):
        here = b"".join(values[number].tobytes() for values in hosted)
        there = b"".join(values.tobytes() for values in outputs)
        count = int((np.frombuffer(here, np.uint8) != np.frombuffer(there, np.uint8)).sum())
        first = int(number) if count and first is None else first
        differing += count
    columns = zip(*on_device, strict=True)
    device = [
        np.stack([one.reshape(values.shape[1:]) for one in column])
        for values, column in zip(hosted, columns, strict=True)
    ]
    count = len(hosted) if tests.outputs else 1
    host, on_core = dequantized(program, hosted[:count]), dequantized(program, device[:count])
    return Answers(host, on_core, chosen, differing, first)


def different_bytes(answers: Answers, name: str) -> NotExactError:
    """The same C gave other bytes on the device."""
    return NotExactError(
        f"the generated C gives other bytes on {name} than on this computer",
        found=f"{answers.differing_bytes:,} bytes, first in test sample {answers.first_difference}",
        hint="report it with the model",
    )


def spread(total: int, count: int) -> np.ndarray:
    """`count` places out of `total`, evenly spread: a file may be sorted by class."""
    return np.arange(count, dtype=np.int64) * total // max(count, 1)


def dequantized(program: Program, outputs: Sequence[np.ndarray]) -> np.ndarray:
    """(samples, …) of the first of the model's outputs, or (samples, values) of several."""
    found = []
    for index, values in zip(program.graph.outputs, outputs, strict=False):
        one = program.graph.tensors[index].quantization
        if values.dtype.kind == "f" or one is None:
            found.append(values.astype(np.float32))
        else:
            found.append(((values.astype(np.int32) - one.zero_point) * np.float32(one.scale)).astype(np.float32))
    return found[0] if len(found) == 1 else np.concatenate([one.reshape(len(one), -1) for one in found], axis=1)


def judge(task: Task, tests: TestSet, answers: Answers, max_drop: float | None) -> tuple[Accuracy, Agreement, str]:
    """The accuracy record, the agreement with the original model, and the sentence that the evidence allows.

    Without labels and without a Keras model the metric is unknown: no number stands for it.
    """
    scores = _keras_scores(task, tests)
    scores["int8"] = _scores(task, answers.host, tests)
    scores["device"] = _scores(task, answers.device, tests, answers.device_samples)
    ran = Accuracy(
        samples=len(tests), device_samples=len(answers.device), device_differing_bytes=answers.differing_bytes
    )
    if scores["int8"] is None:
        return ran, _agreement(tests, answers), NO_LABELS
    record = _with_scores(ran, task, scores, max_drop)
    if record.float_ is None and record.original is not None:
        record = replace(record, float_=record.original, float_interval=record.original_interval)
    record, sentence = _with_drop(record, scores, task, "int8")
    return record, _agreement(tests, answers), sentence or _by_output(task, tests, answers.host)


def judge_keras(task: Task, tests: TestSet, max_drop: float | None = None) -> tuple[Accuracy, str]:
    """The same where nothing but Keras models was run: of the compressed one, in float."""
    scores = _keras_scores(task, tests)
    if scores.get("compressed") is None:
        return Accuracy(samples=len(tests)), NO_LABELS
    record = _with_scores(Accuracy(samples=len(tests)), task, scores, max_drop)
    record, sentence = _with_drop(record, scores, task, "compressed")
    return record, sentence or _by_output(task, tests, tests.outputs["compressed"])


def _by_output(task: Task, tests: TestSet, outputs: np.ndarray) -> str:
    """The metric of each of several outputs, against what the model as loaded answers; "" for one output."""
    if not task.parts:
        return ""
    found = zip(task.parts, slices(task, outputs), slices(task, tests.outputs["original"]), strict=True)
    figures = [
        f"output {i}: {part.metric.replace('_', ' ')} {score(part, *both).mean():.4g}"
        for i, ((part, _), *both) in enumerate(found)
    ]
    return f"against the original float model, {', '.join(figures)}"


def judge_file(task: Task, tests: TestSet, outputs: np.ndarray, name: str) -> tuple[Accuracy, float | None, str]:
    """The same for a .tflite of any format, by its outputs: what is lost, its score, and the sentence."""
    scores = _keras_scores(task, tests)
    after = scores[name] = _scores(task, outputs, tests)
    record = Accuracy(samples=len(tests))
    if after is None:
        return record, None, NO_LABELS
    known = {key: found for key, found in scores.items() if key != name or key in FIELDS}
    record, sentence = _with_drop(_with_scores(record, task, known, None), scores, task, name)
    return record, after.value, sentence


def _keras_scores(task: Task, tests: TestSet) -> "dict[str, Scores | None]":
    return {name: _scores(task, outputs, tests) for name, outputs in tests.outputs.items()}


def _with_scores(
    record: Accuracy, task: Task, scores: "Mapping[str, Scores | None]", max_drop: float | None
) -> Accuracy:
    """The record with every model's metric and its interval."""
    values: dict[str, object] = {}
    for name, field in FIELDS.items():
        if (found := scores.get(name)) is not None:
            values[field] = found.value
            values[f"{field.rstrip('_')}_interval"] = found.interval
    return replace(
        record,
        metric=task.metric,
        unit="fraction" if task.higher_is_better else None,
        higher_is_better=task.higher_is_better,
        max_drop=None if max_drop is None else max_drop / 100,
        **values,  # type: ignore[arg-type]
    )


@dataclass(frozen=True, eq=False)
class Scores:
    """A model's score on every sample; `anomalous` goes with AUC only."""

    each: np.ndarray
    anomalous: np.ndarray | None = None

    @property
    def is_binary(self) -> bool:
        return self.anomalous is None and bool(np.isin(self.each, (0.0, 1.0)).all())

    @property
    def value(self) -> float:
        return float(self.each.mean()) if self.anomalous is None else auc(self.each, self.anomalous)

    @property
    def interval(self) -> Interval:
        """95 %: Wilson for right or wrong answers, else the bootstrap's."""
        if self.is_binary:
            return _interval(statistics.wilson(int(self.each.sum()), len(self.each)))
        if self.anomalous is not None:
            return _interval(bootstrap.auc_interval(self.each, self.anomalous))
        return _interval(bootstrap.mean_interval(self.each))


def _interval(found: statistics.Interval, sign: int = 1) -> Interval:
    """The statistics' interval as the report's; a negative sign turns a gain into a loss."""
    ends = sorted((sign * found.low, sign * found.high))
    return Interval(ends[0], ends[1], found.confidence)


def _scores(task: Task, outputs: np.ndarray, tests: TestSet, chosen: np.ndarray | slice = EVERY) -> Scores | None:
    """The score of every sample, or of those chosen; None where there is nothing to compare with."""
    targets = {"labels": tests.labels, "input": tests.targets, "teacher": tests.outputs.get("original")}[task.target]
    if targets is None:
        return None
    each = score(task, outputs, np.asarray(targets[chosen]))
    return Scores(each, np.asarray(tests.labels[chosen]) if task.metric == "auc" and tests.labels is not None else None)


def _with_drop(record: Accuracy, scores: Mapping[str, Scores | None], task: Task, judged: str) -> tuple[Accuracy, str]:
    """What a model is worse by than the better of the original and the model trained as long without compression."""
    candidates = {name: s for name in ("original", "baseline") if (s := scores.get(name)) is not None}
    after = scores[judged]
    if not candidates or after is None or task.target == "teacher":
        return record, ""
    sign = 1 if task.higher_is_better else -1
    best = max(candidates, key=lambda name: sign * candidates[name].value)
    before = candidates[best]
    drop = sign * (before.value - after.value)
    name = f"the {best} float model"
    if before.is_binary and after.is_binary:
        answers = statistics.compare(before.each > 0.5, after.each > 0.5)
        interval, sentence = _interval(answers.interval, -1), statistics.verdict(answers, name, judged).sentence
    else:
        interval = _interval(_paired(before, after, task.metric).interval, -sign)
        figures = f"{judged} {after.value:.4g}, {name} {before.value:.4g}"
        sentence = f"{task.metric}: {figures} (95 % interval of the loss {interval.low:+.3g} to {interval.high:+.3g})"
    return replace(record, drop=drop, drop_interval=interval), sentence


def _paired(before: Scores, after: Scores, metric: str) -> bootstrap.PairedMetric:
    if before.anomalous is not None:
        return bootstrap.compare_auc(before.each, after.each, before.anomalous)
    return bootstrap.compare_errors(metric, before.each, after.each)


def _agreement(tests: TestSet, answers: Answers) -> Agreement:
    """How near the integer model's outputs are to the original's."""
    original = tests.outputs.get("original")
    if original is None:
        return Agreement()
    a, b = (
        original.reshape(len(original), -1).astype(np.float64),
        answers.host.reshape(len(original), -1).astype(np.float64),
    )
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = np.where(norms > 0, (a * b).sum(1) / np.where(norms > 0, norms, 1), np.nan)
    return Agreement(
        len(a), float(np.sqrt(((a - b) ** 2).mean())), float(np.nanmean(cosine)) if np.isfinite(cosine).any() else None
    )
