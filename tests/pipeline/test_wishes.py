"""What the schedule is asked to be: sizes, words, what does not go together, and what a run directory remembers."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from model_cases.network import Network

from edgecompress.codegen.program import lower
from edgecompress.errors import DoesNotFitError, RecipeError, UsageError
from edgecompress.memory.choice import BALANCED, SPEED, Wish
from edgecompress.pipeline.bench import bench, wish_of
from edgecompress.pipeline.benching import bench_anywhere
from edgecompress.pipeline.build import build
from edgecompress.pipeline.wishes import read_wish
from edgecompress.recipe.quantities import read_bytes
from edgecompress.report.summary import headline
from edgecompress.tflite import reader


@pytest.mark.parametrize(
    ("text", "size"), [("32768", 32768), ("32k", 32768), ("32 KiB", 32768), ("1M", 2**20), (" 7b ", 7)]
)
def test_sizes_are_read(text, size):
    assert read_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "0k", "-1", "k", "1.5k", "32q", "1e3", "9" * 30, "٣"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="number of bytes"):
        read_bytes(text)


def test_wishes():
    assert read_wish(None, None) is None
    assert read_wish("speed", None) == SPEED
    assert read_wish(None, "2k") == Wish(ram_bytes=2048)
    assert read_wish("size", "2k") == Wish("size", ram_bytes=2048)
    assert read_wish(None, None, "64k") == Wish(flash_bytes=65536)
    assert read_wish("speed", None, "64k") == Wish("speed", flash_bytes=65536)
    assert read_wish(None, "2k", "64k") == Wish(ram_bytes=2048, flash_bytes=65536)
    with pytest.raises(UsageError, match="nothing left to say"):
        read_wish("ram", "2k")
    with pytest.raises(UsageError, match="number of bytes"):
        read_wish(None, None, "much")
    with pytest.raises(UsageError, match="one of ram, balanced, speed"):
        read_wish("fast", None)


def _convolutions(network, shapes, strides):
    """Tensors of these shapes with a convolution of 3 x 3 from each to the next."""
    numbers = np.random.default_rng(0)
    tensors = [network.tensor(shape, 0.1, 3) for shape in shapes]
    for i, stride in enumerate(strides):
        shape = (shapes[i + 1][3], 3, 3, shapes[i][3])
        weights = network.tensor(shape, 0.01, data=numbers.integers(-127, 128, shape))
        network.operator(
            "CONV_2D",
            [tensors[i], weights, -1],
            [tensors[i + 1]],
            "Conv2D",
            padding="SAME",
            strideH=stride,
            strideW=stride,
            dilationHFactor=1,
            dilationWFactor=1,
        )
    return tensors


@pytest.fixture
def model(tmp_path):
    """Two convolutions and a shortcut on an image of 24 rows."""
    network = Network()
    tensors = _convolutions(network, [(1, 24, 6, 8)] * 3, (1, 1))
    output = network.tensor((1, 24, 6, 8), 0.1, 3)
    network.operator("ADD", [tensors[2], tensors[0]], [output], "Add")
    path = tmp_path / "model.tflite"
    path.write_bytes(network.file([tensors[0]], [output]))
    return path


@pytest.fixture
def wide_model(tmp_path):
    """A wide image that becomes 32 channels, then a small one of 4: rows of the tensor between them are its largest part."""
    network = Network()
    tensors = _convolutions(network, [(1, 12, 60, 4), (1, 12, 60, 32), (1, 6, 30, 4)], (1, 2))
    path = tmp_path / "wide.tflite"
    path.write_bytes(network.file([tensors[0]], [tensors[2]]))
    return path


def test_ram_fits_or_says_what_the_least_is(model):
    whole = lower(reader.read(model), wish=SPEED).plan.arena_bytes
    least = lower(reader.read(model), wish=Wish("ram")).plan.arena_bytes
    assert least < whole
    report = bench_anywhere(model, ram=str(whole - 1), inputs=1).report
    assert report.ram.arena < whole
    assert report.schedule.turns
    assert report.bit_exact.differing_bytes == 0
    with pytest.raises(DoesNotFitError, match="no schedule"):
        bench_anywhere(model, ram="300", inputs=1)


def test_patches_are_reported_with_what_they_compute_again(wide_model):
    """Less RAM than any schedule in rows needs: the report says what is computed again, and so do the words."""
    graph = reader.read(wide_model)
    least = lower(graph, wish=Wish("ram")).plan.arena_bytes
    assert least < min(lower(graph, wish=wish).plan.arena_bytes for wish in (SPEED, BALANCED))
    report = bench(wide_model, target="cortex-m3", wish=Wish("ram"), inputs=1).report
    assert report.bit_exact.differing_bytes == 0
    (turns,) = report.schedule.turns
    assert turns.columns
    assert min(turns.computed_again, turns.staged_bytes) > 0
    (fact,) = [fact for fact in headline(report) if fact.label == "schedule"]
    assert f"patches of {turns.rows} x {turns.columns}" in fact.remark
    assert f"{turns.computed_again:,} MACs computed again" in fact.remark


def test_a_run_directory_remembers_what_it_was_built_for(model, tmp_path):
    folder = tmp_path / "run"
    speed = bench(model, wish=SPEED, inputs=1, save=folder).report
    assert wish_of(folder) == SPEED
    assert (speed.schedule.optimize, speed.schedule.turns, speed.schedule.reason) == ("speed", (), "asked for speed")
    assert "--optimize speed: weights take" in " ".join(speed.notes)
    assert bench(folder, inputs=1).report.schedule == speed.schedule
    assert wish_of(model) == BALANCED


def test_the_recipe_says_it_and_the_command_line_says_otherwise(model, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[build]\noptimize = "speed"\n')
    made = build(model, recipe=recipe, out=tmp_path / "a").report
    assert made.schedule.optimize == "speed"
    size = lower(reader.read(model), wish=SPEED).plan.arena_bytes
    other = build(model, recipe=recipe, out=tmp_path / "b", ram=str(size - 1)).report
    assert other.schedule.ram_bytes == size - 1
    assert other.ram.arena < size
    recipe.write_text('[build]\noptimize = "fast"\n')
    with pytest.raises(RecipeError, match="optimize"):
        build(model, recipe=recipe, out=tmp_path / "c")
