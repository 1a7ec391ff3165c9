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
    assert once.shape == (8, 49, 10, 1)
    assert (once[:4] != once[4:]).mean() > 0.5 and (once != others).mean() > 0.5


def test_a_longer_vocal_tract_is_a_lower_voice():
    """A tone an octave lower, said by a tract half as long, is the tone."""
    time = np.arange(sounds.RATE) / sounds.RATE
    tone, lower = (np.sin(2 * np.pi * hertz * time)[np.newaxis] for hertz in (800, 400))
    found = sounds.mfcc(lower, np.array([2.0])).astype(int) - sounds.mfcc(tone)
    unmoved = sounds.mfcc(lower).astype(int) - sounds.mfcc(tone)
    assert np.abs(found).mean() < np.abs(unmoved).mean() / 3


def test_a_clip_without_any_sound_has_features():
    silence = np.zeros((1, sounds.RATE), np.int16)
    assert sounds.mfcc(silence).shape == sounds.varied(silence, 1, 0).shape == (1, 49, 10, 1)
