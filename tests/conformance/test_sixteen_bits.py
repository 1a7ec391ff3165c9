"""Layers of int16 give every byte of the reference in bands and in patches, with plain weights and with coded ones, on top of their
inputs."""

import functools
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
import rolling
import sixteen
from coded_layers import CODES, coder, with_few_values
from on_core import Core, OnCore
from test_overlapping import on_host

from edgecompress import emulate
from edgecompress.codegen.features import PLAIN
from edgecompress.codegen.program import arrange, layers_of, lower
from edgecompress.memory.choice import BALANCED
from edgecompress.memory.visits import Tiling
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find

NETWORKS = 20
DRAWS = 8
LAYERS = 10
ALONE = (*sixteen.WEIGHTED[:3], "AVERAGE_POOL_2D", "MAX_POOL_2D", "RELU", "PAD", "SLICE", "CONCATENATION")
"""Operators that state how closely their output may follow upon their input."""
IN_BLOCKS = ("CONV_2D", "FULLY_CONNECTED")
"""Operators whose kernels compute some outputs at a time; the others decode all weights at once."""
ALIGNED = 2
"""Bytes that values of int16 begin at."""
MACHINES = [("cortex-m4", "zig"), ("cortex-m4", "gcc"), ("cortex-m0plus", "zig"), ("cortex-m55", "zig")]


def _networks(in_patches):
    """In bands of rows, or in patches."""
    random = np.random.default_rng(21)
    while True:
        rows = int(random.choice([1, 1, 2, 3]))
        tiling = Tiling(rows, int(random.integers(1, 5)), bool(random.integers(2))) if in_patches else Tiling(rows)
        if program := rolling.with_turns(sixteen.widened(rolling.random_network(random)), PLAIN, tiling):
            yield program


def _coded_networks():
    random = np.random.default_rng(22)
    while True:
        graph = with_few_values(random, sixteen.widened(rolling.random_network(random)))
        tiling = Tiling(int(random.choice([1, 2, 50])), int(random.choice([0, 2])), bool(random.integers(2)))
        program = rolling.with_turns(graph, PLAIN, tiling, coder(random, []))
        if program and any(layer.call.code for layer in program.layers):
            yield program


def _coded_layers():
    """One layer of every operator in every codec: where there are blocks, rather one whose last has fewer outputs."""
    for seed, (opcode, codec) in enumerate(product(sixteen.WEIGHTED, CODES)):
        draws = islice(_draws(np.random.default_rng(seed), opcode, codec), DRAWS)
        yield max(draws, key=lambda program: program.layers[0].call.blocks.missing)


def _draws(random, opcode, codec):
    while True:
        graph, used = with_few_values(random, sixteen.random_layer(random, opcode)), []
        (layer,) = layers_of(graph, PLAIN)
        layers = (replace(layer, call=coder(random, used, only=codec)(layer.call)),)
        if used:
            yield arrange(graph, layers, BALANCED)


def _on_their_inputs():
    """Layers whose outputs overwrite their inputs as closely as their kernels say."""
    random = np.random.default_rng(23)
    for opcode in ALONE:
        programs = [lower(sixteen.random_layer(random, opcode), PLAIN) for _ in range(LAYERS)]
        for program in programs:
            distance = -(-overlapping.distance_of(program) // ALIGNED) * ALIGNED
            if distance < program.graph.tensors[1].nbytes:
                yield overlapping.at_distance(program, distance)


@functools.cache
def _cases():
    programs = [program for in_patches in (False, True) for program in islice(_networks(in_patches), NETWORKS)]
    programs += [*islice(_coded_networks(), NETWORKS), *_coded_layers(), *_on_their_inputs()]
    return [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(programs)]


def test_layers_of_16_bits_in_turns_in_codes_and_on_their_inputs_are_exact_on_the_host(tmp_path: Path):
    cases = _cases()
    assert not [wrong for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if (wrong := rolling.wrong(c, a))]


@pytest.mark.parametrize(("name", "compiler"), MACHINES)
def test_layers_of_16_bits_in_turns_in_codes_and_on_their_inputs_are_exact_on_the_emulated_core(
    name, compiler, tmp_path: Path
):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    image = executor.build(_cases(), target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        assert not [wrong for c in _cases() if (wrong := rolling.wrong(c, generated_c.answer(c, core)))]


def test_every_operator_of_16_bits_has_been_tried_in_turns_and_in_every_code():
    programs = [case.program for case in _cases()]
    assert all(layer.call.kernel.endswith("_s16") for program in programs for layer in _weighted(program))
    in_turns = {
        layer.operation.opcode: layer.call.code is not None
        for program in programs
        for group in program.groups
        for layer in sorted(program.layers, key=lambda layer: layer.call.code is not None)
        if layer.step in group.steps and len(group.rounds) > 1
    }
    assert set(in_turns) == set(rolling.OPCODES)
    assert {opcode for opcode, is_coded in in_turns.items() if is_coded} == {"CONV_2D", "DEPTHWISE_CONV_2D"}
    layers = [layer for program in programs for layer in program.layers if layer.call.code]
    assert {(layer.operation.opcode, layer.call.code.name) for layer in layers} == set(product(sixteen.WEIGHTED, CODES))
    parted = {layer.operation.opcode for layer in layers if layer.call.code.units < len(layer.call.blocks.units)}
    assert parted == set(IN_BLOCKS)


def _weighted(program):
    return [layer for layer in program.layers if layer.operation.opcode in sixteen.WEIGHTED]
