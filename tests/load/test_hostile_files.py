"""Keras files that lie: each is refused with one sentence before Keras, or anybody's memory, meets what it claims."""

import copy
import io
import json
import os
import time
import zipfile

import h5py
import numpy as np
import pytest
from fuzzing.keras_files import INPUTS, OUTPUTS, archive, description, h5_file

from edgecompress import load
from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.load import hdf5, limits
from edgecompress.load.containers import read_h5, read_keras
from edgecompress.load.identify import identify
from edgecompress.load.runtime import keras2, keras3

resource = pytest.importorskip("resource", reason="measures memory as Unix has it")

KERNEL = "model_weights/dense/dense/kernel:0"
MOST_SECONDS = 10
MOST_MEGABYTES = 300


@pytest.fixture(scope="module", autouse=True)
def _imported():
    """Keras's own time and memory are nobody's fault here."""
    keras2(), keras3()


@pytest.fixture(autouse=True)
def _costs_little(_imported):
    """Whatever a file claims: processor time and memory stay small."""
    started, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - started < MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MOST_MEGABYTES * 1024


@pytest.fixture
def spoiled(tmp_path):
    """An .h5 file that a function of the open file has changed."""

    def make(change, **options):
        path = tmp_path / "model.h5"
        path.write_bytes(h5_file(**options))
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


def described(tmp_path, config, version=2):
    """A file with this description."""
    path = tmp_path / ("model.h5" if version == 2 else "model.keras")
    path.write_bytes(h5_file(config) if version == 2 else archive(config))
    return path


def layer(config, name):
    return next(one for one in config["config"]["layers"] if one["name"] == name)


def changed(name, version=2, **parameters):
    config = description(version)
    layer(config, name)["config"].update(parameters)
    return config


def test_what_is_spoiled_here_is_a_model_before(tmp_path):
    kernel = np.arange(INPUTS * OUTPUTS, dtype=np.float32).reshape(INPUTS, OUTPUTS)
    sample = np.array([[0.1, -0.2, 0.3, -0.05]], np.float32)
    expected = np.clip(2 * (sample @ kernel + 1), 0, 6)
    for version in (2, 3):
        found = load.load(described(tmp_path, None, version))(sample)
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-5)


def empty_claim(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, (2**29,), np.float32, chunks=(2**20,))


def compressed_claim(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.zeros(2**23, np.float32), chunks=(2**23,), compression="gzip")


def references(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=[file.ref] * 12, dtype=h5py.ref_dtype)


def texts(file):
    del file[KERNEL]
    file.create_dataset(KERNEL, data=["a", "b"], dtype=h5py.string_dtype())


def virtual(file):
    layout = h5py.VirtualLayout((INPUTS, OUTPUTS), np.float32)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (INPUTS, OUTPUTS), np.float32)
    del file[KERNEL]
    file.create_virtual_dataset(KERNEL, layout)


def soft(file):
    file["model_weights/other"] = h5py.SoftLink("/model_weights")


def external(file):
    file["model_weights/other"] = h5py.ExternalLink("/etc/passwd", "/")


def long_list(file):
    file["model_weights"].create_dataset("unused", data=np.zeros(1))
    file["model_weights"].attrs.create("layer_names0", ["n" * 2**20] * 9, dtype=h5py.string_dtype())


def long_description(file):
    file.attrs["model_config"] = json.dumps(description()) + " " * limits.MOST_DESCRIPTION


def deep(file):
    file.attrs["model_config"] = '{"class_name": "Sequential", "config": {"layers": ' + "[" * 300 + "]" * 300 + "}}"


def very_deep(file):
    file.attrs["model_config"] = '{"a":' * 500_000 + "1" + "}" * 500_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (empty_claim, "claims more than it holds"),
        (compressed_claim, "claims more than it holds"),
        (references, "holds no numbers"),
        (texts, "holds no numbers"),
        (virtual, "another file"),
        (soft, "points elsewhere"),
        (external, "points elsewhere"),
        (long_list, "too long"),
        (long_description, "too long"),
        (deep, "nested too deeply"),
        (very_deep, "is no JSON"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_an_h5_file_that_claims_or_points_is_refused(spoiled, change, message):
    with pytest.raises(ModelFileError, match=message) as caught:
        read_h5(spoiled(change, libver="latest" if change is long_list else None))
    assert "\n" not in caught.value.what


def test_groups_that_contain_themselves_are_walked_once(spoiled):
    def cycle(file):
        file["model_weights/dense/again"] = file["model_weights"]
        file["root"] = file

    assert load.describe(spoiled(cycle))["parameters"] == INPUTS * OUTPUTS + OUTPUTS


def test_arrays_on_the_same_bytes_are_refused(tmp_path):
    content = h5_file()
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with h5py.File(path) as file, pytest.raises(ModelFileError, match="share their bytes"):
        hdf5.check(file, 59, path.name)  # 60 bytes of weights


@pytest.mark.parametrize("size", [0, 8, 2**64 - 8, 2**62])
def test_a_heap_on_whose_entries_hdf5_would_loop_forever_is_refused(tmp_path, size):
    content = bytearray(h5_file())
    place = content.index(b"GCOL") + 16
    while int.from_bytes(content[place : place + 2], "little"):  # up to the free room, which has number 0
        place += 16 + -(-int.from_bytes(content[place + 8 : place + 16], "little") // 8) * 8
    content[place + 8 : place + 16] = size.to_bytes(8, "little")
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is damaged") as caught:
        read_h5(path)
    assert caught.value.found == f"an entry of {size} bytes in a heap"


def test_more_groups_than_any_model_has_are_refused(spoiled, monkeypatch):
    monkeypatch.setattr(hdf5, "MOST_MEMBERS", 20)
    with pytest.raises(ModelFileError, match="more than 20 groups"):
        read_h5(spoiled(lambda file: [file.create_group(f"group_{i}") for i in range(30)]))


def test_memory_that_a_file_asks_for_while_it_is_read_has_an_end(monkeypatch):
    monkeypatch.setattr(limits, "MOST_MEMORY", 2**26)
    with limits.memory(), pytest.raises(MemoryError):
        bytearray(2**28)
    assert len(bytearray(2**28)) == 2**28


def packed(members, compression=zipfile.ZIP_DEFLATED):
    """The archive with members replaced."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive())) as old, zipfile.ZipFile(stream, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, members.get(name, old.read(name)))
    return stream.getvalue()


def lying_size(name, size):
    """The archive whose directory says that a member unpacks to so many bytes."""
    content = bytearray(packed({}))
    at = content.rindex(name.encode()) - 46
    assert content[at : at + 4] == b"PK\x01\x02"
    content[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(content)


BOMBS = {
    "config": packed({"config.json": b" " * (limits.MOST_DESCRIPTION + 1)}),
    "weights": packed({"model.weights.h5": bytes(2 * limits.SMALL)}),
    "claimed": lying_size("model.weights.h5", 2**32 - 2),
    "claimed_config": lying_size("config.json", 2**31),
    "lzma": packed({}, zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_archive_that_unpacks_to_too_much_is_refused_packed(tmp_path, name):
    path = tmp_path / "model.keras"
    path.write_bytes(BOMBS[name])
    with pytest.raises(ModelFileError, match=r"larger than any model.s|compressed in a way"):
        read_keras(path)


def test_members_that_are_links_are_read_as_text(tmp_path):
    """Nothing is unpacked to a disk, where a link could lead anywhere."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as made:
        for name in ("config.json", "metadata.json", "model.weights.h5"):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o120777 << 16
            made.writestr(info, "/etc/passwd")
    with pytest.raises(ModelFileError, match=r"config\.json is no JSON"):
        read_keras(path)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("units", [10**9, 2**62])
def test_weights_that_the_file_does_not_hold_are_not_made(tmp_path, version, units):
    with pytest.raises(ModelFileError, match='layer "dense" has more weights than the file holds'):
        load.load(described(tmp_path, changed("dense", version, units=units), version))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("units", [-1, 0, 1.5, None, [3], 10**30])
def test_sizes_that_are_none_are_refused(tmp_path, version, units):
    with pytest.raises(ModelFileError):
        load.load(described(tmp_path, changed("dense", version, units=units), version))


def test_an_output_that_no_device_computes_is_refused_before_it_is_computed(tmp_path):
    config = description()
    layer(config, "relu").update(class_name="RepeatVector", config={"name": "relu", "n": 10**9})
    with pytest.raises(UnsupportedError, match="at most 8,388,608 elements"):
        load.load(described(tmp_path, config))


@pytest.mark.parametrize("kind", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_vocabulary_in_another_file_is_not_read(tmp_path, kind):
    config = description()
    layer(config, "relu").update(class_name=kind, config={"name": "relu", "vocabulary": "/etc/passwd"})
    with pytest.raises(UnsupportedError, match=f'"relu" \\({kind}\\) may read any file'):
        load.load(described(tmp_path, config))


@pytest.mark.parametrize("kind", ["TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "Lambda"])
def test_layers_that_bring_code_or_graphs_are_refused(tmp_path, kind):
    config = description(3)
    layer(config, "relu").update(class_name=kind, config={"name": "relu", "filepath": "/tmp", "module": "gAR9lC4="})
    with pytest.raises(UnsupportedError, match="holds Python code or calls any function"):
        load.load(described(tmp_path, config, 3))


@pytest.mark.parametrize("part", [{}, [], None, 3, {"class_name": "function", "config": {}}])
def test_a_function_that_is_no_name_is_refused(tmp_path, part):
    config = changed("dense", activation={"class_name": "function", "config": part})
    with pytest.raises(UnsupportedError, match="a function that Keras does not have"):
        load.load(described(tmp_path, config))


def cycle(config):
    layer(config, "dense")["inbound_nodes"] = copy.deepcopy(layer(config, "relu")["inbound_nodes"])


def negative(config):
    _use(config)[1] = -1


def other_tensor(config):
    _use(config)[2] = 7


def _use(config):
    """The reference of the last layer to the one before."""
    node = layer(config, "relu")["inbound_nodes"][0]
    return node["args"][0]["config"]["keras_history"] if isinstance(node, dict) else node[0]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("change", [cycle, negative, other_tensor], ids=lambda one: one.__name__)
def test_layers_that_are_never_reached_are_refused(tmp_path, version, change):
    config = description(version)
    change(config)
    with pytest.raises(EdgecompressError):
        load.load(described(tmp_path, config, version))


def test_a_cycle_in_a_model_in_a_wrapper_is_found(tmp_path):
    inner = description()
    cycle(inner)
    config = description()
    layer(config, "relu").update(class_name="TimeDistributed", config={"name": "relu", "layer": inner})
    with pytest.raises(ModelFileError, match='"dense" is wired to something that is never computed'):
        load.load(described(tmp_path, config))


def test_a_layer_that_computes_from_constants_alone_is_refused(tmp_path):
    """Keras would compute it at once, however large its result."""
    config = description()
    tiled = {"name": "tile", "function": "tile"}
    node = [[["_CONSTANT_VALUE", -1, [[1.0]], {"multiples": [10**5, 10**5]}]]]
    one = {"class_name": "TFOpLambda", "config": tiled, "name": "tile", "inbound_nodes": node}
    config["config"]["layers"].append(one)
    with pytest.raises(ModelFileError, match='"tile" is called on no tensor'):
        load.load(described(tmp_path, config))


def test_models_that_use_models_twice_that_use_models_twice_are_refused(tmp_path):
    """Each is small; opened, they are 2^30 layers."""
    config = description()
    for depth in range(30):
        outer = {"class_name": "Functional", "name": f"net_{depth}", "config": copy.deepcopy(config["config"])}
        outer["inbound_nodes"] = [[["image", 0, 0, {}]], [["image", 0, 0, {}]]]
        start = copy.deepcopy(layer(description(), "image"))
        ends = {"input_layers": [["image", 0, 0]], "output_layers": [[f"net_{depth}", 1, 0]]}
        inner = {"name": f"outer_{depth}", "layers": [start, outer], **ends}
        config = {"class_name": "Functional", "config": inner}
    with pytest.raises(ModelFileError, match="used too often"):
        load.load(described(tmp_path, config))


@pytest.mark.parametrize("count", [2001, 50_000])
def test_more_layers_than_any_device_runs_are_refused(tmp_path, count):
    config = description()
    last = layer(config, "relu")
    config["config"]["layers"] += [{**last, "name": f"r{i}"} for i in range(count)]
    with pytest.raises(ModelFileError, match="at most 2000 layers"):
        load.load(described(tmp_path, config))


def test_layers_in_the_worst_order_take_no_longer(tmp_path):
    """Described from the last to the first, 1,000 layers that each need the next one."""
    config = description()
    first, *_, last = config["config"]["layers"]
    chain = [{**last, "name": f"r{i}", "inbound_nodes": [[[f"r{i + 1}", 0, 0, {}]]]} for i in range(1000)]
    chain[-1]["inbound_nodes"] = [[["nothing", 0, 0, {}]]]
    config["config"].update(layers=[*chain, first], output_layers=[["r0", 0, 0]])
    with pytest.raises(ModelFileError, match="never computed"):
        load.load(described(tmp_path, config))


def test_a_model_that_takes_too_long_to_rebuild_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_SECONDS", 2)
    config = description()
    layer(config, "dense").update(class_name="RepeatVector", config={"name": "dense", "n": 100_000})
    layer(config, "sum").update(class_name="SimpleRNN", config={"name": "sum", "units": 1, "unroll": True})
    layer(config, "sum")["inbound_nodes"] = [[["dense", 0, 0, {}]]]
    with pytest.raises(ModelFileError, match="takes too long"):
        load.load(described(tmp_path, config))


def test_a_name_of_a_megabyte_is_refused_shortly(tmp_path):
    config = changed("relu")
    layer(config, "relu")["name"] = "n" * 2**20
    with pytest.raises(ModelFileError, match="impossible size") as caught:
        load.load(described(tmp_path, config))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_pipes_and_files_larger_than_any_model_are_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ModelFileError, match="is no file"):
        identify(tmp_path / name)
    large = tmp_path / f"large_{name}"
    with large.open("wb") as stream:
        stream.truncate(limits.MOST_BYTES + 1)
    with pytest.raises(ModelFileError, match="larger than any model"):
        identify(large)


def saved_model(folder, text):
    from tf_keras.protobuf import saved_metadata_pb2

    metadata = saved_metadata_pb2.SavedMetadata()
    metadata.nodes.add(node_path="root", metadata=text)
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    (folder / "keras_metadata.pb").write_bytes(metadata.SerializeToString())
    return folder


@pytest.mark.parametrize(
    "text",
    [
        '{"class_name": "__tuple__"}',
        '{"class_name": "Sequential", "config": {"class_name": "__tuple__"}}',
        '{"config": ' + "[" * 300 + "]" * 300 + "}",
        "[" * 100_000,
        json.dumps(changed("dense", units=10**9)),
    ],
)
def test_saved_models_with_hostile_metadata_are_refused(tmp_path, text):
    with pytest.raises((ModelFileError, UnsupportedError)):
        load.load(saved_model(tmp_path / "saved", text))
