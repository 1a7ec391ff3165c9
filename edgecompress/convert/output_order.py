"""The outputs of a converted model in the order of the Keras model's: the converter lists them in one of its own."""

from ai_edge_litert import schema_py_generated as schema


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
