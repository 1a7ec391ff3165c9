"""FULLY_CONNECTED with coded weights gives every byte that it gives with plain ones: any size, any number of rows, every codec, and
outputs in whatever order suits the code."""

from dataclasses import replace
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
import rolling
from on_core import Core, OnCore
from test_overlapping import on_host

from edgecompress import emulate
from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.coding import coded
from edgecompress.codegen import variants
from edgecompress.codegen.features import Features, features_of
from edgecompress.codegen.program import arrange, lower
from edgecompress.memory.choice import BALANCED
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find
from edgecompress.tflite.graph import Quantization

SIZES = (
    *((1, 4, 1), (1, 5, 2), (1, 6, 4), (1, 7, 9), (1, 100, 10), (1, 160, 5), (1, 162, 4), (1, 331, 10), (1, 640, 12)),
    *((2, 8, 3), (3, 45, 6), (5, 170, 9), (1, 20, 300)),
)
"""Rows, inputs and outputs: odd ones of both, one unit and several, more outputs than can be ordered."""
CODES = [name for name in CODECS if name != "dense"]


def _programs(features):
    """Every size in every codec that applies, of narrow ranges too; in the second of two orders where there is one."""
    random, made = np.random.default_rng(1), []
    for size in SIZES:
        for name in CODES:
            graph = overlapping.fully_connected(random, *size)
            graph = (overlapping.narrowed(graph), _from_the_lowest(graph), graph)[random.integers(3)]
            graph = _with_weights(graph, _weights_for(random, name, size[2], size[1]))
            program, call = _joint(graph, features)
            blocks = call.blocks.others() if call.blocks.others and random.integers(2) else call.blocks
            encoded = CODECS[name].encode(blocks.units)
            if isinstance(encoded, Encoded):
                call = coded(replace(call, blocks=blocks), encoded, cycles=1000, units=1)
                made.append(arrange(program.graph, (replace(program.layers[0], call=call),), BALANCED))
    return made


def _joint(graph, features):
    """The layer's program and its kernel that can take decoded weights unit by unit."""
    program = lower(graph, features)
    calls = variants.candidates(program.graph, program.layers[0].operation, features)
    return program, next(call for call in calls if call.blocks and call.blocks.by)


def _weights_for(random, name, outputs, inputs):
    shape = (outputs, inputs)
    if name in ("tans", "pairs"):
        spread = random.choice([2, 12, 40], (outputs, 1))
        return np.clip(np.round(random.normal(0, spread, shape)), -127, 127)
    values = random.choice(random.choice(np.arange(-127, 128), 3 if name == "trits" else 12, replace=False), shape)
    return np.where(random.random(shape) < 0.8, 0, values) if name in ("runs", "sparse", "nm") else values


def _from_the_lowest(graph):
    """The zero point is the lowest output: all that is negative becomes it."""
    result = replace(graph.tensors[1], quantization=Quantization((0.05,), (-128,)))
    return replace(graph, tensors={**graph.tensors, 1: result})


def _with_weights(graph, values):
    weights = replace(graph.tensors[2], data=values.astype(np.int8))
    return replace(graph, tensors={**graph.tensors, 2: weights})


def _cases(features):
    return [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(_programs(features))]


def test_matrices_of_any_size_are_exact_on_the_host(tmp_path: Path):
    cases = _cases(Features(dsp=True))
    assert not [wrong for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if (wrong := rolling.wrong(c, a))]
    layers = [case.program.layers[0].call for case in cases]
    assert {layer.kernel for layer in layers} == {"fully_connected_units_relu", "fully_connected_units_linear"}
    assert {layer.code.name for layer in layers} >= {"lut", "trits", "sparse", "pairs", "tans", "runs"}
    assert {bool(layer.parameters["order"]) for layer in layers} == {False, True}


@pytest.mark.parametrize(("name", "compiler"), [("cortex-m4", "zig"), ("cortex-m4", "gcc"), ("cortex-m7", "zig")])
def test_matrices_of_any_size_are_exact_on_the_emulated_core(name, compiler, tmp_path: Path):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    cases = _cases(features_of(target.cpu))
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        assert not [wrong for c in cases if (wrong := rolling.wrong(c, generated_c.answer(c, core)))]


def test_a_large_layer_needs_no_more_scratch_than_a_small_one():
    random = np.random.default_rng(2)
    sizes = []
    for inputs, outputs in ((160, 4), (1600, 40)):
        _, call = _joint(overlapping.fully_connected(random, 1, inputs, outputs), Features(dsp=True))
        sizes.append(coded(call, CODECS["pairs"].encode(call.blocks.units), cycles=1, units=1).scratch_bytes)
    assert sizes[0] == sizes[1]
