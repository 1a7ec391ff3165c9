"""GATHER with indices that come in: TFLM's rows of a table, and none from outside of it whatever comes in."""

import numpy as np
import pytest
from model_cases.network import Network

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.errors import UnsupportedError
from edgecompress.pipeline.host import run_on_host
from edgecompress.reference.inputs import FILLS, filled_input, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

TABLE = np.random.default_rng(0).integers(-128, 128, (7, 3))


def looked_up(axis: int = 0) -> bytes:
    network = Network()
    indices = network.tensor((1, 5), dtype="INT32")
    table, rows = network.tensor(TABLE.shape, 0.1, 0, data=TABLE), network.tensor((1, 5, 3), 0.1, 0)
    network.operator("GATHER", [table, indices], [rows], "Gather", axis=axis)
    return network.file([indices], [rows])


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


def test_indices_that_come_in_are_of_rows():
    with pytest.raises(UnsupportedError, match="of rows"):
        lower(reader.read_bytes(looked_up(axis=1)))
