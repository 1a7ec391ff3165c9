"""Trained codes inside the .tflite: found by the schema's own accessors, with scales and biases that mean the same."""

from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgecompress.compress.base import Kind, Promise
from edgecompress.compress.models.folding import fold_batch_norms
from edgecompress.compress.models.kernels import Kernel, from_rows, keras_kernels, kernel_variables, to_rows
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.saved import save_kernels, save_model
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.weights.codebooks import encode
from edgecompress.convert import stage
from edgecompress.convert.codes import layer_codes, with_codes
from edgecompress.convert.lite import to_integer
from edgecompress.errors import PromiseError
from edgecompress.load.runtime import keras2
from edgecompress.reference.integer import run_graph
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader
from edgecompress.tflite.writer import write

SHAPE = (9, 8, 3)
VALUES = 6


def dense() -> Any:
    layers = keras2().layers
    flat = [layers.Input(SHAPE), layers.Flatten(), layers.Dense(11, activation="relu", name="hidden")]
    return keras2().Sequential([*flat, layers.Dense(5, use_bias=False, name="last")])


def convolution() -> Any:
    layers = keras2().layers
    normed = [layers.Conv2D(7, 3, strides=2, use_bias=False, name="conv"), layers.BatchNormalization(), layers.ReLU(6)]
    return keras2().Sequential([layers.Input(SHAPE), *normed, layers.Conv2D(6, 2, padding="same", name="biased")])


def depthwise() -> Any:
    layers = keras2().layers
    wide = [layers.DepthwiseConv2D(3, depth_multiplier=2, name="wide"), layers.BatchNormalization(), layers.ReLU()]
    return keras2().Sequential([layers.Input(SHAPE), *wide, layers.DepthwiseConv2D(3, padding="same", name="narrow")])


def residual() -> Any:
    layers = keras2().layers
    given = layers.Input(SHAPE)
    stem = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", name="stem")(given)))
    inner = layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same", name="inner")(stem))
    pooled = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([stem, inner])))
    return keras2().Model(given, layers.Dense(8, activation="softmax", name="classes")(pooled))


def shared() -> Any:
    """One convolution on two inputs of different ranges: two operators, one kernel, two biases."""
    layers = keras2().layers
    given = layers.Input(SHAPE)
    conv = layers.Conv2D(4, 3, padding="same", name="twice")
    large = layers.ReLU()(layers.Conv2D(3, 1, name="large", kernel_initializer="ones")(given))
    return keras2().Model(given, layers.Add()([conv(given), conv(large)]))


def others() -> Any:
    layers = keras2().layers
    given = layers.Input(SHAPE)
    x = layers.BatchNormalization()(layers.SeparableConv2D(5, 3, name="separable")(given))
    x = layers.BatchNormalization()(layers.Conv2DTranspose(4, 2, strides=2, name="transpose")(layers.ReLU()(x)))
    x = layers.Conv1D(6, 3, name="line")(layers.Reshape((84, 8))(layers.ReLU()(x)))
    return keras2().Model(given, x)


MODELS = {one.__name__: one for one in (dense, convolution, depthwise, residual, shared)}


@dataclass(frozen=True, eq=False)
class Made:
    """A model whose kernels are codes times scales, and what the converter alone makes of it."""

    model: Any
    promise: Promise
    codes: dict[str, np.ndarray]
    content: bytes
    x: np.ndarray

    @property
    def kernels(self) -> dict[str, Kernel]:
        return keras_kernels(self.model)

    def written(self) -> bytes:
        return with_codes(self.content, self.kernels, [self.promise])


@cache
def made(name: str) -> Made:
    keras = keras2()
    keras.utils.set_random_seed(11)
    model = (MODELS | {"others": others})[name]()
    x = np.random.default_rng(2).normal(0.3, 1, (40, *SHAPE)).astype(np.float32)
    model(x, training=True)  # batch norms move
    for layer in model.layers:
        if hasattr(layer, "bias") and layer.bias is not None:
            layer.bias.assign(np.random.default_rng(3).normal(0, 0.5, layer.bias.shape))
    model = fold_batch_norms(model, {kernel.layer.name for kernel in kernel_variables(model)})
    units, codes = {}, {}
    for kernel in kernel_variables(model):
        coding = encode(to_rows(kernel.variable.numpy(), kernel.kind), VALUES, per_channel=False, zero=True)
        kernel.variable.assign(from_rows(coding.rows(), kernel.kind, tuple(kernel.variable.shape)))
        units[kernel.name], codes[kernel.name] = tuple(map(float, coding.scales)), coding.codes
    promise = Promise(Kind.DISTINCT_VALUES, VALUES, layers=tuple(units), source="codes", units=units)
    return Made(model, promise, codes, to_integer(model, lambda: ((one[None],) for one in x)), x)


def raw_weights(content: bytes) -> list[tuple[np.ndarray, np.ndarray]]:
    """(rows, scales) of the weights of every layer operator, by nothing but the schema."""
    model = schema.Model.GetRootAs(content, 0)
    subgraph = model.Subgraphs(0)
    found = []
    for number in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        kinds = schema.BuiltinOperator
        if code not in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D, kinds.FULLY_CONNECTED, kinds.TRANSPOSE_CONV):
            continue
        tensor = subgraph.Tensors(operator.Inputs(1))
        values = model.Buffers(tensor.Buffer()).DataAsNumpy().view(np.int8).reshape(tensor.ShapeAsNumpy())
        if code == kinds.DEPTHWISE_CONV_2D:
            values = np.moveaxis(values, -1, 0)
        found.append((values.reshape(len(values), -1), tensor.Quantization().ScaleAsNumpy()))
    return found


@pytest.mark.parametrize("name", [*sorted(MODELS), "others"])
def test_the_very_codes_and_scales_of_every_layer_are_in_the_file(name):
    one = made(name)
    raw = raw_weights(one.written())
    for layer, codes in one.codes.items():
        scales = np.float32(one.promise.units[layer])
        same = [np.array_equal(rows, codes) and np.array_equal(given, scales) for rows, given in raw]
        assert sum(same) == (2 if layer == "twice" else 1), layer
    assert all(len(np.unique(rows)) <= VALUES for rows, _ in raw)


def test_left_to_itself_the_converter_makes_other_codes_of_them():
    one = made("depthwise")
    assert max(len(np.unique(rows)) for rows, _ in raw_weights(one.content)) > VALUES
    graph = reader.read_bytes(one.content)
    with pytest.raises(PromiseError, match="the conversion to integers broke what codes had promised"):
        check_tflite(graph, [one.promise], map_layers(graph, one.kernels))


@pytest.mark.parametrize("name", [*sorted(MODELS), "others"])
def test_biases_count_in_units_of_input_scale_times_weight_scale_and_mean_the_same(name):
    one = made(name)
    before, after = reader.read_bytes(one.content), reader.read_bytes(one.written())
    seen = 0
    for operation in after.operations:
        if operation.opcode not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"):
            continue
        x, weights, bias = after.operands(operation)[-3:]
        if operation.opcode == "TRANSPOSE_CONV":
            x, weights = weights, x
        if bias is None:
            continue
        seen += 1
        product = np.float32(x.quantization.scale) * np.float32(weights.quantization.scales)
        np.testing.assert_array_equal(np.float32(bias.quantization.scales), product)
        old = before.tensors[bias.index]
        meant = old.data * np.asarray(old.quantization.scales)
        assert np.abs(bias.data * product.astype(np.float64) - meant).max() <= 0.51 * product.max()
    assert seen


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_file_computes_what_keras_computes_and_tflm_what_our_integers_do(name, tmp_path):
    one = made(name)
    path = tmp_path / "m.tflite"
    path.write_bytes(one.written())
    graph = reader.read(path)
    given, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    q = given.quantization
    samples = [np.clip(np.rint(x / q.scale) + q.zero_point, -128, 127).astype(np.int8)[None] for x in one.x[:8]]
    answers = [run_graph(graph, {given.index: sample}) for sample in samples]
    wanted = np.asarray(
        one.model(np.concatenate([(s - np.float32(q.zero_point)) * np.float32(q.scale) for s in samples]))
    )
    out = result.quantization
    floats = np.concatenate([(a[result.index].astype(float) - out.zero_point) * out.scale for a in answers])
    assert np.sqrt(np.mean((floats - wanted) ** 2)) < 0.03 * wanted.std() + out.scale
    if Tflm().available() is None:
        for mine, theirs in zip(answers, Tflm().run(path, [{given.index: sample} for sample in samples]), strict=True):
            assert all(np.array_equal(theirs[index], value) for index, value in mine.items())


def test_a_layer_whose_weights_the_converter_changed_otherwise_is_refused_by_name():
    one = made("convolution")
    units = {**one.promise.units, "conv": tuple(1.05 * unit for unit in one.promise.units["conv"])}
    kernels = dict(one.kernels)
    kernels["conv"] = Kernel("conv", "conv2d", kernels["conv"].rows * np.float32(1.05))
    with pytest.raises(PromiseError, match=r"(?s)trained for layer conv cannot be written.*steps away"):
        with_codes(one.content, kernels, [Promise(**{**vars(one.promise), "units": units})])


def test_weights_that_are_no_codes_any_more_are_refused():
    one = made("dense")
    kernels = dict(one.kernels)
    kernels["hidden"] = Kernel("hidden", "dense", kernels["hidden"].rows * np.float32(1.02))
    with pytest.raises(PromiseError, match="layer hidden are not the integer codes"):
        with_codes(one.content, kernels, [one.promise])


def test_a_model_that_is_not_the_compressed_one_is_refused():
    one, other = made("dense"), made("convolution")
    with pytest.raises(PromiseError, match="were not found in the"):
        with_codes(other.content, one.kernels, [one.promise])


def test_a_bias_too_large_for_its_weights_scale_is_refused():
    one = made("dense")
    graph = reader.read_bytes(one.content)
    (operation, *_) = (o for o in graph.operations if o.opcode == "FULLY_CONNECTED")
    bias = graph.tensors[operation.inputs[2]]
    huge = np.full(bias.shape, 2**31 - 1, np.int32)
    scales = tuple(50 * scale for scale in bias.quantization.scales)
    tensor = replace(bias, data=huge, quantization=replace(bias.quantization, scales=scales))
    content = write(replace(graph, tensors=MappingProxyType({**graph.tensors, bias.index: tensor})))
    with pytest.raises(PromiseError, match=r"(?s)layer hidden.*does not fit 32 bits"):
        with_codes(content, one.kernels, [one.promise])


def test_without_codes_the_bytes_stay_as_the_converter_wrote_them():
    one = made("dense")
    plain = Promise(**{**vars(one.promise), "units": MappingProxyType({})})
    assert with_codes(one.content, one.kernels, [plain]) is one.content
    assert layer_codes(one.kernels, [plain]) == {}


def test_the_conversion_stage_writes_codes_and_says_for_which_layers(tmp_path):
    one = made("residual")
    save_model(one.model, tmp_path / "m.h5")
    save_kernels(one.kernels, tmp_path / "kernels.npz")
    np.savez(tmp_path / "x.npz", input_0=one.x)
    job = {"model": tmp_path / "m.h5", "stage": True, "inputs": tmp_path / "x.npz", "output": tmp_path / "m.tflite"}
    known = {"promises": [one.promise.as_dict()], "kernels": str(tmp_path / "kernels.npz")}
    result = stage.convert({**job, **known})
    assert set(result["codes"]) == {"stem", "inner", "classes"}
    assert result["sha256"] == reader.read(tmp_path / "m.tflite").sha256
    assert all(len(np.unique(rows)) <= VALUES for rows, _ in raw_weights((tmp_path / "m.tflite").read_bytes()))
    assert stage.convert(job)["codes"] == []
