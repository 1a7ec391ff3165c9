"""Kernels whose outputs overwrite their inputs, to the byte as closely as their sweeps state, still give the reference's bytes.

What a kernel states of its order is believed by planners and verifier alike: here its C has to bear it out.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
from on_core import Core, OnCore
from on_host import MAIN, Process

from edgecompress import emulate
from edgecompress.codegen.features import PLAIN, Features, features_of
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find, host

OPCODES = (
    *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "AVERAGE_POOL_2D", "MAX_POOL_2D"),
    *("RELU", "SOFTMAX", "QUANTIZE", "DEQUANTIZE", "PAD", "SLICE", "CONCATENATION", "LOG_SOFTMAX", "L2_NORMALIZATION"),
)
MODELS_EACH = {"CONV_2D": 30, "DEPTHWISE_CONV_2D": 30, "FULLY_CONNECTED": 15, "SLICE": 25, "CONCATENATION": 15}
FEW = 5
CLAMPED = {"CONV_2D": 30, "DEPTHWISE_CONV_2D": 250}
"""Draws of those whose kernels may leave a narrower range than int8's to a pass behind them."""
WORDS = ("QUANTIZE", "DEQUANTIZE")
"""Their floats must be aligned."""


def _programs(features, shift=0, *, clamped=False):
    """Random layers as close as can be, or `shift` bytes closer; those that would not overlap anyway are left out then.

    Args:
        clamped: those that are clamped after their kernel, and no others.
    """
    programs = []
    draws = CLAMPED if clamped else {opcode: MODELS_EACH.get(opcode, FEW) for opcode in OPCODES}
    for seed, (opcode, count) in enumerate(draws.items()):
        random = np.random.default_rng(seed)
        for _ in range(count):
            program = overlapping.lowered(random, opcode, features, clamped=clamped)
            if clamped and not program.layers[0].call.clamp:
                continue
            distance = overlapping.distance_of(program)
            assert distance is not None, f"{opcode} states no sweep"
            if opcode in WORDS:
                distance = -(-distance // 4) * 4
            overlaps = distance - shift < program.graph.tensors[1].nbytes
            if overlaps and (not shift or (distance >= shift and opcode not in WORDS)):
                programs.append(overlapping.at_distance(program, distance - shift))
    return programs


def _cases(programs):
    return [overlapping.written(i, p, random_inputs(p.graph, 2, seed=i)) for i, p in enumerate(programs)]


def exact(case, answer):
    assert answer.error is None, answer.error
    expected = [run_graph(case.program.graph, sample)[1] for sample in case.job.inputs]
    return all(np.array_equal(o[1], e) for o, e in zip(answer.outputs, expected, strict=True))


def on_host(cases, folder: Path):
    sources = {**generated_c.program_of(cases), "main.c": MAIN}
    sanitizer = "address" if shutil.which("gcc") or shutil.which("clang") else "undefined"
    program = host.build(sources, folder / "cases", sanitizer=sanitizer, optimization="-O2")
    with Process(program) as process:
        return [process.answer(case) for case in cases]


@pytest.mark.parametrize(
    "features",
    [PLAIN, Features(dsp=True), Features(mve=True), Features(single=True)],
    ids=["plain", "dsp", "mve", "single"],
)
def test_every_kernel_bears_out_what_it_states_on_the_host(features, tmp_path):
    cases = _cases(_programs(features))
    assert {case.program.layers[0].operation.opcode for case in cases} == set(OPCODES)
    wrong = [c.program.layers[0].call for c, a in zip(cases, on_host(cases, tmp_path), strict=True) if not exact(c, a)]
    assert not wrong


def test_layers_that_are_clamped_behind_their_kernel_bear_it_out_on_the_host(tmp_path):
    cases = _cases(_programs(Features(dsp=True), clamped=True))
    assert {case.program.layers[0].operation.opcode for case in cases} == set(CLAMPED)
    assert all(exact(c, a) for c, a in zip(cases, on_host(cases, tmp_path), strict=True))


@pytest.mark.parametrize("compiler", ["zig", "gcc"])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "cortex-m55"])
def test_every_kernel_bears_out_what_it_states_on_the_emulated_core(core, compiler, tmp_path):
    executor = OnCore(core, compiler)
    if reason := executor.available():
        pytest.skip(reason)
    target = find(core)
    features = features_of(target.cpu)
    cases = _cases(_programs(features) + _programs(features, clamped=True))
    image = executor.build(cases, target, tmp_path)
    with emulate.open(target, image) as port:
        core = Core(port, image)
        wrong = [c.program.layers[0].call for c in cases if not exact(c, generated_c.answer(c, core))]
    assert not wrong


@pytest.mark.parametrize("clamped", [False, True])
def test_one_byte_closer_is_seen(clamped, tmp_path):
    """The distances are the least ones, and these tests would notice a planner that is off by one."""
    cases = _cases(_programs(Features(dsp=True) if clamped else PLAIN, shift=1, clamped=clamped))
    opcodes = [case.program.layers[0].operation.opcode for case in cases]
    spoilt = [not exact(c, a) for c, a in zip(cases, on_host(cases, tmp_path), strict=True)]
    for opcode in CLAMPED if clamped else ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "PAD"):
        seen = [s for o, s in zip(opcodes, spoilt, strict=True) if o == opcode]
        assert sum(seen) > len(seen) / 2, f"{opcode}: {sum(seen)} of {len(seen)}"


def test_a_kernel_that_states_too_much_is_seen(tmp_path):
    """A plain kernel that claimed to read all of a position before it writes any of it."""
    random, programs = np.random.default_rng(7), []
    while len(programs) < 8:
        program = overlapping.lowered(random, "CONV_2D", PLAIN)
        (sweep,) = program.layers[0].call.sweeps
        call = replace(program.layers[0].call, sweeps=(replace(sweep, part=0),))
        claimed = replace(program, layers=(replace(program.layers[0], call=call),))
        if overlapping.distance_of(claimed) != overlapping.distance_of(program):
            programs.append(overlapping.at_distance(claimed, overlapping.distance_of(claimed)))
    cases = _cases(programs)
    assert not all(exact(c, a) for c, a in zip(cases, on_host(cases, tmp_path), strict=True))
