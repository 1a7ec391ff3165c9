"""Labelled test samples through the device: its accuracy, and the bytes that differ from this computer's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgecompress import data as datasets
from edgecompress import recipe as recipes
from edgecompress.codegen.program import Program
from edgecompress.compress.training.task import Task
from edgecompress.device.mailbox import Mailbox
from edgecompress.errors import DataError
from edgecompress.files import make_folder
from edgecompress.pipeline import accuracy
from edgecompress.pipeline.accuracy import Answers, TestSet
from edgecompress.pipeline.firmware import Firmware
from edgecompress.pipeline.host import run_on_host
from edgecompress.pipeline.judging import NOTHING_TRAINED, judge_tflite
from edgecompress.report.records import Accuracy, Agreement, Report

RECIPE = "recipe.toml"
"""Of a run directory: the recipe that its build followed."""
DEVICE_SAMPLES = 200
"""How many samples go through the device unless told otherwise."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class TestData:
    """Test samples with the task that they judge.

    Attributes:
        tests: all of them.
        task: how outputs are scored.
        labels: how the labels were understood, in words.
        count: how many of them go through the device, evenly spread.
    """

    __test__ = False  # not a test class

    tests: TestSet
    task: Task
    labels: str
    count: int


@dataclass(frozen=True, eq=False)
class Streamed:
    """What came of it."""

    answers: Answers
    accuracy: Accuracy
    agreement: Agreement
    notes: tuple[str, ...]

    def complete(self, report: Report) -> Report:
        return replace(report, accuracy=self.accuracy, agreement=self.agreement, notes=(*report.notes, *self.notes))


def read_test_data(
    model: Path, source: str | None, recipe: Path | None, folder: Path, *, count: int = DEVICE_SAMPLES
) -> TestData:
    """Opens the data as a build does and writes its test split, quantized for the model, into a folder.

    Args:
        model: the .tflite.
        source: of the samples; None: the recipe's.
        recipe: None: the one beside the model (a run directory has one).
        folder: for the arrays; it must outlive the result.
        count: how many samples go through the device.

    Raises:
        DataError: no source, or the data cannot be used. RecipeError: as `recipe.load` does.
    """
    beside = model.parent / RECIPE
    chosen = recipe or (beside if beside.is_file() else recipes.beside(model))
    settings = recipes.load(chosen, {} if chosen else NOTHING_TRAINED)
    name = source or settings.source
    if not name:
        raise DataError(
            "accuracy on the device needs test samples, and there are none",
            found=f"no --data, and no [data] source in {chosen}" if chosen else "no --data and no recipe",
            hint="--data data.npz with arrays x (samples first) and y (labels)",
        )
    dataset = datasets.open(name, settings.data, settings.build.seed, run_code=bool(source or recipe))
    make_folder(folder)
    judged = judge_tflite(dataset, model, settings.training, folder)
    tests = accuracy.read_test_set(folder)
    return TestData(tests, Task.from_dict(judged["task"]), judged["labels"], min(count, len(tests)))


def stream(
    program: Program, built: Firmware, mailbox: Mailbox, data: TestData, folder: Path, name: str, say: Progress
) -> Streamed:
    """All test samples through this computer, some of them through the device.

    Args:
        folder: where the model is compiled for this computer.
        name: of the device, for the progress.

    Raises:
        DeviceError: the device stopped on the way.
    """
    hosted = run_on_host(
        program,
        built.sources,
        folder,
        data.tests.inputs,
        prefix=built.prefix,
        on_progress=lambda d, n: say("test samples on this computer", d, n),
    )
    chosen = accuracy.spread(len(data.tests), data.count)
    answers = accuracy.run_samples(program, mailbox, data.tests, hosted, chosen, name, say)
    record, agreement, sentence = accuracy.judge(data.task, data.tests, answers, None)
    notes = (f"metric: {data.task.metric} ({data.task.why})", f"labels: {data.labels}")
    return Streamed(answers, record, agreement, (*notes, *((sentence,) if sentence else ())))
