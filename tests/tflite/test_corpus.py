"""What the fuzzer found, one file for every defect that was mended: each comes to an end or is refused."""

from pathlib import Path

import pytest
from fuzzing.subjects import FAMILIES, SUBJECTS, build_model, inspect_model

from edgecompress.errors import EdgecompressError
from edgecompress.reference.tflm import Tflm

CORPUS = Path(__file__).resolve().parent / "corpus"
MODELS = sorted(CORPUS.glob("*.tflite"))
MOST_BYTES = 64_000
"""Of all files together."""


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_what_was_a_defect_comes_to_an_end_or_is_refused(path, monkeypatch):
    monkeypatch.setattr(Tflm, "available", lambda self: "an interpreter in a process of its own is not on trial")
    content = path.read_bytes()
    for way in (inspect_model, *(lambda one, family=family: build_model(one, family) for family in FAMILIES)):
        try:
            way(content)
        except EdgecompressError as error:
            assert error.what
            assert len(str(error)) < 2000


def test_the_corpus_is_small():
    assert MODELS
    assert sum(path.stat().st_size for path in MODELS) < MOST_BYTES


@pytest.mark.parametrize("kind", SUBJECTS)
def test_files_to_begin_with_are_sound(kind):
    """The first ones of every kind; a fuzzer that begins with refused files finds nothing."""
    made = SUBJECTS[kind].seeds(None)
    for _, (_, content) in zip(range(6), made, strict=False):
        SUBJECTS[kind].run(content)
