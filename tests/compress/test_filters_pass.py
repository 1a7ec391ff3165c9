"""Pruning of structure as a pass: what it trains, says and refuses, and what becomes of what other passes promised."""

import warnings
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
from edgecompress.compress.models.mapping import map_layers, weight_tensors
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.training.fine_tuning import describe_output, outputs_of
from edgecompress.compress.training.task import infer
from edgecompress.convert.codes import with_codes
from edgecompress.errors import PromiseError, RecipeError
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


def in_file(model: Any, path: Path, step: Step | None = None) -> Any:
    """The full-integer file as a graph."""
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    content = examples.to_tflite(model, x)
    path.write_bytes(with_codes(content, keras_kernels(model), step.standing) if step else content)
    return reader.read(path)


def macs_in_file(graph: Any) -> int:
    """Counted operator by operator."""
    total = 0
    for operation in graph.operations:
        if operation.opcode in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
            weights = graph.tensors[operation.inputs[1]].shape
            transposed = operation.opcode == "TRANSPOSE_CONV"
            places = graph.tensors[operation.inputs[2] if transposed else operation.outputs[0]].shape[1:-1]
            total += int(np.prod(weights)) * int(np.prod(places))
    return total


@pytest.mark.slow
@pytest.mark.parametrize("name", ["residual", "mobile", "shared", "branched"])
def test_the_budget_is_met_in_the_file_too_counted_operator_by_operator(name, tmp_path):
    model = channels.randomized(name)
    step = run("filters{macs=0.5,multiple=2,epochs=0}", model)
    whole = in_file(model, tmp_path / "whole.tflite")
    graph = in_file(step.outcome.model, tmp_path / "small.tflite", step)
    assert macs_in_file(whole) == describe_model(model)["macs"]
    assert macs_in_file(graph) == describe_model(step.outcome.model)["macs"] == step.measured[0].reached
    assert macs_in_file(graph) <= 0.5 * macs_in_file(whole)
    kernels = keras_kernels(step.outcome.model)
    (measured,) = check_tflite(graph, step.standing, map_layers(graph, kernels))
    assert measured.reached == macs_in_file(graph)
    assert {t.dtype.kind for t in graph.tensors.values() if not t.is_constant} == {"i"}


def test_the_result_opens_in_plain_keras_and_is_a_functional_model_without_models_inside(tmp_path):
    model = channels.randomized("nested")
    step = run("filters{macs=0.6,epochs=0}", model)
    result = step.outcome.model
    assert type(result) is keras2().Model or type(result).__name__ == "Functional"
    assert not [layer for layer in result.layers if hasattr(layer, "layers")]
    assert [note for note in step.outcome.notes if "block is replaced by its layers" in note]
    x = channels.inputs_of(model)[0]
    for keras, path in ((keras2(), tmp_path / "small.h5"), (keras3(), tmp_path / "small.keras")):
        write_keras(result, path)
        again = keras.models.load_model(path, compile=False)
        np.testing.assert_allclose(np.asarray(again(x, training=False)), outputs_of(result)(x), atol=1e-6)


@pytest.mark.slow
def test_fine_tuning_wins_back_what_removal_cost():
    model = examples.trained("residual", epochs=25)
    context = context_of(model)
    (spec,) = parse_passes("filters{macs=0.6,multiple=2,score=random,epochs=12,learning_rate=0.01}")
    tuned = run_pass(make(spec), "filters", model, context).outcome.model
    cut = run("filters{macs=0.6,multiple=2,score=random,epochs=0}", model).outcome.model
    data = examples.samples()

    def loss(one: Any) -> float:
        found = outputs_of(one)(data.x["train"])
        return float(-np.log(found[np.arange(len(found)), data.y["train"]] + 1e-9).mean())

    assert loss(tuned) < loss(cut)


def test_rounds_take_out_a_part_each_and_share_the_epochs():
    model = examples.trained("depthwise")
    told: list[dict[str, Any]] = []
    context = Context(**{**vars(context_of(model)), "emit": told.append})
    (spec,) = parse_passes("filters{macs=0.4,multiple=1,rounds=3,epochs=4}")
    step = run_pass(make(spec), "filters", model, context)
    assert step.measured[0].reached <= step.outcome.promise.bound
    assert describe_model(step.outcome.model)["macs"] <= 0.4 * describe_model(model)["macs"]
    steps_of_an_epoch = 3
    ends = [event["total"] for event in told if event["step"] == event["total"]]
    assert ends == [steps_of_an_epoch * epochs for epochs in (1, 1, 2)]
    stays = {name: kernel.rows.shape[0] for name, kernel in keras_kernels(step.outcome.model).items()}
    assert {name: len(rows) for name, rows in step.outcome.rows.items()}.items() <= stays.items()


@pytest.mark.slow
def test_slimming_drives_factors_of_batch_norms_towards_zero_before_anything_goes(monkeypatch):
    from edgecompress.compress.passes import filters

    model = examples.trained("residual")
    seen: list[float] = []

    def looked_at(one: Any, graph: Any, context: Context) -> np.ndarray:
        seen.append(sum(float(np.abs(one.get_layer(name).gamma.numpy()).sum()) for name in ("stem_norm", "inner_norm")))
        return filters_scores["bn_gamma"](one, graph, context)

    filters_scores = dict(filters.SCORES)
    monkeypatch.setattr(filters, "SCORES", {**filters_scores, "bn_gamma": looked_at})
    for text in ("slimming=1.0", "slimming=0.000001"):
        run(f"filters{{macs=0.6,multiple=2,score=bn_gamma,{text},epochs=20,learning_rate=0.05}}", model)
    assert seen[0] < 0.7 * seen[1]


def test_excluded_layers_keep_their_output_and_are_named():
    model = examples.trained("depthwise")
    step = run("filters{macs=0.9,multiple=2,exclude=[stem],epochs=0}", model)
    small = step.outcome.model
    assert small.get_layer("stem").filters == 6
    assert small.get_layer("point").filters < 8
    assert "filters: stem is excluded" in step.outcome.notes
    with pytest.raises(RecipeError, match="names no layer"):
        run("filters{exclude=[steam]}", model)


def test_layers_that_a_score_knows_nothing_of_keep_their_channels_and_are_named():
    model = examples.trained("functional")
    with pytest.raises(RecipeError, match=r"macs=0.5 cannot be reached"):
        run("filters{score=bn_gamma,epochs=0}", model)
    step = run("filters{score=bn_gamma,macs=0.9,multiple=2,epochs=0}", examples.trained("depthwise"))
    assert any("narrow" not in note and "stem" in note for note in step.outcome.notes)


def test_slimming_without_epochs_is_refused_where_the_recipe_has_none():
    with pytest.raises(RecipeError, match="slimming needs"):
        run("filters{score=bn_gamma,slimming=0.1}", examples.trained("residual", epochs=1))


def test_a_budget_out_of_reach_is_an_error_that_says_what_could_be_reached():
    with pytest.raises(RecipeError) as caught:
        run("filters{macs=0.01,epochs=0}", examples.trained("residual"))
    assert "macs=0.01 cannot be reached" in str(caught.value)
    assert "are left when every channel that may go is gone" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("filters{macs=0.5,parameters=0.5}", ("one budget", "filters{macs=0.5},filters{parameters=0.5}")),
        ("filters{score=tailor}", ("filters.score", "taylor")),
        ("filters{scope=model}", ("filters.scope", "global, layer")),
        ("filters{macs=1.5}", ("filters.macs", "0.99")),
        ("filters{slimming=0.1}", ("slimming", "score=bn_gamma")),
    ],
)
def test_wrong_parameters_are_refused(text, parts):
    with pytest.raises(RecipeError) as caught:
        make_all(parse_passes(text))
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("threshold", ["layer", "global"])
def test_zeros_of_an_earlier_prune_stay_and_their_share_is_kept(threshold):
    model = examples.trained("residual")
    pruned = run(f"prune{{sparsity=0.6,threshold={threshold},epochs=0}}", model)
    step = run("filters{macs=0.6,multiple=2,epochs=1}", pruned.outcome.model, pruned.standing)
    assert [promise.source.split("{")[0] for promise in step.standing] == ["prune", "filters"]
    rows = {name: kernel.rows.ravel() for name, kernel in keras_kernels(step.outcome.model).items()}
    for values in rows.values() if threshold == "layer" else [np.concatenate(list(rows.values()))]:
        assert np.sum(values == 0) >= int(0.6 * values.size)
    assert any("zeros were added" in note and "prune{sparsity=0.6" in note for note in step.outcome.notes)


@pytest.mark.slow
def test_codes_go_with_their_channels_and_the_scales_of_those_that_stay(tmp_path):
    model = examples.trained("depthwise")
    coded = run("codes{values=6,epochs=0}", model)
    step = run("filters{macs=0.6,multiple=2,epochs=1}", coded.outcome.model, coded.standing)
    kernels = keras_kernels(step.outcome.model)
    (codes,) = [promise for promise in step.standing if promise.kind is Kind.DISTINCT_VALUES]
    assert {name: len(units) for name, units in codes.units.items()} == {
        name: kernels[name].rows.shape[0] for name in codes.layers
    }
    graph = in_file(step.outcome.model, tmp_path / "small.tflite", step)
    for found in weight_tensors(graph):
        assert len(np.unique(found.tensor.data)) <= 6


def test_n_of_m_zeros_that_removal_would_shift_are_a_conflict_told_before_training():
    model = examples.trained("depthwise")
    kernel = model.get_layer("point").kernel
    kernel.assign(kernel.numpy() * np.isin(np.arange(6), (0, 3, 4))[:, None])  # one of two consecutive inputs
    for name, attribute in (("stem", "kernel"), ("wide", "depthwise_kernel")):
        variable = getattr(model.get_layer(name), attribute)
        shape = (-1,) if name == "stem" else (-1, 1)
        variable.assign(variable.numpy() * (np.arange(6) != 1).reshape(shape))  # channel 1 goes first
    promise = Promise(Kind.N_OF_M, (1.0, 2.0), layers=("point",), source="prune{pattern=1:2}")
    with pytest.raises(PromiseError) as caught:
        run("filters{macs=0.95,multiple=1,exclude=[point],epochs=500}", model, (promise,))
    for part in ("filters broke", "prune{pattern=1:2}", "point"):
        assert part in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "filters{macs=0.6,multiple=2},prune{sparsity=0.5},codes{values=6},qat",
        "filters{parameters=0.7,multiple=2},filters{macs=0.7,multiple=2},cluster{clusters=6},qat",
        "prune{sparsity=0.5},cluster{clusters=6},filters{macs=0.6,multiple=2},qat",
    ],
)
@pytest.mark.parametrize("name", ["residual", "depthwise"])
def test_promises_of_all_passes_hold_at_the_end_of_a_chain_and_in_its_file(name, text, tmp_path):
    model = examples.trained(name)
    specs = parse_passes(text)
    chain = Chain(tmp_path, context_of(model, epochs=1), "model")
    entries = chain.run(model, make_all(specs), [str(number) for number, _ in enumerate(specs)], None)
    assert len(chain.standing) == len(specs) - 1
    assert not chain.ended
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    path = tmp_path / "model.tflite"
    path.write_bytes(with_codes(examples.to_tflite(chain.model, x), keras_kernels(chain.model), chain.standing))
    graph = reader.read(path)
    assert all(one.holds for one in check_tflite(graph, chain.standing, map_layers(graph, keras_kernels(chain.model))))
    again = Chain(tmp_path, context_of(model, epochs=1), "model")
    assert all(
        entry["resumed"]
        for entry in again.run(model, make_all(specs), [str(number) for number, _ in enumerate(specs)], None)
    )
    assert [entry["name"] for entry in entries] == [spec.name for spec in specs]
