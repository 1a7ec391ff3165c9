"""Layers whose weights stay coded in flash give every byte that they give with plain weights: whole, in bands and in patches."""

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
from edgecompress.codecs.coding import coded, in_one_block
from edgecompress.codegen.features import Features, features_of
from edgecompress.memory.visits import Tiling
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find

NETWORKS = 40
CODES = [name for name in CODECS if name != "dense"]


def _with_few_values(random, graph):
    """The network with at most as many weights in a tensor as some codec needs, many of them zero."""
    tensors = dict(graph.tensors)
    for key, tensor in graph.tensors.items():
        if tensor.data is not None and tensor.dtype == np.int8 and len(tensor.shape) >= 2:
            count = int(random.choice([2, 3, 4, 9, 16, 60]))
            codes = np.sort(random.choice(np.arange(-127, 128), count, replace=False))
            data = random.choice(codes, tensor.shape)
            zeros = random.random(tensor.shape) < random.choice([0, 0.5, 0.9])
            if random.random() < 0.3:  # at most two of four
                zeros |= (np.arange(tensor.elements) % 4 >= 2).reshape(tensor.shape)
            tensors[key] = replace(tensor, data=np.where(zeros, 0, data).astype(np.int8))
    return replace(graph, tensors=tensors)


def _coder(random, used):
    """Every layer that can decode its weights has them in a code that applies to them."""

    def code(call):
        call = in_one_block(call)
        if call.blocks is None:
            return call
        found = [e for name in CODES if isinstance(e := CODECS[name].encode(call.blocks.units), Encoded)]
        if not found:
            return call
        encoded = found[random.integers(len(found))]
        used.append((encoded.codec, call.kernel))
        return coded(call, encoded, cycles=1000, units=int(random.choice([1, 3, 1000])))

    return code


def _cases(features, used):
    random, programs = np.random.default_rng(5), []
    while len(programs) < NETWORKS:
        graph = _with_few_values(random, rolling.random_network(random))
        tiling = Tiling(int(random.choice([1, 2, 50])), int(random.choice([0, 2])), bool(random.integers(2)))
        program = rolling.with_turns(graph, features, tiling, _coder(random, used))
        programs += [program] if program and any(layer.call.code for layer in program.layers) else []
    return [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(programs)]


def test_coded_weights_are_exact_on_the_host(tmp_path: Path):
    used: list[tuple[str, str]] = []
    cases = _cases(Features(dsp=True), used)
    assert not [wrong for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if (wrong := rolling.wrong(c, a))]
    assert {codec for codec, _ in used} == set(CODES), "every codec has been tried"


@pytest.mark.parametrize(("name", "compiler"), [("cortex-m4", "zig"), ("cortex-m4", "gcc"), ("cortex-m7", "zig")])
def test_coded_weights_are_exact_on_the_emulated_core(name, compiler, tmp_path: Path):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    cases = _cases(features_of(target.cpu), [])
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        assert not [wrong for c in cases if (wrong := rolling.wrong(c, generated_c.answer(c, core)))]
