"""Indices of 1 to 6 bits into a codebook: clustered, low-bit, binary and power-of-two weights.

One codebook for the tensor where its values are few enough; else one per row, which costs 2^bits bytes each.
"""

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import pack_fields, padded, unpack_fields
from edgecompress.codecs.codebooks import MOST_BITS, codebook_of, index_bits, indices_in

TOGETHER = {1: 4, 2: 2, 3: 2, 4: 2}
"""Weights found by one look-up, by bits of an index: the table has at most 512 bytes."""


class Lut(Codec):
    name = decoder = "lut"

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        distinct = len(np.unique(matrix))
        in_rows = max(len(np.unique(row)) for row in matrix)
        shared = None if index_bits(distinct) > MOST_BITS else self._with(matrix, index_bits(distinct), is_shared=True)
        if index_bits(in_rows) < min(index_bits(distinct), MOST_BITS + 1):
            own = self._with(matrix, index_bits(in_rows), is_shared=False)
            if shared is None or own.weight_bytes < shared.weight_bytes:
                return own
        return shared or Refusal(f"{distinct} values, {in_rows} in one row, are more than {1 << MOST_BITS}")

    def _with(self, matrix: np.ndarray, bits: int, *, is_shared: bool) -> Encoded:
        rows, taps = matrix.shape
        codebooks = np.stack([codebook_of(part, bits) for part in ([matrix] if is_shared else matrix)])
        books = np.broadcast_to(codebooks, (rows, 1 << bits))
        fields = np.stack([indices_in(row, book) for row, book in zip(matrix, books, strict=True)])
        together = TOGETHER.get(bits, 1) if is_shared else 1
        entries = 1 << bits * together if together > 1 else 0
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "stream": weights(padded(pack_fields(fields, bits))),
                "codebook": weights(codebooks),
                "taps": taps,
                "bits": bits,
                "together": together,
                "next_codebook": 0 if is_shared else 1 << bits,
                **({"is_joint": 0} if together > 1 else {}),
            },
            frozenset({"codebook"}),
            together * entries,
            {"begin": 1, "entry": together * entries, "row": rows, "four": rows * -(-taps // 4)},
            form=f"{together} together",
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        bits, step = number(encoded, "bits"), number(encoded, "next_codebook")
        fields = unpack_fields(values_of(encoded, "stream"), encoded.rows, encoded.taps, bits)
        starts = step * np.arange(encoded.rows)[:, None]
        return values_of(encoded, "codebook").reshape(-1)[starts + fields]
