"""SPACE_TO_DEPTH, SPACE_TO_BATCH_ND and their inverses: blocks of pixels become channels or batches, and back."""

import numpy as np

from edgecompress.codegen.ops.movement import Movement, integers
from edgecompress.tflite.graph import Graph, Operation


class SpaceToDepth(Movement):
    opcode = "SPACE_TO_DEPTH"
    options = ("block_size",)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        size, (batches, height, width, channels) = _block(operation), x.shape
        blocks = x.reshape(batches, height // size, size, width // size, size, channels)
        return [blocks.transpose(0, 1, 3, 2, 4, 5).reshape(*blocks.shape[:2], blocks.shape[3], -1)]


class DepthToSpace(Movement):
    opcode = "DEPTH_TO_SPACE"
    options = ("block_size",)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        size, (batches, height, width, channels) = _block(operation), x.shape
        blocks = x.reshape(batches, height, width, size, size, channels // size**2)
        return [blocks.transpose(0, 1, 3, 2, 4, 5).reshape(batches, height * size, width * size, -1)]


class SpaceToBatchNd(Movement):
    opcode = "SPACE_TO_BATCH_ND"
    operands = (3, 3)

    def rule_places(self, graph: Graph, operation: Operation) -> str:
        """blocks and paddings must be constant integers, and no padding there: TFLM fills it with whatever its memory holds"""
        found = super().rule_places(graph, operation)
        paddings = graph.tensors[operation.inputs[2]].data
        return f"paddings {paddings.tolist()}" if not found and paddings is not None and paddings.any() else found

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        block = integers(graph, operation, 1).reshape(-1).tolist()
        parts = len(block)
        if integers(graph, operation, 2).shape != (parts, 2) or min(block) < 1 or parts >= x.ndim:
            raise ValueError(f"blocks {block}")
        pairs = [size for i, times in enumerate(block) for size in (x.shape[1 + i] // times, times)]
        blocks = x.reshape(x.shape[0], *pairs, *x.shape[1 + parts :])
        order = [*range(2, 2 * parts + 1, 2), 0, *range(1, 2 * parts, 2), *range(2 * parts + 1, blocks.ndim)]
        return [blocks.transpose(order).reshape(-1, *pairs[::2], *x.shape[1 + parts :])]


class BatchToSpaceNd(Movement):
    opcode = "BATCH_TO_SPACE_ND"
    operands = (3, 3)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        block, crops = integers(graph, operation, 1).reshape(-1).tolist(), integers(graph, operation, 2)
        space, parts = x.shape[1 : 1 + len(block)], len(block)
        if crops.shape != (parts, 2) or (crops < 0).any() or min(block) < 1 or parts >= x.ndim:
            raise ValueError(f"blocks {block}, crops {crops.tolist()}")
        blocks = x.reshape(*block, -1, *x.shape[1:])
        pairs = [axis for i in range(parts) for axis in (parts + 1 + i, i)]
        order = [parts, *pairs, *range(2 * parts + 1, blocks.ndim)]
        whole = [size * times for size, times in zip(space, block, strict=True)]
        image = blocks.transpose(order).reshape(-1, *whole, *x.shape[1 + parts :])
        kept = [slice(before, size - after) for size, (before, after) in zip(whole, crops.tolist(), strict=True)]
        return [image[(slice(None), *kept)]]


def _block(operation: Operation) -> int:
    size = int(operation.options["block_size"])  # type: ignore[call-overload]
    if size < 1:
        raise ValueError(f"blocks of {size}")
    return size
