"""Layers that take turns, a band of rows at a time, give every byte that they give when they run whole."""

from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
import rolling
from on_core import Core, OnCore
from test_overlapping import on_host

from edgecompress import emulate
from edgecompress.codegen.features import PLAIN, Features, features_of
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import find

NETWORKS = 60
in_rows_and_in_patches = pytest.mark.parametrize("in_patches", [False, True], ids=["rows", "patches"])


def _cases(features, in_patches):
    random, programs = np.random.default_rng(11), []
    while len(programs) < NETWORKS:
        program = rolling.rolled(random, features, in_patches=in_patches)
        programs += [program] if program else []
    return [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(programs)]


FAMILIES = {"plain": PLAIN, "dsp": Features(dsp=True), "single": Features(single=True), "mve": Features(mve=True)}


@in_rows_and_in_patches
@pytest.mark.parametrize("features", FAMILIES.values(), ids=FAMILIES)
def test_every_tensor_of_layers_in_turns_is_exact_on_the_host(features, in_patches, tmp_path: Path):
    cases = _cases(features, in_patches)
    assert not [wrong for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if (wrong := rolling.wrong(c, a))]


@in_rows_and_in_patches
@pytest.mark.parametrize(
    ("name", "compiler"),
    [("cortex-m4", "zig"), ("cortex-m4", "gcc"), ("cortex-m0plus", "zig"), ("cortex-m55", "zig")],
)
def test_every_tensor_of_layers_in_turns_is_exact_on_the_emulated_core(name, compiler, in_patches, tmp_path: Path):
    executor, target = OnCore(name, compiler), find(name)
    if reason := executor.available():
        pytest.skip(reason)
    cases = _cases(features_of(target.cpu), in_patches)
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        assert not [wrong for c in cases if (wrong := rolling.wrong(c, generated_c.answer(c, core)))]


def test_the_random_networks_have_what_makes_turns_difficult():
    programs = [case.program for case in _cases(PLAIN, in_patches=False)]
    groups = [program.groups[0] for program in programs]
    assert max(len(group.steps) for group in groups) >= 5
    assert sum(group.moved_bytes > 0 for group in groups) > NETWORKS / 6
    assert any(None in turn for group in groups for turn in group.rounds), (
        "a layer that has nothing to do in some round"
    )
    opcodes = {
        program.graph.operations[step].opcode for program, g in zip(programs, groups, strict=True) for step in g.steps
    }
    assert opcodes == set(rolling.OPCODES)
    kept_in_part = [
        g.sizes[k] < p.graph.tensors[k].nbytes for p, g in zip(programs, groups, strict=True) for k in g.sizes
    ]
    assert sum(kept_in_part) > len(kept_in_part) / 2


def test_the_random_networks_have_what_makes_patches_difficult():
    programs = [case.program for case in _cases(PLAIN, in_patches=True)]
    groups = [program.groups[0] for program in programs]
    assert max(len(group.steps) for group in groups) >= 5
    visits = [visit for group in groups for visit in group.visits]
    assert any(
        rows.tensor in visit.staged and rows.tensor not in (0, visit.write.tensor)
        for visit in visits
        for rows in visit.reads
    )
    again = [
        sum(group.computed().values())
        > sum(program.graph.tensors[program.graph.operations[step].outputs[0]].nbytes for step in group.steps)
        for program, group in zip(programs, groups, strict=True)
    ]
    assert sum(again) > NETWORKS / 3
    assert {group.tiling.downwards for group in groups} == {False, True}
    assert sum(len(group.rounds) > group.line > 1 for group in groups) > NETWORKS / 2


@in_rows_and_in_patches
def test_the_random_networks_have_layers_in_turns_that_are_clamped_behind_their_kernel(in_patches):
    programs = [case.program for case in _cases(FAMILIES["dsp"], in_patches)]
    clamped = [
        (layer.operation.opcode, any(layer.operation.outputs[0] in visit.staged for visit in visits))
        for program in programs
        for layer in program.layers
        if layer.call.clamp and (visits := [v for g in program.groups for v in g.visits if v.step == layer.step])
    ]
    assert {opcode for opcode, _ in clamped} == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD"}
    assert any(is_staged for _, is_staged in clamped) == in_patches, "clamped in scratch, then copied"
