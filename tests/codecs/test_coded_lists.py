"""Lists of weights that are not zero, as decoders write them for the kernels that read lists: the same weights, and where the code is
damaged still lists that lead nowhere beyond their row, in no more room than there is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrices import RECIPES, SUITABLE
from test_codecs import damaged

from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.costs import cycles_of
from edgecompress.codecs.measure import measure
from edgecompress.codegen.variants.lists import HEAD, SUM_BITS, bytes_in_rows
from edgecompress.targets import find

CODEC = CODECS["gaps"]


def lists_of(matrix: np.ndarray) -> Encoded | None:
    """The matrix in a code that is to be decoded into lists; None where it has too many values."""
    made = CODEC.encode(matrix)
    return replace(made, writes="lists", work=made.lists) if isinstance(made, Encoded) else None


def read(lists: np.ndarray, encoded: Encoded) -> tuple[np.ndarray, np.ndarray, int]:
    """What lists say, as their kernels read them: (weights [rows, taps], minus their sums [rows], bytes)."""
    values, rows, at = encoded.arrays["values"].values, np.zeros((encoded.rows, encoded.taps), np.int8), 0
    sums = np.zeros(encoded.rows, np.int64)
    for i, row in enumerate(rows):
        head = int.from_bytes(lists[at : at + HEAD].tobytes(), "little")
        sums[i] = (head >> 10) - (head >> 23 << 14)
        entries = lists[at + HEAD : at + HEAD + (head & 1023)].astype(np.int64)
        places = np.cumsum((entries >> 4) + 1) - 1
        row[places] = values[entries & 15]
        at += HEAD + len(entries)
    return rows, sums, at


@settings(max_examples=100)
@given(recipe=RECIPES)
def test_lists_hold_the_weights_and_their_sums_in_the_bytes_that_are_said(on_host, recipe):
    encoded = lists_of(matrix := recipe.matrix())
    if encoded is None:
        return
    room = int(bytes_in_rows(matrix).sum())
    rows, sums, size = read(on_host(encoded).lists(encoded, room), encoded)
    assert np.array_equal(rows, matrix)
    assert not ((sums + matrix.sum(axis=1, dtype=np.int64)) % 2**SUM_BITS).any()
    assert size == room


def test_gaps_that_are_longer_than_an_entry_holds_go_on_over_rows(on_host):
    matrix = np.zeros((9, 21), np.int8)
    matrix[[0, 4, 8], [3, 20, 0]] = 5, -7, 127
    encoded = lists_of(matrix)
    assert encoded
    rows, _, _ = read(on_host(encoded).lists(encoded, int(bytes_in_rows(matrix).sum())), encoded)
    assert np.array_equal(rows, matrix)


@settings(max_examples=100)
@given(recipe=RECIPES, share=st.sampled_from((0.02, 0.5, 1.0)), less=st.floats(0, 1))
def test_damaged_lists_stay_in_their_room_and_their_rows(on_host, recipe, share, less):
    """`read` fails where a place is outside the row."""
    encoded = lists_of(matrix := recipe.matrix())
    if encoded is None:
        return
    worse = damaged(encoded, share, np.random.default_rng(recipe.seed))
    longest = int(bytes_in_rows(matrix).sum())
    room = HEAD * encoded.rows + round(less * (longest - HEAD * encoded.rows))
    lists = np.append(on_host(encoded).lists(encoded, room, worse), np.uint8(0))
    _, _, size = read(lists, encoded)
    assert size <= room + 1


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m7", "cortex-m0plus"])
def test_cycles_of_lists_are_about_those_of_the_emulated_core(cpu):
    encoded = lists_of(replace(SUITABLE["gaps"], rows=20, taps=72).matrix())
    assert encoded
    (measured,) = measure([encoded], find(cpu))
    real = measured.begin.cycles.typical + measured.rows.cycles.typical
    assert cycles_of(encoded, cpu) == pytest.approx(real, rel=0.2)
