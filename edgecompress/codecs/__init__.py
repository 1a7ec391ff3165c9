"""Codes of int8 weights with fewer bytes: encoders here, decoders in `codegen/runtime/kernels/ec_decode_*`."""

from collections.abc import Mapping
from types import MappingProxyType

from edgecompress.codecs.base import Codec, Encoded, Refusal
from edgecompress.codecs.dense import Dense
from edgecompress.codecs.huffman import Huffman
from edgecompress.codecs.lut import Lut
from edgecompress.codecs.nm import NofM
from edgecompress.codecs.runs import Runs
from edgecompress.codecs.sparse import Sparse
from edgecompress.codecs.tans import Tans
from edgecompress.codecs.trits import Trits

__all__ = ["CODECS", "Codec", "Encoded", "Refusal"]

CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        codec.name: codec
        for codec in (Dense(), Lut(), Trits(), NofM(), Sparse(), Huffman(4), Huffman(2), Huffman(1), Tans(), Runs())
    }
)
"""The table: by name, what reads fastest first."""
