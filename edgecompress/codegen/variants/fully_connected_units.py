"""FULLY_CONNECTED with coded weights for dual multiplication: `ec_fully_connected_units` decodes a few inputs of
four outputs at a time, so that layers of any size take the same scratch."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from edgecompress.codegen.ops.base import Array, Blocks, KernelCall
from edgecompress.codegen.variants.joint import LARGEST_INPUT, LARGEST_JOINT_SUM, in_fours

OUTPUTS = 4
MOST_UNIT_INPUTS = 160
"""Of a unit: it takes four times as many bytes of scratch."""
assert MOST_UNIT_INPUTS * LARGEST_INPUT * 128 <= LARGEST_JOINT_SUM
MOST_ORDERED = 256
"""Outputs that may be computed in another order: the number of each is a byte."""
UNIT_CYCLES = 300
"""That a unit takes beside decoding and multiplying, roughly."""
_SHARED = ("rows", "inputs", "outputs", "output_zero_point", "activation_min", "activation_max")


def blocks_of(call: KernelCall, rows: np.ndarray, per_output: Mapping[str, np.ndarray]) -> Blocks | None:
    """How a call of `ec_fully_connected_joint` runs with coded weights; None where a weight is -128, which has no next lower
    number for halfwords to share; sums of so few inputs always suit (`joint.py`).

    Args:
        rows: int8 [outputs, inputs].
        per_output: by the struct's field what there is of each output, [outputs, ...].
    """
    if rows.min() == np.iinfo(np.int8).min:
        return None
    blocks = _in_order(call, rows, per_output, None)
    order = np.argsort(np.abs(rows.astype(np.int64)).sum(axis=1), kind="stable")
    if len(rows) > MOST_ORDERED or (np.diff(order) > 0).all():
        return blocks
    return replace(blocks, others=partial(_in_order, call, rows, per_output, order))


def _in_order(
    call: KernelCall, rows: np.ndarray, per_output: Mapping[str, np.ndarray], order: np.ndarray | None
) -> Blocks:
    """Outputs one after the other; in another order, which brings those of about the same spread together, for codes to use."""
    written: Array | int = 0
    if order is not None:
        rows, per_output = rows[order], {name: values[order] for name, values in per_output.items()}
        written = Array(order.astype(np.uint8), is_weights=True)
    padded = _padded(rows)
    unit_inputs = _unit_inputs(padded.shape[1])
    padded = np.pad(padded, ((0, 0), (0, -padded.shape[1] % unit_inputs)))
    parameters = {
        **{name: call.parameters[name] for name in _SHARED},
        "unit_inputs": unit_inputs,
        "order": written,
        "bias": 0,
        "scalings": call.parameters["scalings"],
        **{name: Array(values) for name, values in per_output.items()},
    }
    source = "fully_connected_units"
    rows_of_input = call.parameters["rows"]
    assert isinstance(rows_of_input, int)
    by = replace(
        call,
        kernel=call.kernel.replace("fully_connected_joint", source),
        source=source,
        parameters=parameters,
        scratch_bytes=4 * OUTPUTS * rows_of_input,
    )
    units = in_fours(padded).reshape(-1, OUTPUTS * unit_inputs)
    return Blocks(units, OUTPUTS, "", (), {}, "join_bytes", is_cheap=True, sweep_cycles=UNIT_CYCLES, by=by)


def _padded(rows: np.ndarray) -> np.ndarray:
    """Fours of outputs and of inputs."""
    return np.pad(rows, ((0, -rows.shape[0] % OUTPUTS), (0, -rows.shape[1] % 4)))


def _unit_inputs(inputs: int) -> int:
    """Inputs of a unit, a multiple of 4 as they are: with the least padding of the last one, and not much shorter than possible."""
    fewest = -(-inputs // MOST_UNIT_INPUTS)
    sizes = [-(-inputs // (4 * count)) * 4 for count in range(fewest, 2 * fewest + 1)]
    return min(sizes, key=lambda size: (-inputs % size, -size))
