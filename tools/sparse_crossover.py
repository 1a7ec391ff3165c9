#!/usr/bin/env python3
"""From which share of zeros on lists of weights beat kernels that multiply by all of them, on every core's emulator.

    python tools/sparse_crossover.py [--cpu cortex-m4 ...] [--compiler gcc]

Per layer: that share for weights of 15 values, and of any values; then, where 2 or 1 of 4 weights are kept, the cycles with lists over
those without. Zeros are at random. Cycles are modelled; between the shares that are run, they are interpolated.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

import numpy as np
from model_cases.network import Network

from edgecompress import emulate
from edgecompress.codegen import variants
from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.codegen.variants import estimates
from edgecompress.memory.choice import SPEED
from edgecompress.pipeline import firmware
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import Target, find
from edgecompress.targets.compilers import Name
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph

CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
SHARES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
"""Of zeros, that are run."""


@dataclass(frozen=True)
class Layer:
    """A convolution with SAME padding, or a layer that is fully connected where it has no height."""

    channels: int
    outputs: int
    taps: int = 1
    height: int = 0
    width: int = 0

    @property
    def name(self) -> str:
        if not self.height:
            return f"fully connected, {self.channels} to {self.outputs}"
        return f"{self.taps} x {self.taps}, {self.channels} to {self.outputs}, on {self.height} x {self.width}"

    def graph(self, weights: np.ndarray, folder: Path) -> Graph:
        network, is_flat = Network(), not self.height
        place = (1,) if is_flat else (1, self.height, self.width)
        source = network.tensor((*place, self.channels), 0.05, -128)
        result = network.tensor((*place, self.outputs), 0.5, -128)
        shape = (self.outputs, self.channels) if is_flat else (self.outputs, self.taps, self.taps, self.channels)
        constant = network.tensor(shape, np.full(self.outputs, 0.01, np.float32), axis=0, data=weights.reshape(shape))
        window = {"padding": "SAME", "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        opcode, options, fields = (
            ("FULLY_CONNECTED", "FullyConnected", {}) if is_flat else ("CONV_2D", "Conv2D", window)
        )
        network.operator(opcode, [source, constant, -1], [result], options, 3, **fields)
        path = folder / "layer.tflite"
        path.write_bytes(network.file([source], [result]))
        return reader.read(path)


LAYERS = (
    Layer(64, 64, 1, 25, 5),
    Layer(16, 16, 3, 32, 32),
    Layer(64, 64, 3, 8, 8),
    Layer(256, 64),
)


def scattered(layer: Layer, share: float, values: int) -> np.ndarray:
    """Weights of so many values, so many of them zero, anywhere."""
    random, shape = np.random.default_rng(1), (layer.outputs, layer.taps**2 * layer.channels)
    used = random.choice(np.setdiff1d(np.arange(-127, 128), [0]), values, replace=False)
    return np.where(random.random(shape) < share, 0, random.choice(used, shape)).astype(np.int8)


def of_four(layer: Layer, kept: int) -> np.ndarray:
    """Weights of 15 values, so many of every four of them not zero."""
    weights = scattered(layer, 0, 15)
    zeros = np.arange(weights.size).reshape(-1, 4) % 4 >= kept
    return np.where(np.random.default_rng(2).permuted(zeros, axis=1).reshape(weights.shape), 0, weights).astype(np.int8)


def cycles(graph: Graph, target: Target, compiler: Name, *, sparse: bool) -> int | None:
    """Of the first kernel that goes by lists, or that does not; None where there is none."""
    features = features_of(target.cpu)
    calls = variants.candidates(graph, graph.operations[0], features)
    number = next((i for i, call in enumerate(calls) if call and ("sparse" in call.kernel) == sparse), None)
    if number is None:
        return None
    program = lower(graph, features, {0: number}, SPEED)
    sample = random_inputs(program.graph, 1, 0)[0]
    with tempfile.TemporaryDirectory() as folder:
        golden = sample, run_graph(program.graph, sample)
        image = firmware.build_standalone(program, target, Path(folder), golden, compiler)
        profile = emulate.profile(image, target, "model_invoke", ())
    if profile.status != 0:
        raise SystemExit(f"{program.layers[0].call.kernel} on {target.name} gave wrong outputs")
    return profile.cycles.typical


def ratio(weights: np.ndarray, layer: Layer, target: Target, compiler: Name) -> float | None:
    """Cycles with lists over cycles without."""
    with tempfile.TemporaryDirectory() as folder:
        graph = layer.graph(weights, Path(folder))
    both = [cycles(graph, target, compiler, sparse=sparse) for sparse in (True, False)]
    return both[0] / both[1] if both[0] and both[1] else None


def crossover(of_share: Callable[[float], float | None]) -> str:
    """Where the ratio falls below 1."""
    known = [(share, found) for share in SHARES if (found := of_share(share)) is not None]
    if not known:
        return "-"
    for (before, high), (after, low) in pairwise(known):
        if high >= 1 > low:
            return f"{100 * (before + (after - before) * (high - 1) / (high - low)):.0f} %"
    return f"< {100 * known[0][0]:.0f} %" if known[0][1] < 1 else f"> {100 * known[-1][0]:.0f} %"


def row(layer: Layer, target: Target, compiler: Name) -> list[str]:
    ends = [crossover(lambda s, v=v: ratio(scattered(layer, s, v), layer, target, compiler)) for v in (15, 254)]  # type: ignore[misc]
    fixed = [ratio(of_four(layer, kept), layer, target, compiler) for kept in (2, 1)]
    return [*ends, *("-" if found is None else f"{found:.2f}" for found in fixed)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu", nargs="+", default=CPUS)
    parser.add_argument("--compiler", choices=("zig", "gcc"), default="zig")
    arguments = parser.parse_args()
    estimates.WORTH_TRYING = float("inf")
    print("| layer | core | 15 values | any values | 2 of 4 | 1 of 4 |\n|---|---|---|---|---|---|")
    for layer in LAYERS:
        for cpu in arguments.cpu:
            print("|", " | ".join([layer.name, cpu, *row(layer, find(cpu), arguments.compiler)]), "|", flush=True)


if __name__ == "__main__":
    main()
