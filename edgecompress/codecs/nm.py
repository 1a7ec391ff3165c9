"""N:M sparsity with M = 4: at most one or two of every four weights along a row are not zero (A. Mishra et al. 2021).

For one, its place has 2 bits; for two, the pair of places has 3. Values are indices into a codebook where they are few.
"""

from itertools import combinations

import numpy as np

from edgecompress.codecs.base import Codec, Encoded, Refusal, number, values_of, weights
from edgecompress.codecs.bits import pack_fields, padded, unpack_fields
from edgecompress.codecs.codebooks import fields_as_values, values_as_fields

GROUP = 4
PLACES = {n: np.array(list(combinations(range(GROUP), n))) for n in (1, 2)}
"""By number of values: the places that each code stands for."""


class NofM(Codec):
    name = decoder = "nm"

    def _encode(self, matrix: np.ndarray) -> Encoded | Refusal:
        rows, taps = matrix.shape
        fours = np.pad(matrix, ((0, 0), (0, -taps % GROUP))).reshape(rows, -1, GROUP)
        nonzeros = max(1, int(np.count_nonzero(fours, axis=2).max()))
        if nonzeros not in PLACES:
            return Refusal(f"{nonzeros} of four neighbours are not zero")
        codes = np.zeros(fours.shape[:2], np.uint8)
        for code, places in enumerate(PLACES[nonzeros]):
            others = np.delete(fours, places, axis=2)
            codes[~others.any(axis=2)] = code
        picked = np.take_along_axis(fours, PLACES[nonzeros][codes], axis=2)
        fields, bits, codebook = values_as_fields(picked)
        return Encoded(
            self.name,
            self.decoder,
            rows,
            taps,
            {
                "places": weights(padded(pack_fields(codes, nonzeros + 1))),
                "values": weights(padded(pack_fields(fields.reshape(rows, -1), bits))),
                "codebook": 0 if codebook is None else weights(codebook),
                "taps": taps,
                "nonzeros": nonzeros,
                "bits": bits,
            },
            frozenset({"codebook"}),
            0,
            {"begin": 1, "row": rows, "four": codes.size},
            form=f"{nonzeros} of {GROUP}" + ("" if codebook is None else ", codebook"),
        )

    def decode(self, encoded: Encoded) -> np.ndarray:
        nonzeros, bits = number(encoded, "nonzeros"), number(encoded, "bits")
        fours = -(-encoded.taps // GROUP)
        codes = unpack_fields(values_of(encoded, "places"), encoded.rows, fours, nonzeros + 1)
        fields = unpack_fields(values_of(encoded, "values"), encoded.rows, fours * nonzeros, bits)
        values = fields_as_values(fields, encoded.arrays["codebook"].values if bits < 8 else None)
        matrix = np.zeros((encoded.rows, fours, GROUP), np.int8)
        np.put_along_axis(matrix, PLACES[nonzeros][codes], values.reshape(encoded.rows, fours, nonzeros), axis=2)
        return matrix.reshape(encoded.rows, -1)[:, : encoded.taps]
