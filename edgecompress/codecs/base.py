"""What a codec of weights must offer, and what an encoded tensor is.

A tensor is an int8 matrix [rows, taps]. A row is what one call of the decoder writes, contiguous in memory: usually the weights
of one output channel, or of a few, in the order that the kernel wants them, with zeros where it wants padding. Rows are decoded in
order. Longer rows take fewer cycles per weight and more scratch.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgecompress.codegen.ops.base import Array

PADDING = 4
"""Bytes behind a stream that is read bit by bit: `EC_BITS_PADDING` of `ec_bits.h`."""
MOST_TAPS = 2**16 - 1
"""Of a row: the decoders' parameters have 16 bits for them."""
MOST_WEIGHTS = 2**27
"""Of a tensor: the decoders count bits in 32 bits."""

Work = Mapping[str, int]
"""How often a decoder does what costs time: 'begin', 'row', 'weight' and whatever else its codec names."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A tensor in the code of one codec.

    Attributes:
        codec: its name.
        decoder: `ec_decode_<decoder>`; "" where kernels read the code in place.
        rows, taps: of the matrix.
        parameters: the fields of the decoder's struct `ec_decode_<decoder>_params` by name.
        tables: those of `parameters` that hold no weights but say how to read them (codebooks, histograms).
        scratch_bytes: of RAM for tables that the decoder makes, a multiple of 4.
        work: of decoding all rows once.
        form: which of the decoder's loops that takes, where it has several that differ in cycles.
        row_step: bytes that a row is decoded in at a time.
        lists: the work of decoding all rows once into lists (`codegen/variants/lists.py`); None: the decoder cannot.
        writes: what it is to decode into: "row" or "lists", the function `ec_decode_<decoder>_<writes>`.
    """

    codec: str
    decoder: str
    rows: int
    taps: int
    parameters: Mapping[str, int | Array]
    tables: frozenset[str]
    scratch_bytes: int
    work: Work
    form: str = ""
    row_step: int = 4
    lists: Work | None = None
    writes: str = "row"

    @property
    def table_bytes(self) -> int:
        """Flash that the tables take."""
        return sum(array.values.nbytes for name, array in self.arrays.items() if name in self.tables)

    @property
    def payload_bytes(self) -> int:
        """Flash that everything else takes, padding included."""
        return sum(array.values.nbytes for array in self.arrays.values()) - self.table_bytes

    @property
    def weight_bytes(self) -> int:
        """Flash of payload and tables. The struct of parameters is not in it: `measure` knows its size."""
        return self.payload_bytes + self.table_bytes

    @property
    def row_bytes(self) -> int:
        """RAM that a row is decoded into, with what the decoder may write behind it."""
        return -(-self.taps // self.row_step) * self.row_step

    @property
    def arrays(self) -> dict[str, Array]:
        """Those of the parameters that are in flash by themselves."""
        return {name: value for name, value in self.parameters.items() if isinstance(value, Array)}


@dataclass(frozen=True)
class Refusal:
    """Why a codec does not apply to a tensor."""

    reason: str


class Codec(ABC):
    """One way to write int8 weights with fewer bytes.

    To add one: a file here with a subclass, its decoder `ec_decode_<decoder>.{c,h}` in `codegen/runtime/kernels/`, its row in the
    table of `codecs/__init__.py`, and its costs (`tools/codec_costs.py`). The common tests run for it by themselves.
    """

    name: ClassVar[str]
    decoder: ClassVar[str]
    """`ec_decode_<decoder>`, which several codecs may share; "" where kernels read the code in place."""

    def encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        """The matrix in this code, or why it does not apply.

        Args:
            matrix: int8 [rows, taps], at least one of each.
        """
        rows, taps = matrix.shape
        assert matrix.dtype == np.int8 and rows > 0 and taps > 0
        if taps > MOST_TAPS or matrix.size > MOST_WEIGHTS:
            return Refusal(f"{rows} rows of {taps} weights are more than its decoder can count")
        return self._encode(np.ascontiguousarray(matrix))

    @abstractmethod
    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal: ...

    @abstractmethod
    def decode(self, encoded: Encoded) -> np.ndarray:
        """The matrix again, int8 [rows, taps]: the reference of the C decoder, written without looking at the encoder's data."""


def weights(values: np.ndarray) -> Array:
    """An array in flash that counts as weights."""
    return Array(np.ascontiguousarray(values), is_weights=True)


def number(encoded: Encoded, name: str) -> int:
    """A parameter that is a number."""
    value = encoded.parameters[name]
    assert isinstance(value, int)
    return value


def values_of(encoded: Encoded, name: str) -> np.ndarray:
    """A parameter that is an array."""
    return encoded.arrays[name].values
