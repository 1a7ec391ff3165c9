"""GATHER with indices that come in: TFLM's values of a table, and none from outside of it whatever comes in."""

import numpy as np
import pytest
from model_cases.network import Network

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.errors import UnsupportedError
from edgecompress.pipeline.host import run_on_host
from edgecompress.reference.inputs import FILLS, filled_input, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

TABLE = np.random.default_rng(0).integers(-128, 128, (7, 3))


def looked_up() -> bytes:
    network = Network()
    indices = network.tensor((1, 5), dtype="INT32")
    table, rows = network.tensor(TABLE.shape, 0.1, 0, data=TABLE), network.tensor((1, 5, 3), 0.1, 0)
    network.operator("GATHER", [table, indices], [rows], "Gather", axis=0)
    return network.file([indices], [rows])


def in_batches() -> bytes:
    """Two batches of 3 x 4 x 2 values, of which each has two indices of its own into the middle."""
    network = Network()
    source, indices = network.tensor((1, 2, 3, 4, 2), 0.1, 0), network.tensor((1, 2, 2), dtype="INT32")
    found = network.tensor((1, 2, 3, 2, 2), 0.1, 0)
    network.operator("GATHER", [source, indices], [found], "Gather", axis=3, batchDims=2)
    return network.file([source, indices], [found])


def test_rows_are_tflms(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(looked_up())
    graph = reader.read(path)
    samples = [*random_inputs(graph, 3), *(filled_input(graph, fill) for fill in FILLS)]
    assert all(0 <= sample[graph.inputs[0]].min() <= sample[graph.inputs[0]].max() < len(TABLE) for sample in samples)
    for sample, theirs in zip(samples, Tflm().run(path, samples), strict=True):
        (output,) = graph.outputs
        assert np.array_equal(run_graph(graph, sample)[output], theirs[output])
        assert np.array_equal(theirs[output], TABLE[sample[graph.inputs[0]]])


def test_an_index_outside_takes_the_nearest_row(tmp_path):
    program = lower(reader.read_bytes(looked_up()))
    indices = np.array([[[-1, 7, 3, -(2**31), 2**31 - 1]]], np.int32)
    (rows,) = run_on_host(program, writer.write(program), tmp_path, [indices])
    assert np.array_equal(rows[0], TABLE[[0, 6, 3, 0, 6]])
    expected = run_graph(program.graph, {program.graph.inputs[0]: indices[0]})
    assert np.array_equal(rows, expected[program.graph.outputs[0]])


def test_an_index_outside_takes_the_nearest_place_of_its_own_part(tmp_path):
    program = lower(reader.read_bytes(in_batches()))
    values = np.arange(48, dtype=np.int8).reshape(1, 1, 2, 3, 4, 2)
    indices = np.array([[[[4, -1], [2**31 - 1, -(2**31)]]]], np.int32)
    (found,) = run_on_host(program, writer.write(program), tmp_path, [values, indices])
    assert np.array_equal(found, values[0][..., [3, 0], :])
    inputs = dict(zip(program.graph.inputs, (values[0], indices[0]), strict=True))
    assert np.array_equal(found, run_graph(program.graph, inputs)[program.graph.outputs[0]])


@pytest.mark.parametrize("executor", [Tflm(), Litert()], ids=lambda executor: executor.name)
@pytest.mark.parametrize("index", [-1, len(TABLE)])
def test_other_interpreters_end_the_inference_at_an_index_outside(executor, index, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(looked_up())
    (place,) = reader.read(path).inputs
    with pytest.raises(UnsupportedError, match=r"failed to invoke|out of bounds|invocation failed"):
        executor.run(path, [{place: np.array([[0, 1, index, 2, 3]], np.int32)}])
