"""Units of coded weights: as few outputs as kernels gain from, in whole words, with nothing missing in the end where that can be."""

import numpy as np
import pytest

from edgecompress.codegen.ops.units import rows_in_blocks
from edgecompress.codegen.variants.mve import slices_in_blocks


@pytest.mark.parametrize(
    ("outputs", "inputs", "least", "expected"),
    [
        (12, 64, 1, (1, 12, 0)),
        (12, 64, 4, (4, 3, 0)),
        (10, 64, 4, (5, 2, 0)),
        (2, 256, 4, (2, 1, 0)),
        (11, 64, 4, (4, 3, 1)),
        (10, 7, 1, (4, 3, 2)),
        (6, 6, 1, (2, 3, 0)),
        (3, 5, 4, (4, 1, 1)),
    ],
)
def test_outputs_units_and_what_is_missing(outputs, inputs, least, expected):
    rows = np.arange(outputs * inputs, dtype=np.uint8).view(np.int8).reshape(outputs, inputs)
    blocks = rows_in_blocks(rows, ("outputs",), {"bias": 1, "table": 3}, least=least)
    assert (blocks.outputs, len(blocks.units), blocks.missing) == expected
    assert blocks.unit_bytes % 4 == 0
    assert np.array_equal(blocks.units.reshape(-1)[: rows.size], rows.reshape(-1))
    assert not blocks.units.reshape(-1)[rows.size :].any()
    assert blocks.steps == {"bias": blocks.outputs, "table": 3 * blocks.outputs}


@pytest.mark.parametrize(("outputs", "inputs"), [(64, 64), (70, 35), (5, 2000), (1, 3), (130, 16), (9, 300)])
def test_units_of_vector_convolutions_share_their_outputs_evenly(outputs, inputs):
    rows = np.ones((outputs, inputs), np.int8)
    blocks = slices_in_blocks(rows, 1, {"bias": 1}, sweep_cycles=0)
    assert blocks.most == 1, "the order depends on how many outputs there are"
    assert blocks.outputs % 2 == 0
    assert blocks.outputs * len(blocks.units) - blocks.missing == outputs
    assert blocks.missing < blocks.outputs
    assert blocks.outputs == 2 or blocks.outputs * inputs <= 1024
    assert blocks.units.sum() == rows.sum(), "every weight is in a unit"
