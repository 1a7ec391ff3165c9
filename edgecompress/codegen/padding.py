"""PAD as a part of the windows that slide over its output: kernels take any padding, also one that no .tflite file can express.

The operator then needs no code, no memory and no copy. It is exact because PAD writes the zero point, which is what a convolution
takes for everything outside its input; a maximum takes the lowest code.
"""

from dataclasses import replace

from edgecompress.codegen import ops
from edgecompress.codegen.ops.pool_2d import filter_size
from edgecompress.codegen.ops.windows import window, with_window
from edgecompress.tflite.graph import Graph, Operation, Tensor

LOWEST = -128
"""Of int8."""
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fold_paddings(graph: Graph) -> Graph:
    """The graph without the PADs that all their readers can do themselves; operator indices stay."""
    for pad in reversed(graph.operations):
        if pad.opcode == "PAD" and ops.is_supported(graph, pad):
            graph = _folded(graph, pad)
    return graph


def _folded(graph: Graph, pad: Operation) -> Graph:
    readers = [operation for operation in graph.operations if pad.outputs[0] in operation.inputs]
    joined = {reader.index: _joined(graph, pad, reader) for reader in readers}
    if not readers or pad.outputs[0] in graph.outputs or None in joined.values():
        return graph
    operations = (joined.get(one.index) or one for one in graph.operations if one is not pad)
    return replace(graph, operations=tuple(operations))


def _joined(graph: Graph, pad: Operation, reader: Operation) -> Operation | None:
    """The reader with the PAD's padding beside its own; None where it cannot have it."""
    source, (padded,) = graph.tensors[pad.inputs[0]], graph.results(pad)
    paddings = graph.tensors[pad.inputs[1]].data
    takes_zeros = reader.opcode in CONVOLUTIONS or (reader.opcode == "MAX_POOL_2D" and _zero_point(padded) == LOWEST)
    if not takes_zeros or reader.inputs.count(padded.index) != 1 or not ops.is_supported(graph, reader):
        return None
    if (
        paddings is None
        or len(source.shape) != 4
        or paddings[[0, 3]].any()
        or source.quantization != padded.quantization
    ):
        return None
    (_, height, width, _), (top, left) = source.shape, (int(paddings[axis][0]) for axis in (1, 2))
    filter_ = filter_size(reader) if reader.opcode == "MAX_POOL_2D" else graph.tensors[reader.inputs[1]].shape[1:3]
    own = window(reader, padded, graph.results(reader)[0], *filter_)
    wanted = replace(own, in_height=height, in_width=width, pad_top=own.pad_top + top, pad_left=own.pad_left + left)
    inputs = tuple(source.index if index == padded.index else index for index in reader.inputs)
    return with_window(replace(reader, inputs=inputs), wanted)


def _zero_point(tensor: Tensor) -> int | None:
    return tensor.quantization.zero_point if tensor.quantization and not tensor.quantization.per_channel else None
