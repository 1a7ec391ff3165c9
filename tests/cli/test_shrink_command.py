"""What `shrink`, and `bench` and `inspect` with it, make of a model with something superfluous."""

import json

import numpy as np
from meeting import build_model
from model_cases.network import Network


def with_a_dead_channel(path):
    """Two 1x1 convolutions; the second multiplies the first one's second channel by zero."""
    network = Network()
    source, hidden, end = (network.tensor((1, 2, 2, n), 0.5, -128) for n in (1, 2, 1))
    for a, b, values in ((source, hidden, [[1], [2]]), (hidden, end, [[3, 0]])):
        filters = np.array(values)[:, None, None, :]
        weights = network.tensor(filters.shape, 1.0, data=filters)
        bias = network.tensor((len(filters),), 0.5, dtype="INT32", data=np.arange(len(filters)))
        network.operator("CONV_2D", [a, weights, bias], [b], "Conv2D", 3, padding="VALID", strideH=1, strideW=1)
    return build_model(path, network, [source], [end])


def test_shrink_writes_a_smaller_model_and_says_what_went(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    done = cli("shrink", model, tmp_path / "out.tflite", "--multiple", 1, "-v", "--json", tmp_path / "out.json")
    assert done.code == 0, done.err
    assert "1 dead channels" in done.out
    assert "2 -> 1" in done.out
    record = json.loads((tmp_path / "out.json").read_text())
    assert (record["weights_before"], record["weights"], record["file"]) == (4, 2, "out.tflite")
    assert cli("shrink", tmp_path / "out.tflite", tmp_path / "again.tflite").code == 0
    assert (tmp_path / "again.tflite").read_bytes() == (tmp_path / "out.tflite").read_bytes()


def test_shrink_refuses_what_it_cannot_prove_and_writes_nothing(cli, tmp_path):
    network = Network()
    source, result = (network.tensor((1, 4), dtype="FLOAT32") for _ in range(2))
    network.operator("RELU", [source], [result])
    model = build_model(tmp_path / "float.tflite", network, [source], [result])
    done = cli("shrink", model, tmp_path / "out.tflite")
    assert done.code == 6
    assert "no 8-bit operators" in done.err
    assert not (tmp_path / "out.tflite").exists()
    assert cli("shrink", tmp_path / "none.tflite", tmp_path / "out.tflite").code == 3


def test_shrink_reports_a_rewrite_that_is_wrong(cli, tmp_path, monkeypatch):
    from edgecompress.shrink import driver

    monkeypatch.setattr(driver.Proof, "step", lambda *_: "tensor 1: 2 bytes differ")
    done = cli("shrink", with_a_dead_channel(tmp_path / "model.tflite"), tmp_path / "out.tflite", "--multiple", 1)
    assert done.code == 12
    assert "dead channels: tensor 1: 2 bytes differ" in done.err


def test_bench_shrinks_unless_told_not_to(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    for option, shrinking in (("--shrink", True), ("--no-shrink", False)):
        done = cli("bench", model, "--inputs", 1, option, "--json", tmp_path / "report.json")
        assert done.code == 0, done.err
        assert (json.loads((tmp_path / "report.json").read_text())["shrinking"] is not None) == shrinking


def test_inspect_shows_zeros_values_and_entropy(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    done = cli("inspect", model, "--json", tmp_path / "found.json")
    assert done.code == 0
    first, second = json.loads((tmp_path / "found.json").read_text())["layers"]
    assert (first["weights"], first["distinct_values"], first["zeros"], first["entropy_bits"]) == (2, 2, 0, 1.0)
    assert (second["zeros"], second["constant_channels"]) == (1, 0)
