"""Kernels that go by lists of weights give the reference's bytes for any weights, also where another kernel would be faster, and with
their output as close below their input as they state."""

from dataclasses import replace
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
from on_core import Core, OnCore
from test_overlapping import exact, on_host

from edgecompress import emulate
from edgecompress.codegen import variants
from edgecompress.codegen.features import Features, features_of
from edgecompress.codegen.program import lower
from edgecompress.codegen.variants import estimates
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find

LAYERS = (("CONV_2D", False, 60), ("CONV_2D", True, 30), ("FULLY_CONNECTED", False, 20))
"""Operator, whether of several groups, how many."""
DISTINCT = (1, 2, 5, 14, 15, 16, 17, 40, 255)
ZEROS = (0, 0.1, 0.5, 0.7, 0.8, 0.9, 0.97, 1)


@pytest.fixture
def _always(monkeypatch):
    monkeypatch.setattr(estimates, "WORTH_TRYING", np.inf)


def _layer(random, opcode, grouped, features):
    """A random layer with few or many zeros and values, some outputs without any weight; None where its numbers do not suit."""
    graph = overlapping.random_model(random, opcode, grouped=grouped)
    data = graph.tensors[2].data
    values = random.choice(np.setdiff1d(np.arange(-128, 128), [0]), random.choice(DISTINCT), replace=False)
    zeros = random.random(data.shape) < random.choice(ZEROS)
    zeros[random.random(len(data)) < 0.1] = True
    graph = overlapping.with_weights(graph, np.where(zeros, 0, random.choice(values, data.shape)).astype(np.int8))
    graph = random.choice([overlapping.narrowed, overlapping.at_lowest, replace])(graph)
    calls = list(variants.candidates(graph, graph.operations[0], features))
    number = next((i for i, call in enumerate(calls) if "sparse" in call.kernel), None)
    return None if number is None else lower(graph, features, {0: number})


def _programs(features, shift=0):
    """Outputs as close below their inputs as can be, or `shift` bytes closer."""
    random, programs = np.random.default_rng(11), []
    for opcode, grouped, count in LAYERS:
        made = [program for _ in range(count) if (program := _layer(random, opcode, grouped, features))]
        assert len(made) > count / 2
        for program in made:
            distance = overlapping.distance_of(program)
            if distance - shift < program.graph.tensors[1].nbytes and distance >= shift:
                programs.append(overlapping.at_distance(program, distance - shift))
    return programs


def _cases(programs):
    return [overlapping.written(i, p, random_inputs(p.graph, 2, seed=i)) for i, p in enumerate(programs)]


def _kernels(programs):
    return {program.layers[0].call.kernel for program in programs}


@pytest.mark.usefixtures("_always")
def test_lists_of_any_weights_are_exact_on_the_host(tmp_path: Path):
    programs = _programs(Features(dsp=True))
    forms = {f"conv_2d_sparse_{form}_{kind}" for form in ("shared", "any") for kind in ("relu", "linear")}
    assert _kernels(programs) == {"fully_connected_sparse_shared", "fully_connected_sparse_any", *forms}
    cases = _cases(programs)
    wrong = [c.program.layers[0].call for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if not exact(c, a)]
    assert not wrong


@pytest.mark.usefixtures("_always")
def test_sums_of_inputs_that_share_a_weight_are_exact_on_the_host(tmp_path: Path):
    programs = _programs(Features(single=True))
    assert _kernels(programs) == {
        "conv_2d_sparse_single",
        "fully_connected_sparse_shared",
        "fully_connected_sparse_any",
    }
    cases = _cases(programs)
    wrong = [c.program.layers[0].call for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if not exact(c, a)]
    assert not wrong


@pytest.mark.usefixtures("_always")
@pytest.mark.parametrize(
    ("name", "compiler"),
    [
        *(("cortex-m4", compiler) for compiler in ("zig", "gcc")),
        *(("cortex-m0plus", compiler) for compiler in ("zig", "gcc")),
        *((core, "zig") for core in ("cortex-m7", "cortex-m33", "cortex-m3")),
    ],
)
def test_lists_of_any_weights_are_exact_on_the_emulated_core(name, compiler, tmp_path: Path):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    cases = _cases(_programs(features_of(target.cpu)))
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        wrong = [c.program.layers[0].call for c in cases if not exact(c, generated_c.answer(c, core))]
    assert not wrong


@pytest.mark.usefixtures("_always")
def test_one_byte_closer_is_seen(tmp_path: Path):
    cases = _cases(_programs(Features(dsp=True), shift=1))
    spoilt = [not exact(c, a) for c, a in zip(cases, on_host(cases, tmp_path), strict=True)]
    assert sum(spoilt) > len(spoilt) / 4
