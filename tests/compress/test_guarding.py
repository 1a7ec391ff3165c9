"""Patterns that further training must keep, step by step."""

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.base import Context, Kind, Promise, TrainingSettings
from edgecompress.compress.models.kernels import kernel_variables
from edgecompress.compress.training.fine_tuning import describe_output, fine_tune
from edgecompress.compress.training.guarding import pattern_of
from edgecompress.compress.training.task import infer

ZEROS = Promise(Kind.ZEROS, 0.5, layers=("wide", "point"), source="prune")


def test_a_pattern_of_zeros_masks_them_and_one_of_values_groups_them():
    values = np.array([[0.0, 1.0], [1.0, 2.0]], np.float32)
    pattern = pattern_of(values, "dense", (ZEROS, Promise(Kind.DISTINCT_VALUES, 3)))
    assert pattern.mask.tolist() == [[0, 1], [1, 1]]
    assert pattern.groups[0, 1] == pattern.groups[1, 0]
    assert len(np.unique(pattern.groups)) == 3


def test_values_shared_within_channels_are_grouped_by_channel():
    values = np.array([[1.0, 1.0], [1.0, 2.0]], np.float32)
    groups = pattern_of(values, "dense", (Promise(Kind.DISTINCT_VALUES, 2, granularity="channel"),)).groups
    assert groups[0, 0] == groups[1, 0]
    assert groups[0, 0] != groups[0, 1]


def test_without_a_promise_there_is_no_pattern():
    assert pattern_of(np.ones((2, 2)), "dense", ()).empty


@pytest.mark.parametrize("kind", [Kind.ZEROS, Kind.DISTINCT_VALUES, Kind.ALLOWED_VALUES])
def test_training_keeps_the_pattern_of_guarded_kernels_and_trains_the_others(kind):
    model = examples.depthwise()
    kernels = {found.name: found for found in kernel_variables(model)}
    for name in ("wide", "point"):
        values = kernels[name].variable.numpy()
        kernels[name].variable.assign(np.round(values / np.abs(values).max() * 2) / 8)
    before = {name: found.variable.numpy() for name, found in kernels.items()}
    bound = (-2.0, -1.0, 0.0, 1.0, 2.0) if kind is Kind.ALLOWED_VALUES else 5 if kind is Kind.DISTINCT_VALUES else 0.1
    data = examples.samples()
    promise = Promise(kind, bound, layers=("wide", "point"), source="x")
    context = Context(
        data, infer(describe_output(model), data.y["train"]), TrainingSettings(learning_rate=0.01), (promise,), model
    )
    fine_tune(model, context, 2)
    after = {name: found.variable.numpy() for name, found in kernels.items()}
    for name in ("wide", "point"):
        if kind is Kind.ZEROS:
            np.testing.assert_array_equal(after[name] == 0, before[name] == 0)
        if kind is Kind.DISTINCT_VALUES:
            for value in np.unique(before[name]):
                assert len(np.unique(after[name][before[name] == value])) == 1
        assert np.array_equal(after[name], before[name]) is (kind is Kind.ALLOWED_VALUES)
    assert not np.array_equal(after["stem"], before["stem"])
