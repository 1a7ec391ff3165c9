"""Layers whose coded weights are damaged write their output and their scratch, and not one byte more of the arena or beyond it."""

import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import generated_c
import numpy as np
import overlapping
import pytest
import sixteen
from on_host import MAIN, Process

from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.coding import OVERSHOOT, as_wanted, codable, coded
from edgecompress.codegen.features import PLAIN, Features
from edgecompress.codegen.ops.base import Array, Code
from edgecompress.codegen.program import Program, layers_of, task_of
from edgecompress.memory import Plan, scratch_key
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import host

CODES = [name for name, codec in CODECS.items() if codec.decoder]
FEATURES = (Features(dsp=True), Features(single=True), Features(mve=True))
OPCODES = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
LAYERS_EACH = 4
"""Of an operator on a processor with one codec, where its kernel can run in blocks; each with several damages."""
SHARES = (0.0, 0.02, 0.3, 1.0)
"""Of the bytes of every array that are replaced by others."""
GUARD = 64
"""Bytes of the arena before and behind what the layer was given."""


def _with_few_values(random, graph):
    """Two to fifteen weights, most of them zero, two of four at most: whatever codec takes them."""
    weights = graph.tensors[2]
    codes = random.choice(np.arange(-127, 128), int(random.choice([2, 14])), replace=False)
    data = np.where(random.random(weights.shape) < 0.6, 0, random.choice(codes, weights.shape))
    data[(np.arange(weights.elements) % 4 >= 2).reshape(weights.shape)] = 0
    return replace(graph, tensors={**graph.tensors, 2: replace(weights, data=data.astype(np.int8))})


def _layer(random, draw, opcode, codec, features):
    """A program of one layer with its weights in this code, guarded on both sides; None where that does not apply."""
    graph = _with_few_values(random, draw(random, opcode))
    (layer,) = layers_of(graph, features)
    call = codable(layer.call)
    encoded = CODECS[codec].encode(call.blocks.units) if call.blocks else None
    if not isinstance(encoded, Encoded) or not as_wanted(call.blocks, encoded):
        return None
    made = coded(call, encoded, cycles=0, units=int(random.choice([1, 3, 1000])))
    layers = (replace(layer, call=made),)
    plan = task_of(graph, layers).plan((), node_limit=2000)
    offsets = {key: place + GUARD for key, place in plan.offsets.items()}
    return Program(graph, layers, Plan(plan.buffers, offsets, plan.arena_bytes + 2 * GUARD, 0, 0, "with guards"))


def _damaged(random, program, share):
    """The program with some bytes of every array of its code replaced by others, at least one."""
    (layer,) = program.layers
    code = layer.call.code

    def damage(array):
        data = bytearray(array.values.tobytes())
        for place in random.choice(len(data), max(1, int(share * len(data))), replace=False):
            data[place] = int(random.choice([0, 255, random.integers(256)]))
        return replace(array, values=np.frombuffer(bytes(data), array.values.dtype).reshape(array.values.shape))

    parameters = {n: damage(v) if isinstance(v, Array) and v.values.size else v for n, v in code.parameters.items()}
    worse: Code = replace(code, parameters=parameters)
    return replace(program, layers=(replace(layer, call=replace(layer.call, code=worse)),)) if share else program


def _programs(codec):
    random = np.random.default_rng(3)
    kinds = [(overlapping.random_model, opcode, features) for features, opcode in product(FEATURES, OPCODES)]
    kinds += [(sixteen.random_layer, opcode, PLAIN) for opcode in sixteen.WEIGHTED]
    for draw, opcode, features in kinds:
        made = [one for _ in range(4 * LAYERS_EACH) if (one := _layer(random, draw, opcode, codec, features))]
        for program in made[:LAYERS_EACH]:
            yield from (_damaged(random, program, share) for share in SHARES)


def _may_write(program):
    """Which bytes of the arena a layer may change: bool."""
    (layer,), plan = program.layers, program.plan
    allowed = np.zeros(plan.arena_bytes, bool)
    places = [(plan.offsets[1], program.graph.tensors[1].nbytes)]
    places += [(plan.offsets[scratch_key(0)], layer.call.scratch_bytes)]
    for first, size in places:
        allowed[first : first + size] = True
    return allowed


def _changed(process, case):
    """Which bytes a layer changes, whatever they were: it is run on two arenas that differ everywhere but in the input."""
    input_ = case.program.plan.offsets[0]
    own = np.zeros(case.program.plan.arena_bytes, bool)
    own[input_ : input_ + case.program.graph.tensors[0].nbytes] = True
    found = np.zeros_like(own)
    before = np.frombuffer(generated_c.filled_arena(case.program, case.job.inputs[0]), np.uint8)
    for arena in (before, np.where(own, before, ~before)):
        process.load(case, arena.tobytes())
        assert process.run(0, 1) == 0
        found |= np.frombuffer(process.read(0, len(arena)), np.uint8) != arena
    return found


def _outside(programs, folder: Path, allowed=_may_write):
    """What is wrong with each program, "" where nothing is."""
    cases = [overlapping.written(i, p, random_inputs(p.graph, 1, seed=i)) for i, p in enumerate(programs)]
    sanitizer = "address" if shutil.which("gcc") or shutil.which("clang") else "undefined"
    sources = {**generated_c.program_of(cases), "main.c": MAIN}
    with Process(host.build(sources, folder / "cases", sanitizer=sanitizer, optimization="-O1")) as process:
        return [_verdict(process, case, allowed) for case in cases]


def _verdict(process, case, allowed):
    try:
        outside = np.flatnonzero(_changed(process, case) & ~allowed(case.program))
    except (BrokenPipeError, EOFError):
        return f"{case.number} {case.program.layers[0].call.kernel}: {process.ending()}"
    return f"{case.number} {case.program.layers[0].call.kernel}: byte {outside[0]}" if len(outside) else ""


@pytest.mark.parametrize("codec", CODES)
def test_layers_with_damaged_codes_stay_within_their_buffers(codec, tmp_path: Path):
    programs = list(_programs(codec))
    assert len(programs) >= LAYERS_EACH * len(SHARES)
    wide = {
        program.layers[0].operation.opcode for program in programs if program.layers[0].call.kernel.endswith("_s16")
    }
    assert wide == set(sixteen.WEIGHTED)
    assert not [wrong for wrong in _outside(programs, tmp_path) if wrong]


def test_a_layer_that_writes_elsewhere_is_noticed(tmp_path: Path):
    """What the test above relies on: the last word of the scratch is not allowed."""

    def less(program):
        allowed = _may_write(program)
        end = program.plan.offsets[scratch_key(0)] + program.layers[0].call.scratch_bytes
        allowed[end - OVERSHOOT - 4 : end] = False
        return allowed

    programs = list(_programs("lut"))
    wrong = _outside(programs, tmp_path, less)
    assert sum(bool(one) for one in wrong) > len(programs) // 2
