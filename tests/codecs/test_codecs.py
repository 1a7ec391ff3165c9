"""What every codec of the table must hold, whatever it is: the same weights again, in Python and in C, in the bytes that it says."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from decoders_on_host import Decoder
from hypothesis import given, settings
from matrices import RECIPES, SUITABLE, Recipe

from edgecompress.codecs import CODECS, Encoded, Refusal, codecs_within
from edgecompress.codecs.base import MOST_TAPS
from edgecompress.codecs.measure import decode_on, footprint_of, measure, write_tensor
from edgecompress.codegen.ops.base import Array
from edgecompress.errors import UsageError
from edgecompress.targets import find

MOST_RAM = 4096
"""Of a decoder's tables, state and stack, with two rows of 640 weights."""
CORNERS = [
    Recipe("values", 1, 1, 1, 0.0, 1),
    Recipe("values", 1, 1, 1, 1.0, 2),
    Recipe("values", 3, 5, 1, 1.0, 3),
    Recipe("values", 7, 33, 1, 0.0, 4),
    Recipe("values", 1, 700, 256, 0.0, 5),
    Recipe("values", 90, 9, 2, 0.0, 6),
    Recipe("values", 30, 50, 2, 0.99, 7),
    Recipe("normal", 40, 64, 4, 0.0, 8),
    Recipe("normal", 40, 64, 256, 0.0, 9),
    Recipe("rows differ", 40, 64, 256, 0.0, 10),
    Recipe("values", 2, 3000, 40, 0.995, 11),
]


def encoded_by(codec, recipe: Recipe) -> Encoded:
    """The tensor; skips where the codec does not apply."""
    made = codec.encode(recipe.matrix())
    if isinstance(made, Refusal):
        assert made.reason
        pytest.skip(made.reason)
    return made


def test_every_codec_of_the_table_has_a_matrix_that_it_must_take():
    assert set(SUITABLE) == set(CODECS)


def test_suitable_matrix_is_taken(codec):
    assert isinstance(codec.encode(SUITABLE[codec.name].matrix()), Encoded)


@settings(max_examples=150)
@given(recipe=RECIPES)
def test_weights_come_back(codec, on_host, recipe):
    matrix = recipe.matrix()
    encoded = codec.encode(matrix)
    if isinstance(encoded, Refusal):
        return
    decoded = codec.decode(encoded)
    assert decoded.dtype == np.int8
    assert np.array_equal(decoded, matrix)
    if codec.decoder:
        assert np.array_equal(on_host(encoded).decode(encoded), matrix)


@pytest.mark.parametrize("recipe", CORNERS, ids=str)
def test_weights_of_corner_cases_come_back(codec, on_host, recipe):
    encoded = encoded_by(codec, recipe)
    assert np.array_equal(codec.decode(encoded), recipe.matrix())
    if codec.decoder:
        assert np.array_equal(on_host(encoded).decode(encoded), recipe.matrix())


@settings(max_examples=60)
@given(recipe=RECIPES)
def test_joint_halfwords_come_out_where_a_kernel_wants_them(decoding_codec, on_host, recipe):
    """Bytes a, b as the halfword 256 b + a: one less in place of b where a is negative."""
    matrix = recipe.matrix()
    encoded = decoding_codec.encode(matrix)
    if isinstance(encoded, Refusal) or "is_joint" not in encoded.parameters:
        return
    expected = matrix.astype(np.int64)
    seconds = expected[:, 1::2]
    seconds -= expected[:, : 2 * seconds.shape[1] : 2] < 0
    decoded = on_host(encoded).decode(encoded, {**encoded.parameters, "is_joint": 1})
    assert np.array_equal(decoded, expected.astype(np.int8))


@settings(max_examples=100)
@given(recipe=RECIPES)
def test_damaged_tensors_never_leave_their_buffers(decoding_codec, on_host, recipe):
    """The sanitizers end the process where they do."""
    encoded = decoding_codec.encode(recipe.matrix())
    if isinstance(encoded, Refusal):
        return
    rng = np.random.default_rng(recipe.seed)
    for share in (0.02, 0.5, 1.0):
        parameters = damaged(encoded, share, rng)
        on_host(encoded).decode(encoded, parameters)
        if "is_joint" in parameters:
            on_host(encoded).decode(encoded, {**parameters, "is_joint": 1})


def damaged(encoded: Encoded, share: float, rng: np.random.Generator) -> dict[str, int | Array]:
    """The parameters with some bytes of every array, at least one, replaced by others."""

    def damage(array: Array) -> Array:
        data = bytearray(array.values.tobytes())
        for place in rng.choice(len(data), max(1, int(share * len(data))), replace=False):
            data[place] = rng.choice([0, 255, int(rng.integers(256))])
        return Array(np.frombuffer(bytes(data), array.values.dtype))

    return {name: damage(v) if isinstance(v, Array) else v for name, v in encoded.parameters.items()}


@pytest.mark.parametrize("fill", [0, 255])
def test_streams_of_one_bit_never_leave_their_buffers(decoding_codec, on_host, fill):
    encoded = encoded_by(decoding_codec, SUITABLE[decoding_codec.name])
    parameters = {
        name: Array(np.full(v.values.nbytes, fill, np.uint8).view(v.values.dtype)) if isinstance(v, Array) else v
        for name, v in encoded.parameters.items()
    }
    on_host(encoded).decode(encoded, parameters)


def test_same_matrix_gives_the_same_bytes(codec):
    first, again = (codec.encode(SUITABLE[codec.name].matrix()) for _ in range(2))
    assert {n: a.values.tobytes() for n, a in first.arrays.items()} == {
        n: a.values.tobytes() for n, a in again.arrays.items()
    }


def test_bytes_are_those_of_the_arrays_in_the_emitted_c(decoding_codec):
    encoded = encoded_by(decoding_codec, SUITABLE[decoding_codec.name])
    text = write_tensor(encoded, "tensor")
    sizes = {"int8_t": 1, "uint8_t": 1, "int32_t": 4}
    emitted = [
        sizes[line.split()[2]] * int(line.partition("[")[2].partition("]")[0])
        for line in text.splitlines()
        if line.startswith("static const") and line.endswith("] = {")
    ]
    assert sum(emitted) == encoded.weight_bytes == encoded.payload_bytes + encoded.table_bytes
    assert len(emitted) == len(encoded.arrays)


def test_row_too_long_for_the_decoders_is_refused(codec):
    made = codec.encode(np.zeros((1, MOST_TAPS + 1), np.int8))
    assert isinstance(made, Refusal)
    assert str(MOST_TAPS + 1) in made.reason


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m0plus", "cortex-m7"])
def test_weights_come_back_on_emulated_cores(decoding_codec, target):
    encoded = encoded_by(decoding_codec, SUITABLE[decoding_codec.name])
    assert decode_on(encoded, find(target)) == SUITABLE[decoding_codec.name].matrix().tobytes()


@pytest.mark.slow
@pytest.mark.needs("qemu-system-arm")
def test_weights_come_back_on_the_vector_unit(decoding_codec):
    encoded = encoded_by(decoding_codec, SUITABLE[decoding_codec.name])
    assert decode_on(encoded, find("cortex-m55")) == SUITABLE[decoding_codec.name].matrix().tobytes()


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc")
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m0plus"])
def test_weights_come_back_with_the_other_compiler(decoding_codec, target):
    recipe = replace(SUITABLE[decoding_codec.name], rows=33)
    encoded = encoded_by(decoding_codec, recipe)
    assert decode_on(encoded, find(target), compiler="gcc") == recipe.matrix().tobytes()


@pytest.mark.parametrize("limit", [512, 1024, 2048])
def test_tables_stay_within_the_ram_that_they_may_take(limit, on_host):
    for name, codec in codecs_within(limit).items():
        matrix = SUITABLE[name].matrix()
        encoded = codec.encode(matrix)
        if isinstance(encoded, Refusal):
            assert limit < 2048
            continue
        assert encoded.scratch_bytes <= limit
        assert np.array_equal(codec.decode(encoded), matrix)
        if codec.decoder:
            assert np.array_equal(on_host(encoded).decode(encoded), matrix)


def test_more_pairs_than_a_small_table_holds_have_low_bits():
    matrix = Recipe("values", 40, 64, 16, 0.0, 1).matrix()
    small, large = (codecs_within(limit)["pairs"].encode(matrix) for limit in (512, 2048))
    assert "codebook" in large.arrays
    assert "codebook" not in small.arrays
    assert small.scratch_bytes <= 512


def test_a_large_tensor_whose_pairs_are_all_frequent_has_a_code_in_the_smallest_table():
    generator = np.random.default_rng(0)
    widths = generator.choice(
        [4, 10, 25, 45], (300, 1)
    )  # rows keep low bits of their own: pairs of high ones are everywhere
    matrix = (widths * generator.normal(size=(300, 784))).clip(-127, 127).astype(np.int8)
    encoded = codecs_within(512)["pairs"].encode(matrix)
    assert encoded.scratch_bytes <= 512
    assert np.array_equal(codecs_within(512)["pairs"].decode(encoded), matrix)


def test_too_little_ram_for_tables_is_an_error():
    with pytest.raises(UsageError, match="511 bytes"):
        codecs_within(511)


def test_decoding_needs_little_ram(decoding_codec):
    """Two rows of the widest layer of MLPerf Tiny included."""
    encoded = encoded_by(decoding_codec, replace(SUITABLE[decoding_codec.name], rows=4, taps=640))
    (measured,) = measure([encoded], find("cortex-m4"))
    assert measured.stack_bytes is not None
    state_bytes = footprint_of(encoded, find("cortex-m4")).state_bytes
    assert encoded.scratch_bytes + state_bytes + measured.stack_bytes + 2 * encoded.row_bytes <= MOST_RAM
    assert state_bytes <= 40
    assert measured.stack_bytes < 450


def test_a_decoder_that_leaves_its_buffers_is_noticed(tmp_path):
    """What the tests of damaged tensors rely on: rows are given less room than they take."""
    if not (shutil.which("gcc") or shutil.which("clang")):
        pytest.skip("no address sanitizer")
    encoded = CODECS["lut"].encode(SUITABLE["lut"].matrix())
    decoder = Decoder(encoded, tmp_path, "address")
    with pytest.raises(AssertionError, match="heap-buffer-overflow"):
        decoder.decode(replace(encoded, taps=encoded.taps - 4))
    decoder.close()
