"""Decoded rows in the orders of the kernels, against what packs weights for them."""

import ctypes

import numpy as np
import pytest

from edgecompress.codegen.variants.joint import pack_fours, pack_joint
from edgecompress.codegen.variants.simd import pack_quads
from edgecompress.codegen.variants.single import pack_lanes
from edgecompress.codegen.writer import kernel_sources
from edgecompress.targets import host


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    output = tmp_path_factory.mktemp("weave") / "weave.so"
    return ctypes.CDLL(str(host.build(kernel_sources(["ec_weave"]), output, kind="library")))


def rows_of(outputs: int, inputs: int) -> np.ndarray:
    return np.random.default_rng(inputs).integers(-127, 128, (outputs, inputs)).astype(np.int8)


def place(array: np.ndarray, offset: int = 0) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data + offset)


@pytest.mark.parametrize("inputs", [4, 8, 36])
def test_two_rows_become_joint_weights(library, inputs):
    rows = rows_of(2, inputs)
    woven = np.zeros(2 * inputs, np.int8)
    library.ec_weave_joint(place(woven), 1, place(rows[0]), place(rows[1]), inputs // 4)
    assert np.array_equal(woven, pack_joint(rows))


@pytest.mark.parametrize("inputs", [4, 8, 36])
def test_first_row_may_be_decoded_into_the_end_of_its_place(library, inputs):
    rows = rows_of(2, inputs)
    woven = np.concatenate([np.zeros(inputs, np.int8), rows[0]])
    library.ec_weave_joint(place(woven), 1, place(woven, inputs), place(rows[1]), inputs // 4)
    assert np.array_equal(woven, pack_joint(rows))


@pytest.mark.parametrize("inputs", [4, 8, 36])
def test_four_rows_become_the_weights_of_the_dot_product(library, inputs):
    rows = rows_of(4, inputs)
    woven = np.zeros(4 * inputs, np.int8)
    for pair in (0, 1):
        first, second = rows[2 * pair : 2 * pair + 2]
        library.ec_weave_joint(place(woven, 4 * pair), 2, place(first), place(second), inputs // 4)
    assert np.array_equal(woven, pack_fours(rows))


@pytest.mark.parametrize("inputs", [1, 5, 36])
def test_eight_rows_become_lanes(library, inputs):
    rows = rows_of(8, inputs)
    woven = np.zeros(8 * inputs, np.int8)
    for lane, row in enumerate(rows):
        library.ec_weave_lanes(place(woven, lane), place(row), inputs, 1, 8)
    assert np.array_equal(woven, pack_lanes(rows))


@pytest.mark.parametrize("inputs", [4, 6, 37])
def test_eight_rows_become_fours_of_lanes(library, inputs):
    rows = rows_of(8, inputs)
    expected = pack_quads(rows[:, None, :])
    woven = np.zeros_like(expected)
    for lane, row in enumerate(rows):
        library.ec_weave_lanes(place(woven, 4 * lane), place(row), inputs, 4, 32)
    assert np.array_equal(woven, expected)
