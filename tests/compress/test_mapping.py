"""Layers found among weight tensors by shape, values and names, on graphs made by hand."""

import numpy as np
import pytest

from edgecompress.compress.base import Kind, Promise
from edgecompress.compress.converted import check_converted
from edgecompress.compress.models.kernels import Kernel, to_rows
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.saved import load_kernels, save_kernels
from edgecompress.compress.promises import check_tflite
from edgecompress.errors import ModelFileError, PromiseError
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor

RNG = np.random.default_rng(5)


def quantized(rows: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """int8 of rows · scales (a folded batch norm), the largest of each channel ±127."""
    folded = rows * scales[:, None]
    return np.round(folded / np.abs(folded).max(axis=1, keepdims=True) * 127).astype(np.int8)


def graph_of(*weights: tuple[str, str, np.ndarray]) -> Graph:
    """A graph of operators in a row; weights are (opcode, tensor name, int8 in the file's layout)."""
    tensors = {0: Tensor(0, "in", (1, 4, 4, 1), np.dtype(np.int8))}
    operations = []
    for number, (opcode, name, values) in enumerate(weights):
        constant, out = 2 * number + 1, 2 * number + 2
        channels = values.shape[-1 if opcode == "DEPTHWISE_CONV_2D" else 0]
        quantization = Quantization((0.1,) * channels, (0,) * channels, 0)
        tensors[constant] = Tensor(constant, name, values.shape, values.dtype, quantization, values)
        tensors[out] = Tensor(out, f"out{number}", (1, 4, 4, channels), np.dtype(np.int8))
        operations.append(Operation(number, opcode, (out - 2, constant), (out,)))
    return Graph(tensors, tuple(operations), (0,), (2 * len(weights),), "0" * 64)


def conv(name: str, shape: tuple[int, ...] = (3, 3, 4, 6)) -> Kernel:
    return Kernel(name, "conv2d", to_rows(RNG.normal(size=shape).astype(np.float32), "conv2d"))


def in_file(kernel: Kernel, shape: tuple[int, ...], sign: float = 1.0) -> np.ndarray:
    scales = sign * RNG.uniform(0.1, 3, len(kernel.rows))
    rows = quantized(kernel.rows, scales)
    return rows.T.reshape(shape) if kernel.kind == "depthwise" else rows.reshape(shape)


def test_a_layer_is_found_whatever_its_tensor_is_called_and_however_its_channels_are_scaled():
    one, two = conv("one"), conv("two")
    graph = graph_of(
        ("CONV_2D", "x/mul_1", in_file(two, (6, 3, 3, 4), -1)), ("CONV_2D", "y", in_file(one, (6, 3, 3, 4)))
    )
    assert map_layers(graph, {"one": one, "two": two}) == {"one": (3,), "two": (1,)}


def test_depthwise_kernels_have_their_channels_in_the_last_axis():
    depthwise = Kernel("dw", "depthwise", to_rows(RNG.normal(size=(3, 3, 5, 1)).astype(np.float32), "depthwise"))
    graph = graph_of(("DEPTHWISE_CONV_2D", "w", in_file(depthwise, (1, 3, 3, 5))))
    assert map_layers(graph, {"dw": depthwise}) == {"dw": (1,)}
    assert check_tflite(graph, [Promise(Kind.PARAMETERS, 45, source="x")], {"dw": (1,)})[0].reached == 45


def test_names_decide_between_layers_of_equal_weights():
    one = conv("one")
    two = Kernel("two", "conv2d", one.rows)
    values = in_file(one, (6, 3, 3, 4))
    graph = graph_of(("CONV_2D", "m/two/Conv2D", values), ("CONV_2D", "m/quant_one/Conv2D;m/x", values))
    assert map_layers(graph, {"one": one, "two": two}) == {"one": (3,), "two": (1,)}


def test_layers_of_equal_weights_may_share_a_tensor():
    one = conv("one")
    graph = graph_of(("CONV_2D", "w", in_file(one, (6, 3, 3, 4))))
    assert map_layers(graph, {"one": one, "two": Kernel("two", "conv2d", one.rows)}) == {"one": (1,), "two": (1,)}


def test_a_name_without_the_values_is_not_enough():
    graph = graph_of(("CONV_2D", "m/one/Conv2D", in_file(conv("other"), (6, 3, 3, 4))))
    with pytest.raises(PromiseError, match="layer one were not found"):
        map_layers(graph, {"one": conv("one")})


def test_one_foreign_channel_is_enough_to_refuse_a_tensor():
    one = conv("one")
    values = in_file(one, (6, 3, 3, 4)).copy()
    values[2] = np.roll(values[2], 1)
    with pytest.raises(PromiseError):
        map_layers(graph_of(("CONV_2D", "m/one/Conv2D", values)), {"one": one})


def test_a_layer_that_nobody_asked_for_may_be_missing():
    one = conv("one")
    graph = graph_of(("CONV_2D", "w", in_file(one, (6, 3, 3, 4))))
    assert map_layers(graph, {"one": one, "gone": conv("gone")}, {"one"}) == {"one": (1,)}


def test_silent_channels_are_accepted_and_a_silent_tensor_is_not():
    one = conv("one")
    values = in_file(one, (6, 3, 3, 4)).copy()
    values[0] = 0
    assert map_layers(graph_of(("CONV_2D", "w", values)), {"one": one})
    with pytest.raises(PromiseError):
        map_layers(graph_of(("CONV_2D", "w", values * 0)), {"one": one})


def test_a_promise_is_checked_on_the_integers_of_the_file(tmp_path):
    rows = conv("one").rows.copy()
    rows[np.abs(rows) < 0.9] = 0
    one = Kernel("one", "conv2d", rows)
    share = float(np.mean(rows == 0))
    save_kernels({"one": one}, tmp_path / "kernels.npz")
    promise = Promise(Kind.ZEROS, share, layers=("one",), source="prune")
    values = in_file(one, (6, 3, 3, 4))
    graph = graph_of(("CONV_2D", "w", values))
    (measured,) = check_converted(graph, tmp_path / "kernels.npz", [promise.as_dict()])
    assert measured.reached == pytest.approx(share)
    flipped = values.copy()
    flipped.reshape(-1)[np.flatnonzero(flipped == 0)[:1]] = 3
    with pytest.raises(PromiseError, match="the conversion to integers broke what prune had promised"):
        check_converted(graph_of(("CONV_2D", "w", flipped)), tmp_path / "kernels.npz", [promise.as_dict()])


def test_kernels_survive_their_file(tmp_path):
    kernels = {"a/b": conv("a/b"), "c": Kernel("c", "dense", np.ones((2, 3), np.float32), 7)}
    save_kernels(kernels, tmp_path / "k.npz")
    loaded = load_kernels(tmp_path / "k.npz")
    assert [(k.name, k.kind, k.positions) for k in loaded.values()] == [("a/b", "conv2d", 0), ("c", "dense", 7)]
    np.testing.assert_array_equal(loaded["a/b"].rows, kernels["a/b"].rows)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"not an archive at all"])
def test_a_damaged_kernel_file_is_named(tmp_path, content):
    (tmp_path / "k.npz").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"k\.npz"):
        load_kernels(tmp_path / "k.npz")
