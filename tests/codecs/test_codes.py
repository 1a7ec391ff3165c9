"""The codes that codecs are built on, against what their authors promise, hand-computed cases and other ways to the same result."""

import heapq
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.codecs import CODECS, ans, low_bits
from edgecompress.codecs.base import PADDING
from edgecompress.codecs.bits import BitReader, BitWriter, pack_fields, unpack_fields
from edgecompress.codecs.huffman_code import SYMBOLS, codes_of, lengths_of, read_lengths, write_lengths

COUNTS = st.lists(st.one_of(st.just(0), st.integers(1, 20), st.integers(1, 5000)), min_size=2, max_size=100).filter(any)


def entropy(counts: np.ndarray) -> float:
    """Bits of all symbols."""
    often = counts[counts > 0]
    return float(-(often * np.log2(often / often.sum())).sum())


def huffman_bits(counts: list[int]) -> int:
    """Of Huffman's own construction: the sum of all nodes that are not leaves."""
    queue, total = sorted(count for count in counts if count), 0
    heapq.heapify(queue)
    if len(queue) == 1:
        return queue[0]
    while len(queue) > 1:
        both = heapq.heappop(queue) + heapq.heappop(queue)
        total += both
        heapq.heappush(queue, both)
    return total


@given(counts=COUNTS)
def test_codes_without_a_limit_are_as_short_as_huffmans(counts):
    lengths = lengths_of(np.array(counts), most=100 if len(counts) > 2 else 2)
    assert (np.array(counts) * lengths).sum() == huffman_bits(counts)
    assert ((lengths > 0) == (np.array(counts) > 0)).all()


def shortest_by_trying(counts: list[int], most: int) -> int:
    """The fewest bits of all lengths up to a limit that satisfy Kraft's inequality."""

    def least(place: int, room: int) -> float:  # room in units of 2^-most
        if room < 0 or place == len(counts):
            return float("inf") if room < 0 else 0
        return min(
            counts[place] * length + least(place + 1, room - (1 << most - length)) for length in range(1, most + 1)
        )

    return int(least(0, 1 << most))


@given(counts=st.lists(st.integers(1, 200), min_size=2, max_size=5), most=st.integers(3, 4))
def test_codes_with_a_limit_are_the_shortest_within_it(counts, most):
    lengths = lengths_of(np.array(counts), most)
    assert lengths.max() <= most
    assert (np.array(counts) * lengths).sum() == shortest_by_trying(counts, most)


def test_more_symbols_than_codes_have_none():
    assert lengths_of(np.ones(9, int), 3) is None


@given(counts=COUNTS, most=st.integers(7, 10))
def test_no_code_begins_another(counts, most):
    lengths = lengths_of(np.array(counts), most)
    texts = sorted(
        f"{code:0{length}b}"
        for code, length in zip(codes_of(lengths).tolist(), lengths.tolist(), strict=True)
        if length
    )
    assert not any(longer.startswith(shorter) for shorter, longer in pairwise(texts))


def test_canonical_codes_by_hand():
    """The example of RFC 1951, section 3.2.2."""
    lengths = np.array([3, 3, 3, 3, 3, 2, 4, 4])
    assert codes_of(lengths).tolist() == [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111]


@given(lengths=st.lists(st.sampled_from([0, 0, 0, 3, 5, 10]), min_size=1, max_size=SYMBOLS).filter(any))
def test_lengths_are_read_as_they_were_written(lengths):
    written = write_lengths(np.array(lengths))
    found = np.zeros(len(lengths), int)
    found[: len(read_lengths(written))] = read_lengths(written)
    assert found.tolist() == lengths


@given(counts=COUNTS, log=st.sampled_from(ans.LOGS))
def test_shares_are_all_states_and_none_of_a_symbol_that_occurs_is_missing(counts, log):
    shares = ans.shares_of(np.array(counts), log)
    used = np.array(counts) > 0
    if shares is None:
        assert used.sum() * ans.least_share(log) > 1 << log or used.sum() == 1
    else:
        assert shares.sum() == 1 << log
        assert ((shares > 0) == used).all()
        assert shares[used].min() >= ans.least_share(log)


@given(counts=st.lists(st.integers(1, 50), min_size=2, max_size=4))
def test_no_other_shares_take_fewer_bits(counts):
    often, log = np.array(counts), 4
    if len(counts) * ans.least_share(log) > 1 << log:
        return
    best = ans.bits_of(often, ans.shares_of(often, log), log)
    for other in np.ndindex(*[1 << log] * (len(counts) - 1)):
        last = (1 << log) - sum(other)
        if min(*other, last) > 0:
            assert ans.bits_of(often, np.array([*other, last]), log) >= best - 1e-6


@given(counts=COUNTS, log=st.sampled_from(ans.LOGS), seed=st.integers(0, 1000))
def test_symbols_come_back_in_little_more_than_their_entropy(counts, log, seed):
    often = np.zeros(ans.SYMBOLS, int)
    often[: len(counts)] = counts
    shares = ans.shares_of(often, log)
    if shares is None:
        return
    symbols = np.repeat(np.arange(ans.SYMBOLS), np.minimum(often, 300))
    np.random.default_rng(seed).shuffle(symbols)
    table = ans.table_of(ans.write_histogram(shares), log)
    assert table.shares == {symbol: share for symbol, share in enumerate(shares.tolist()) if share}
    writer, state = BitWriter(), 0
    for symbol in symbols[::-1].tolist():
        state = table.put(symbol, state, writer)
    bits = writer.bits()
    reader, found = BitReader(np.packbits(bits)), []
    for _ in symbols:
        symbol, state = table.take(state, reader)
        found.append(symbol)
    assert found == symbols.tolist()
    often = np.bincount(symbols, minlength=ans.SYMBOLS)
    assert bits.size >= entropy(often) - log - 1
    assert bits.size <= 1.02 * ans.bits_of(often, shares, log) + 0.05 * symbols.size + log + 1


@given(log=st.sampled_from(ans.LOGS), counts=COUNTS)
def test_every_state_is_left_for_a_state_whatever_the_bits(log, counts):
    shares = ans.shares_of(np.array(counts), log)
    if shares is not None:
        full = np.pad(shares, (0, ans.SYMBOLS - len(shares)))
        for _, bits, base in ans.table_of(ans.write_histogram(full), log).entries:
            assert 0 <= base <= base + (1 << bits) - 1 < 1 << log
            assert bits <= ans.MOST_BITS


@given(rows=st.integers(1, 4), count=st.integers(1, 30), bits=st.integers(1, 8), seed=st.integers(0, 99))
def test_fields_are_where_their_number_says(rows, count, bits, seed):
    fields = np.random.default_rng(seed).integers(0, 1 << bits, (rows, count)).astype(np.uint8)
    stream = pack_fields(fields, bits)
    assert np.array_equal(unpack_fields(stream, rows, count, bits), fields)
    row_bytes = -(-count * bits // 8)
    for row in range(rows):
        whole = int.from_bytes(stream[row * row_bytes : (row + 1) * row_bytes].tobytes(), "little")
        assert [(whole >> (bits * i)) % (1 << bits) for i in range(count)] == fields[row].tolist()


def test_trits_by_hand():
    """2 1 0 2 1 to the base of 3 is 196, times 256 / 243 is 206.5."""
    encoded = CODECS["trits"].encode(np.array([[9, 0, -5, 9, 0]], np.int8))
    assert encoded.arrays["stream"].values.tolist() == [207]
    assert encoded.parameters["codebook"] == (256 - 5) + (0 << 8) + (9 << 16)


def test_places_of_two_in_four_by_hand():
    """Pairs 13 and 01 are codes 4 and 0; their values 7, 9 and 9, 7 are indices 0 1 and 1 0."""
    encoded = CODECS["nm"].encode(np.array([[0, 7, 0, 9, 9, 7, 0, 0]], np.int8))
    assert encoded.arrays["places"].values.tolist() == [4, *[0] * PADDING]
    assert encoded.arrays["values"].values.tolist() == [0b0110, *[0] * PADDING]


def test_zeros_and_values_of_a_bitmap_by_hand():
    encoded = CODECS["sparse"].encode(np.array([[0, 7, 0, 0, 0, 0, 0, 0, 0, -7]], np.int8))
    assert encoded.arrays["places"].values.tolist() == [2, 2]
    assert encoded.arrays["codebook"].values.tolist() == [-7, 7]
    assert encoded.arrays["values"].values.tolist() == [0b01, *[0] * PADDING]


def test_pairs_of_a_codebook_by_hand():
    """Symbols 0 + 16 * 1, three times, and 1 + 16 * 1: codes 0 and 1, the first bit lowest."""
    encoded = CODECS["pairs"].encode(np.array([[-5, 9, 9, 9, -5, 9, -5, 9]], np.int8))
    assert encoded.arrays["codebook"].values.tolist() == [-5, *[9] * 15]
    assert encoded.arrays["stream"].values.tolist() == [0b0010, *[0] * PADDING]
    assert (encoded.parameters["log"], encoded.parameters["end"]) == (1, 4)


def test_pairs_that_go_together_take_less_than_their_entropy():
    rng = np.random.default_rng(3)
    matrix = np.round(rng.normal(0, 12, (64, 400))).clip(-128, 127).astype(np.int8)
    matrix[:, 1::2] = np.where(rng.random((64, 200)) < 0.7, matrix[:, ::2], matrix[:, 1::2])
    alone = entropy(np.unique(matrix, return_counts=True)[1]) / 8
    assert CODECS["pairs"].encode(matrix).weight_bytes < 0.97 * alone


def test_rows_of_different_spread_take_less_than_their_common_entropy():
    rng = np.random.default_rng(1)
    matrix = np.round(rng.normal(0, 4, (64, 512)) * 2.0 ** rng.integers(0, 4, (64, 1))).clip(-128, 127).astype(np.int8)
    common = entropy(np.unique(matrix, return_counts=True)[1]) / 8
    assert CODECS["tans"].encode(matrix).weight_bytes < 0.98 * common


@given(seed=st.integers(0, 99), taps=st.integers(1, 70))
def test_bytes_of_low_bits_are_as_many_as_were_counted(seed, taps):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-128, 128, (7, taps)).astype(np.int8)
    shifts = (int(rng.integers(0, 3)) + rng.integers(0, 4, 7)).astype(np.int8)
    arrays = low_bits.parameters(matrix, shifts, matrix >> shifts[:, None])
    counted = low_bits.bits_of_low(taps, shifts)
    taken = 32 * arrays["finish.low_words"] + (2 * len(shifts) if arrays["finish.shifts"] else 0)
    assert counted == taken


@pytest.mark.parametrize("zeros", [0.9, 0.95])
def test_pruned_and_clustered_weights_come_near_their_entropy(zeros):
    rng = np.random.default_rng(2)
    values = rng.choice(rng.choice(np.arange(1, 127), 16, replace=False), (100, 300))
    matrix = np.where(rng.random(values.shape) < zeros, 0, values).astype(np.int8)
    assert (
        CODECS["runs"].encode(matrix).weight_bytes < 1.03 * entropy(np.unique(matrix, return_counts=True)[1]) / 8 + 60
    )
