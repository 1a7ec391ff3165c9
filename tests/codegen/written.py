"""What tests of the generated C share: golden vectors, other names, code without its comments."""

import ctypes
import re
from dataclasses import replace
from importlib import resources
from types import MappingProxyType

from edgecompress.codegen import writer
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph

NETWORK = "add-two_residuals"
"""The case that they go by."""


def golden(program, prefix="model"):
    sample = random_inputs(program.graph, 1)[0]
    return writer.write_golden(program, sample, run_graph(program.graph, sample), prefix)


def named(program, names):
    """The program with other tensor names."""
    tensors = {i: replace(t, name=names[i % len(names)]) for i, t in program.graph.tensors.items()}
    graph = replace(program.graph, tensors=MappingProxyType(tensors))
    layers = tuple(
        replace(layer, call=replace(layer.call, operands=tuple(tensors[t.index] for t in layer.call.operands)))
        for layer in program.layers
    )
    return replace(program, graph=graph, layers=layers)


def code(text):
    """C without its comments."""
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def arena_of(program):
    return (ctypes.c_uint64 * (program.plan.arena_bytes // 8 + 2))()


def all_kernels():
    folder = resources.files("edgecompress.codegen.runtime") / "kernels"
    return writer.kernel_sources(sorted(f.name[:-2] for f in folder.iterdir() if f.name.endswith(".c")))
