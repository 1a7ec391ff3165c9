"""PAD before a convolution or pooling, where that operator's own padding (SAME, or VALID) does the same.

A .tflite can say no more than SAME, which pads evenly and puts what is odd below and to the right; another padding stays a PAD.
"""

from dataclasses import replace

from edgecompress.codegen.ops import is_supported
from edgecompress.codegen.ops.pool_2d import filter_size
from edgecompress.codegen.ops.windows import window
from edgecompress.memory.sweep import Window
from edgecompress.shrink.base import Facts, Outcome, Rewrite, item
from edgecompress.shrink.surgery import readers, swept, with_operations, with_option
from edgecompress.tflite.graph import Graph, Operation

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
READERS = (*CONVOLUTIONS, "MAX_POOL_2D")


class Paddings(Rewrite):
    name = "paddings of their own"

    def apply(self, facts: Facts) -> Outcome:
        graph, done, left = facts.graph, [], []
        for pad in facts.graph.operations:
            if pad.opcode != "PAD" or not is_supported(graph, pad):
                continue
            found = _joined(facts, graph, pad)
            if isinstance(found, str):
                left.append(item(facts.graph, pad, 1, found))
                continue
            graph = with_operations(graph, {pad.index: None, found.index: found})
            done.append(item(facts.graph, pad, 1, f"{found.opcode} pads by itself"))
        return Outcome(swept(graph) if done else facts.graph, done=tuple(done), left=tuple(left))


def _joined(facts: Facts, graph: Graph, pad: Operation) -> Operation | str:
    """The reader with a padding of its own, or why there is none."""
    source, (padded,) = graph.tensors[pad.inputs[0]], graph.results(pad)
    paddings = graph.tensors[pad.inputs[1]].data
    following = readers(graph).get(padded.index, [])
    if len(following) != 1 or padded.index in graph.outputs:
        return "others than one operator read it"
    (reader,) = following
    if reader.opcode not in READERS or reader.inputs[0] != padded.index or not is_supported(graph, reader):
        return f"{reader.opcode} reads it, which has no padding of its own"
    if paddings is None or len(source.shape) != 4 or paddings[0].any() or paddings[3].any():
        return "it pads more than height and width"
    if source.quantization != padded.quantization:
        return "its output has another scale"
    q, known = padded.quantization, facts.ranges[source.index]
    if reader.opcode == "MAX_POOL_2D" and (q is None or q.zero_point > known.low.min()):
        return "its zeros may be the largest values of a window"
    wanted = _window(graph, reader)
    shifted = replace(
        wanted,
        in_height=source.shape[1],
        in_width=source.shape[2],
        pad_top=wanted.pad_top + int(paddings[1][0]),
        pad_left=wanted.pad_left + int(paddings[2][0]),
    )
    for name in ("VALID", "SAME"):
        joined = with_option(replace(reader, inputs=(source.index, *reader.inputs[1:])), padding=name)
        if is_supported(graph, joined) and _window(graph, joined) == shifted:
            return joined
    return f"no padding that a .tflite file can express is {paddings[1].tolist()} and {paddings[2].tolist()} here"


def _window(graph: Graph, operation: Operation) -> Window:
    source, (result,) = graph.tensors[operation.inputs[0]], graph.results(operation)
    if operation.opcode in CONVOLUTIONS:
        return window(operation, source, result, *graph.tensors[operation.inputs[1]].shape[1:3])
    return window(operation, source, result, *filter_size(operation))
