"""Small Keras files made without Keras: what fuzzing begins with, and what tests spoil."""

import io
import json
import zipfile
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]
INPUTS, OUTPUTS = 4, 3


def description(version: int = 2) -> Config:
    """Functional: a dense layer whose result is added to itself, ReLU6 behind it."""
    shape = "batch_input_shape" if version == 2 else "batch_shape"
    layers = [
        _layer("InputLayer", {shape: [None, INPUTS], "dtype": "float32", "sparse": False, "name": "image"}, []),
        _layer("Dense", {"name": "dense", "units": OUTPUTS, "activation": "linear", "use_bias": True}, ["image"]),
        _layer("Add", {"name": "sum"}, ["dense", "dense"]),
        _layer("ReLU", {"name": "relu", "max_value": 6.0}, ["sum"]),
    ]
    if version == 3:
        layers = [_in_words_of_three(layer) for layer in layers]
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [["relu", 0, 0]]}
    model = {"class_name": "Functional", "config": {"name": "net", "layers": layers, **ends}}
    return (
        {"module": "keras.src.models.functional", "registered_name": "Functional", **model} if version == 3 else model
    )


def _layer(kind: str, config: Config, sources: list[str]) -> Config:
    nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
    return {"class_name": kind, "config": config, "name": config["name"], "inbound_nodes": nodes}


def _in_words_of_three(layer: Config) -> Config:
    def tensor(source: list[Any]) -> Config:
        shape = [None, INPUTS if source[0] == "image" else OUTPUTS]
        inner = {"shape": shape, "dtype": "float32", "keras_history": source[:3]}
        return {"class_name": "__keras_tensor__", "config": inner}

    tensors = [[tensor(source) for source in node] for node in layer["inbound_nodes"]]
    nodes = [{"args": one if len(one) == 1 else [one], "kwargs": {}} for one in tensors]
    return {**layer, "module": "keras.layers", "registered_name": None, "inbound_nodes": nodes}


def h5_file(config: Config | None = None, compression: str | None = None, libver: str | None = None) -> bytes:
    """A legacy .h5 file as Keras 2 writes it."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=libver) as file:
        file.attrs["model_config"] = json.dumps(config or description())
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"image", b"dense", b"sum", b"relu"]
        for name in ("image", "sum", "relu"):
            group.create_group(name).attrs["weight_names"] = np.zeros(0)
        dense = group.create_group("dense")
        dense.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
        kernel = np.arange(INPUTS * OUTPUTS, dtype=np.float32).reshape(INPUTS, OUTPUTS)
        dense.create_dataset("dense/kernel:0", data=kernel, compression=compression)
        dense.create_dataset("dense/bias:0", data=np.ones(OUTPUTS, np.float32), compression=compression)
    return stream.getvalue()


def archive(config: Config | None = None, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A .keras archive as Keras 3 writes it."""
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        variables = file.create_group("layers/dense/vars")
        variables["0"] = np.arange(INPUTS * OUTPUTS, dtype=np.float32).reshape(INPUTS, OUTPUTS)
        variables["1"] = np.ones(OUTPUTS, np.float32)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as made:
        made.writestr("metadata.json", json.dumps({"keras_version": "3.5.0", "date_saved": "2026-01-01@00:00:00"}))
        made.writestr("config.json", json.dumps(config or description(version=3)))
        made.writestr("model.weights.h5", weights.getvalue())
    return stream.getvalue()
