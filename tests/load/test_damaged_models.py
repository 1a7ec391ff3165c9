"""Keras files that are not what they say: unknown layers, impossible wirings, odd members, links, cut and flipped bytes."""

import contextlib

import h5py
import numpy as np
import pytest
from made_models import change_h5, npz_bytes, rewrite_archive

from edgecompress import load
from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.load.runtime import keras3


def test_unknown_layers_are_named(small_two, tmp_path):
    small_two.save(tmp_path / "good.h5")

    def change(config):
        config["config"]["layers"][1]["class_name"] = "MyConv"

    with pytest.raises(UnsupportedError, match=r'"conv" \(MyConv\) is not a layer of Keras'):
        load.load(change_h5(tmp_path / "good.h5", tmp_path / "bad.h5", change))


def test_wrappers_of_an_unfinished_compression_are_refused(small_two, tmp_path):
    small_two.save(tmp_path / "good.h5")

    def change(config):
        layer = config["config"]["layers"][1]
        layer["config"] = {"name": "conv", "layer": {"class_name": "Conv2D", "config": layer["config"]}}
        layer["class_name"] = "PruneLowMagnitude"

    with pytest.raises(UnsupportedError, match="wrappers") as caught:
        load.load(change_h5(tmp_path / "good.h5", tmp_path / "bad.h5", change))
    assert "strip_pruning" in caught.value.hint


def broken_wirings():
    def cycle(layers):
        layers[1]["inbound_nodes"] = [[["relu6", 0, 0, {}]]]

    def nowhere(layers):
        layers[1]["inbound_nodes"] = [[["nothing", 0, 0, {}]]]

    def too_high(layers):
        layers[1]["inbound_nodes"] = [[["image", 7, 0, {}]]]

    def twice(layers):
        layers[2]["name"] = "conv"

    def through_keyword(layers):
        layers[1]["inbound_nodes"] = [[["image", 0, 0, {"y": ["relu6", 0, 0]}]]]

    return [cycle, nowhere, too_high, twice, through_keyword]


@pytest.mark.parametrize("breakage", broken_wirings(), ids=lambda f: f.__name__)
def test_wiring_on_which_keras_would_wait_forever_is_refused(small_two, tmp_path, breakage):
    small_two.save(tmp_path / "good.h5")
    path = change_h5(tmp_path / "good.h5", tmp_path / "bad.h5", lambda config: breakage(config["config"]["layers"]))
    with pytest.raises(ModelFileError, match=r"bad\.h5"):
        load.load(path)


@pytest.mark.parametrize(
    "member", ["../evil", "/etc/evil", "a/../../evil", "model.weights.npz", "assets/vocabulary.txt"]
)
def test_archives_with_odd_members_are_refused(small_two, tmp_path, member):
    small_two.save(tmp_path / "good.keras")
    path = rewrite_archive(tmp_path / "good.keras", tmp_path / "bad.keras", extra={member: npz_bytes()})
    with pytest.raises(ModelFileError):
        load.load(path)


def test_weights_without_architecture_are_refused(small_two, tmp_path):
    small_two.save_weights(tmp_path / "two.h5")
    keras3().Sequential([keras3().Input((2,)), keras3().layers.Dense(1)]).save_weights(tmp_path / "x.weights.h5")
    for name in ("two.h5", "x.weights.h5"):
        with pytest.raises(ModelFileError, match="only weights") as caught:
            load.load(tmp_path / name)
        assert "model.save" in caught.value.hint


def test_an_hdf5_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["temperature"] = [1.0]
    with pytest.raises(ModelFileError, match="without a Keras model") as caught:
        load.load(tmp_path / "data.h5")
    assert "temperature" in caught.value.found


def test_links_to_other_files_are_refused(small_two, tmp_path):
    small_two.save(tmp_path / "good.h5")
    with h5py.File(tmp_path / "good.h5", "r+") as file:
        file["model_weights/leak"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ModelFileError, match="points elsewhere"):
        load.load(tmp_path / "good.h5")


def test_arrays_kept_in_other_files_are_refused(small_two, tmp_path):
    small_two.save(tmp_path / "good.h5")
    (tmp_path / "secret").write_bytes(bytes(16))
    with h5py.File(tmp_path / "good.h5", "r+") as file:
        file.create_dataset("leak", (4,), np.float32, external=[(str(tmp_path / "secret"), 0, 16)])
    with pytest.raises(ModelFileError, match="another file"):
        load.load(tmp_path / "good.h5")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.98])
def test_truncated_files_are_refused(small_two, tmp_path, suffix, part):
    small_two.save(tmp_path / f"good{suffix}")
    content = (tmp_path / f"good{suffix}").read_bytes()
    (tmp_path / f"bad{suffix}").write_bytes(content[: int(part * len(content))])
    with pytest.raises(ModelFileError):
        load.load(tmp_path / f"bad{suffix}")


def test_flipped_bytes_never_escape_as_another_error(small_two, tmp_path):
    generator = np.random.default_rng(3)
    for suffix in (".h5", ".keras"):
        small_two.save(tmp_path / f"good{suffix}")
        content = bytearray((tmp_path / f"good{suffix}").read_bytes())
        for _ in range(15):
            damaged = bytearray(content)
            for place in generator.integers(0, len(content), 20):
                damaged[place] ^= int(generator.integers(1, 256))
            (tmp_path / f"bad{suffix}").write_bytes(damaged)
            with contextlib.suppress(EdgecompressError):
                load.load(tmp_path / f"bad{suffix}")
