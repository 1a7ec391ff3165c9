"""Quantization-aware training of models with layers that TF-MOT refuses: what is said, what is rounded, what is in the file."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import keras_examples
import layer_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, Promise, TrainingSettings
from edgecompress.compress.driver import run_pass
from edgecompress.compress.models.cloning import is_wrapped
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.saved import save_model
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.training.fine_tuning import describe_output, outputs_of
from edgecompress.compress.training.hints import with_hints
from edgecompress.compress.training.task import infer
from edgecompress.convert.lite import to_integer
from edgecompress.convert.proof import check_full_integer
from edgecompress.load import load_stage
from edgecompress.load.runtime import keras2
from edgecompress.pipeline.bench import bench
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite.reader import read_bytes

pytestmark = pytest.mark.slow

PASSES = "prune{sparsity=0.5,epochs=1},cluster{clusters=8,epochs=1},qat{epochs=1}"


@dataclass(frozen=True, eq=False)
class Run:
    """What became of an example."""

    model: Any
    notes: tuple[str, ...]
    standing: tuple[Promise, ...]
    x: np.ndarray


def train(model: Any, text: str) -> Run:
    x, classes = examples.samples(model.input_shape[1:])
    splits = {"train": x, "validation": x[:32]}, {"train": classes, "validation": classes[:32]}
    data = keras_examples.ArraySamples(*splits)
    task = infer(describe_output(model), classes)
    context = Context(data, task, TrainingSettings(learning_rate=2e-3, seed=5), original=model)
    notes: tuple[str, ...] = ()
    for spec in parse_passes(text):
        step = run_pass(make(spec), str(spec), model, context)
        model, context, notes = step.outcome.model, replace(context, standing=step.standing), step.outcome.notes
    return Run(model, notes, context.standing, x)


@cache
def run(name: str) -> Run:
    keras2().backend.clear_session()
    keras2().utils.set_random_seed(3)
    return train(examples.EXAMPLES[name].build(), PASSES)


@cache
def file(name: str) -> bytes:
    done = run(name)
    return to_integer(done.model, lambda: ((one[None],) for one in done.x))


@pytest.mark.parametrize("name", examples.EXAMPLES)
def test_notes_name_what_is_trained_as_something_else_or_in_float_and_nothing_more(name):
    kind, *notes = run(name).notes
    assert kind in ("qat: PCQAT", "qat: PQAT")
    said = examples.EXAMPLES[name].says
    assert len(notes) == len(said), notes
    for words in said:
        assert sum(note.startswith(f"qat: {words}") for note in notes) == 1, notes


@pytest.mark.parametrize("name", examples.EXAMPLES)
def test_outputs_that_count_as_rounded_take_256_values_at_most(name):
    done, wanted = run(name), examples.EXAMPLES[name].rounded
    assert is_wrapped(done.model)
    layers = {layer.name.removeprefix("quant_"): layer for layer in done.model.layers}
    assert set(wanted) <= set(layers)
    for layer in wanted:
        values = keras2().Model(done.model.inputs, layers[layer].output)(done.x, training=False).numpy()
        assert 2 < len(np.unique(values)) <= 256


@pytest.mark.parametrize("name", examples.EXAMPLES)
def test_the_file_is_full_integer_and_zeros_and_shared_values_are_in_it(name):
    done, operators = run(name), examples.EXAMPLES[name].operators
    graph = read_bytes(file(name))
    check_full_integer(graph)
    assert done.standing
    layers = {layer for promise in done.standing for layer in promise.layers}
    measured = check_tflite(graph, done.standing, map_layers(graph, keras_kernels(done.model), layers))
    assert all(one.holds for one in measured)
    if operators is not None:
        assert sorted(one.opcode for one in graph.operations) == sorted(operators.split())


@pytest.mark.parametrize("name", ["convolution over time", "PReLU", "batch norms of vectors", "attention", "LSTM"])
def test_the_trained_model_is_saved_and_read_again(name, tmp_path):
    done = run(name)
    save_model(done.model, tmp_path / "model.h5")
    again = load_stage(tmp_path / "model.h5", quantized=True)
    np.testing.assert_allclose(outputs_of(again)(done.x), outputs_of(done.model)(done.x), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["causal convolutions with batch norms around a shortcut", "separable convolution over time", "Normalization"],
)
def test_the_file_is_built_bit_exactly(name, tmp_path):
    (tmp_path / "model.tflite").write_bytes(file(name))
    result = bench(tmp_path / "model.tflite", target="cortex-m4", inputs=2)
    assert result.comparison.exact
    assert result.report.bit_exact.differing_bytes == 0


def test_budgets_of_earlier_passes_do_not_count_the_convolutions_that_training_adds():
    keras2().utils.set_random_seed(3)
    model = examples.model(examples.IMAGE, examples.before_conv("BatchNormalization"))
    done = train(model, "filters{macs=0.7,multiple=2,epochs=0},qat{epochs=1}")
    (promise,) = done.standing
    assert promise.layers == ("stem", "classes")
    assert "it_identity" in keras_kernels(done.model)


def test_hints_reach_convolutions_over_time_that_are_trained_as_images(
    name="causal convolutions with batch norms around a shortcut",
):
    done = run(name)
    teacher = examples.EXAMPLES[name].build()
    taught = with_hints(done.model, teacher, "features", 1.0)
    taught(done.x)
    assert float(sum(taught.losses)) > 0


def test_a_layer_of_several_outputs_is_left_in_float_and_named(tmp_path: Path):
    layers = keras2().layers
    given = layers.Input(examples.SHORT)
    x, *_ = layers.GRU(6, return_state=True, unroll=True, name="memory")(given)
    model = keras2().Model(given, layers.Dense(4, activation="softmax", name="classes")(x))
    done = train(model, "qat{epochs=1}")
    assert done.notes[1].startswith("qat: memory (GRU) is trained without fake quantization")
    check_full_integer(read_bytes(to_integer(done.model, lambda: ((one[None],) for one in done.x))))
