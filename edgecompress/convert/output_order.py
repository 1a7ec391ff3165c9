"""The outputs of a converted model in the order of the Keras model's, each a tensor of its own.

The converter lists them in an order of its own, and one tensor twice where it is two outputs.
"""

from dataclasses import replace
from types import MappingProxyType

from ai_edge_litert import schema_py_generated as schema

from edgecompress.shrink.surgery import free_index, with_tensors
from edgecompress.tflite.graph import Graph, Operation


def names_of_outputs(count: int) -> list[str]:
    """Names for a signature's outputs that are sorted as they are counted."""
    digits = len(str(max(count - 1, 0)))
    return [f"output_{i:0{digits}d}" for i in range(count)]


def in_order(content: bytes) -> bytes:
    """The same file, its outputs listed as the names in its only signature are sorted.

    Args:
        content: of a .tflite file that the converter wrote, every output of which has a name in its signature.
    """
    file = bytearray(content)
    model = schema.Model.GetRootAs(file, 0)
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)
    named = [signature.Outputs(i) for i in range(signature.OutputsLength())]
    graph.OutputsAsNumpy()[:] = [one.TensorIndex() for one in sorted(named, key=lambda one: one.Name())]
    return bytes(file)


def outputs_apart(graph: Graph) -> Graph:
    """The graph with a copy of every output that it lists again: the last output of a recurrent layer is its state, too."""
    for place, index in enumerate(graph.outputs):
        if index in graph.outputs[:place]:
            graph = _copied(graph, place)
    return graph


def _copied(graph: Graph, place: int) -> Graph:
    shown = graph.tensors[graph.outputs[place]]
    copy = replace(shown, index=free_index(graph), name=f"{shown.name}/{place}")
    options = MappingProxyType({"new_shape": shown.shape})
    reshape = Operation(len(graph.operations), "RESHAPE", (shown.index,), (copy.index,), options, 1, "ReshapeOptions")
    outputs = (*graph.outputs[:place], copy.index, *graph.outputs[place + 1 :])
    return replace(with_tensors(graph, [copy]), operations=(*graph.operations, reshape), outputs=outputs)
