"""Keyword clips: the features that the benchmark computed of them, and clips said otherwise."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

from compressing import material, sounds


@pytest.fixture(scope="module")
def clips(shared_data):
    with np.load(material.find(shared_data, "kws01_wav16k.npz"), allow_pickle=False) as arrays:
        return arrays["x"]


def test_the_features_are_those_that_the_benchmark_gives_of_its_clips(shared_data, clips):
    with np.load(material.find(shared_data, "kws01_mfcc.npz"), allow_pickle=False) as arrays:
        wanted = arrays["x"]
    found = sounds.mfcc(clips)
    differences = np.abs(found.astype(int) - wanted)
    assert differences.max() <= 1
    assert (differences == 0).mean() > 0.99


def test_clips_said_otherwise_are_the_same_for_a_seed_and_differ_from_each_other(clips):
    once, again, others = (sounds.varied(clips[:4], 2, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert once.shape == (8, clips.shape[1]) and np.isfinite(once).all()
    assert not np.allclose(once[:4], once[4:]) and not np.allclose(once, others)


def test_a_clip_without_any_sound_has_features():
    assert sounds.mfcc(np.zeros((1, sounds.RATE), np.int16)).shape == (1, 49, 10, 1)
    assert np.isfinite(sounds.varied(np.zeros((1, sounds.RATE), np.int16), 1, 0)).all()
