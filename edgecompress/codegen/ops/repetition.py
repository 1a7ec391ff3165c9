"""TILE, BROADCAST_TO, FILL, GATHER_ND, MIRROR_PAD and RESIZE_NEAREST_NEIGHBOR: values that may stand in several places."""

import numpy as np

from edgecompress.codegen.ops.movement import Movement, integers, require_shape
from edgecompress.tflite.graph import Graph, Operation


class Tile(Movement):
    opcode = "TILE"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        times = integers(graph, operation, 1).reshape(-1).tolist()
        if len(times) != x.ndim:
            raise ValueError(f"{len(times)} multiples")
        require_shape(tuple(size * n for size, n in zip(x.shape, times, strict=True)), graph, operation)
        return [np.tile(x, times)]


class BroadcastTo(Movement):
    opcode = "BROADCAST_TO"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        return [np.broadcast_to(x, integers(graph, operation, 1).reshape(-1).tolist())]


class Fill(Movement):
    opcode = "FILL"
    operands = (2, 2)
    source = 1

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        if x.ndim:
            raise ValueError("no single value")
        return [np.broadcast_to(x, integers(graph, operation, 0).reshape(-1).tolist())]


class GatherNd(Movement):
    opcode = "GATHER_ND"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        indices = integers(graph, operation, 1)
        columns = [within(indices[..., axis], x.shape[axis]) for axis in range(indices.shape[-1])]
        require_shape((*indices.shape[:-1], *x.shape[len(columns) :]), graph, operation)
        return [x[tuple(columns)]]


class MirrorPad(Movement):
    opcode = "MIRROR_PAD"
    operands = (2, 2)
    options = ("mode",)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        paddings, is_reflected = integers(graph, operation, 1), operation.options["mode"] == "REFLECT"
        most = np.array(x.shape)[:, None] - is_reflected
        if paddings.shape != (x.ndim, 2) or (paddings < 0).any() or (paddings > most).any():
            raise ValueError(f"paddings {paddings.tolist()}")
        return [np.pad(x, paddings.tolist(), mode="reflect" if is_reflected else "symmetric")]


class ResizeNearestNeighbor(Movement):
    opcode = "RESIZE_NEAREST_NEIGHBOR"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        height, width = integers(graph, operation, 1).reshape(-1).tolist()
        if x.ndim != 4 or min(height, width) < 1:
            raise ValueError(f"to {height} x {width}")
        require_shape((x.shape[0], height, width, x.shape[3]), graph, operation)
        rows, columns = nearest(x.shape[1], height, operation), nearest(x.shape[2], width, operation)
        return [x[:, rows][:, :, columns]]


def nearest(inputs: int, outputs: int, operation: Operation) -> np.ndarray:
    """Along one axis: the input of every output, in float32 as TensorFlow Lite computes it."""
    is_aligned, is_centred = (bool(operation.options.get(name)) for name in ("align_corners", "half_pixel_centers"))
    between = is_aligned and outputs > 1
    scale = np.float32(inputs - between) / np.float32(outputs - between)
    at = (np.arange(outputs, dtype=np.float32) + np.float32(0.5 if is_centred else 0)) * scale
    whole = np.floor(at + np.float32(0.5)) if is_aligned else np.floor(at)
    return np.clip(whole.astype(np.int64), 0, inputs - 1)


def within(indices: np.ndarray, size: int) -> np.ndarray:
    """The indices, none of which is outside.

    Raises:
        ValueError: one is.
    """
    if indices.size and not 0 <= indices.min() <= indices.max() < size:
        raise ValueError(f"indices from {indices.min()} to {indices.max()} of {size}")
    return indices
