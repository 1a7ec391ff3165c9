"""Streams of bits as `ec_bits.h` reads them."""

import numpy as np

from edgecompress.codecs.base import PADDING


def pack_fields(fields: np.ndarray, bits: int) -> np.ndarray:
    """Numbers [rows, n] as fields of 1 to 8 bits, lowest bit first; every row begins at a whole byte.

    Returns:
        uint8 [bytes], without padding.
    """
    planes = (fields[..., None].astype(np.uint8) >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(planes.reshape(len(fields), -1), axis=1, bitorder="little").reshape(-1)


def unpack_fields(stream: np.ndarray, rows: int, count: int, bits: int) -> np.ndarray:
    """The inverse: uint8 [rows, count]; bytes behind are ignored."""
    row_bytes = -(-count * bits // 8)
    planes = np.unpackbits(stream[: rows * row_bytes].reshape(rows, row_bytes), axis=1, bitorder="little")
    fields = planes[:, : count * bits].reshape(rows, count, bits)
    return (fields << np.arange(bits, dtype=np.uint8)).sum(axis=2, dtype=np.uint8)


def padded(stream: np.ndarray) -> np.ndarray:
    """With the bytes behind it that a decoder may read."""
    return np.concatenate([stream, np.zeros(PADDING, np.uint8)])


class BitWriter:
    """Collects fields that are read in the opposite order, highest bit first: the last one written comes first."""

    def __init__(self) -> None:
        self._fields: list[tuple[int, int]] = []

    def put(self, value: int, bits: int) -> None:
        if bits:
            self._fields.append((value, bits))

    def bits(self) -> np.ndarray:
        """One byte per bit, in the order of reading."""
        text = "".join(f"{value:0{bits}b}" for value, bits in reversed(self._fields))
        return np.frombuffer(text.encode(), np.uint8) - ord("0")


class BitReader:
    """Reads fields, highest bit first."""

    def __init__(self, stream: np.ndarray) -> None:
        self._bits = np.unpackbits(stream).tolist()
        self._at = 0

    def take(self, bits: int) -> int:
        value = 0
        for bit in self._bits[self._at : self._at + bits]:
            value = 2 * value + bit
        self._at += bits
        return value
