"""Random networks of layers that can take turns: chains, shortcuts and branches, with every kind of window."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import overlapping
from generated_c import Written

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.codegen.ops.windows import EXPLICIT, expected_size
from edgecompress.codegen.program import Program, layers_of, task_of
from edgecompress.memory import Group, Plan, verify
from edgecompress.memory.choice import Task
from edgecompress.memory.rolling import roll
from edgecompress.memory.visits import Tiling
from edgecompress.reference.executor import Answer
from edgecompress.reference.integer import run_graph
from edgecompress.tflite.graph import Graph, Operation, Quantization, Tensor

ACTIVATIONS = ("NONE", "RELU6")
"""In turns, of layers that have one; the second narrows the range of outputs."""
PAIRS = ("ADD", "MUL")
OPCODES = (
    *("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"),
    *("RELU", *PAIRS, "PAD", "CONCATENATION"),
)


class Maker:
    """Adds one operation after the other to a graph."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.tensors: dict[int, Tensor] = {}
        self.operations: list[Operation] = []
        height, width = random.integers(4, 12), random.integers(2, 7)
        self.add(self.activation((1, int(height), int(width), int(random.choice([4, 8])))))

    def activation(self, shape: tuple[int, ...], like: Tensor | None = None, scale: float = 0.05) -> Tensor:
        quantization = like.quantization if like else Quantization((scale,), (int(self.random.integers(-128, 128)),))
        return Tensor(len(self.tensors), f"t{len(self.tensors)}", shape, np.dtype(np.int8), quantization)

    def add(self, tensor: Tensor) -> int:
        self.tensors[tensor.index] = tensor
        return tensor.index

    def operation(self, opcode: str, inputs: list[int], output: int, options: dict[str, object]) -> int:
        self.operations.append(
            Operation(len(self.operations), opcode, tuple(inputs), (output,), MappingProxyType(options))
        )
        return output

    def fused(self) -> dict[str, object]:
        return {"fused_activation_function": ACTIVATIONS[len(self.operations) % len(ACTIVATIONS)]}

    def layer(self, source: int) -> int:
        """A random layer on a tensor; pairs take an earlier tensor of the same shape, else they become RELU."""
        opcode, shape = str(self.random.choice(OPCODES)), self.tensors[source].shape
        if opcode == "CONCATENATION":
            return self.concatenation(source)
        if opcode in ("RELU", *PAIRS):
            others = [k for k, t in self.tensors.items() if t.data is None and t.shape == shape and k != source]
            output = self.add(self.activation(shape, scale=0.07))  # kernels of ADD want scales that differ
            if opcode in PAIRS and others:
                other = int(self.random.choice(others))
                return self.operation(opcode, [source, other], output, self.fused())
            return self.operation("RELU", [source], output, {})
        return self.pad(source) if opcode == "PAD" else self.window(opcode, source)

    def concatenation(self, source: int) -> int:
        """Beside any image of the same size and quantization, itself among them."""
        like = self.tensors[source]
        fits = [
            k
            for k, t in self.tensors.items()
            if t.data is None and t.shape[:3] == like.shape[:3] and t.quantization == like.quantization
        ]
        other = int(self.random.choice(fits))
        shape = (*like.shape[:3], like.shape[3] + self.tensors[other].shape[3])
        return self.operation("CONCATENATION", [source, other], self.add(self.activation(shape, like)), {"axis": 3})

    def pad(self, source: int) -> int:
        (_, height, width, channels), like = self.tensors[source].shape, self.tensors[source]
        pads = np.array([[0, 0], *self.random.integers(0, 3, (2, 2)), [0, 0]], np.int32)
        shape = (1, height + int(pads[1].sum()), width + int(pads[2].sum()), channels)
        output = self.add(self.activation(shape, like))
        paddings = Tensor(len(self.tensors), "paddings", (4, 2), np.dtype(np.int32), data=pads)
        return self.operation("PAD", [source, self.add(paddings)], output, {})

    def window(self, opcode: str, source: int) -> int:
        random, shape = self.random, self.tensors[source].shape
        pooled, depthwise = opcode.endswith("POOL_2D"), opcode.startswith("DEPTHWISE")
        taps, strides = random.integers(1, 4, 2).tolist(), random.choice([1, 1, 1, 2, 3], 2).tolist()
        dilations = [1, 1] if pooled else random.choice([1, 1, 2], 2).tolist()
        options = {
            "padding": "SAME",
            "stride_h": strides[0],
            "stride_w": strides[1],
            "dilation_h_factor": dilations[0],
            "dilation_w_factor": dilations[1],
            "filter_height": taps[0],
            "filter_width": taps[1],
            **self.fused(),
        }
        valid = Operation(0, opcode, (), (), MappingProxyType({**options, "padding": "VALID"}))
        if random.integers(2) and min(expected_size(valid, shape[1 + a], taps[a], "hw"[a]) for a in (0, 1)) >= 1:
            options["padding"] = "VALID"
            extents = overlapping.extents_of(taps, dilations)
            pads = None if pooled else overlapping.explicit_pads(random, extents, shape[1:3])
            options |= {"padding": EXPLICIT, "paddings": pads} if pads else {}
        sized = Operation(0, opcode, (), (), MappingProxyType(options))
        sizes = [expected_size(sized, shape[1 + a], taps[a], "hw"[a]) for a in (0, 1)]
        outputs = shape[3] if pooled or depthwise else int(random.choice([4, 8, 12]))
        like = self.tensors[source] if pooled else None
        output = self.add(self.activation((1, *sizes, outputs), like))
        if pooled:
            return self.operation(opcode, [source], output, options)
        weights_shape = (1, *taps, outputs) if depthwise else (outputs, *taps, shape[3])
        fan_in = int(np.prod(taps)) * (1 if depthwise else shape[3])
        made = overlapping.weights_of(random, weights_shape, outputs, 3 if depthwise else 0, fan_in, len(self.tensors))
        return self.operation(opcode, [source, *(self.add(tensor) for tensor in made)], output, options)


def random_network(random: np.random.Generator) -> Graph:
    """Two to six layers; each goes on from the newest tensor or, now and then, from an older one."""
    maker = Maker(random)
    newest = 0
    for _ in range(int(random.integers(2, 7))):
        activations = [k for k, t in maker.tensors.items() if t.data is None]
        source = newest if random.random() < 0.8 else int(random.choice(activations))
        newest = maker.layer(source)
    return Graph(maker.tensors, tuple(maker.operations), (0,), (newest,), "0" * 64)


def rolled(random: np.random.Generator, features: Features, *, in_patches: bool) -> Program | None:
    """A random network whose longest possible run of layers takes turns; None where no two of its layers can.

    In patches: those that have several side by side.
    """
    graph, rows = random_network(random), int(random.choice([1, 1, 2, 3]))
    tiling = Tiling(rows, int(random.integers(1, 5)), bool(random.integers(2))) if in_patches else Tiling(rows)
    program = with_turns(graph, features, tiling)
    across = graph.tensors[graph.operations[program.groups[0].steps[-1]].outputs[0]].shape[2] if program else 0
    return program if across > tiling.columns else None


def with_turns(
    graph: Graph,
    features: Features,
    tiling: Tiling,
    code: Callable[[KernelCall], KernelCall] = lambda call: call,
) -> Program | None:
    layers = tuple(replace(layer, call=code(layer.call)) for layer in layers_of(graph, features))
    task = task_of(graph, layers)
    steps = range(len(graph.operations))
    spans = [range(first, last + 1) for first in steps for last in steps[first + 1 :]]
    for span in sorted(spans, key=len, reverse=True):
        group = roll(graph, span, task.sweeps, task.bands, tiling)
        if group is not None:
            return Program(graph, layers, proven(task, (group,)), (group,))
    return None


def proven(task: Task, groups: tuple[Group, ...]) -> Plan:
    plan = task.plan(groups, node_limit=2000)
    verify(task.graph, plan, task.aliases, task.scratch, task.sweeps, groups)
    return plan


def wrong(case: Written, answer: Answer) -> str:
    """The first tensor that differs from the reference's, or "" ."""
    assert answer.error is None, answer.error
    expected = run_graph(case.program.graph, case.job.inputs[0])
    operations = case.program.graph.operations
    return next(
        (o.opcode for o in operations if not np.array_equal(answer.outputs[0][o.outputs[0]], expected[o.outputs[0]])),
        "",
    )
