"""Pruned weights of few values, an entry for each that is not zero: how many zeros come before it, and its place among at most 16
values, both in Huffman's code (Deep Compression; S. Han et al. 2016, arXiv 1510.00149).

The same entries without Huffman's code are what kernels of lists read (`codegen/variants/lists.py`), so the decoder writes rows of
weights, or lists.
"""

from collections.abc import Iterator

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, values_of, weights
from edgecompress.codecs.bits import padded
from edgecompress.codecs.huffman_code import codes_of, lengths_of
from edgecompress.codegen.variants.lists import VALUES, entries_in_one

LOG = 6
"""Of the longest code, in bits: one look at the stream serves two entries, and both tables take 512 bytes."""


class Gaps(Codec):
    name = decoder = "gaps"

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        gaps, values, behind = entries_in_one(matrix)
        distinct, which, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(distinct) > VALUES:
            return Refusal(f"{len(distinct)} values, zeros in long runs included, are more than {VALUES}")
        order = np.argsort(-counts, kind="stable")
        table = np.pad(distinct[order], (0, VALUES - len(distinct))).astype(np.int8)
        (first, *later), of_gaps = _coded(np.append(gaps, behind))
        places, of_places = _coded(np.argsort(order)[which])
        bits = first + "".join(place + gap for place, gap in zip(places, later, strict=True))
        rows, taps = matrix.shape
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "stream": weights(padded(np.packbits(np.frombuffer(bits.encode(), np.uint8) - ord("0")))),
                "codes": weights(np.concatenate([of_places, of_gaps])),
                "values": weights(table),
                "end": len(bits),
                "taps": taps,
            },
            frozenset({"codes", "values"}),
            8 << LOG,
            {"begin": 1, "row": rows, "four": rows * -(-taps // 4), "weight": len(places)},
            lists={"begin": 1, "row": rows, "weight": len(places)},
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        numbers = values_of(encoded, "codes").reshape(2, LOG)
        places, gaps = ({text: i for i, text in enumerate(_codes(one))} for one in numbers)
        bits = iter("".join(map(str, np.unpackbits(values_of(encoded, "stream")))))
        flat = np.zeros(encoded.rows * encoded.taps, np.int8)
        at = _symbol(gaps, bits)
        while at < flat.size:
            flat[at] = values_of(encoded, "values")[_symbol(places, bits)]
            at += 1 + _symbol(gaps, bits)
        return flat.reshape(encoded.rows, encoded.taps)


def _coded(symbols: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Symbols [n] as texts of bits, and how many codes there are of 1 to LOG bits, uint8 [LOG].

    Codes get no shorter from symbol to symbol, wherever the last one that occurs is.
    """
    counts = np.bincount(symbols, minlength=1)
    lengths = lengths_of(np.sort(np.maximum(counts, 1))[::-1], LOG)
    assert lengths is not None
    numbers = np.bincount(lengths, minlength=LOG + 1)[1:].astype(np.uint8)
    codes = _codes(numbers)
    return [codes[symbol] for symbol in symbols.tolist()], numbers


def _codes(numbers: np.ndarray) -> list[str]:
    """The bits of every symbol, from the numbers of codes of each length."""
    lengths = np.repeat(np.arange(1, LOG + 1), numbers)
    return [f"{code:0{length}b}" for code, length in zip(codes_of(lengths).tolist(), lengths.tolist(), strict=True)]


def _symbol(symbols: dict[str, int], bits: Iterator[str]) -> int:
    """The next one."""
    text = ""
    while text not in symbols:
        text += next(bits)
    return symbols[text]
