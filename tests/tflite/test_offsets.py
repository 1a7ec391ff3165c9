"""Offsets and lengths within the file, set by hand to what they must not be: out of the file, into themselves, two billion."""

import struct
import time
import tracemalloc

import pytest
from ai_edge_litert import schema_py_generated as schema
from model_cases import model_of

from edgecompress.codegen.program import lower
from edgecompress.errors import EdgecompressError
from edgecompress.tflite import reader

LENGTHS = (2**31 - 1, 2**32 - 1, 2**24, 10**6)
OFFSETS = (0, 1, 2**31, 2**32 - 1, 10**6)
SUBGRAPHS, BUFFERS, CODES = 8, 12, 6  # of Model: 4 + 2 for each field before
TENSORS, OPERATORS, INPUTS = 4, 10, 6  # of SubGraph


@pytest.fixture(scope="module")
def content():
    return model_of("conv_2d-same")


def vector(content, table, field):
    """Where the vector of a table's field begins, behind its length."""
    return table._tab.Vector(table._tab.Offset(field))


def tables(content):
    model = schema.Model.GetRootAs(content, 0)
    return model, model.Subgraphs(0)


PLACES = {
    "subgraphs": lambda c: vector(c, tables(c)[0], SUBGRAPHS),
    "buffers": lambda c: vector(c, tables(c)[0], BUFFERS),
    "operator codes": lambda c: vector(c, tables(c)[0], CODES),
    "tensors": lambda c: vector(c, tables(c)[1], TENSORS),
    "operators": lambda c: vector(c, tables(c)[1], OPERATORS),
    "inputs": lambda c: vector(c, tables(c)[1], INPUTS),
    "shape": lambda c: vector(c, tables(c)[1].Tensors(0), 4),
    "scales": lambda c: vector(c, tables(c)[1].Tensors(0).Quantization(), 8),
    "weights": lambda c: vector(c, tables(c)[0].Buffers(tables(c)[1].Tensors(1).Buffer()), 4),
    "operands": lambda c: vector(c, tables(c)[1].Operators(0), 6),
}


def patched(content, place, number):
    made = bytearray(content)
    struct.pack_into("<I", made, place, number)
    return bytes(made)


def refused(content):
    """The reader's error, or that of a rule, found in seconds and megabytes."""
    started = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(EdgecompressError) as caught:
            lower(reader.read_bytes(content))
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10
    return caught.value


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", PLACES)
def test_lists_longer_than_the_file_are_refused(name, length, content):
    error = refused(patched(content, PLACES[name](content) - 4, length))
    assert error.what
    assert error.found


@pytest.mark.parametrize("length", LENGTHS)
def test_a_name_longer_than_the_file_ends_with_it(length, content):
    graph = reader.read_bytes(patched(content, vector(content, tables(content)[1].Tensors(0), 10) - 4, length))
    assert len(graph.tensors[0].name) < len(content)
    lower(graph)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", ["subgraphs", "tensors", "operators", "operator codes"])
def test_tables_that_lie_elsewhere_or_in_themselves_are_refused(name, offset, content):
    """The first entry of a list of tables: 0 is the entry itself."""
    refused(patched(content, PLACES[name](content), offset))


@pytest.mark.parametrize("offset", [0, 4, 8, 2**31, 2**32 - 1])
def test_a_root_that_lies_elsewhere_is_refused(offset, content):
    refused(patched(content, 0, offset))


@pytest.mark.parametrize("distance", [0, -4, 4, 2**31 - 1, -(2**31), 10**6, -(10**6)])
def test_descriptions_of_tables_that_lie_elsewhere_are_refused_or_harmless(distance, content):
    """A table begins with the distance to where its fields are listed."""
    for table in (*tables(content), tables(content)[1].Tensors(0), tables(content)[1].Operators(0)):
        made = bytearray(content)
        struct.pack_into("<i", made, table._tab.Pos, distance)
        try:
            graph = reader.read_bytes(bytes(made))
        except EdgecompressError as error:
            assert error.what
            continue
        assert len(graph.operations) <= 1
