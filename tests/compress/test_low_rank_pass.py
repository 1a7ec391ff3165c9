"""Low rank as a pass: what it replaces, says and refuses, and how it goes together with other passes down to the file."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import channel_examples as channels
import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make, make_all
from edgecompress.compress.base import Context, Kind, Promise, TrainingSettings
from edgecompress.compress.chain import Chain
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.keras_file import write_keras
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.training.fine_tuning import describe_output, outputs_of
from edgecompress.compress.training.hints import with_hints
from edgecompress.compress.training.task import infer
from edgecompress.convert.codes import with_codes
from edgecompress.errors import DataError, PromiseError, RecipeError, UnsupportedError
from edgecompress.load.runtime import keras2, keras3
from edgecompress.load.summary import describe_model
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader

warnings.filterwarnings("ignore", category=UserWarning)


def context_of(model: Any, standing: tuple[Promise, ...] = (), epochs: int = 0) -> Context:
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    settings = TrainingSettings(learning_rate=1e-3, epochs=epochs, seed=5)
    return Context(data, task, settings, standing=standing, original=model)


def run(text: str, model: Any, standing: tuple[Promise, ...] = ()) -> Step:
    (spec,) = parse_passes(text)
    return run_pass(make(spec), text, model, context_of(model, standing))


def in_file(model: Any, path: Path, step: Step) -> Any:
    """The full-integer file as a graph."""
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    path.write_bytes(with_codes(examples.to_tflite(model, x), keras_kernels(model), step.standing))
    return reader.read(path)


def loss_of(model: Any) -> float:
    data = examples.samples()
    found = outputs_of(model)(data.x["train"])
    return float(-np.log(found[np.arange(len(found)), data.y["train"]] + 1e-9).mean())


@pytest.mark.slow
@pytest.mark.parametrize("text", ["parameters=0.5", "macs=0.5,method=tucker", "energy=0.9,method=spatial"])
@pytest.mark.parametrize("name", ["sequential", "residual"])
def test_weights_macs_and_ranks_are_in_the_file_as_promised(name, text, tmp_path):
    model = examples.trained(name)
    step = run(f"low_rank{{{text},epochs=0}}", model)
    small, promises = step.outcome.model, (step.outcome.promise, *step.outcome.further)
    assert {promise.kind for promise in promises} == {Kind.MACS, Kind.PARAMETERS}
    graph = in_file(small, tmp_path / "small.tflite", step)
    mapping = map_layers(graph, keras_kernels(small))
    weights = {name: [graph.tensors[index] for index in indices] for name, indices in mapping.items()}
    counted = {
        Kind.PARAMETERS: sum(one.data.size for some in weights.values() for one in some),
        Kind.MACS: sum(
            graph.tensors[o.inputs[1]].data.size * int(np.prod(graph.tensors[o.outputs[0]].shape[1:-1]))
            for o in graph.operations
            if o.opcode in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D")
        ),
    }
    assert counted[Kind.MACS] == describe_model(small)["macs"]
    for promise, measured in zip(promises, check_tflite(graph, promises, mapping), strict=True):
        assert counted[promise.kind] == measured.reached == promise.bound
    before = {
        Kind.MACS: describe_model(model)["macs"],
        Kind.PARAMETERS: sum(k.rows.size for k in keras_kernels(model).values()),
    }
    assert all(counted[kind] < before[kind] for kind in before)
    for layer, (first, *_) in step.outcome.successors.items():
        (tensor,) = weights[first]
        note = next(note for note in step.outcome.notes if note.startswith(f"low_rank: {layer}: "))
        assert note.split("rank ")[1].split(",")[0].split(" x ")[0] == str(tensor.data.shape[0])


@pytest.mark.parametrize("error", ["outputs", "weights"])
def test_a_model_of_low_rank_stays_what_it_is(error):
    model = examples.trained("sequential", epochs=1)
    generator = np.random.default_rng(0)
    layer = model.get_layer("hidden")
    layer.kernel.assign(generator.normal(0, 0.1, (layer.kernel.shape[0], 3)) @ generator.normal(0, 1, (3, 12)))
    small = run(f"low_rank{{ranks=[hidden:3],error={error},epochs=0}}", model).outcome.model
    norms = [layer for layer in small.layers if type(layer).__name__ == "BatchNormalization"]
    assert len(norms) == 2
    assert [layer.name for layer in small.layers if "hidden" in layer.name] == ["hidden_reduce", "hidden"]
    for name in ("norm", "dense_norm"):  # statistics are estimated anew behind every pass; they are compared elsewhere
        small.get_layer(name).set_weights(model.get_layer(name).get_weights())
    x = examples.samples().x["validation"]
    np.testing.assert_allclose(outputs_of(small)(x), outputs_of(model)(x), atol=1e-4)


def test_errors_of_outputs_are_smaller_with_samples_than_without():
    model = examples.trained("functional", epochs=25)
    x = examples.samples().x["validation"]
    wanted = outputs_of(model)(x)
    off = {}
    for error in ("outputs", "weights"):
        small = run(f"low_rank{{ranks=[left:2,right:2],error={error},epochs=0}}", model).outcome.model
        off[error] = float(((outputs_of(small)(x) - wanted) ** 2).sum())
    assert off["outputs"] < off["weights"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "residual", "branched", "shared", "nested"])
def test_models_of_every_wiring_get_smaller_and_keep_their_ends(name, tmp_path):
    model = channels.randomized(name)
    step = run("low_rank{parameters=0.7,epochs=0}", model)
    small = step.outcome.model
    assert small.output_shape == model.output_shape
    leaves = channels.leaves(model).values()
    whole = sum(int(np.prod(w.shape)) for layer in leaves for w in layer.weights if w.name.endswith("kernel:0"))
    assert step.measured[0].reached <= 0.7 * whole
    assert not [layer for layer in small.layers if hasattr(layer, "layers")]
    assert (name == "nested") is any("block is replaced by its layers" in note for note in step.outcome.notes)
    graph = in_file(small, tmp_path / "small.tflite", step)
    assert all(one.holds for one in check_tflite(graph, step.standing, map_layers(graph, keras_kernels(small))))


def test_a_shared_layer_is_factorised_once_and_its_factors_are_shared():
    model = channels.randomized("shared")
    step = run("low_rank{ranks=[both:2:3],epochs=0}", model)
    small = step.outcome.model
    names = step.outcome.successors["both"]
    assert names == ("both_reduce", "both_core", "both")
    assert [len(small.get_layer(name).inbound_nodes) for name in names] == [2, 2, 2]
    assert describe_model(small)["macs"] == step.measured[1].reached


def test_the_result_opens_in_plain_keras(tmp_path):
    step = run("low_rank{parameters=0.6,epochs=0}", channels.randomized("plain"))
    x = channels.inputs_of(step.outcome.model)[0]
    for keras, path in ((keras2(), tmp_path / "small.h5"), (keras3(), tmp_path / "small.keras")):
        write_keras(step.outcome.model, path)
        again = keras.models.load_model(path, compile=False)
        np.testing.assert_allclose(np.asarray(again(x, training=False)), outputs_of(step.outcome.model)(x), atol=1e-5)


def test_layers_that_have_no_factors_are_left_out_with_the_reason():
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(8, 3, name="separable")(given)
    x = layers.Conv2D(8, 3, groups=2, name="groups")(x)
    x = layers.Conv2DTranspose(6, 3, name="larger")(x)
    x = layers.DepthwiseConv2D(3, name="depth")(x)
    x = layers.Dense(4, activation="softmax", name="classes")(layers.Dense(40, name="hidden")(layers.Flatten()(x)))
    step = run("low_rank{parameters=0.9,epochs=0,exclude=[classes]}", keras2().Model(given, x))
    told = " ".join(step.outcome.notes)
    assert set(step.outcome.successors) == {"hidden"}
    for part in (
        "separable/depthwise_kernel is left out, since SeparableConv2D layers are not factorised",
        "groups is left out, since it works in groups",
        "larger is left out, since Conv2DTranspose layers",
        "depth is left out, since DepthwiseConv2D layers",
        "classes is excluded",
    ):
        assert part in told


def test_nothing_to_do_is_said_where_no_rank_that_was_asked_for_makes_a_layer_smaller():
    model = examples.trained("functional", epochs=1)
    step = run("low_rank{ranks=[left:5:5],epochs=0}", model)
    assert step.outcome.did_nothing_reason == "no layer gets smaller at the ranks that were asked for"
    assert not step.measured
    tiny = keras2().Sequential(
        [keras2().layers.Input((3,)), keras2().layers.Dense(3, activation="softmax", name="classes")]
    )
    context = Context(examples.samples(labels=False), infer(describe_output(tiny), None), original=tiny)
    outcome = make(parse_passes("low_rank")[0]).apply(tiny, context)
    assert outcome.did_nothing_reason == "there is no layer that factors make smaller"
    assert "low_rank: classes is left out, since factors of any rank would be as large as it is" in outcome.notes


def test_a_budget_out_of_reach_is_an_error_that_says_what_could_be_reached():
    with pytest.raises(RecipeError) as caught:
        run("low_rank{macs=0.001,epochs=0}", examples.trained("residual", epochs=1))
    assert "macs=0.001 cannot be reached" in str(caught.value)
    assert "are left at the lowest ranks" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("low_rank{parameters=0.5,energy=0.9}", ("one thing says", "parameters and energy")),
        ("low_rank{ranks=[fc1]}", ("layers with a rank", "fc1", "[fc1:40,conv2:8:12]")),
        ("low_rank{ranks=[fc1:0]}", ("layers with a rank", "fc1:0")),
        ("low_rank{method=tuker}", ("low_rank.method", "tucker")),
        ("low_rank{energy=1}", ("low_rank.energy", "0.999999")),
        ("low_rnk", ("no pass low_rnk", "low_rank")),
    ],
)
def test_wrong_parameters_are_refused(text, parts):
    with pytest.raises(RecipeError) as caught:
        make_all(parse_passes(text))
    for part in parts:
        assert part in str(caught.value)


def test_ranks_for_a_layer_that_is_not_there_are_refused():
    with pytest.raises(RecipeError, match=r"ranks names no layer.*hiden"):
        run("low_rank{ranks=[hiden:4]}", examples.trained("sequential", epochs=1))


def test_samples_are_needed_where_outputs_count_and_not_where_weights_do():
    model = examples.trained("sequential", epochs=1)
    nobody = replace(context_of(model), samples=examples.samples(train=0))
    with pytest.raises(DataError, match="no training samples"):
        make(parse_passes("low_rank{epochs=0}")[0]).apply(model, nobody)
    assert make(parse_passes("low_rank{epochs=0,error=weights}")[0]).apply(model, nobody).successors


def test_a_subclassed_model_is_refused_by_name():
    class Own(keras2().Model):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return x

    model = examples.trained("sequential", epochs=1)
    with pytest.raises(UnsupportedError, match="mine"):
        make(parse_passes("low_rank")[0]).apply(Own(name="mine"), context_of(model))


def test_what_others_promised_of_a_layers_values_is_a_conflict_told_before_training():
    model = examples.trained("sequential", epochs=1)
    pruned = run("prune{sparsity=0.5,epochs=0,exclude=[classes,first]}", model)
    with pytest.raises(PromiseError) as caught:
        run("low_rank{epochs=100000}", pruned.outcome.model, pruned.standing)
    for part in ("low_rank would break", "prune{sparsity=0.5", "hidden", "in front of prune"):
        assert part in str(caught.value)
    step = run("low_rank{parameters=0.99,exclude=[hidden],epochs=0}", pruned.outcome.model, pruned.standing)
    assert "hidden" not in step.outcome.successors
    assert step.standing[0].source.startswith("prune")


def test_a_teachers_layers_teach_the_factors_that_give_the_same():
    model = examples.trained("functional")
    small = run("low_rank{ranks=[left:3,right:2],epochs=0}", model).outcome.model
    taught = with_hints(small, model, "features", 1.0)
    x = examples.samples().x["validation"]
    given = [
        keras2().Model(one.input, [one.get_layer(name).output for name in ("left", "right")])(x)
        for one in (small, model)
    ]
    wanted = np.mean([np.sum((one - other) ** 2) / np.sum(other**2) for one, other in zip(*given, strict=True)])
    taught(x)
    (loss,) = taught.losses
    assert 0 < wanted < 1
    assert float(loss) == pytest.approx(float(wanted), rel=1e-3)


@pytest.mark.slow
def test_fine_tuning_with_a_teacher_wins_back_what_low_rank_cost():
    model = examples.trained("residual", epochs=25)
    (spec,) = parse_passes("low_rank{macs=0.3,multiple=1,epochs=12,learning_rate=0.01}")
    settings = TrainingSettings(learning_rate=1e-3, seed=5, distillation=0.5)
    context = replace(context_of(model), teacher=model, settings=settings)
    tuned = run_pass(make(spec), "low_rank", model, context).outcome.model
    cut = run("low_rank{macs=0.3,multiple=1,epochs=0}", model).outcome.model
    assert loss_of(tuned) < loss_of(cut)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("residual", "low_rank{macs=0.7},prune{sparsity=0.5},codes{values=6},qat"),
        ("sequential", "filters{parameters=0.8,multiple=2},low_rank{parameters=0.7},cluster{clusters=6},qat"),
        (
            "depthwise",
            "low_rank{parameters=0.8},filters{macs=0.8,multiple=1},low_rank{parameters=0.95},prune{sparsity=0.5},qat",
        ),
    ],
)
def test_promises_of_all_passes_hold_at_the_end_of_a_chain_and_in_its_file(name, text, tmp_path):
    model = examples.trained(name)
    specs = parse_passes(text)
    texts = [str(number) for number, _ in enumerate(specs)]
    chain = Chain(tmp_path, context_of(model, epochs=1), "model")
    entries = chain.run(model, make_all(specs), texts, None)
    for entry in (entry for entry in entries if entry["name"] == "low_rank"):
        assert [note for note in entry["notes"] if note.startswith("low_rank: also promised: at most ")]
    assert len(chain.standing) == len(specs) - 1 + text.count("low_rank")
    assert not chain.ended
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    path = tmp_path / "model.tflite"
    path.write_bytes(with_codes(examples.to_tflite(chain.model, x), keras_kernels(chain.model), chain.standing))
    graph = reader.read(path)
    assert all(one.holds for one in check_tflite(graph, chain.standing, map_layers(graph, keras_kernels(chain.model))))
    again = Chain(tmp_path, context_of(model, epochs=1), "model")
    assert all(entry["resumed"] for entry in again.run(model, make_all(specs), texts, None))
