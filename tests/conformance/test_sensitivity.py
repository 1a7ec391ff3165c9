"""The comparison itself is on trial: the smallest change of a model must be seen, and at the right operator."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from model_cases import model_of

from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

CHANGED = ["conv_2d-same", "conv_2d-per_tensor", "depthwise_conv_2d-same", "fully_connected-plain", "add-two_residuals"]
WEIGHTS, BIAS = 1, 2


def change_last_layer(path, changed, change):
    """Write `changed` after `change(model, input tensors)` of the last operator with weights; return its path."""
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    subgraph = file.subgraphs[0]
    operator = [o for o in subgraph.operators if len(o.inputs) == 3][-1]
    change(file, [subgraph.tensors[i] for i in operator.inputs])
    builder = flatbuffers.Builder(1024)
    builder.Finish(file.Pack(builder), b"TFL3")
    changed.write_bytes(bytes(builder.Output()))
    return changed


def one_weight(file, tensors):
    data = np.array(file.buffers[tensors[WEIGHTS].buffer].data, np.uint8)
    data[len(data) // 2] ^= 1
    file.buffers[tensors[WEIGHTS].buffer].data = data


def one_scale(file, tensors):
    scales = np.array(tensors[WEIGHTS].quantization.scale, np.float32)
    scales[-1] *= np.float32(1.004)
    tensors[WEIGHTS].quantization.scale = scales


def one_bias(file, tensors):
    values = np.array(file.buffers[tensors[BIAS].buffer].data, np.uint8).view(np.int32)
    values[-1] ^= 1 << 8
    file.buffers[tensors[BIAS].buffer].data = values.view(np.uint8)


CHANGES = {"nothing": lambda file, tensors: None, "weight": one_weight, "multiplier": one_scale, "bias": one_bias}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(Graphs by model, answers by executor and (model, change))."""
    if reason := Tflm().available():
        pytest.skip(reason)
    jobs, graphs = {}, {}
    for name in CHANGED:
        path = tmp_path_factory.mktemp(name) / "model.tflite"
        path.write_bytes(model_of(name))
        graphs[name] = reader.read(path)
        inputs = tuple(random_inputs(graphs[name], 16) + hostile_inputs(graphs[name]))
        jobs[name, "original"] = Job(path, inputs)
        for change, apply in CHANGES.items():
            jobs[name, change] = Job(change_last_layer(path, path.with_name(f"{change}.tflite"), apply), inputs)
    answers = {e.name: dict(zip(jobs, e.run_jobs(list(jobs.values())), strict=True)) for e in (Integer(), Tflm())}
    return graphs, answers


@pytest.mark.parametrize("executor", ["numpy", "tflite-micro"])
@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("change", ["weight", "multiplier", "bias"])
def test_one_changed_constant_is_seen_at_its_operator(runs, name, change, executor):
    graphs, answers = runs
    expected, actual = answers["tflite-micro"][name, "original"], answers[executor][name, change]
    found = compare(graphs[name], expected.outputs, actual.outputs)
    assert found.differing_bytes > 0
    assert not found.exact
    assert found.first.operator == [o.index for o in graphs[name].operations if len(o.inputs) == 3][-1]
    assert found.first.first.a != found.first.first.b


@pytest.mark.parametrize("executor", ["numpy", "tflite-micro"])
@pytest.mark.parametrize("name", CHANGED)
def test_writing_a_model_again_without_a_change_changes_nothing(runs, name, executor):
    graphs, answers = runs
    expected, actual = answers["tflite-micro"][name, "original"], answers[executor][name, "nothing"]
    assert compare(graphs[name], expected.outputs, actual.outputs).exact
