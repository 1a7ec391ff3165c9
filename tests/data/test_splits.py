"""Splits: disjoint, complete, seeded, stratified, by groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgecompress.data.splits import divide, spread
from edgecompress.errors import DataError
from edgecompress.recipe import GroupsRecipe, SplitRecipe

SHARES = st.integers(0, 40) | st.floats(0, 0.45)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 300),
    test=SHARES,
    validation=SHARES,
    train=st.none() | SHARES,
    calibration=st.none() | st.integers(1, 50) | st.floats(0.01, 0.9),
    classes=st.integers(1, 7),
    seed=st.integers(0, 2**32 - 1),
)
def test_splits_are_disjoint_and_complete_whatever_is_asked(
    count: int, test: float, validation: float, train: float | None, calibration: float | None, classes: int, seed: int
) -> None:
    recipe = SplitRecipe(train=train, calibration=calibration, validation=validation, test=test)
    labels = np.arange(count) % classes
    try:
        result = divide(count, recipe, seed, classes=labels).indices
    except DataError:
        return
    together = np.concatenate(
        [result.get(name, np.zeros(0, int)) for name in ("train", "calibration", "validation", "test")]
    )
    assert len(np.unique(together)) == len(together)
    assert together.max(initial=0) < count
    if train is None:
        assert len(together) == count
    for name, share in (("test", test), ("validation", validation)):
        assert len(result[name]) == (
            share if isinstance(share, int) else (max(1, round(share * count)) if share else 0)
        )
    again = divide(count, recipe, seed, classes=labels).indices
    assert all((again[name] == result[name]).all() for name in result)


@given(length=st.integers(0, 200), data=st.data())
def test_spread_takes_exactly_as_many_as_asked(length: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, length))
    assert spread(np.arange(length), count).sum() == count


def test_another_seed_gives_other_splits() -> None:
    first, second = (divide(100, SplitRecipe(), seed).indices["test"] for seed in (0, 1))
    assert set(first.tolist()) != set(second.tolist())


def test_the_frozen_stream_of_the_seed_is_pinned() -> None:
    # The same numbers on every machine and NumPy version: a changed split would change every result of old recipes.
    assert divide(20, SplitRecipe(), 7).indices["test"].tolist() == [12, 19, 8]


def test_classes_keep_their_proportions_in_every_split() -> None:
    labels = np.sort(np.repeat([0, 1, 2], [700, 200, 100]))
    result = divide(1000, SplitRecipe(validation=0.2, test=0.2), 0, classes=labels).indices
    for name in ("train", "validation", "test", "calibration"):
        share = np.bincount(labels[result[name]], minlength=3) / len(result[name])
        assert share == pytest.approx([0.7, 0.2, 0.1], abs=0.02)
    front = labels[result["test"][:50]]
    assert len(np.unique(front)) == 3, "any front part of a split is a fair sample"


def test_calibration_is_taken_out_of_training_and_says_so() -> None:
    result = divide(1000, SplitRecipe(calibration=100), 0)
    assert len(result.indices["calibration"]) == 100
    assert len(result.indices["train"]) == 600
    assert any("taken out of the training part" in note for note in result.notes)


@pytest.mark.parametrize(
    "recipe", [SplitRecipe(test=10), SplitRecipe(test=5, validation=6), SplitRecipe(calibration=8)]
)
def test_fewer_samples_than_asked_is_an_error_with_the_numbers(recipe: SplitRecipe) -> None:
    with pytest.raises(DataError) as caught:
        divide(10, recipe, 0)
    assert "10" in caught.value.found or "samples for 8" in caught.value.found


def test_named_groups_go_where_the_recipe_says() -> None:
    groups = np.repeat(np.arange(1, 18), 10)
    recipe = SplitRecipe(group="subject", groups=GroupsRecipe(test=(14, 15, 16, 17)))
    result = divide(170, recipe, 0, groups=groups)
    chosen = {name: set(groups[indices].tolist()) for name, indices in result.indices.items()}
    assert chosen["test"] == {14, 15, 16, 17}
    assert not chosen["validation"] & chosen["train"]
    assert chosen["validation"] | chosen["train"] == set(range(1, 14))
    assert chosen["calibration"] <= chosen["train"]
    assert any(note.startswith("validation: groups ") for note in result.notes)


def test_validation_groups_come_out_of_named_training_groups_when_no_other_is_left() -> None:
    groups = np.repeat(np.arange(1, 9), 10)
    recipe = SplitRecipe(group="g", groups=GroupsRecipe(train=(1, 2, 3, 4, 5, 6), test=(7, 8)))
    result = divide(80, recipe, 0, groups=groups)
    assert set(groups[result.indices["validation"]]) < {1, 2, 3, 4, 5, 6}
    assert not set(groups[result.indices["validation"]]) & set(groups[result.indices["train"]])


def test_fractions_of_groups_come_near_and_groups_never_straddle() -> None:
    groups = np.random.RandomState(0).randint(0, 40, 2000)
    result = divide(2000, SplitRecipe(group="g", validation=0.2, test=0.2), 3, groups=groups).indices
    parts = [set(groups[result[name]].tolist()) for name in ("train", "validation", "test")]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 40
    assert len(result["test"]) == pytest.approx(400, abs=50)


def test_groups_that_no_split_names_are_reported() -> None:
    groups = np.repeat(["a", "b", "c", "d"], 5)
    recipe = SplitRecipe(group="g", validation=0, groups=GroupsRecipe(train=("a",), test=("b",)))
    assert divide(20, recipe, 0, groups=groups).warnings == ["groups c, d of 'g' are in no split"]


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        (SplitRecipe(group="g", groups=GroupsRecipe(test=("z",))), "does not have"),
        (SplitRecipe(group="g", groups=GroupsRecipe(test=("a", "b", "c"))), "too few groups"),
        (SplitRecipe(group="g", validation=0, groups=GroupsRecipe(test=("a", "b", "c"))), "no group is left"),
        (SplitRecipe(group="g", test=5), "must be a fraction"),
    ],
)
def test_impossible_groups_are_errors(recipe: SplitRecipe, text: str) -> None:
    with pytest.raises(DataError, match=text):
        divide(15, recipe, 0, groups=np.repeat(["a", "b", "c"], 5))
