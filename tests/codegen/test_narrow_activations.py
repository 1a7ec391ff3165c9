"""Activations whose range is narrower than int8's: no layer loses its kernel for one, and the others do not pay for it."""

from dataclasses import replace
from types import MappingProxyType

import pytest
from model_cases import CASES, model_of
from model_cases.layers import Layer, convolution, fully_connected

from edgecompress.codegen import variants, writer
from edgecompress.codegen.features import PLAIN, SIMD, Features
from edgecompress.codegen.ops.activation import activation_range
from edgecompress.codegen.ops.requantization import multipliers
from edgecompress.codegen.program import lower
from edgecompress.codegen.variants.base import parts_of
from edgecompress.tflite import reader

DUAL, FLASH = Features(dsp=True), Features(dsp=True, spends_flash=True)
FAMILIES = {"dsp": DUAL, "flash": FLASH, "mve": Features(mve=True), "single": Features(single=True), "simd": SIMD}
NARROW = [case.id for case in CASES if "-narrow_" in case.id]


def graph_of(name):
    return reader.read_bytes(model_of(name))


def files_of(graph, features):
    (operation,) = graph.operations
    return [call.file for call in variants.candidates(graph, operation, features) if call]


@pytest.mark.parametrize("name", NARROW)
def test_the_cases_are_as_narrow_as_they_are_named(name):
    graph = graph_of(name)
    (operation,) = graph.operations
    low, high = activation_range(operation, *graph.results(operation))
    ends = {"low": (True, False), "high": (False, True), "both": (True, True)}
    assert (low > -128, high < 127) == ends[name.partition("-narrow_")[2].partition("_")[0]]


@pytest.mark.parametrize("features", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("name", NARROW)
def test_a_narrow_activation_leaves_the_choice_of_kernels_as_it_is(name, features):
    graph = graph_of(name)
    (operation,) = graph.operations
    options = MappingProxyType({**operation.options, "fused_activation_function": "NONE"})
    wide = replace(graph, operations=(replace(operation, options=options),))
    assert files_of(graph, features) == files_of(wide, features)


@pytest.mark.parametrize(
    ("name", "kernel", "clamp"),
    [
        ("conv_2d-narrow_low_1x1", "conv_2d_joint_linear", (-5, 127)),
        ("conv_2d-narrow_high_1x1", "conv_2d_joint_relu", (-128, -43)),
        ("conv_2d-narrow_high_linear_1x1", "conv_2d_joint_linear", (-128, -113)),
        ("depthwise_conv_2d-narrow_both_3x3", "depthwise_conv_2d_3x3_s1_linear", (5, 35)),
        ("depthwise_conv_2d-narrow_high_5x5", "depthwise_conv_2d_lines_s1_relu", (-128, -75)),
        ("add-narrow_both_sum", "add_dsp_linear", (3, 37)),
        ("conv_2d-same", "conv_2d_joint_linear", None),
        ("conv_2d-relu_at_lowest_zero_point", "conv_2d_joint_relu", None),
        ("add-irregular_scales", "add_dsp_linear", None),
        ("add-equal_scales", "add_dsp_linear", None),
        ("fully_connected-narrow_low_dense", "fully_connected_joint_linear", None),  # clamps by itself
    ],
)
def test_outputs_are_clamped_behind_the_kernel_where_their_range_is_narrow_and_nowhere_else(name, kernel, clamp):
    program = lower(graph_of(name), DUAL)
    (layer,) = program.layers
    assert (layer.call.kernel, layer.call.clamp) == (kernel, clamp)
    sources = writer.write(program)
    assert ("ec_clamp_bytes.c" in sources) == (clamp is not None)
    size = program.graph.results(layer.operation)[0].elements
    assert sources["model.c"].count("ec_clamp_bytes(") == (clamp is not None)
    assert clamp is None or f", {size}, {clamp[0]}, {clamp[1]});" in sources["model.c"]


def test_plain_kernels_clamp_by_themselves():
    assert all(layer.call.clamp is None for name in NARROW for layer in lower(graph_of(name), PLAIN).layers)


@pytest.mark.parametrize("opcode", ["FULLY_CONNECTED", "CONV_2D"])
def test_a_channel_whose_scale_makes_its_output_constant_keeps_no_layer_from_its_fast_kernel(opcode):
    layer = Layer(filters=8, kernel=(1, 1), input_shape=(1, 6, 6, 16), spread=(1.0, 0.3, 3e-6))
    graph = reader.read_bytes({"FULLY_CONNECTED": fully_connected, "CONV_2D": convolution}[opcode](layer))
    (operation,) = graph.operations
    assert multipliers(parts_of(graph, operation).scales)[1].min() < -22
    assert "_joint" in files_of(graph, DUAL)[0]
