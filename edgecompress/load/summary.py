"""What a Keras model is made of, layer by layer: shapes, parameters, multiplications, bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

_CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D"}
_CONVOLUTIONS |= {"DepthwiseConv2D"}
_TRANSPOSED = {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
_BIAS_BYTES = 4


def describe_file(job: dict[str, Any]) -> dict[str, Any]:
    """The worker's entry: `path`, and optionally `trust_model_code`; see `describe_model`."""
    from edgecompress.load import describe

    return describe(Path(job["path"]), trust_model_code=bool(job.get("trust_model_code", False)))


def describe_model(model: Any) -> dict[str, Any]:
    """Describe a loaded model, JSON-able.

    Returns:
        name; inputs and outputs (name, shape with batch 1, dtype); parameters; macs of one inference (null when a
        layer's are unknown); bytes_float32; bytes_int8 (weights as int8, biases as int32, batch normalisation
        folded: what conversion is expected to need, an estimate); layers, in order of execution, each with name,
        class, function (of TFOpLambda layers, else null), output_shape, and the same figures.
    """
    layers = list(_layers(model, ""))
    macs = [layer["macs"] for layer in layers]
    return {
        "name": model.name,
        "inputs": [_tensor(tensor) for tensor in model.inputs],
        "outputs": [_tensor(tensor) for tensor in model.outputs],
        "parameters": int(model.count_params()),
        "macs": None if None in macs else sum(macs),
        "bytes_float32": 4 * int(model.count_params()),
        "bytes_int8": sum(layer["bytes_int8"] for layer in layers),
        "layers": layers,
    }


def _tensor(tensor: Any) -> dict[str, Any]:
    return {"name": tensor.name, "shape": _shape(tensor.shape), "dtype": tensor.dtype.name}


def _shape(shape: Any) -> Any:
    """Batch as 1; a list of shapes for a layer with several outputs."""
    if isinstance(shape, list):
        return [_shape(item) for item in shape]
    return [1 if size is None else int(size) for size in shape]


def _layers(model: Any, prefix: str) -> Iterator[dict[str, Any]]:
    """Every use of every layer, nested models opened; a layer used twice has its parameters counted once."""
    seen: set[int] = set()
    for node in _nodes(model):
        layer = node.layer
        first = id(layer) not in seen
        seen.add(id(layer))
        if getattr(layer, "_is_graph_network", False):
            for inner in _layers(layer, f"{prefix}{layer.name}/"):
                yield inner if first else inner | {"parameters": 0, "bytes_float32": 0, "bytes_int8": 0}
            continue
        parameters = int(layer.count_params()) if first else 0
        yield {
            "name": prefix + layer.name,
            "class": type(layer).__name__,
            "function": getattr(layer, "symbol", None),
            "output_shape": _shape(node.output_shapes),
            "parameters": parameters,
            "macs": _macs(layer, node),
            "bytes_float32": 4 * parameters,
            "bytes_int8": _int8_bytes(layer) if first else 0,
        }


def _nodes(model: Any) -> Iterator[Any]:
    """The model's graph in order of execution (Keras counts depth from the output)."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _macs(layer: Any, node: Any) -> int | None:
    """Multiply-accumulates for one sample; None where they are not known."""
    kind = type(layer).__name__
    if kind == "Dense":
        return _positions(node.output_shapes) * int(np.prod(layer.kernel.shape))
    if kind in _CONVOLUTIONS:
        depthwise = getattr(layer, "depthwise_kernel", None)
        kernels = [w for w in layer.weights if len(w.shape) > 1]
        if kind.startswith("Separable") or depthwise is None:
            return _positions(node.output_shapes) * sum(int(np.prod(kernel.shape)) for kernel in kernels)
        return _positions(node.output_shapes) * int(np.prod(depthwise.shape))
    if kind in _TRANSPOSED:
        return _positions(node.input_shapes) * int(np.prod(layer.kernel.shape))
    simple = not layer.weights or kind in ("BatchNormalization", "Normalization", "PReLU", "Embedding")
    return 0 if simple or kind == "LayerNormalization" else None


def _positions(shape: Any) -> int:
    """How many places of a channels-last tensor a kernel is applied to."""
    return int(np.prod([size for size in tuple(shape)[1:-1]], dtype=np.int64))


def _int8_bytes(layer: Any) -> int:
    if type(layer).__name__ == "BatchNormalization":
        return 0
    kernels = [weight for weight in layer.weights if len(weight.shape) > 1]
    weights = sum(int(np.prod(kernel.shape)) for kernel in kernels)
    return weights + _BIAS_BYTES * sum(_channels(layer, kernel) for kernel in kernels)


def _channels(layer: Any, kernel: Any) -> int:
    """Output channels, each with a bias: the converter makes one even where Keras has none."""
    kind = type(layer).__name__
    if kind.startswith("Depthwise") or "depthwise" in kernel.name:
        return int(kernel.shape[-1]) * int(kernel.shape[-2])
    return int(kernel.shape[-2] if kind in _TRANSPOSED else kernel.shape[-1])
