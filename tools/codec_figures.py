#!/usr/bin/env python3
"""What the codecs make of weights: bytes and modelled cycles by codec, for int8 .tflite files and for made tensors.

    python tools/codec_figures.py model.tflite ... [--cpu cortex-m4] [--tensors]
    python tools/codec_figures.py --made

A total counts every tensor as dense where a codec does not apply. "mix" takes the smallest of all for each tensor and adds what
structs of parameters and decoders take (compiled for the CPU).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from edgecompress import targets
from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.choice import choose
from edgecompress.codecs.costs import cycles_of
from edgecompress.codecs.options import Catalogue
from edgecompress.tflite import reader

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def tensors_of(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(name, int8 [outputs, inputs of one output]) of every weighted layer; of a depthwise one, [1, all]."""
    graph = reader.read(path)
    for operation in graph.operations:
        if operation.opcode in WEIGHTED:
            data = graph.tensors[operation.inputs[1]].data
            assert data is not None
            rows = 1 if operation.opcode == "DEPTHWISE_CONV_2D" else data.shape[0]
            yield f"{operation.index} {operation.opcode}", np.ascontiguousarray(data.reshape(rows, -1))


def made_tensors() -> Iterator[tuple[str, np.ndarray]]:
    """What training may leave: 64 outputs of 576 inputs."""
    rng, shape = np.random.default_rng(1), (64, 576)

    def clustered(count: int, zeros: float = 0.0) -> np.ndarray:
        values = np.unique(np.round(rng.normal(0, 45, 4 * count)).clip(-127, 127))
        values = rng.choice(values[values != 0], count, replace=False)
        near = np.exp(-np.abs(values) / 40)
        made = rng.choice(values, shape, p=near / near.sum())
        return np.where(rng.random(shape) < zeros, 0, made).astype(np.int8)

    yield "binary", rng.choice([-127, 127], shape).astype(np.int8)
    yield "ternary, a third zeros", rng.choice([-127, 0, 127], shape).astype(np.int8)
    yield "ternary, half zeros", rng.choice([-127, 0, 127], shape, p=[0.25, 0.5, 0.25]).astype(np.int8)
    yield "powers of two", (2 ** rng.integers(0, 7, shape) * rng.choice([-1, 1], shape)).astype(np.int8)
    for count in (4, 16, 64):
        yield f"{count} clusters", clustered(count)
    for zeros in (0.5, 0.7, 0.8, 0.9, 0.95):
        yield f"16 values, {zeros:.0%} zeros", clustered(15, zeros)
    normal = np.round(rng.normal(0, 35, shape)).clip(-127, 127)
    yield "normal", normal.astype(np.int8)
    for zeros in (0.5, 0.8, 0.9):
        yield f"normal, {zeros:.0%} zeros", np.where(rng.random(shape) < zeros, 0, normal).astype(np.int8)
    for nonzeros in (1, 2):
        fours = normal.reshape(64, -1, 4).copy()
        fours[..., nonzeros:] = 0
        yield f"{nonzeros} of 4", rng.permuted(fours, axis=2).reshape(shape).astype(np.int8)


def entropy_bytes(matrix: np.ndarray) -> float:
    """Of the weights' values, each by itself."""
    counts = np.unique(matrix, return_counts=True)[1]
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8)


def encoded_by_all(matrix: np.ndarray) -> dict[str, Encoded]:
    made = {name: codec.encode(matrix) for name, codec in CODECS.items()}
    return {name: one for name, one in made.items() if isinstance(one, Encoded)}


def row(name: str, values: dict[str, str]) -> str:
    return f"{name[:26]:26}" + "".join(f"{values.get(codec, '-'):>10}" for codec in ("int8", "entropy", *CODECS))


def show_tensors(tensors: list[tuple[str, np.ndarray]], cpu: str) -> list[dict[str, Encoded]]:
    """A line of bytes and one of cycles per weight for each."""
    made = []
    for name, matrix in tensors:
        encoded = encoded_by_all(matrix)
        made.append(encoded)
        sizes = {"int8": f"{matrix.size:,}", "entropy": f"{entropy_bytes(matrix):,.0f}"}
        print(row(name, sizes | {codec: f"{one.weight_bytes:,}" for codec, one in encoded.items()}))
        shares = {codec: f"{one.weight_bytes / matrix.size:.3f}" for codec, one in encoded.items()}
        print(row("  share of int8", {"entropy": f"{entropy_bytes(matrix) / matrix.size:.3f}"} | shares))
        cycles = {codec: f"{cycles_of(one, cpu) / matrix.size:.2f}" for codec, one in encoded.items()}
        print(row("  cycles per weight", cycles))
    return made


def show_totals(name: str, tensors: list[tuple[str, np.ndarray]], made: list[dict[str, Encoded]], cpu: str) -> None:
    sizes = [matrix.size for _, matrix in tensors]
    total = {
        codec: sum(one[codec].weight_bytes if codec in one else n for one, n in zip(made, sizes, strict=True))
        for codec in CODECS
    }
    entropy = sum(entropy_bytes(matrix) for _, matrix in tensors)
    first = {"int8": f"{sum(sizes):,}", "entropy": f"{entropy:,.0f}"}
    print(row(name, first | {codec: f"{size:,}" for codec, size in total.items()}))
    catalogue = Catalogue(targets.find(cpu))
    choice = choose([[catalogue.option(one) for one in encodeds.values()] for encodeds in made], "size")
    used = Counter(option.codec for option in choice.options)
    weight_bytes = sum(encodeds[o.codec].weight_bytes for encodeds, o in zip(made, choice.options, strict=True))
    print(
        f"  mix: {weight_bytes:,} bytes of weights and tables, {choice.bytes - choice.code_bytes - weight_bytes:,} of parameters,"
    )
    print(f"       {choice.code_bytes:,} of decoders; {choice.cycles / sum(sizes):.2f} cycles per weight on {cpu}")
    print("       " + ", ".join(f"{count} {codec}" for codec, count in used.most_common()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--cpu", default="cortex-m4")
    parser.add_argument("--made", action="store_true", help="made tensors")
    parser.add_argument("--tensors", action="store_true", help="of models, every tensor too")
    arguments = parser.parse_args()
    print(row("", {name: name for name in ("int8", "entropy", *CODECS)}))
    if arguments.made:
        show_tensors(list(made_tensors()), arguments.cpu)
    for path in arguments.models:
        tensors = list(tensors_of(path))
        made = (
            show_tensors(tensors, arguments.cpu)
            if arguments.tensors
            else [encoded_by_all(matrix) for _, matrix in tensors]
        )
        show_totals(path.stem, tensors, made, arguments.cpu)


if __name__ == "__main__":
    main()
