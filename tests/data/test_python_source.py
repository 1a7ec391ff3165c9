"""Samples from a user's function: arrays and generators, in this process and reopened in another."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_data import everything, opened, refused

from edgecompress import data, recipe
from edgecompress.data import python_source
from edgecompress.errors import DataError

ARRAYS = """
import numpy as np
def make(count=60):
    x = np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2)
    return x, np.arange(count) % 3
def pair(): return make()
def only(): return make()[0]
def named(): return {"x_train": make()[0], "y_train": make()[1], "x_test": make(9)[0] + 999, "y_test": make(9)[1]}
def grouped(): return (*make(), np.arange(60) // 10)
def two(): return (make()[0], make()[0][:, 0]), make()[1]
def stream():
    for x, y in zip(*make()): yield x, int(y)
def grouped_stream():
    for i, (x, y) in enumerate(zip(*make())): yield x, int(y), i // 10
def two_stream():
    for x, y in zip(*make()): yield {"b": x[0], "a": x}, int(y)
def ragged(): return [[1, 2], [3]], [0, 1]
def objects(): return np.asarray([{}, []], dtype=object), [0, 1]
def nothing(): return None
def fails(): raise KeyError("no such file")
def leaves(): raise SystemExit(3)
def lazy():
    import helper_of_samples
    return helper_of_samples.make()
def late():
    yield from list(stream())[:5]
    raise OSError("disk")
def changing():
    random = np.random.RandomState()
    for _ in range(60): yield random.normal(size=4), 1.5 + random.normal()
def nan():
    yield np.zeros(3), 0
    yield np.full(3, np.nan), 1
def shapes():
    yield np.zeros(3), 0
    yield np.zeros(4), 1
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "samples.py"
    path.write_text(ARRAYS, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["pair", "grouped"])
def test_functions_return_arrays(module: Path, name: str) -> None:
    dataset = opened(f"{module}:{name}")
    x, labels = everything(dataset.train)
    assert labels is not None
    assert (x[:, 0, 0] == 4 * dataset.train.indices).all()
    assert (labels == dataset.train.indices % 3).all()


def test_functions_return_named_arrays_and_inputs_alone(module: Path) -> None:
    assert opened(f"{module}:named").counts == {"train": 41, "calibration": 10, "validation": 9, "test": 9}
    alone = opened(f"{module}:only")
    assert alone.labels.kind == "none"
    assert next(alone.train.batches(4)).labels is None


def test_groups_of_functions_and_streams_stay_together(module: Path) -> None:
    for name, keys in (("grouped", {}), ("grouped_stream", {"count": 60})):
        dataset = opened(f"{module}:{name}", split_group="who", **keys)
        splits = [dataset.train, dataset.validation, dataset.test()]
        groups = [set((split.indices // 10).tolist()) for split in splits]
        assert sum(map(len, groups)) == 6
        assert set.union(*groups) == set(range(6))


@pytest.mark.parametrize(("name", "keys"), [("two", {}), ("two_stream", {"count": 60})])
def test_models_with_several_inputs_get_tuples(module: Path, name: str, keys: dict[str, int]) -> None:
    overrides = [{"name": "b", "scale": 2.0, "reshape": [1, 2]}]
    dataset = opened(f"{module}:{name}", x=["a", "b"], input=overrides, **keys)
    assert dataset.input_shapes == ((2, 2), (1, 2))
    for batch in dataset.train.batches(7):
        first, second = batch.inputs
        assert batch.x is batch.inputs
        assert (second[:, 0] == 2 * first[:, 0]).all()
    dataset.check_against([(None, 2, 2), (None, 1, 2)], (None, 3))
    with pytest.raises(DataError, match="as many inputs"):
        dataset.check_against([(None, 2, 2)], (None, 3))


def test_a_generator_gives_the_same_splits_as_its_arrays_would(module: Path) -> None:
    stream, arrays = opened(f"{module}:stream", count=60), opened(f"{module}:pair")
    assert stream.counts == arrays.counts
    assert (stream.train.indices == arrays.train.indices).all()
    (x, labels), (expected, expected_labels) = everything(stream.train), everything(arrays.train)
    assert labels is not None
    assert (x == expected).all()
    assert (labels == expected_labels).all()
    assert stream.warnings == arrays.warnings == ()


def test_a_generator_is_shuffled_by_seed(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_source, "WINDOW", 8)
    split = opened(f"{module}:stream", count=60).train
    orders = [[int(x[0, 0]) for batch in split.batches(4, shuffle=seed) for x in batch.inputs[0]] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(4 * split.indices)


def test_a_generator_is_never_held_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def stream() -> Iterator[tuple[np.ndarray, int]]:
        for i in range(200):
            drawn.append(i)
            yield np.full(3, i), i % 2

    monkeypatch.setattr(python_source, "WINDOW", 16)
    part = python_source.read_stream(stream, recipe.DataRecipe(count=200), "here:stream")
    drawn.clear()
    for number, (indices, _) in enumerate(part.reader.chunks(np.arange(200)[::-1], 4), start=1):
        assert len(indices) == 4
        assert len(drawn) <= 16 + 4 * number


@pytest.mark.parametrize(
    ("name", "keys", "text"),
    [
        ("stream", {}, "count = 10000"),
        ("stream", {"count": 61}, "60 instead of 61"),
        ("ragged", {}, "is no array"),
        ("objects", {}, "pickle"),
        ("nothing", {}, "NoneType"),
        ("fails", {}, "KeyError: 'no such file'"),
        ("leaves", {}, "SystemExit: 3"),
        ("late", {"count": 60}, "OSError: disk"),
        ("nan", {"count": 2}, "NaN or infinity in sample 1"),
        ("shapes", {"count": 2}, "sample 1 of 'x' is (4,)"),
        ("missing", {}, "has no function 'missing'"),
    ],
)
def test_what_a_function_does_wrong_is_a_data_error(module: Path, name: str, keys: dict[str, int], text: str) -> None:
    assert text in str(refused(f"{module}:{name}", **keys))


def test_a_generator_that_changes_between_calls_is_found(module: Path) -> None:
    dataset = opened(f"{module}:changing", count=60)
    with pytest.raises(DataError, match="the same samples every time"):
        everything(dataset.train)


def test_modules_that_cannot_be_imported_say_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_package_at_all", encoding="utf-8")
    assert "no_such_package_at_all" in refused(f"{tmp_path / 'broken.py'}:make").found
    assert "ModuleNotFoundError" in refused("no_such_module_at_all:make").found


def test_functions_may_import_their_neighbours_late(module: Path) -> None:
    (module.parent / "helper_of_samples.py").write_text(ARRAYS, encoding="utf-8")
    assert opened(f"{module}:lazy").counts["train"] == 34


def test_code_runs_only_where_it_may(module: Path) -> None:
    module.write_text("raise SystemError('ran')", encoding="utf-8")
    with pytest.raises(DataError, match="nobody asked for"):
        data.open(f"{module}:pair", run_code=False)


def test_a_dataset_reopens_in_another_process_with_the_same_samples(module: Path, tmp_path: Path) -> None:
    dataset = opened(f"{module}:stream", seed=5, count=60)
    path = tmp_path / "dataset.pickle"
    path.write_bytes(pickle.dumps(dataset))
    code = (
        "import pickle, sys; d = pickle.load(open(sys.argv[1], 'rb'));"
        "print(d.fingerprint, *(int(x[0, 0]) for b in d.batches('train', 8, seed=3) for x in b[0]))"
    )
    command = [sys.executable, "-c", code, str(path)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ours = [str(int(x[0, 0])) for inputs, _ in dataset.batches("train", 8, seed=3) for x in np.asarray(inputs)]
    assert printed == [dataset.fingerprint, *ours]


PACKED_JPEG = """
import io
from pathlib import Path
import numpy as np
from PIL import Image

PACKED = Path({path!r})

def images():
    with np.load(PACKED) as packed:  # 50000 JPEG files in one array: image i is jpeg[offset[i]:offset[i + 1]]
        jpeg, offset, y = packed["jpeg"], packed["offset"], packed["y"]
    for i in range({count}):
        with Image.open(io.BytesIO(jpeg[offset[i] : offset[i + 1]].tobytes())) as image:
            yield np.asarray(image), int(y[i])
"""


def test_packed_jpeg_files_can_be_streamed_by_a_users_function(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "datasets" / "cifar10_jpeg_train_packed.npz"
    (tmp_path / "cifar.py").write_text(PACKED_JPEG.format(path=str(path), count=600), encoding="utf-8")
    (tmp_path / "model.toml").write_text("[data]\nsource = 'cifar:images'\ncount = 600\n", encoding="utf-8")
    loaded = recipe.load(tmp_path / "model.toml")
    assert loaded.source is not None
    dataset = data.open(loaded.source, loaded.data)
    dataset.check_against([(None, 32, 32, 3)], (None, 10))
    batch = next(dataset.calibration.batches(16))
    assert batch.inputs[0].shape == (16, 32, 32, 3)
    assert batch.inputs[0].dtype == np.float32
    assert 0 <= batch.inputs[0].min() < 30 < 200 < batch.inputs[0].max() <= 255
