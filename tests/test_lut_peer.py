"""The comparison with TensorFlow Lite Micro's own compression tool: what is compared, and what is said where it is not there."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import lut_peer
from model_cases.network import Network
from model_cases.networks import Q, convolve
from peers.clusters import clustered, weighted
from peers.tflm_lut import Layer

from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

SHAPE = (1, 4, 4, 32)


@pytest.fixture
def model(tmp_path):
    """Two convolutions of 9,216 weights each."""
    network = Network()
    source = network.tensor(SHAPE, *Q)
    last = convolve(network, convolve(network, source, SHAPE, 1, "RELU"), SHAPE, 2)
    path = tmp_path / "model.tflite"
    path.write_bytes(network.file([source], [last]))
    return path


def test_clustering_moves_every_code_to_the_nearest_of_few_and_changes_nothing_else(model):
    graph = reader.read(model)
    few = clustered(graph, 5)
    indices = {index for _, index in weighted(graph)}
    assert len(indices) == 2
    for index in indices:
        before, after = graph.tensors[index].data.astype(int), few.tensors[index].data.astype(int)
        book = np.unique(after)
        assert len(book) == 5
        assert (np.abs(before - after) == np.abs(before[..., None] - book).min(axis=-1)).all()
    assert all(few.tensors[i] is tensor for i, tensor in graph.tensors.items() if i not in indices)
    assert few.operations == graph.operations


def test_peer_gets_the_smallest_tables_that_it_decodes_rightly_and_none_that_are_larger_than_the_weights():
    layer = Layer(
        "0 CONV_2D", 500, {"per_tensor": 280, "per_channel": 400}, frozenset({"per_tensor", "per_channel"}), {}
    )
    assert (layer.kind, layer.taken_bytes) == ("per_tensor", 280)
    wrong = replace(layer, right=frozenset({"per_channel"}))
    assert (wrong.kind, wrong.taken_bytes) == ("per_channel", 400)
    large = replace(wrong, bytes={"per_tensor": 280, "per_channel": 501})
    assert (large.kind, large.taken_bytes) == (None, 500)


def test_missing_package_is_one_clear_sentence(model, monkeypatch, capsys):
    monkeypatch.setattr(Tflm, "available", lambda _: "the package tflite-micro is not installed")
    monkeypatch.setattr(sys, "argv", ["lut_peer.py", str(model)])
    with pytest.raises(SystemExit) as exit_:
        lut_peer.main()
    assert str(exit_.value) == (
        "TensorFlow Lite Micro's interpreter is missing\nfound: the package tflite-micro is not installed"
    )
    assert not capsys.readouterr().out


@pytest.mark.slow
def test_table_shows_both_on_the_same_file(model, monkeypatch, capsys):
    pytest.importorskip("tflite_micro")
    monkeypatch.setattr(sys, "argv", ["lut_peer.py", str(model), "--inputs", "1"])
    lut_peer.main()
    rows = {line[:42].strip(): line[42:].split() for line in capsys.readouterr().out.splitlines()}
    int8, peer, balanced, size = (int(cell.replace(",", "")) for cell in rows["weights with their tables, bytes"])
    assert int8 == 2 * 9216
    # Indices of four bits, 16 bytes of header, and at most 32 tables of 16 values.
    assert int8 // 2 + 2 * 32 <= peer <= int8 // 2 + 2 * (16 + 32 * 16)
    assert size < peer < int8 <= balanced
    assert rows["outputs equal the int8 file's in TFLM"] == ["-", "yes", "yes", "yes"]
    decoded = [int(cell.replace(",", "")) for cell in rows["of it decoded weights at once"]]
    assert decoded[:3] == [0, 9216, 0]
    assert 0 < decoded[3] <= 4096
