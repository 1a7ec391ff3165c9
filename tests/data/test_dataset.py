"""Datasets: what the model sees, test data once, warnings, labels and the fit to a model."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from made_data import Make, everything, made, opened, refused

from edgecompress.errors import DataError


def test_what_the_model_sees_is_scaled_shifted_and_reshaped(npz: Make) -> None:
    x, y = made()
    dataset = opened(npz(x=x, y=y), scale=[0.5, 2.0], offset=-1.0, reshape=[1, 3, 2])
    seen, labels = everything(dataset.train)
    indices = dataset.train.indices
    assert seen.dtype == np.float32
    assert (seen == x[indices].reshape(-1, 1, 3, 2).astype(np.float32) * np.float32([0.5, 2]) - 1).all()
    assert labels is not None
    assert labels.dtype == np.int32
    assert (labels == y[indices]).all()
    assert (dataset.train.labels == labels).all()


@pytest.mark.parametrize(("stored", "dtype"), [("i1", "int8"), ("f8", "float32"), ("f2", "float32"), ("u1", "int8")])
def test_stored_dtypes_stay_as_they_are_until_a_batch_needs_them(npz: Make, stored: str, dtype: str) -> None:
    x = (made()[0] % 100).astype(stored)
    dataset = opened(npz(x=x, y=made()[1]), dtype=dtype)
    assert dataset.train.part.reader.dtypes == (np.dtype(stored),)
    assert everything(dataset.train)[0].dtype == np.dtype(dtype)


def test_integers_out_of_range_after_scaling_name_the_sample(npz: Make) -> None:
    x, y = made()
    x[:] = 3
    x[17, 0, 0] = 250
    dataset = opened(npz(x=x, y=y), dtype="int8", split_test=0, split_validation=0)
    split = dataset.train if 17 in dataset.train.indices else dataset.calibration
    with pytest.raises(DataError, match="does not fit int8") as caught:
        everything(split)
    assert "sample 17" in caught.value.found


def test_infinity_that_scaling_makes_is_found(npz: Make) -> None:
    dataset = opened(npz(x=np.full((50, 2), 1e30, np.float32), y=made(50)[1]), scale=1e30)
    with pytest.raises(DataError, match="must be finite"):
        everything(dataset.train)


def test_batches_cover_a_split_once_in_any_order(npz: Make) -> None:
    dataset = opened(npz(x=made()[0], y=made()[1]))
    plain = everything(dataset.train)[0]
    shuffled = np.concatenate([batch.inputs[0] for batch in dataset.train.batches(9, shuffle=4)])
    assert not (plain == shuffled).all()
    assert sorted(map(bytes, plain)) == sorted(map(bytes, shuffled))
    assert [len(batch.inputs[0]) for batch in dataset.train.batches(30)] == [30, 26]
    few = dataset.train.take(10)
    assert len(few) == 10
    assert set(few.indices.tolist()) <= set(dataset.train.indices.tolist())
    with pytest.raises(DataError, match="fewer samples than asked"):
        dataset.train.take(57)


def test_test_data_is_handed_out_once_even_to_another_process(npz: Make) -> None:
    dataset = opened(npz(x=made()[0], y=made()[1]))
    split = dataset.test()
    assert everything(split)[0].shape == everything(split)[0].shape
    with pytest.raises(DataError, match="touched once"):
        dataset.test()
    assert dataset.test_used
    with pytest.raises(DataError, match="touched once"):
        pickle.loads(pickle.dumps(dataset)).test()
    with pytest.raises(ValueError, match="test"):
        dataset.count("test")


def test_explicit_arrays_are_the_splits_and_the_rest_is_carved_out_of_training(npz: Make) -> None:
    (x, y), (tx, ty), (cx, _) = made(100), made(20, seed=1), made(10, seed=2)
    dataset = opened(npz(x_train=x, y_train=y, x_test=tx, y_test=ty, x_cal=cx))
    assert dataset.counts == {"train": 85, "calibration": 10, "validation": 15, "test": 20}
    assert (everything(dataset.test())[0] == tx).all(), "in the order of the file"
    assert (everything(dataset.calibration)[0] == cx).all()
    assert next(dataset.calibration.batches(3)).labels is None


def test_arrays_can_be_named_in_the_recipe(npz: Make) -> None:
    x, y = made()
    dataset = opened(npz(images=x, labels=y, late=x[:5], late_y=y[:5]), x="images", y="labels")
    assert dataset.counts["train"] == 56
    names = {"x_train": "images", "y_train": "labels", "x_test": "late", "y_test": "late_y"}
    assert opened(npz(images=x, labels=y, late=x[:5], late_y=y[:5]), names=names).counts["test"] == 5


def test_a_file_with_test_arrays_alone_can_be_judged_on(npz: Make) -> None:
    dataset = opened(npz(x_test=made()[0], y_test=made()[1]))
    assert dataset.counts == {"train": 0, "calibration": 0, "validation": 0, "test": 100}
    with pytest.raises(DataError, match="train split is empty"):
        next(dataset.train.batches(4))


@pytest.mark.parametrize(
    ("arrays", "keys", "text"),
    [
        ({"images": made()[0]}, {}, "images (100, 3, 2) uint8"),
        ({"x": made()[0], "x_train": made()[0]}, {}, "claim to be the same samples"),
        ({"x": made()[0], "y": made()[1][:99]}, {}, "100 and 99"),
        ({"x": made()[0][:0], "y": made()[1][:0]}, {}, "holds no sample"),
        ({"x": np.uint8(3), "y": made()[1]}, {}, "holds no sample"),
        ({"x": made()[0], "y": made()[1]}, {"y": "label"}, "'label'"),
        ({"x_train": made()[0], "y_train": made()[1], "x_test": made()[0]}, {}, "'y_test'"),
        ({"x_train": made()[0], "x_test": made()[0][:, :2]}, {}, "another shape in test"),
        ({"x": np.asarray(["a"] * 9), "y": np.arange(9)}, {}, "must hold numbers"),
        ({"x": made()[0], "y": made()[1] * 0}, {}, "one class only"),
        ({"x": made()[0], "y": made()[1]}, {"split_test": 90, "split_validation": 20}, "fewer samples than the splits"),
        ({"x": made()[0], "y": made()[1]}, {"reshape": [4, 2]}, "cannot be reshaped"),
        ({"x": made()[0], "y": made()[1]}, {"scale": [1.0, 2.0, 3.0]}, "one per channel"),
        ({"x": made()[0], "y": made()[1]}, {"split_group": "who"}, "'who'"),
        ({"x": made()[0], "y": made()[1] - 1}, {}, "out of range"),
        ({"x": made()[0], "y": made()[1]}, {"classes": ["a", "b", "c"]}, "out of range"),
        ({"x": made()[0], "y": made()[1].astype(float)}, {}, "could be classes or values"),
        ({"x": made()[0], "y": made()[1] + 0.5}, {"labels": "index"}, "whole number"),
        ({"x": made()[0], "y": np.eye(4)[made()[1]] * 2}, {"labels": "one-hot"}, "one-hot rows"),
        ({"x": made()[0], "y": np.where(made()[1] == 2, np.nan, 0.5)}, {}, "labels must be finite"),
        ({"x": made()[0]}, {"labels": "index"}, "the data has none"),
        ({"x": made()[0], "y": np.asarray(["a", "b"] * 50)}, {"classes": ["a", "c"]}, "'b'"),
        ({"x": np.where(made()[0] == 7, np.nan, 1.0), "y": made()[1]}, {}, "NaN or infinity in sample"),
        ({"x_train": made()[0], "y_train": made()[1], "who_train": made()[1], "x_test": made()[0], "y_test": made()[1],
          "who_test": made()[1] + 3}, {"split_group": "who"}, "are in train and in test"),
    ],
)  # fmt: skip
def test_wrong_data_is_refused_when_it_is_opened(
    npz: Make, arrays: dict[str, object], keys: dict[str, object], text: str
) -> None:
    assert text in str(refused(npz(**arrays), **keys))


@pytest.mark.parametrize(
    ("y", "keys", "kind", "shape", "dtype"),
    [
        (made()[1], {}, "index", (), "int32"),
        (made()[1].astype(np.uint8)[:, None], {}, "index", (), "int32"),
        (made()[1].astype(float), {"labels": "index"}, "index", (), "int32"),
        (np.eye(4)[made()[1]], {}, "one-hot", (4,), "float32"),
        (made()[1] + 0.5, {}, "values", (), "float32"),
        (made()[1], {"labels": "values"}, "values", (), "float32"),
        (np.asarray(["up", "down"] * 50), {}, "index", (), "int32"),
        (np.arange(100) % 2, {"labels": "anomaly"}, "anomaly", (), "int32"),
    ],
)
def test_kinds_of_labels_are_inferred_or_declared(
    npz: Make, y: np.ndarray, keys: dict[str, str], kind: str, shape: tuple[int, ...], dtype: str
) -> None:
    dataset = opened(npz(x=made()[0], y=y), **keys)
    labels = next(dataset.train.batches(5)).labels
    assert labels is not None
    assert (dataset.labels.kind, labels.shape[1:], labels.dtype.name) == (kind, shape, dtype)
    assert ("declared" in dataset.labels.how) == bool(keys)


def test_anomaly_detection_trains_on_normal_samples_without_labels(npz: Make) -> None:
    dataset = opened(npz(x_train=made()[0], x_test=made(20, seed=3)[0], y_test=np.arange(20) % 2), labels="anomaly")
    assert (everything(dataset.train)[1] == 0).all()
    assert dataset.test().labels is not None
    dataset.check_against([(None, 3, 2)], (None, 3, 2))


def test_anomalous_samples_are_kept_out_of_training(npz: Make) -> None:
    dataset = opened(npz(x=made()[0], y=np.arange(100) % 4 == 0), labels="anomaly")
    for split in (dataset.train, dataset.calibration):
        assert split.labels is not None
        assert not split.labels.any()
    test = dataset.test().labels
    assert test is not None
    assert test.any()
    assert any(note.startswith("train: ") and "anomalous samples left out" in note for note in dataset.notes)


def test_duplicates_across_the_boundary_are_counted_and_warned_of(npz: Make) -> None:
    x, y = made(100)
    extra = made(50, seed=9)[0]
    extra[:, 2, 1] = 255 - extra[:, 2, 1]
    test = np.concatenate([x[:5], extra])
    dataset = opened(npz(x_train=x, y_train=y, x_test=test, y_test=made(55)[1]))
    assert dataset.duplicates("test", ("train", "calibration", "validation")) == 5
    assert any("5 of 55 test samples" in warning for warning in dataset.warnings)


def test_a_column_that_looks_like_groups_is_warned_of(npz: Make) -> None:
    arrays = {"x": made()[0], "y": made()[1], "subject": np.arange(100) // 10}
    assert any('group = "subject"' in warning for warning in opened(npz(**arrays)).warnings)
    assert opened(npz(**arrays), split_group="subject").warnings == ()


def test_one_class_in_test_alone_is_warned_of(npz: Make) -> None:
    dataset = opened(npz(x_train=made()[0], y_train=made()[1], x_test=made(9, seed=1)[0], y_test=np.zeros(9, int)))
    assert any("one class only" in warning for warning in dataset.warnings)


@pytest.mark.parametrize(
    ("y", "keys", "inputs", "output", "text"),
    [
        (made()[1], {}, (None, 3, 2), (None, 4), ""),
        (made()[1], {}, (None, None, 2), (1, 10), ""),
        (made()[1], {}, (None, 3, 2), (None, 3), "label 3 is out of range for the model's 3 classes"),
        (made()[1], {}, (None, 3, 2), (None, 1), "out of range for the model's 2 classes"),
        (made()[1] % 2, {}, (None, 3, 2), (None, 1), ""),
        (made()[1], {}, (None, 3, 2, 1), (None, 4), "reshape = [3, 2, 1]"),
        (made()[1], {}, (None, 6), (None, 4), "reshape = [6]"),
        (made()[1], {}, (None, 4, 4), (None, 4), "the number of values differs"),
        (np.eye(4)[made()[1]], {}, (None, 3, 2), (None, 4), ""),
        (np.eye(4)[made()[1]], {}, (None, 3, 2), (None, 5), "(4) instead of (5)"),
        (made()[1] + 0.5, {}, (None, 3, 2), (None, 1), ""),
        (made()[1] + 0.5, {}, (None, 3, 2), (None, 2), "instead of (2)"),
        (made()[1], {"labels": "input"}, (None, 3, 2), (None, 3, 2), ""),
        (made()[1], {"labels": "input"}, (None, 3, 2), (None, 6), "target is its input"),
        (made()[1], {"labels": "none"}, (None, 3, 2), (None, 6), ""),
    ],
)
def test_samples_and_labels_are_checked_against_the_model(
    npz: Make,
    y: np.ndarray,
    keys: dict[str, str],
    inputs: tuple[int | None, ...],
    output: tuple[int | None, ...],
    text: str,
) -> None:
    dataset = opened(npz(x=made()[0], y=y), **keys)
    if not text:
        dataset.check_against([inputs], output)
        return
    with pytest.raises(DataError) as caught:
        dataset.check_against([inputs], output)
    assert text in str(caught.value)


def test_the_fingerprint_tells_samples_and_preparation_apart_but_not_places(npz: Make, tmp_path: Path) -> None:
    x, y = made()
    path = npz(x=x, y=y)
    first = opened(path).fingerprint
    (tmp_path / "moved.npz").write_bytes(path.read_bytes())
    assert opened(tmp_path / "moved.npz").fingerprint == first
    assert opened(path, scale=0.5).fingerprint != first
    assert opened(path, seed=1).fingerprint != first
    x[5, 1, 1] ^= 1
    assert opened(npz(x=x, y=y)).fingerprint != first


def test_real_activity_data_is_split_by_subject(shared_data: Path) -> None:
    path = shared_data / "datasets" / "har_phone_s01-s17.npz"
    dataset = opened(path, split_group="subject", split_groups_test=[14, 15, 16, 17], reshape=[50, 1, 6])
    with np.load(path) as arrays:
        subject = arrays["subject"]
    assert dataset.counts["test"] == 1359
    assert set(subject[dataset.test().indices]) == {14, 15, 16, 17}
    assert not set(subject[dataset.train.indices]) & set(subject[dataset.validation.indices])
    dataset.check_against([(None, 50, 1, 6)], (None, 5))
    assert dataset.warnings == ()
