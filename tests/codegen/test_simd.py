"""Kernels for vectors: which layers get them, how their weights and frames lie, and that nothing else does."""

import dataclasses

import numpy as np
import pytest

from edgecompress.codegen import variants, writer
from edgecompress.codegen.features import PLAIN, SIMD, Features, features_of
from edgecompress.codegen.ops.windows import patches
from edgecompress.codegen.program import lower
from edgecompress.codegen.variants.frames import Frame
from edgecompress.codegen.variants.simd import block_channels, pack_quads, pack_tap_pairs
from edgecompress.memory.sweep import Window
from edgecompress.targets import find, names


def kernels(program, features):
    return [layer.call.kernel for layer in lower(program.graph, features).layers]


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("conv_2d-same", "conv_2d_simd_framed"),
        ("conv_2d-runs_of_8_quads_in_place", "conv_2d_simd"),
        ("conv_2d-runs_of_taps", "conv_2d_simd_framed"),
        ("fully_connected-vectors_5", "conv_2d_simd"),
        ("fully_connected-odd_sizes", "conv_2d_simd_framed"),
        ("depthwise_conv_2d-channels_40", "depthwise_conv_2d_simd_framed"),
        ("depthwise_conv_2d-channels_29_valid", "depthwise_conv_2d_simd"),
        ("depthwise_conv_2d-one_channel_to_20", "conv_2d_simd_framed"),
        ("add-same_shape", "add_simd"),
        ("average_pool_2d-vectors_1", "average_pool_2d_simd"),
    ],
)
def test_layers_that_fit_get_kernels_for_vectors(program, name, kernel):
    assert kernels(program(name), SIMD) == [kernel]


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("conv_2d-weights_lowest", "conv_2d"),  # -128
        ("conv_2d-positive_shift", "conv_2d"),  # a factor above one half
        ("conv_2d-two_groups", "conv_2d"),
        ("depthwise_conv_2d-batch_2", "depthwise_conv_2d"),
        ("add-channel_vector", "add"),
        ("average_pool_2d-relu", "average_pool_2d"),
        ("max_pool_2d-global", "max_pool_2d"),
    ],
)
def test_layers_outside_of_what_they_can_do_exactly_keep_the_plain_kernel(program, name, kernel):
    assert kernels(program(name), SIMD) == [kernel]


@pytest.mark.parametrize("features", [PLAIN, Features(dsp=True), Features(dsp=True, spends_flash=True)])
def test_other_processors_get_none_of_them(program, features):
    for name in ("conv_2d-same", "depthwise_conv_2d-channels_40", "fully_connected-vectors_5", "add-same_shape"):
        graph = program(name).graph
        for operation in graph.operations:
            calls = variants.candidates(graph, operation, features)
            assert not [call.kernel for call in calls if call and "simd" in call.kernel]


def test_no_microcontroller_has_them():
    assert not any(features_of(find(name).cpu).simd for name in names())


def test_their_sources_are_emitted_with_them_and_only_then(program):
    graph = program("conv_2d-same").graph
    with_vectors, plain = (writer.write(lower(graph, features)) for features in (SIMD, PLAIN))
    tables = {f"ec_simd_{name}.c" for name in ("plain", "neon", "dotprod", "avx2", "vnni")}
    assert tables <= set(with_vectors)
    assert not [name for name in plain if "simd" in name]


def test_quads_lie_by_eight_outputs_then_by_runs():
    rows = np.random.default_rng(1).integers(-127, 128, (11, 3, 6)).astype(np.int8)
    packed = iter(pack_quads(rows).tolist())
    for first in (0, 8):
        for run in range(3):
            for quad in (0, 4):
                for output in range(first, first + 8):
                    for k in range(quad, quad + 4):
                        expected = rows[output, run, k] if output < 11 and k < 6 else 0
                        assert next(packed) == expected
    assert next(packed, None) is None


@pytest.mark.parametrize(("channels", "width"), [(8, 8), (13, 8), (16, 16), (40, 16)])
def test_taps_lie_by_blocks_then_by_pairs_and_the_last_block_ends_with_the_last_channel(channels, width):
    rows = np.random.default_rng(2).integers(-127, 128, (channels, 9)).astype(np.int8)
    packed = pack_tap_pairs(rows[block_channels(channels, width)], width).reshape(-1, 5, 2, width)
    for block, first in enumerate(min(f, channels - width) for f in range(0, channels, width)):
        for tap in range(10):
            expected = rows[first : first + width, tap] if tap < 9 else np.zeros(width)
            assert np.array_equal(packed[block, tap // 2, tap % 2], expected)


@pytest.mark.parametrize("seed", range(12))
def test_taps_found_by_offsets_in_the_frame_are_those_of_the_window(seed):
    random = np.random.default_rng(seed)
    pick = lambda low, high: int(random.integers(low, high))  # noqa: E731
    w = Window(
        1, pick(3, 9), pick(3, 9), pick(1, 5), pick(1, 5), *(pick(1, 4) for _ in range(6)), pick(0, 3), pick(0, 3)
    )
    channels, zero_point = pick(1, 4), 7
    frame = Frame(w, channels, zero_point)
    source = random.integers(-128, 128, (1, w.in_height, w.in_width, channels)).astype(np.int8)
    fields = frame.call("conv_2d_simd", {}, ()).parameters
    memory = np.full(frame.height * frame.width * channels, zero_point, np.int8)
    for row in range(w.in_height):
        begin = fields["frame.first"] + row * fields["frame.row_bytes"]
        memory[begin : begin + fields["frame.in_row_bytes"]] = source[0, row].reshape(-1)
    expected = patches(source, w, zero_point)[0]
    for y, x in np.ndindex(w.out_height, w.out_width):
        at = y * fields["frame.row_step"] + x * fields["frame.pixel_step"]
        found = memory[at + frame.offsets()[..., None] + np.arange(channels)]
        assert np.array_equal(found, expected[y, x])


def test_taps_too_far_apart_for_a_frame_keep_the_plain_kernel(program):
    graph = program("conv_2d-dilation_2_same").graph
    (operation,) = graph.operations
    far = dataclasses.replace(
        operation, options={**operation.options, "dilation_h_factor": 2**14, "dilation_w_factor": 2**14}
    )
    found = dataclasses.replace(graph, operations=(far,))
    assert kernels(dataclasses.replace(program("conv_2d-dilation_2_same"), graph=found), SIMD) == ["conv_2d"]
