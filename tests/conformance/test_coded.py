"""Layers whose weights stay coded in flash give every byte that they give with plain weights: whole, in bands and in patches."""

import functools
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
import rolling
from coded_layers import CODES, coder, with_few_values
from on_core import Core, OnCore
from test_overlapping import on_host

from edgecompress import emulate
from edgecompress.codegen.features import PLAIN, Features, features_of
from edgecompress.codegen.program import arrange, layers_of
from edgecompress.memory.choice import BALANCED
from edgecompress.memory.visits import Tiling
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find

NETWORKS = 15
DRAWS = 12
LISTS = 8


def _networks(features):
    random = np.random.default_rng(5)
    while True:
        graph = with_few_values(random, rolling.random_network(random))
        tiling = Tiling(int(random.choice([1, 2, 50])), int(random.choice([0, 2])), bool(random.integers(2)))
        program = rolling.with_turns(graph, features, tiling, coder(random, []))
        if program and any(layer.call.code for layer in program.layers):
            yield program


def _single_layers(features):
    """One layer for every operator and codec, of any size, rather one whose last block has fewer outputs than the others."""
    for seed, (opcode, codec) in enumerate(product(("CONV_2D", "FULLY_CONNECTED"), CODES)):
        draws = _layers(features, np.random.default_rng(seed), opcode, codec)
        yield max(islice(draws, DRAWS), key=lambda program: _ends_in_a_part(program.layers[0].call))


def _layers_with_lists(features):
    """Of kernels that read lists, which the processor must have."""
    draws = _layers(features, np.random.default_rng(7), "CONV_2D", "gaps")
    return islice((program for program in draws if program.layers[0].call.blocks.sizes is not None), LISTS)


def _layers(features, random, opcode, codec):
    while True:
        graph, used = with_few_values(random, overlapping.random_model(random, opcode)), []
        code = coder(random, used, only=codec)
        layers = tuple(replace(layer, call=code(layer.call)) for layer in layers_of(graph, features))
        if used:
            yield arrange(graph, layers, BALANCED)


def _ends_in_a_part(call):
    return call.blocks.missing > 0 and call.code.units < len(call.blocks.units)


@functools.cache
def _cases(features):
    programs = [*islice(_networks(features), NETWORKS), *_single_layers(features)]
    programs += _layers_with_lists(features) if features.dsp and not features.mve else ()
    return [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(programs)]


FAMILIES = {"plain": PLAIN, "dsp": Features(dsp=True), "single": Features(single=True), "mve": Features(mve=True)}


@pytest.mark.parametrize("features", FAMILIES.values(), ids=FAMILIES)
def test_coded_weights_are_exact_on_the_host(features, tmp_path: Path):
    cases = _cases(features)
    assert not [wrong for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if (wrong := rolling.wrong(c, a))]
    layers = [layer for case in cases for layer in case.program.layers if layer.call.code]
    tried = {(layer.operation.opcode, layer.call.code.name) for layer in layers}
    assert tried >= set(product(("CONV_2D", "FULLY_CONNECTED"), CODES)), "every codec has been tried"
    assert any(_ends_in_a_part(layer.call) for layer in layers)
    lists = [layer.call for layer in layers if layer.call.blocks.sizes is not None]
    assert bool(lists) == (features == Features(dsp=True))
    assert len({call.code.units < len(call.blocks.units) for call in lists}) == (2 if lists else 0), "whole, in blocks"


@pytest.mark.parametrize(
    ("name", "compiler"),
    [
        *(("cortex-m4", "zig"), ("cortex-m4", "gcc"), ("cortex-m7", "zig"), ("cortex-m33", "zig")),
        *(("cortex-m0plus", "zig"), ("cortex-m0plus", "gcc"), ("cortex-m3", "zig")),
        *(("cortex-m55", "zig"), ("cortex-m55", "gcc")),
    ],
)
def test_coded_weights_are_exact_on_the_emulated_core(name, compiler, tmp_path: Path):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    cases = _cases(features_of(target.cpu))
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        assert not [wrong for c in cases if (wrong := rolling.wrong(c, generated_c.answer(c, core)))]
