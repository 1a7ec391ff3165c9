"""`--tune`: the cheapest candidate of every layer, as brute force finds it; remembered, and measured again when anything
that matters has changed."""

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from model_cases import model_of

from edgecompress import emulate
from edgecompress.codegen import variants
from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.errors import UsageError
from edgecompress.memory.choice import SPEED
from edgecompress.pipeline import firmware, tuning
from edgecompress.pipeline.bench import bench
from edgecompress.pipeline.benching import bench_anywhere
from edgecompress.pipeline.tuning import Candidate, Tuned
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find
from edgecompress.tflite import reader

M4 = find("cortex-m4")
NETWORK = "add-two_residuals"


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(model_of(NETWORK))
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache; the compiler's own support code would have to be made again in it, so only the tuning's is."""
    folder = tmp_path / "tuning"
    folder.mkdir()
    monkeypatch.setattr(tuning, "cache_folder", lambda _: folder)
    return folder


@pytest.fixture
def backwards(monkeypatch):
    """The best guesses are the worst."""
    honest = variants.candidates
    monkeypatch.setattr(variants, "candidates", lambda *given: reversed(list(honest(*given))))


def cost_of(graph, choices, folder):
    """Every layer's cycles with these choices, each layer by its step and run whole."""
    program = lower(graph, features_of(M4.cpu), choices, SPEED)
    sample = random_inputs(program.graph, 1, 0)[0]
    image = firmware.build_standalone(program, M4, folder, (sample, run_graph(program.graph, sample)))
    profile = emulate.profile(image, M4, "model_invoke", [f"model_layer_{layer.index}" for layer in program.layers])
    return {layer.step: cost.cycles.typical for layer, cost in zip(program.layers, profile.layers, strict=True)}


def test_choices_are_those_of_brute_force(model, cache, tmp_path):
    graph = reader.read(model)
    _, tuned = tuning.tune(graph, M4)
    assert any(len(row) > 1 for row in tuned.layers.values())
    for step, row in tuned.layers.items():
        alone = [cost_of(graph, {step: number}, tmp_path)[step] for number in range(len(row))]
        # not equal: where code lies decides whether the emulator cuts a block in two, which costs the model a cycle
        assert [one.cycles for one in row] == pytest.approx(alone, rel=0.005)
        assert tuned.choices[step] == alone.index(min(alone))


def test_wrong_guesses_are_put_right(model, cache, backwards):
    graph = reader.read(model)
    guessed = lower(graph, features_of(M4.cpu))
    program, tuned = tuning.tune(graph, M4)
    assert tuned.saved > 0
    changed = [a.call.kernel != b.call.kernel for a, b in zip(guessed.layers, program.layers, strict=True)]
    assert any(changed)
    assert all(tuned.choices[layer.step] for layer, differs in zip(program.layers, changed, strict=True) if differs)


def test_second_time_nothing_is_run(model, cache, monkeypatch):
    graph = reader.read(model)
    first, measured = tuning.tune(graph, M4)
    monkeypatch.setattr(emulate, "profile", None)
    again, remembered = tuning.tune(graph, M4)
    assert not measured.cached
    assert remembered == replace(measured, cached=True)
    assert [layer.call.kernel for layer in again.layers] == [layer.call.kernel for layer in first.layers]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"0": []}', '{"0": [{"kernel": "conv_2d"}]}'])
def test_damaged_memory_is_measured_again(model, cache, text):
    graph = reader.read(model)
    _, measured = tuning.tune(graph, M4)
    (file,) = cache.iterdir()
    whole = file.read_text()
    file.write_text(text)
    assert tuning.tune(graph, M4)[1] == measured
    assert file.read_text() == whole


def test_memory_of_kernels_that_are_gone_is_measured_again(model, cache):
    graph = reader.read(model)
    _, measured = tuning.tune(graph, M4)
    (file,) = cache.iterdir()
    file.write_text(file.read_text().replace("conv_2d", "conv_3d"))
    assert tuning.tune(graph, M4)[1] == measured


def test_whatever_matters_is_in_the_key(model, tmp_path, monkeypatch):
    graph = reader.read(model)
    other = tmp_path / "other.tflite"
    other.write_bytes(model_of("conv_2d-same"))
    plain, spending = features_of(M4.cpu), features_of(M4.cpu, spends_flash=True)
    keys = [
        tuning._key(graph, M4, "zig", plain),
        tuning._key(graph, M4, "zig", spending),
        tuning._key(reader.read(other), M4, "zig", plain),
        tuning._key(graph, find("cortex-m7"), "zig", plain),
        tuning._key(graph, find("nucleo-l4r5zi"), "zig", plain),
        tuning._key(graph, find("nucleo-f446re"), "zig", plain),
    ]
    for name, made_up in (
        ("_sources", lambda: "x"),
        ("find_compiler", lambda _: replace(tuning_compiler(), version="0")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(tuning, name, made_up)
            keys.append(tuning._key(graph, M4, "zig", plain))
    assert len(set(keys)) == len(keys)
    assert tuning._key(graph, M4, "zig", plain) == keys[0]


def tuning_compiler():
    from edgecompress.targets.compilers import find_zig

    return find_zig()


def test_of_equal_candidates_the_first_is_taken():
    row = tuple(Candidate(name, 100, cycles, 0) for name, cycles in (("a", 9), ("b", 7), ("c", 7)))
    assert Tuned({3: row}, "cycles").choices == {3: 1}
    assert Tuned({3: row}, "instructions").choices == {3: 0}
    assert Tuned({3: row}, "cycles").saved == 2


def test_tuned_bench_is_exact_and_reports_every_candidate(model, cache, backwards, tmp_path):
    done = bench(model, inputs=2, tune=True, save=tmp_path / "run")
    done.require_exact()
    report = done.report
    assert report.tuning.by == "cycles"
    assert report.tuning.runs == max(len(layer.alternatives) for layer in report.layers)
    for layer in report.layers:
        (chosen,) = [one for one in layer.alternatives if one.chosen] or [None]
        if chosen is None:
            assert layer.kernel is None
            continue
        assert chosen.kernel == layer.kernel
        assert chosen.cycles == min(one.cycles for one in layer.alternatives)


def test_without_tune_the_report_names_kernels_and_no_alternatives(model):
    report = bench(model, inputs=1).report
    assert report.tuning is None
    assert all(layer.alternatives == () for layer in report.layers)
    assert [layer.kernel for layer in report.layers if layer.kernel] == [
        layer.call.kernel for layer in lower(reader.read(model), features_of(M4.cpu)).layers
    ]


def test_choice_that_is_no_candidate_is_refused(model):
    with pytest.raises(IndexError, match="there is no candidate 99"):
        lower(reader.read(model), features_of(M4.cpu), {0: 99})


def test_linux_computer_is_not_tuned_for(model):
    with pytest.raises(UsageError, match="--tune measures on an emulated Cortex-M"):
        bench_anywhere(model, where="host", tune=True)


@pytest.mark.slow
def test_tuning_never_costs_cycles(shared_data, cache):
    """On a real model, and the whole is what its parts say."""
    path = shared_data / "models" / "mlperf_tiny" / "keyword_spotting" / "kws_ref_model.tflite"
    plain, tuned = (bench(path, inputs=0, tune=tune).report for tune in (False, True))
    assert tuned.cycles.typical <= plain.cycles.typical
    assert plain.cycles.typical - tuned.cycles.typical == pytest.approx(tuned.tuning.saved, abs=1000)
    assert all(a.index < b.index for a, b in pairwise(tuned.layers))
