"""`bench` on the shrunk model: less work and flash, and the outputs are still those of the model that came in."""

import json
from dataclasses import replace

import numpy as np
import pytest
from real_models import KWS

from edgecompress.codegen import variants
from edgecompress.codegen.variants.sparse import ListVariant
from edgecompress.errors import NotExactError
from edgecompress.pipeline import shrinking
from edgecompress.pipeline.bench import bench
from edgecompress.pipeline.shrinking import Given, outputs_as_given, record, require_original, source
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.report import read_report, to_json
from edgecompress.tflite import reader

VWW = "mlperf_tiny/visual_wake_words/vww_96_int8.tflite"


@pytest.fixture(scope="module")
def both(models, tmp_path_factory):
    """VWW as it came in and shrunk, each benched into a folder."""
    folder = tmp_path_factory.mktemp("vww")
    plain = bench(models / VWW, inputs=2, save=folder / "plain", shrink=False)
    return plain, bench(models / VWW, inputs=2, save=folder / "shrunk"), folder


def interpreter(path):
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="tflite-micro is not installed")
    return runtime.Interpreter.from_file(str(path), arena_size=1 << 20)


@pytest.mark.slow
def test_shrinking_saves_what_it_promises(both, models, monkeypatch):
    """Against all weights in dense kernels; those that read lists leave out zeros by themselves."""
    _, shrunk, _ = both
    dense = tuple(variant for variant in variants.VARIANTS if not isinstance(variant, ListVariant))
    monkeypatch.setattr(variants, "VARIANTS", dense)
    plain = bench(models / VWW, inputs=0, shrink=False)
    assert shrunk.report.cycles.typical <= 0.65 * plain.report.cycles.typical
    assert shrunk.report.flash.weights < 0.16 * plain.report.flash.weights
    assert shrunk.report.ram.arena <= plain.report.ram.arena
    assert (plain.report.macs, shrunk.report.macs) == (7_489_664, 3_766_476)


@pytest.mark.slow
def test_outputs_on_the_device_are_those_of_the_model_that_came_in(both, models):
    """Recomputed from the files alone, by tflite-micro's own interpreter."""
    _, _, folder = both
    inputs, outputs = (np.load(folder / "shrunk" / f"{name}.npz") for name in ("inputs", "outputs"))
    files = [models / VWW, folder / "shrunk" / "model.tflite", folder / "shrunk" / "shrunk.tflite"]
    for tflm in map(interpreter, files):
        for given, expected in zip(inputs["input_0"], outputs["output_0"], strict=True):
            tflm.set_input(given, 0)
            tflm.invoke()
            assert tflm.get_output(0).tobytes() == expected.tobytes()


@pytest.mark.slow
def test_the_report_tells_both_proofs(both):
    plain, shrunk, folder = both
    assert plain.report.shrinking is None
    found = shrunk.report.shrinking
    assert shrunk.report.bit_exact.differing_bytes == 0
    assert (found.outputs.inputs, found.outputs.tensors, found.outputs.differing_bytes) == (6, 1, 0)
    assert found.outputs.reference in ("tflite-micro", "our NumPy reference")
    assert found.file == "shrunk.tflite"
    saved = json.loads((folder / "shrunk" / "report.json").read_text())["shrinking"]
    assert (saved["weights_before"], saved["weights"]) == (208_112, 30_340)
    hashes = shrunk.report.hashes
    assert hashes["model.tflite"] == reader.read(folder / "shrunk" / "model.tflite").sha256
    assert hashes["shrunk.tflite"] == found.sha256 == reader.read(folder / "shrunk" / "shrunk.tflite").sha256


@pytest.mark.slow
def test_a_run_directory_is_built_again_as_it_was(both):
    plain, shrunk, folder = both
    for run, name in ((plain, "plain"), (shrunk, "shrunk")):
        again = bench(folder / name, inputs=1)
        assert (again.report.shrinking is None) == (run.report.shrinking is None)
        assert again.report.macs == run.report.macs
        assert dict(again.firmware.sources) == dict(run.firmware.sources)


def test_a_model_with_nothing_to_take_out_gives_the_same_c(models):
    plain, shrunk = (bench(models / f"{KWS}.tflite", inputs=1, shrink=shrink) for shrink in (False, True))
    assert dict(plain.firmware.sources) == dict(shrunk.firmware.sources)
    assert shrunk.report.shrinking.file is None
    assert shrunk.report.shrinking.macs == shrunk.report.shrinking.macs_before == shrunk.report.macs
    assert shrunk.report.hashes["model.tflite"] == plain.report.hashes["model.tflite"]
    assert replace(shrunk.report, shrinking=None, hashes={}).layers == plain.report.layers


def test_a_byte_that_differs_from_the_model_that_came_in_is_an_error(models):
    one = source(models / "tflm/hello_world_int8.tflite", wanted=True)
    assert one.content is not None
    inputs = random_inputs(one.graph, 3)
    given = outputs_as_given(one, inputs)
    outputs = [run_graph(one.graph, sample) for sample in inputs]
    good = record(one, given, outputs)
    assert good.outputs.differing_bytes == 0
    wrong = Given(((given.outputs[0][0] ^ 1,), *given.outputs[1:]), given.reference)
    bad = record(one, wrong, outputs)
    assert bad.outputs.differing_bytes == 1
    report = bench(models / "tflm/hello_world_int8.tflite", inputs=1).report
    require_original(replace(report, shrinking=good))
    with pytest.raises(NotExactError, match="before it was shrunk"):
        require_original(replace(report, shrinking=bad))
    to_json(replace(report, shrinking=bad))


def test_a_shrunk_file_of_an_earlier_run_does_not_stay(models, tmp_path):
    path = models / "tflm/hello_world_int8.tflite"
    bench(path, inputs=1, save=tmp_path)
    assert (tmp_path / shrinking.SHRUNK).is_file()
    bench(path, inputs=1, save=tmp_path, shrink=False)
    assert not (tmp_path / shrinking.SHRUNK).exists()
    assert read_report(tmp_path).shrinking is None


def test_operators_know_where_they_came_from(models):
    one = source(models / "mltk/anomaly_detection.tflite", wanted=True)
    assert [operation.opcode for operation in one.graph.operations].count("SHAPE") == 0
    origins = [one.origin(operation.index) for operation in one.graph.operations]
    opcodes = [one.original.operations[index].opcode for index in origins]
    assert opcodes == [operation.opcode for operation in one.graph.operations]
    assert origins == sorted(set(origins))
    assert origins != list(range(len(origins)))
