"""Weights that codecs apply to, and layers that have theirs coded, drawn at random."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.coding import as_wanted, codable, coded
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.tflite.graph import Graph

CODES = [name for name in CODECS if name != "dense"]


def with_few_values(random: np.random.Generator, graph: Graph) -> Graph:
    """The network with at most as many weights in a tensor as some codec needs, many of them zero; or with skewed ones."""
    tensors = dict(graph.tensors)
    for key, tensor in graph.tensors.items():
        if tensor.data is not None and tensor.dtype == np.int8 and len(tensor.shape) >= 2:
            count = int(random.choice([2, 3, 4, 9, 16, 60]))
            codes = np.sort(random.choice(np.arange(-127, 128), count, replace=False))
            data = random.choice(codes, tensor.shape)
            if random.random() < 0.2:  # as they come from training, wider in some channels than in others
                spread = random.choice([3, 12, 40], tensor.shape[:1] + (1,) * (len(tensor.shape) - 1))
                data = np.clip(np.rint(random.normal(0, spread, tensor.shape)), -127, 127)
            zeros = random.random(tensor.shape) < random.choice([0, 0.5, 0.9])
            if random.random() < 0.3:  # at most two of four
                zeros |= (np.arange(tensor.elements) % 4 >= 2).reshape(tensor.shape)
            tensors[key] = replace(tensor, data=np.where(zeros, 0, data).astype(np.int8))
    return replace(graph, tensors=tensors)


def coder(
    random: np.random.Generator, used: list[tuple[str, KernelCall]], only: str = ""
) -> Callable[[KernelCall], KernelCall]:
    """Every layer that can decode its weights has them in a code that applies to them; `only`: no other one."""

    def code(call: KernelCall) -> KernelCall:
        call = codable(call)
        if call.blocks is None:
            return call
        names = [only] if only else CODES
        made = (CODECS[name].encode(call.blocks.units) for name in names)
        found = [e for e in made if isinstance(e, Encoded) and as_wanted(call.blocks, e)]
        if not found:
            return call
        encoded = found[random.integers(len(found))]
        made = coded(call, encoded, cycles=1000, units=int(random.choice([1, 3, 1000])))
        used.append((encoded.codec, made))
        return made

    return code
