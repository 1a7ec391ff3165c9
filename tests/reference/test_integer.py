"""The NumPy executor."""

import pytest

from edgecompress.codegen import ops
from edgecompress.errors import DataError, ToolError, UnsupportedError
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import Integer, run_graph
from edgecompress.tflite import reader


def test_operator_without_kernel_is_unsupported(model, tmp_path):
    from model_cases.single import Operand, Single

    path = tmp_path / "odd.tflite"
    path.write_bytes(Single("GELU", (Operand((1, 4)),), (Operand((1, 4)),))())
    graph = reader.read(path)
    with pytest.raises(UnsupportedError, match="GELU"):
        run_graph(graph, random_inputs(graph, 1)[0])


def test_missing_input_is_named(model):
    graph = reader.read(model("add-two_inputs"))
    inputs = random_inputs(graph, 1)[0]
    del inputs[graph.inputs[1]]
    with pytest.raises(DataError, match=f"input tensor {graph.inputs[1]}"):
        run_graph(graph, inputs)


def test_reference_that_returns_another_type_is_a_defect_that_names_the_operator(model, monkeypatch):
    graph = reader.read(model("conv_2d-same"))
    right = ops.find("CONV_2D").reference
    monkeypatch.setattr(
        type(ops.find("CONV_2D")), "reference", lambda self, *arguments: [right(*arguments)[0].astype("int32")]
    )
    with pytest.raises(ToolError, match="CONV_2D"):
        run_graph(graph, random_inputs(graph, 1)[0])


def test_one_bad_job_does_not_stop_the_others(model, tmp_path):
    path = model("conv_2d-same")
    inputs = tuple(random_inputs(reader.read(path), 1))
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(path.read_bytes()[:100])
    bad, good = Integer().run_jobs([Job(broken, inputs), Job(path, inputs)])
    assert bad.error is not None
    assert good.error is None


def test_inputs_are_not_changed(model):
    graph = reader.read(model("add-two_residuals"))
    inputs = random_inputs(graph, 1)[0]
    before = {i: value.copy() for i, value in inputs.items()}
    run_graph(graph, inputs)
    assert all((inputs[i] == before[i]).all() for i in before)
