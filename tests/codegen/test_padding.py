"""PAD becomes a part of the windows over its output where that is exact; else it stays an operator."""

from dataclasses import replace

import numpy as np
import pytest
from model_cases.paddings import NETWORKS

from edgecompress.codegen.ops.windows import EXPLICIT
from edgecompress.codegen.padding import fold_paddings
from edgecompress.codegen.program import lower
from edgecompress.errors import UnsupportedError
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import Quantization

STAYING = [name for name in NETWORKS if not name.startswith(("into", "twice"))]


def graph_of(name):
    return reader.read_bytes(NETWORKS[name]())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_padding_goes_where_all_that_read_it_can_have_it(name):
    graph = graph_of(name)
    folded = fold_paddings(graph)
    pads = [operation for operation in folded.operations if operation.opcode == "PAD"]
    assert bool(pads) == (name in STAYING)
    if pads:
        assert folded.operations == graph.operations
    else:
        assert {operation.options["padding"] for operation in folded.operations} == {EXPLICIT}


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - set(STAYING)))
def test_every_output_stays_the_same(name):
    graph = graph_of(name)
    folded = fold_paddings(graph)
    for sample in [*random_inputs(graph, 3), *hostile_inputs(graph)]:
        before, after = run_graph(graph, sample), run_graph(folded, sample)
        assert set(after) < set(before)
        assert all(np.array_equal(before[index], values) for index, values in after.items())


def explicit(graph):
    (operation,) = fold_paddings(graph).operations
    return operation.options["paddings"]


def test_paddings_are_those_that_are_reached():
    assert explicit(graph_of("into_stride_2")) == ((1, 1), (1, 0)), "6 columns: the last padded one is never read"
    assert explicit(graph_of("twice_in_a_row")) == ((1, 3), (2, 1))
    assert explicit(graph_of("into_same")) == ((1, 1), (1, 2)), "SAME pads 1 left and right of the padded 7"


def test_padding_needs_no_memory():
    graph = graph_of("into_depthwise_7x7")
    (layer,) = lower(graph).layers
    (source,), (result,) = graph.inputs, graph.outputs
    arena = lower(graph).plan.arena_bytes - layer.call.scratch_bytes
    assert arena <= graph.tensors[source].nbytes + graph.tensors[result].nbytes


def test_a_padding_that_is_no_zero_point_stays_refused():
    graph = graph_of("into_stride_2")
    (pad, *_), tensors = graph.operations, dict(graph.tensors)
    q = tensors[pad.outputs[0]].quantization
    tensors[pad.outputs[0]] = replace(tensors[pad.outputs[0]], quantization=Quantization(q.scales, (q.zero_point + 1,)))
    broken = replace(graph, tensors=tensors)
    assert fold_paddings(broken) is broken
    with pytest.raises(UnsupportedError, match="the same zero point"):
        lower(broken)


def test_no_file_can_say_it():
    with pytest.raises(UnsupportedError, match="EXPLICIT"):
        writer.write(fold_paddings(graph_of("into_stride_2")))
