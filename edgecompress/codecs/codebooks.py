"""Weights as indices into the list of their values."""

import numpy as np

MOST_BITS = 6
"""Of an index."""


def index_bits(count: int) -> int:
    """Of an index into a codebook of so many values."""
    return max(1, int(count - 1).bit_length())


def codebook_of(values: np.ndarray, bits: int) -> np.ndarray:
    """The sorted distinct values, repeated at the end to 2^bits: int8, so that any index finds one."""
    distinct = np.unique(values)
    return np.pad(distinct, (0, (1 << bits) - len(distinct)), mode="edge").astype(np.int8)


def indices_in(values: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Of every value its first place in a sorted codebook that has it: uint8."""
    return np.searchsorted(codebook, values).astype(np.uint8)


def values_as_fields(values: np.ndarray) -> tuple[np.ndarray, int, np.ndarray | None]:
    """Values as fields: the fields, their bits, and the codebook; without one where the values need all 8 bits."""
    bits = index_bits(len(np.unique(values))) if values.size else 1
    if bits > MOST_BITS:
        return values.view(np.uint8), 8, None
    codebook = codebook_of(values if values.size else np.zeros(1, np.int8), bits)
    return indices_in(values, codebook), bits, codebook


def fields_as_values(fields: np.ndarray, codebook: np.ndarray | None) -> np.ndarray:
    """The inverse."""
    return fields.view(np.int8) if codebook is None else codebook[fields]
