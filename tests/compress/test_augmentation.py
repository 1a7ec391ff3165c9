"""Samples made from samples: what they keep, and where they are refused."""

import numpy as np
import pytest

from edgecompress.compress.training.augmentation import Augmentation, flipped, shifted
from edgecompress.errors import RecipeError


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_shifted_sample_is_the_sample_moved_with_its_border_repeated():
    ramp = np.tile(np.arange(10, dtype=np.float32)[None, :, None], (200, 1, 2))
    found = shifted(ramp, (3,), generator())
    moves = set()
    for one in found:
        move = 5 - int(one[5, 0])
        np.testing.assert_array_equal(one[:, 0], np.clip(np.arange(10) - move, 0, 9))
        np.testing.assert_array_equal(one[:, 0], one[:, 1])
        moves.add(move)
    assert moves == set(range(-3, 4))


def test_rows_and_columns_are_shifted_each_by_its_own_steps():
    image = np.zeros((300, 9, 9, 1), np.float32)
    image[:, 4, 4] = 1
    found = shifted(image, (2, 1), generator())
    places = {tuple(np.argwhere(one[..., 0])[0] - 4) for one in found}
    assert places == {(row, column) for row in range(-2, 3) for column in range(-1, 2)}


def test_about_half_of_the_images_are_mirrored_and_none_is_changed_otherwise():
    images = generator().normal(size=(400, 3, 5, 2)).astype(np.float32)
    found = flipped(images, generator())
    mirrored = [np.array_equal(one, image[:, ::-1]) for one, image in zip(found, images, strict=True)]
    kept = [np.array_equal(one, image) for one, image in zip(found, images, strict=True)]
    assert 150 < sum(mirrored) < 250
    assert sum(mirrored) + sum(kept) == 400


def test_nothing_asked_for_changes_nothing():
    images = generator().normal(size=(4, 3, 5, 2)).astype(np.float32)
    assert Augmentation()(images, generator()) is images


@pytest.mark.parametrize(
    ("wanted", "inputs", "message"),
    [
        (Augmentation(shift=(1, 1, 1)), np.zeros((4, 9, 9), np.float32), "3 axes"),
        (Augmentation(flip=True), np.zeros((4, 9, 9), np.float32), "3 axes"),
        (Augmentation(shift=(1,)), (np.zeros((4, 9), np.float32),) * 2, "one input"),
        (Augmentation(flip=True), (np.zeros((4, 9, 9, 1), np.float32),) * 2, "one input"),
    ],
)
def test_samples_that_cannot_be_moved_are_refused(wanted, inputs, message):
    with pytest.raises(RecipeError, match=message):
        wanted(inputs, generator())
