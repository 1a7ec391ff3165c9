"""ADD as a linear function: the same output for each of the 65,536 pairs of inputs, in 32 bits."""

import numpy as np
import pytest
from model_cases import CASES, model_of

from edgecompress.codegen import ops
from edgecompress.codegen.variants.linear_add import LinearAdd, linear_function
from edgecompress.tflite import reader

ADDS = [case.id for case in CASES if case.operator == "ADD"]
A, B = (x.reshape(-1) for x in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)))


def lowered(name):
    graph = reader.read_bytes(model_of(name))
    operation = next(o for o in graph.operations if o.opcode == "ADD")
    return graph, operation, LinearAdd().lower(graph, operation)


@pytest.mark.parametrize("name", [name for name in ADDS if lowered(name)[2]])
def test_function_gives_tflms_output_for_every_pair(name):
    graph, operation, call = lowered(name)
    p = call.parameters
    x = A * p["factor_a"] + B * p["factor_b"] + p["zero"]
    steps = [A * p["factor_a"], B * p["factor_b"], A * p["factor_a"] + B * p["factor_b"], x, x + p["offset"]]
    steps.append(x + p["offset"] + np.where(x < 0, p["bend"], 0))
    assert max(np.abs(step).max() for step in steps) < 2**31
    outputs = np.clip(steps[-1] >> p["shift"], p["output_min"], p["output_max"])
    (theirs,) = ops.find("ADD").reference(graph, operation, [A.astype(np.int8), B.astype(np.int8)])
    assert np.array_equal(outputs, theirs)


def test_most_scales_have_such_a_function():
    assert {"add-residual", "add-diamond", "add-equal_scales", "add-scale_ratio_1e9"} <= {
        name for name in ADDS if lowered(name)[2]
    }


def test_broadcasts_are_left_to_the_plain_kernel():
    assert lowered("add-channel_vector")[2] is None


def test_outputs_that_fill_a_part_of_the_range_are_clamped_to_it():
    """A coarse input against a fine result: the outputs are 126 and 127 only, and one step has to do for both ends."""
    a, b = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    outputs = np.minimum(126 + 34 * (a + b), 127).reshape(-1)
    found = linear_function(outputs, (33.75, 33.75), (-128, -128))
    x = (a + b - 256).reshape(-1) * found["factor_a"] + found["zero"]
    assert np.array_equal(np.clip(x + found["offset"] >> found["shift"], 126, 127), outputs)
