"""TRANSPOSE and REVERSE_V2: the dimensions in another order, or backwards."""

import numpy as np

from edgecompress.codegen.ops.movement import Movement, integers
from edgecompress.tflite.graph import Graph, Operation


class Transpose(Movement):
    opcode = "TRANSPOSE"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        return [np.transpose(x, integers(graph, operation, 1).reshape(-1).tolist())]


class Reverse(Movement):
    opcode = "REVERSE_V2"
    operands = (2, 2)

    def move(self, x: np.ndarray, graph: Graph, operation: Operation) -> list[np.ndarray]:
        return [np.flip(x, tuple(integers(graph, operation, 1).reshape(-1).tolist()))]
