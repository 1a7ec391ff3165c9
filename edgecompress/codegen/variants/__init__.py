"""The table of kernel variants: of each operator those made for some processors. A new one needs a row."""

from collections.abc import Iterator

from edgecompress.codegen import ops
from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.requantization import exceeds_int8
from edgecompress.codegen.ops.weighted import LEGACY, WITH_WIDE_WEIGHTS
from edgecompress.codegen.ops.widths import is_wide
from edgecompress.codegen.variants.base import Variant
from edgecompress.codegen.variants.dual import (
    DualConv2D,
    DualDepthwiseConv2D,
    JointConv2D,
    JointDepthwiseConv2D,
    JointFullyConnected,
)
from edgecompress.codegen.variants.dual_add import DualAdd
from edgecompress.codegen.variants.dual_depthwise import Depthwise3x3, DepthwiseAnyFilter
from edgecompress.codegen.variants.dual_pool import DualAveragePool2D, DualMaxPool2D
from edgecompress.codegen.variants.linear_add import LinearAdd
from edgecompress.codegen.variants.mve import (
    VectorAdd,
    VectorAveragePool2D,
    VectorConv2D,
    VectorDepthwiseConv2D,
    VectorDepthwiseConv2DOfOneChannel,
    VectorFullyConnected,
    VectorMaxPool2D,
)
from edgecompress.codegen.variants.simd import (
    SimdAdd,
    SimdAveragePool2D,
    SimdConv2D,
    SimdDepthwiseConv2D,
    SimdFullyConnected,
)
from edgecompress.codegen.variants.single import (
    SingleConv2D,
    SingleDepthwiseConv2D,
    SingleDepthwiseConv2DOfOneChannel,
    SingleFullyConnected,
)
from edgecompress.codegen.variants.sparse import (
    GroupedConv2D,
    SparseConv2D,
    SparseFullyConnected,
    SparseSingleFullyConnected,
)
from edgecompress.codegen.variants.sparse_single import GroupedSingleConv2D, SparseSingleConv2D
from edgecompress.codegen.variants.winograd import WinogradConv2D
from edgecompress.tflite.graph import Graph, Operation

VARIANTS: tuple[Variant, ...] = (
    SimdAdd(),
    SimdAveragePool2D(),
    SimdConv2D(),
    SimdDepthwiseConv2D(),
    SimdFullyConnected(),
    VectorConv2D(),
    VectorDepthwiseConv2D(),
    VectorDepthwiseConv2DOfOneChannel(),
    VectorFullyConnected(),
    VectorAdd(),
    VectorAveragePool2D(),
    VectorMaxPool2D(),
    WinogradConv2D(),
    SparseConv2D(),
    GroupedConv2D(),
    JointConv2D(),
    DualConv2D(),
    JointDepthwiseConv2D(),
    Depthwise3x3(),
    DepthwiseAnyFilter(),
    DualDepthwiseConv2D(),
    JointFullyConnected(),
    SparseFullyConnected(),
    DualAdd(),
    DualMaxPool2D(),
    DualAveragePool2D(),
    SingleConv2D(),
    SparseSingleConv2D(),
    GroupedSingleConv2D(),
    SingleDepthwiseConv2DOfOneChannel(),
    SingleDepthwiseConv2D(),
    SingleFullyConnected(),
    SparseSingleFullyConnected(),
    LinearAdd(),
)


def _is_plain_only(graph: Graph, operation: Operation) -> bool:
    """Whether this is int16's arithmetic, or uint8's in a form that only plain kernels know."""
    if any(map(is_wide, graph.results(operation))):
        return True
    if operation.opcode in WITH_WIDE_WEIGHTS:
        return exceeds_int8(graph.tensors[operation.inputs[1]])
    return operation.opcode == "AVERAGE_POOL_2D" and LEGACY in operation.options


def candidates(graph: Graph, operation: Operation, features: Features) -> Iterator[KernelCall | None]:
    """Every way to compute an operation on a processor with these features, the best first, the plain kernel last.

    The best is the one with the lowest estimate; where that does not tell them apart, the table's order does. None means an
    alias: no code. The operation has passed all rules of its operator.
    """
    made_for = () if _is_plain_only(graph, operation) else VARIANTS
    variants = (v for v in made_for if v.opcode == operation.opcode and v.suits(features))
    calls = (variant.lower(graph, operation) for variant in variants)
    yield from sorted((call for call in calls if call is not None), key=lambda call: call.cycles_a_mac)
    yield ops.find(operation.opcode).lower(graph, operation)
