"""Whatever is damaged or missing of a code, its C decoder stays within its buffers: the sanitizers end the process where it does not.

A stream, table or histogram may hold anything. The numbers beside them say how long they are and how long a row is; they are
constants in the code of a layer, and a shorter array comes with a smaller number.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import RECIPES, SUITABLE

from edgecompress.codecs import Encoded, Refusal
from edgecompress.codecs.base import PADDING
from edgecompress.codegen.ops.base import Array

Parameters = dict[str, "int | Array"]

STATES = 2
"""Bytes in front of the bits of tANS: the states to begin with."""
MOST_BYTES = 150
"""Of all arrays of a tensor on which every value of every byte is tried."""


def small(codec) -> list[Encoded]:
    """The tensor that the codec must take with as many rows as every byte can be tried of, at least two, of odd length; and one
    with rare weights where the codec has an array for them."""
    made = [codec.encode(matrix) for matrix in (*_suitable(codec), *_with_rare_weights())]
    fitting = [one for one in made if isinstance(one, Encoded) and one.weight_bytes <= MOST_BYTES]
    assert fitting, f"{codec.name} takes no small tensor in {MOST_BYTES} bytes"
    return [fitting[0], *[one for one in fitting if "finish.patches" in one.arrays][-1:]]


def _suitable(codec) -> Iterator[np.ndarray]:
    for rows, taps in ((9, 21), (5, 21), (5, 13), (3, 13), (3, 9), (2, 9)):
        yield replace(SUITABLE[codec.name], rows=rows, taps=taps).matrix()


def _with_rare_weights() -> Iterator[np.ndarray]:
    for rows in (2, 9):
        matrix = np.random.default_rng(rows).integers(-2, 2, (rows, 21), np.int8)
        matrix[-1, [0, 7, 20]] = 127, -128, 99
        yield matrix


def with_bytes(encoded: Encoded, name: str, data: np.ndarray) -> Parameters:
    """The parameters with other bytes in one of the arrays."""
    dtype = encoded.arrays[name].values.dtype
    return {**encoded.parameters, name: Array(np.frombuffer(data.tobytes(), dtype))}


def bytes_of(encoded: Encoded, name: str) -> np.ndarray:
    return np.frombuffer(encoded.arrays[name].values.tobytes(), np.uint8).copy()


def single_changes(encoded: Encoded) -> Iterator[Parameters]:
    """Every other value of every byte of every array."""
    for name in encoded.arrays:
        data = bytes_of(encoded, name)
        for place in range(len(data)):
            for difference in range(1, 256):
                changed = data.copy()
                changed[place] ^= difference
                yield with_bytes(encoded, name, changed)


def single_flips(encoded: Encoded) -> Iterator[Parameters]:
    """Every bit of every array the other way round."""
    for name in encoded.arrays:
        data = bytes_of(encoded, name)
        for bit in range(8 * len(data)):
            changed = data.copy()
            changed[bit >> 3] ^= 1 << (bit & 7)
            yield with_bytes(encoded, name, changed)


def shortened(encoded: Encoded, number: str, value: int) -> Parameters:
    """The parameters with an array that ends earlier, and the number that says so."""
    arrays = encoded.arrays
    if number == "end":
        name = "stream" if "stream" in arrays else "values"
        before = STATES if encoded.decoder in ("tans", "runs") else 0
        data = bytes_of(encoded, name)[: before + -(-value // 8)]
        data = np.concatenate([data, np.zeros(PADDING, np.uint8)])
    else:
        front, _, unit = number.rpartition("_")
        name = next(n for n in arrays if n in (front, f"{front}s", f"{front}es", f"{front}_bits"))
        data = bytes_of(encoded, name)[: value * {"bytes": 1, "words": 4}[unit]]
    return {**with_bytes(encoded, name, data), number: value}


def lengths_in(encoded: Encoded) -> dict[str, int]:
    """The numbers that say how long an array is, by the names that they have in all codecs; not of arrays that are missing."""
    return {
        name: value
        for name, value in encoded.parameters.items()
        if isinstance(value, int) and value and (name == "end" or name.endswith(("_bytes", "_words")))
    }


def test_every_value_of_every_byte(decoding_codec, on_host):
    for encoded in small(decoding_codec):
        tried = [on_host(encoded).decode(encoded, parameters).shape for parameters in single_changes(encoded)]
        assert len(tried) == 255 * encoded.weight_bytes
        assert set(tried) == {(encoded.rows, encoded.taps)}


def test_every_flipped_bit(decoding_codec, on_host):
    for encoded in small(decoding_codec):
        weights = on_host(encoded).decode(encoded)
        decoded = [on_host(encoded).decode(encoded, parameters) for parameters in single_flips(encoded)]
        assert len(decoded) == 8 * encoded.weight_bytes
        assert any(not np.array_equal(one, weights) for one in decoded), "flips reach the decoder"


@settings(max_examples=60)
@given(recipe=RECIPES, seed=st.integers(0, 2**32 - 1))
def test_random_bytes_in_place_of_all_arrays(decoding_codec, on_host, recipe, seed):
    encoded = decoding_codec.encode(recipe.matrix())
    if isinstance(encoded, Refusal):
        return
    random = np.random.default_rng(seed)
    parameters = dict(encoded.parameters)
    for name, array in encoded.arrays.items():
        noise = random.integers(0, 256, array.values.nbytes, np.uint8)
        parameters[name] = Array(np.frombuffer(noise.tobytes(), array.values.dtype))
    on_host(encoded).decode(encoded, parameters)


def test_arrays_that_end_early(decoding_codec, on_host):
    for encoded in small(decoding_codec):
        for number, length in lengths_in(encoded).items():
            for value in range(length):
                on_host(encoded).decode(encoded, shortened(encoded, number, value))


@settings(max_examples=60)
@given(recipe=RECIPES, share=st.floats(0, 1))
def test_arrays_that_all_end_early(decoding_codec, on_host, recipe, share):
    encoded = decoding_codec.encode(recipe.matrix())
    if isinstance(encoded, Refusal):
        return
    for number, length in lengths_in(encoded).items():
        encoded = replace(encoded, parameters=shortened(encoded, number, int(share * length)))
    on_host(encoded).decode(encoded)
