"""Pruned weights: one bit for every weight, and the values of those that are not zero, as indices where they are few."""

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import pack_fields, padded, unpack_fields
from edgecompress.codecs.codebooks import fields_as_values, values_as_fields


class Sparse(Codec):
    name = decoder = "sparse"

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        rows, taps = matrix.shape
        if matrix.all():
            return Refusal("no weight is zero")
        fields, bits, codebook = values_as_fields(matrix[matrix != 0])
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "places": weights(pack_fields(matrix != 0, 1)),
                "values": weights(padded(pack_fields(fields[None], bits))),
                "codebook": 0 if codebook is None else weights(codebook),
                "end": bits * fields.size,
                "taps": taps,
                "bits": bits,
            },
            frozenset({"codebook"}),
            0,
            {"begin": 1, "row": rows, "eight": rows * -(-taps // 8), "value": fields.size},
            form="" if codebook is None else "codebook",
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        places = unpack_fields(values_of(encoded, "places"), encoded.rows, encoded.taps, 1)
        bits = number(encoded, "bits")
        fields = unpack_fields(values_of(encoded, "values"), 1, int(places.sum()), bits)[0]
        matrix = np.zeros((encoded.rows, encoded.taps), np.int8)
        matrix[places == 1] = fields_as_values(fields, encoded.arrays["codebook"].values if bits < 8 else None)
        return matrix
