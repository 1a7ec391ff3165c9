"""Promises over several passes: kept, broken by a careless pass, or ended by one that replaces layers."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make
from edgecompress.compress.base import Context, Kind, Outcome, Promise, TrainingSettings
from edgecompress.compress.driver import carry, run_pass
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.promises import check_tflite, measure
from edgecompress.compress.training.fine_tuning import describe_output, fine_tune
from edgecompress.compress.training.task import infer
from edgecompress.errors import PromiseError, RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader


@dataclass(frozen=True)
class Careless:
    """A pass that trains on and forgets what others had promised."""

    name: ClassVar[str] = "careless"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0
    epochs: int | None = 1
    learning_rate: float | None = None

    def apply(self, model: Any, context: Context) -> Outcome:
        trained = copy_model(model)
        fine_tune(trained, replace(context, standing=()), 1)
        return Outcome(trained)


@dataclass(frozen=True)
class Boastful:
    """A pass that promises what it does not do."""

    name: ClassVar[str] = "boastful"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0
    epochs: int | None = 0
    learning_rate: float | None = None

    def apply(self, model: Any, context: Context) -> Outcome:
        return Outcome(copy_model(model), Promise(Kind.ZEROS, 0.9, layers=tuple(keras_kernels(model))))


def context_for(model: Any) -> Context:
    data = examples.samples()
    settings = TrainingSettings(learning_rate=1e-3, epochs=1)
    return Context(data, infer(describe_output(model), data.y["train"]), settings, original=model)


def chain(text: str, model: Any) -> tuple[Any, tuple[Promise, ...], list[Any]]:
    context, steps = context_for(model), []
    for spec in parse_passes(text):
        step = run_pass(make(spec), str(spec), model, context)
        model, context = step.outcome.model, replace(context, standing=step.standing)
        steps.append(step)
    return model, context.standing, steps


def test_a_later_pass_that_undoes_an_earlier_one_is_caught_and_both_are_named():
    model = examples.sequential()
    model, standing, _ = chain("prune{sparsity=0.5,epochs=0}", model)
    with pytest.raises(
        PromiseError, match=r"careless broke what prune\{sparsity=0.5,epochs=0\} had promised for layer first"
    ):
        run_pass(Careless(), "careless", model, replace(context_for(model), standing=standing))


def test_a_pass_that_breaks_its_own_promise_is_caught():
    model = examples.functional()
    with pytest.raises(PromiseError, match="boastful does not keep its own promise in layer left"):
        run_pass(Boastful(), "boastful", model, context_for(model))


def test_a_promise_follows_its_layers_successors_and_ends_where_there_are_none():
    promise = Promise(Kind.ZEROS, 0.5, layers=("a", "b", "c"), source="prune")
    outcome = Outcome(None, successors={"a": ("a1", "a2"), "b": ()})
    (carried,), (ended,) = carry((promise,), outcome, "factorise")
    assert carried.layers == ("a1", "a2", "c")
    assert ended == "prune: its promise for b was ended by factorise"
    assert carry((replace(promise, layers=("b",)),), outcome, "factorise")[0] == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(examples.MODELS))
def test_prune_cluster_and_qat_keep_all_promises_down_to_the_integer_file(name, tmp_path):
    model, standing, steps = chain("prune{sparsity=0.5},cluster{clusters=8},qat", examples.trained(name))
    assert [len(step.measured) for step in steps] == [1, 2, 2]
    assert steps[-1].outcome.notes[0] == "qat: PCQAT"
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    (tmp_path / "m.tflite").write_bytes(examples.to_tflite(model, x))
    graph = reader.read(tmp_path / "m.tflite")
    zeros, distinct = check_tflite(graph, standing, map_layers(graph, keras_kernels(model)))
    assert zeros.reached >= 0.45
    assert distinct.reached <= 8
    assert distinct.per_tensor >= distinct.reached


def test_depthwise_kernels_are_really_pruned():
    model, _, steps = chain("prune{sparsity=0.75}", examples.depthwise())
    kernels = {
        layer.name: layer.depthwise_kernel.numpy() for layer in model.layers if hasattr(layer, "depthwise_kernel")
    }
    assert set(kernels) == {"wide", "narrow"}
    for values in kernels.values():
        assert np.mean(values == 0) >= 0.74
    assert {"wide", "narrow"} <= set(steps[0].outcome.promise.layers)


def test_a_depthwise_kernel_is_clustered_only_where_sharing_within_a_channel_can_gain():
    model, _, steps = chain("cluster{clusters=12,epochs=0}", examples.depthwise())
    assert len(np.unique(model.get_layer("wide").depthwise_kernel.numpy())) <= 12
    assert type(model.get_layer("wide")).__name__ == "DepthwiseConv2D"
    (note,) = [note for note in steps[0].outcome.notes if "narrow" in note]
    assert "9 weights only" in note


def test_excluded_layers_keep_their_weights_and_are_noted():
    model = examples.residual()
    pruned, _, steps = chain("prune{sparsity=0.5,epochs=0,exclude=[stem,cl*]}", model)
    assert steps[0].outcome.promise.layers == ("inner",)
    for name in ("stem", "classes"):
        np.testing.assert_array_equal(model.get_layer(name).kernel.numpy(), pruned.get_layer(name).kernel.numpy())
    assert "prune: stem is excluded" in steps[0].outcome.notes
    with pytest.raises(RecipeError, match="inner"):
        chain("prune{exclude=[iner]}", model)


def test_layers_that_tfmot_refuses_are_rewritten_or_rounded_behind_with_a_note():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.BatchNormalization(name="alone")(given)
    x = layers.PReLU(name="act")(layers.Conv2D(4, 3, name="conv")(x))
    model = keras.Model(
        given, layers.Dense(4, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(x))
    )
    quantized, _, (step,) = chain("qat", model)
    _, alone, act = step.outcome.notes
    assert alone.startswith("qat: alone is trained behind a depthwise convolution of 1x1")
    assert act.startswith("qat: act (PReLU) computes in float while training, only its output is rounded then")
    assert {"quant_conv", "quant_alone", "quant_act_output", "act"} <= {layer.name for layer in quantized.layers}


def test_a_separable_convolution_that_qat_splits_keeps_its_promises_under_its_new_names():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(8, 3, name="separable")(given)
    model = keras.Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    quantized, standing, steps = chain("prune{sparsity=0.5},qat", model)
    assert steps[0].outcome.promise.layers[:2] == ("separable/depthwise_kernel", "separable/pointwise_kernel")
    assert standing[0].layers == ("separable_depthwise", "separable", "classes")
    assert measure(standing[0], keras_kernels(quantized)).holds


def test_pruning_what_is_clustered_breaks_the_clusters_and_is_refused():
    with pytest.raises(PromiseError, match=r"prune.* broke what cluster.* had promised"):
        chain("cluster{clusters=6,epochs=0},prune{sparsity=0.5}", examples.trained("sequential", 1))
