"""CAST: the same number in another type, cut to its low bits where that is smaller; scales do not matter."""

import numpy as np

from edgecompress.codegen.ops.bands import by_length
from edgecompress.codegen.ops.base import Array, KernelCall, Operator, types_of
from edgecompress.codegen.ops.lookup import by_table
from edgecompress.codegen.ops.sweeps import elementwise
from edgecompress.tflite.graph import Graph, Operation

SOURCES = ("bool", "uint8", "int8", "int16", "int32")
RESULTS = (*SOURCES, "float32")
"""By their numbers in `ec_cast.h`."""


class Cast(Operator):
    opcode = "CAST"

    def rule_types(self, graph: Graph, operation: Operation) -> str:
        """from bool, uint8, int8, int16 or int32 to one of these or to float32 (from float32 is undefined beyond the type)"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        fits = source.dtype.name in SOURCES and result.dtype.name in RESULTS
        return "" if fits else types_of(graph, operation)

    def rule_shapes(self, graph: Graph, operation: Operation) -> str:
        """input and output must have the same shape"""
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        return "" if source.shape == result.shape else f"{list(source.shape)} -> {list(result.shape)}"

    def reference(self, graph: Graph, operation: Operation, inputs: list[np.ndarray | None]) -> list[np.ndarray]:
        assert inputs[0] is not None
        return [inputs[0].astype(graph.results(operation)[0].dtype)]

    def lower(self, graph: Graph, operation: Operation) -> KernelCall:
        source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
        if source.dtype.itemsize == result.dtype.itemsize == 1:
            every_byte = np.arange(256, dtype=np.uint8)
            values = every_byte != 0 if source.dtype == np.bool_ else every_byte.view(source.dtype)
            return by_table(values.astype(result.dtype), source, result)
        fields: dict[str, int | float | Array] = {
            "elements": result.elements,
            "from": SOURCES.index(source.dtype.name),
            "to": RESULTS.index(result.dtype.name),
        }
        return by_length(
            KernelCall("cast", fields, (source, result), sweeps=(elementwise(source, result),)), "elements"
        )
