"""SOFTMAX over more classes than TensorFlow Lite takes when they are equal."""

import ctypes

import numpy as np
import pytest
from model_cases.pointwise import softmax

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.reference.integer import run_graph
from edgecompress.targets import host
from edgecompress.tflite import reader


@pytest.mark.parametrize(
    ("equal", "expected"),
    [(511, -127), (512, -128), (600, -128), (4095, -128)],
    ids=lambda value: str(value),
)
def test_each_of_many_equal_classes_gets_the_code_nearest_to_its_share(equal, expected, tmp_path):
    graph = reader.read_bytes(softmax((1, equal), 0.05, 1.0)())
    sample = {graph.inputs[0]: np.full((1, equal), 17, np.int8)}
    (values,) = run_graph(graph, sample).values()
    assert set(values.reshape(-1).tolist()) == {expected}
    assert abs(256 / equal - (expected + 128)) <= 0.501
    program = lower(graph)
    library = host.build(writer.write(program), tmp_path / "model.so", kind="library", sanitizer="undefined")
    arena = (ctypes.c_int32 * (program.plan.arena_bytes // 4 + 1))()
    at = program.plan.offsets
    ctypes.memmove(ctypes.addressof(arena) + at[graph.inputs[0]], sample[graph.inputs[0]].tobytes(), equal)
    assert ctypes.CDLL(str(library)).model_invoke(arena) == 0
    assert bytes(arena)[at[graph.outputs[0]] :][:equal] == values.tobytes()
