"""CSV files."""

from pathlib import Path

import numpy as np
import pytest
from made_data import everything, opened, refused

GOOD = "ax, ay,who,gesture\n" + "".join(f"{i}.5,-{i},s{i % 4},{'up' if i % 3 else 'down'}\n" for i in range(40))


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_columns_become_samples_labels_and_groups(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path, GOOD), y="gesture", split_group="who", reshape=[1, 2, 1], scale=2.0)
    assert dataset.labels.kind == "index"
    assert dataset.labels.classes == ("down", "up")
    assert dataset.input_shapes == ((1, 2, 1),)
    x, labels = everything(dataset.train)
    i = dataset.train.indices
    assert (x[:, 0, :, 0] == np.stack([2 * (i + 0.5), -2.0 * i], axis=1)).all()
    assert labels is not None
    assert (labels == (i % 3 != 0)).all()
    groups = {name: {k % 4 for k in split.indices} for name, split in (("t", dataset.train), ("v", dataset.validation))}
    assert not groups["t"] & groups["v"]


def test_features_can_be_named_in_their_order(tmp_path: Path) -> None:
    dataset = opened(write(tmp_path, GOOD), y="gesture", columns=["ay", "ax"])
    x, _ = everything(dataset.train)
    assert (x[:, 1] == dataset.train.indices + 0.5).all()


def test_quotes_byte_order_mark_and_other_delimiters_are_understood(tmp_path: Path) -> None:
    text = '\ufeff"a";"y"\r\n' + "".join(f'"{i}";{i % 2}\r\n' for i in range(20))
    dataset = opened(write(tmp_path, text), delimiter=";")
    assert (everything(dataset.train)[0][:, 0] == dataset.train.indices).all()


@pytest.mark.parametrize(
    ("text", "what", "found"),
    [
        ("", "first line must name the columns", ""),
        ("1,2,3\n4,5,6\n", "first line must name the columns", "1,2,3"),
        ("a,a\n1,2\n", "names must differ", "a"),
        ("a,y\n", "no sample below", ""),
        ("a,y\n1,0\n2\n", "a value in every column", "1 values in line 3 for 2 columns"),
        ("a,y\n1,0\n2,1,3\n", "a value in every column", "3 values in line 3"),
        ("a,y\n1,0\n,1\n", "must be a number", "'' in column 'a' of sample 1"),
        ("a,y\n1,0\nseven,1\n", "must be a number", "'seven' in column 'a' of sample 1"),
        ("a,y\n1,0\nnan,1\n", "must be finite", "sample 1"),
        ("a,y\n1,0\n2,inf\n", "labels must be finite", "label 1"),
        (b"a,y\n1,\xff\xfe\n", "no readable CSV", "utf-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "no readable CSV", ""),
        (b"\x00" * 5000, "first line", ""),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, text: str | bytes, what: str, found: str) -> None:
    error = refused(write(tmp_path, text))
    assert what in error.what
    assert found in error.found


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = refused(write(tmp_path, GOOD), y="label")
    assert "'label'" in error.what
    assert "gesture" in error.found
