"""Paddings that no file can say: PAD in front of what can pad by itself, and filters with zeros at their borders."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from model_cases.case import Case
from model_cases.network import Network

SCALE = 0.05
Pairs = tuple[tuple[int, int], tuple[int, int]]
AROUND: Pairs = ((1, 1), (1, 1))


@dataclass(frozen=True)
class Reader:
    """What slides over the padded image: a convolution, a depthwise one, or a pooling without weights."""

    opcode: str = "CONV_2D"
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    dilation: int = 1
    padding: str = "VALID"
    filters: int = 8
    activation: str = "NONE"
    zero_rows: tuple[int, ...] = ()
    zero_columns: tuple[int, ...] = ()


def weights(network: Network, reader: Reader, channels: int) -> list[int]:
    """Filters and a bias whose outputs use their whole range; none for poolings."""
    if reader.opcode.endswith("POOL_2D"):
        return []
    depthwise = reader.opcode.startswith("DEPTHWISE")
    outputs = channels if depthwise else reader.filters
    shape = (1, *reader.kernel, outputs) if depthwise else (outputs, *reader.kernel, channels)
    generator = np.random.default_rng(len(reader.opcode) + outputs)
    fan_in = int(np.prod(reader.kernel)) * (1 if depthwise else channels)
    scales = (np.linspace(0.5, 1.5, outputs) / 90 / np.sqrt(fan_in)).astype(np.float32)
    data = generator.integers(-127, 128, shape, np.int8)
    data[:, list(reader.zero_rows)] = 0
    data[:, :, list(reader.zero_columns)] = 0
    filters = network.tensor(shape, scales, data=data, axis=3 if depthwise else 0)
    offsets = generator.integers(-2000, 2000, outputs, np.int32)
    return [filters, network.tensor((outputs,), np.float32(SCALE) * scales, dtype="INT32", data=offsets)]


def read(network: Network, reader: Reader, source: int, shape: tuple[int, ...], zero_point: int) -> int:
    """Adds the reader; `shape` is the padded image's."""
    extents = [(size - 1) * reader.dilation + 1 for size in reader.kernel]
    spaces = [0 if reader.padding == "SAME" else extent - 1 for extent in extents]
    sizes = [-(-(size - space) // reader.stride) for size, space in zip(shape[1:3], spaces, strict=True)]
    pooled, channels = reader.opcode.endswith("POOL_2D"), shape[3]
    outputs = reader.filters if reader.opcode == "CONV_2D" else channels
    result = network.tensor((shape[0], *sizes, outputs), SCALE, zero_point if pooled else -9)
    options = {"padding": reader.padding, "strideH": reader.stride, "strideW": reader.stride}
    options["fusedActivationFunction"] = reader.activation
    kind = "Conv2D"
    if pooled:
        kind, options = "Pool2D", options | {"filterHeight": reader.kernel[0], "filterWidth": reader.kernel[1]}
    else:
        options |= {"dilationHFactor": reader.dilation, "dilationWFactor": reader.dilation}
    if reader.opcode.startswith("DEPTHWISE"):
        kind, options = "DepthwiseConv2D", options | {"depthMultiplier": 1}
    operands = [source, *weights(network, reader, channels)]
    network.operator(reader.opcode, operands, [result], kind, 2 if pooled else 3, **options)
    return result


def padded(
    *readers: Reader,
    pads: tuple[Pairs, ...] = (AROUND,),
    shape: tuple[int, ...] = (1, 7, 6, 8),
    zero_point: int = -7,
    is_output: bool = False,
) -> bytes:
    """One PAD after the other, then the readers of the last one."""
    network = Network()
    end = source = network.tensor(shape, SCALE, zero_point)
    for (top, bottom), (left, right) in pads:
        shape = (shape[0], shape[1] + top + bottom, shape[2] + left + right, shape[3])
        pairs = network.tensor((4, 2), dtype="INT32", data=np.array([0, 0, top, bottom, left, right, 0, 0]))
        before, end = end, network.tensor(shape, SCALE, zero_point)
        network.operator("PAD", [before, pairs], [end], "Pad", 2)
    ends = [read(network, reader, end, shape, zero_point) for reader in readers]
    return network.file([source], [*ends, *([end] if is_output else [])])


DEPTHWISE = "DEPTHWISE_CONV_2D"
NETWORKS = {
    "into_stride_2": partial(padded, Reader(stride=2, activation="RELU")),
    "into_stride_2_of_odd_channels": partial(padded, Reader(stride=2, filters=5), shape=(1, 6, 7, 3)),
    "into_image": partial(padded, Reader(stride=2), shape=(1, 8, 8, 3), zero_point=-128),
    "into_one_channel": partial(padded, Reader(kernel=(4, 4), filters=4), shape=(1, 6, 6, 1), pads=(((2, 1), (1, 2)),)),
    "into_wide_filter": partial(padded, Reader(kernel=(5, 5)), pads=(((4, 3), (4, 1)),)),
    "into_dilated": partial(padded, Reader(dilation=2), pads=(((3, 2), (1, 4)),)),
    "into_two_batches": partial(padded, Reader(stride=2), shape=(2, 5, 5, 4)),
    "into_narrow_activation": partial(padded, Reader(activation="RELU6", stride=2)),
    "into_one_side": partial(padded, Reader(kernel=(1, 3)), pads=(((0, 0), (0, 2)),)),
    "into_unused_rows": partial(padded, Reader(stride=3), pads=(((1, 2), (2, 1)),), shape=(1, 8, 7, 4)),
    "into_depthwise": partial(padded, Reader(DEPTHWISE, activation="RELU")),
    "into_depthwise_stride_2": partial(padded, Reader(DEPTHWISE, stride=2), shape=(1, 8, 8, 8)),
    "into_depthwise_uneven": partial(padded, Reader(DEPTHWISE), pads=(((2, 1), (0, 2)),), shape=(1, 6, 9, 4)),
    "into_depthwise_7x7": partial(
        padded, Reader(DEPTHWISE, (7, 7), 2, activation="RELU"), pads=(((3, 3), (3, 3)),), shape=(1, 10, 10, 8)
    ),
    "into_depthwise_dilated": partial(padded, Reader(DEPTHWISE, dilation=2), pads=(((2, 3), (4, 0)),)),
    "into_depthwise_of_odd_channels": partial(padded, Reader(DEPTHWISE, stride=2), shape=(1, 5, 6, 7)),
    "into_same": partial(padded, Reader(padding="SAME", stride=2), pads=(((1, 0), (0, 1)),)),
    "into_largest": partial(padded, Reader("MAX_POOL_2D", stride=2), zero_point=-128),
    "into_two_readers": partial(padded, Reader(stride=2), Reader(DEPTHWISE)),
    "twice_in_a_row": partial(padded, Reader(kernel=(5, 5)), pads=(AROUND, ((0, 2), (1, 0)))),
    "before_largest_above_the_lowest": partial(padded, Reader("MAX_POOL_2D"), zero_point=-127),
    "before_average": partial(padded, Reader("AVERAGE_POOL_2D")),
    "before_a_single_tap": partial(padded, Reader(kernel=(1, 1))),
    "before_convolution_and_average": partial(padded, Reader(), Reader("AVERAGE_POOL_2D")),
    "wider_than_the_filter": partial(padded, Reader(), pads=(((3, 1), (1, 1)),)),
    "wanted_as_output": partial(padded, Reader(), is_output=True),
}

CROPPED = {
    "zero_last_row": Reader(zero_rows=(2,)),
    "zero_border": Reader(padding="SAME", zero_rows=(0, 2), zero_columns=(0, 2), activation="RELU"),
    "zero_first_column": Reader(padding="SAME", zero_columns=(0,), filters=5),
    "zero_first_row_without_padding": Reader(zero_rows=(0,)),
    "zero_dilated_border": Reader(kernel=(3, 2), dilation=2, padding="SAME", zero_rows=(0, 2)),
    "zero_border_of_stride_2": Reader(kernel=(5, 5), stride=2, padding="SAME", zero_rows=(0, 4), zero_columns=(0, 1)),
}
CASES = (
    *(Case("PAD", name, build) for name, build in NETWORKS.items()),
    *(Case("CONV_2D", name, partial(padded, reader, pads=())) for name, reader in CROPPED.items()),
)
