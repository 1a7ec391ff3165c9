"""Rows and columns of zero taps at a filter's border go where the smaller filter makes the same sums."""

import numpy as np
import pytest
from model_cases.network import Network

from edgecompress.codegen.program import lower
from edgecompress.codegen.zero_taps import crop_filters
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.tflite import reader


def graph_of(mask, padding="SAME", stride=1, dilation=1, size=(7, 6)):
    """A convolution whose taps are zero in all channels where the mask is 0."""
    random, network = np.random.default_rng(1), Network()
    mask = np.array(mask)
    extents = [(taps - 1) * dilation + 1 for taps in mask.shape]
    spaces = [0 if padding == "SAME" else extent - 1 for extent in extents]
    sizes = [-(-(length - space) // stride) for length, space in zip(size, spaces, strict=True)]
    source, result = network.tensor((1, *size, 4), 0.05, -7), network.tensor((1, *sizes, 4), 0.05, 3)
    filters = random.integers(1, 128, (4, *mask.shape, 4)) * mask[:, :, None]
    weights = network.tensor(filters.shape, 0.003, data=filters)
    options = {"padding": padding, "strideH": stride, "strideW": stride}
    options |= {"dilationHFactor": dilation, "dilationWFactor": dilation}
    network.operator("CONV_2D", [source, weights], [result], "Conv2D", 3, **options)
    return reader.read_bytes(network.file([source], [result]))


CENTRE = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
# of 7 rows SAME pads one in front and one behind with stride 2, of 6 columns one behind only
CROPPED = {
    "the_middle": ({"mask": CENTRE}, (1, 1)),
    "what_padding_allows": ({"mask": CENTRE, "stride": 2}, (1, 2)),
    "a_column_on_either_side": ({"mask": [[0, 1, 0]] * 3}, (3, 1)),
    "the_last_row": ({"mask": [[1, 1], [1, 1], [0, 0]], "padding": "VALID"}, (2, 2)),
    "two_of_five_rows": ({"mask": [[0], [1], [0], [1], [0]], "dilation": 2, "size": (9, 4)}, (3, 1)),
}


@pytest.mark.parametrize("name", CROPPED)
def test_a_border_of_zeros_goes(name):
    options, expected = CROPPED[name]
    graph = graph_of(**options)
    cropped = crop_filters(graph)
    (operation,) = cropped.operations
    assert cropped.tensors[operation.inputs[1]].shape[1:3] == expected
    for sample in [*random_inputs(graph, 3), *hostile_inputs(graph)]:
        (before,), (after,) = run_graph(graph, sample).values(), run_graph(cropped, sample).values()
        assert np.array_equal(before, after)
    assert lower(graph).macs == int(np.prod(expected)) * 4 * graph.tensors[graph.outputs[0]].elements


STAYING = {
    "no_zeros": {"mask": np.ones((3, 3), int)},
    "zeros_inside": {"mask": [[1, 1, 1], [0, 0, 0], [1, 0, 1]]},
    "nothing_else": {"mask": np.zeros((3, 3), int)},
    "in_front_of_the_first_pixel": {"mask": [[0], [1]], "padding": "VALID"},
    "only_what_padding_would_see": {"mask": [[1], [0], [0]], "size": (7, 1)},
}


@pytest.mark.parametrize("name", STAYING)
def test_other_filters_stay(name):
    """The last but one would begin behind its window's start, the last lie in the padding alone."""
    graph = graph_of(**STAYING[name])
    assert crop_filters(graph) is graph


def test_the_smaller_filter_is_a_tensor_of_its_own():
    """Others may read the larger one."""
    graph = graph_of(CENTRE)
    (operation,) = crop_filters(graph).operations
    assert operation.inputs[1] not in graph.tensors
    assert graph.tensors[graph.operations[0].inputs[1]].shape == (4, 3, 3, 4)
