"""Models for the commands to meet, and what every error of theirs must look like."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from model_cases import model_of
from model_cases.network import Network


def build_model(path, network, inputs, outputs):
    path.write_bytes(network.file(inputs, outputs))
    return path


def wide_addition(path, elements):
    """A model of three activations of this size; "x" + "y" is its output."""
    network = Network()
    tensors = [network.tensor((1, elements), 0.1, 0) for _ in range(3)]
    network.operator("ADD", tensors[:2], tensors[2:], "Add")
    return build_model(path, network, tensors[:2], tensors[2:])


def fully_connected(path, inputs, outputs):
    network = Network()
    source, result = network.tensor((1, inputs), 0.1, 0), network.tensor((1, outputs), 0.5, 0)
    generator = np.random.default_rng(0)
    weights = network.tensor((outputs, inputs), 0.01, data=generator.integers(-127, 127, (outputs, inputs)))
    network.operator("FULLY_CONNECTED", [source, weights, -1], [result], "FullyConnected", 4)
    return build_model(path, network, [source], [result])


def case(path, name):
    path.write_bytes(model_of(name))
    return path


def without_kernel(path):
    """A model of one operator that no kernel computes."""
    network = Network()
    source, result = network.tensor((1, 8), 0.1, 0), network.tensor((1, 8), 16 / 256, 127)
    network.operator("LOCAL_RESPONSE_NORMALIZATION", [source], [result], "LocalResponseNormalization")
    return build_model(path, network, [source], [result])


def renamed(path, name):
    """The model with every tensor of this name."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    for tensor in model.subgraphs[0].tensors:
        tensor.name = name
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def check(ran, code, *words):
    assert ran.code == code, ran.err
    assert ran.err.startswith("error: ") or code == 2
    assert "Traceback" not in ran.err
    assert "a defect of edgecompress" not in ran.err
    for word in words:
        assert word in ran.err, ran.err
