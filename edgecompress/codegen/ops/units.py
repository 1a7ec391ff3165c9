"""The units of coded weights (`Blocks`) of kernels that read them output by output."""

from collections.abc import Mapping
from itertools import count

import numpy as np

from edgecompress.codegen.ops.base import Array, Blocks

WORD = 4


def rows_in_blocks(
    rows: np.ndarray,
    counts: tuple[str, ...],
    steps: Mapping[str, int],
    *,
    least: int = 1,
    most: int = 0,
    is_cheap: bool = False,
) -> Blocks:
    """Blocks of a kernel whose weights are [outputs, inputs].

    Args:
        rows: int8 [outputs, inputs], as the kernel reads them.
        steps: field -> elements from one output to the next.
        least: outputs that it takes together, so that fewer cost as much.
        counts, most, is_cheap: as of `Blocks`.
    """
    outputs = _outputs_of_unit(rows.shape[0], rows.shape[1], least)
    missing = -len(rows) % outputs
    units = np.pad(rows, ((0, missing), (0, 0))).reshape(-1, outputs * rows.shape[1])
    every = {field: outputs * step for field, step in steps.items()}
    return Blocks(units, outputs, "weights", counts, every, missing=missing, most=most, is_cheap=is_cheap)


def requantization_steps(parameters: Mapping[str, int | float | Array]) -> dict[str, int]:
    """From one output to the next, of kernels with the fields `bias` and `requantization.*`."""
    tables = ("requantization.multipliers", "requantization.shifts") if parameters["requantization.per_channel"] else ()
    return dict.fromkeys(("bias", *tables), 1)


def _outputs_of_unit(outputs: int, inputs: int, least: int) -> int:
    """The fewest of whole words, such that nothing is missing in the end where that can be with less than twice the least."""
    least = min(least, outputs)
    words = (n for n in count(least) if n * inputs % WORD == 0)
    whole = (n for n in range(least, 2 * least) if n * inputs % WORD == 0 and outputs % n == 0)
    return next(whole, None) or next(words)
