"""The firmware's own memcpy, memmove, memset and memcmp, against Python, at every alignment."""

import ctypes
import random

import pytest

from edgecompress.codegen.runtime import program_sources
from edgecompress.targets import host

NAMES = ("memcpy", "memmove", "memset", "memcmp")
SIZE = 160


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    source = {"memory.c": program_sources("standalone")["memory.c"]}
    output = tmp_path_factory.mktemp("memory") / "memory.so"
    return ctypes.CDLL(str(host.build(source, output, kind="library", defines={name: f"ec_{name}" for name in NAMES})))


def place(buffer: ctypes.Array[ctypes.c_char], offset: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(ctypes.addressof(buffer) + offset)


def cases() -> list[tuple[int, int, int]]:
    chosen = random.Random(5)
    edges = [(to, source, size) for to in range(5) for source in range(5) for size in (0, 1, 3, 4, 15, 16, 17, 64)]
    return edges + [(chosen.randrange(60), chosen.randrange(60), chosen.randrange(100)) for _ in range(300)]


def test_copies_and_moves_are_as_python_does_them(library: ctypes.CDLL) -> None:
    data = random.Random(1).randbytes(SIZE)
    for to, source, size in cases():
        moved = ctypes.create_string_buffer(data, SIZE)
        library.ec_memmove(place(moved, to), place(moved, source), ctypes.c_size_t(size))
        expected = bytearray(data)
        expected[to : to + size] = data[source : source + size]
        assert moved.raw == bytes(expected), (to, source, size)
        copied = ctypes.create_string_buffer(bytes(SIZE), SIZE)
        origin = ctypes.create_string_buffer(data, SIZE)
        library.ec_memcpy(place(copied, to), place(origin, source), ctypes.c_size_t(size))
        assert copied.raw == bytes(to) + data[source : source + size] + bytes(SIZE - to - size)


def test_fills_touch_what_they_should_and_nothing_else(library: ctypes.CDLL) -> None:
    for to, value, size in cases():
        filled = ctypes.create_string_buffer(b"\xaa" * SIZE, SIZE)
        library.ec_memset(place(filled, to), value + 256, ctypes.c_size_t(size))
        assert filled.raw == b"\xaa" * to + bytes([value]) * size + b"\xaa" * (SIZE - to - size)


def test_comparison_is_unsigned_and_stops_at_its_length(library: ctypes.CDLL) -> None:
    left, right = ctypes.create_string_buffer(b"ab\xffc", 4), ctypes.create_string_buffer(b"ab\x01d", 4)
    results = [library.ec_memcmp(left, right, ctypes.c_size_t(size)) for size in range(5)]
    assert [(result > 0) - (result < 0) for result in results] == [0, 0, 0, 1, 1]
    assert library.ec_memcmp(right, left, ctypes.c_size_t(4)) < 0
