"""Models that nobody here made: tflite-micro finds no byte of their outputs changed; VWW keeps less than a sixth of its weights."""

import sys
from pathlib import Path

import pytest
from small import samples_of, shrunk

from edgecompress.reference.litert import Litert
from edgecompress.shrink.driver import shrink
from edgecompress.shrink.summary import summary
from edgecompress.tflite import reader, writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))

from real_models import LEGACY, MODELS, REFUSED, STREAMING

VWW = "mlperf_tiny/visual_wake_words/vww_96_int8"
NOTHING_TO_FIND = ("ad01_int8", "pretrainedResnet_quant", "kws_ref_model", "cifar10_q", "qnn_model", "simple_add_model")


@pytest.mark.parametrize("name", STREAMING)
def test_models_that_keep_a_state_are_left_alone_and_the_reason_is_said(models, name):
    result = shrink(reader.read(models / f"{name}.tflite"), with_interpreter=False)
    assert not result.changed
    assert "keeps a state" in result.reason


@pytest.mark.parametrize("name", LEGACY)
def test_models_of_legacy_uint8_lose_nothing(models, name):
    result = shrink(reader.read(models / f"{name}.tflite"), with_interpreter=False)
    assert not result.changed
    assert not result.defects


@pytest.mark.parametrize("name", [name for name in MODELS if name not in STREAMING + LEGACY])
def test_outputs_stay_as_they_are(models, name):
    result = shrunk(reader.read(models / f"{name}.tflite"), multiple=4)
    if name.endswith(NOTHING_TO_FIND):
        assert not result.changed
    if result.changed:
        again = reader.read_bytes(writer.write(result.after))
        assert not shrink(again, with_interpreter=False).changed


@pytest.mark.parametrize(("multiple", "macs", "weights"), [(4, 3_766_476, 30_340), (1, 3_727_313, 29_066)])
def test_visual_wake_words_loses_half_its_work_and_most_of_its_weights(models, multiple, macs, weights):
    found = summary(shrink(reader.read(models / f"{VWW}.tflite"), multiple=multiple, with_interpreter=False))
    assert (found.macs_before, found.weights_before) == (7_489_664, 208_112)
    assert (found.macs, found.weights) == (macs, weights)
    assert {one.rewrite for one in found.done} == {"constant channels", "dead channels"}


@pytest.mark.parametrize("name", [VWW, "tflm/hello_world_int8", "tinyengine/vww", "mltk/anomaly_detection"])
def test_litert_finds_no_difference_either(models, name, tmp_path):
    litert = Litert()
    if reason := litert.available():
        pytest.skip(reason)
    before = reader.read(models / f"{name}.tflite")
    path = tmp_path / "shrunk.tflite"
    path.write_bytes(writer.write(shrink(before, multiple=1, with_interpreter=False).after))
    after = reader.read(path)
    samples = samples_of(before)
    renamed = [{new: sample[old] for old, new in zip(before.inputs, after.inputs, strict=True)} for sample in samples]
    theirs, ours = litert.run(models / f"{name}.tflite", samples), litert.run(path, renamed)
    for was, now in zip(theirs, ours, strict=True):
        for old, new in zip(before.outputs, after.outputs, strict=True):
            assert was[old].tobytes() == now[new].tobytes()


@pytest.mark.parametrize("name", REFUSED)
def test_other_models_are_left_alone_or_proven(models, name):
    graph = reader.read(models / f"{name}.tflite")
    result = shrink(graph)
    assert not result.defects
    assert not result.changed or "tflite-micro" in result.executor
