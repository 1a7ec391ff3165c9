"""Waiting for flash: counted by hand on a few instructions, against cache sizes where the answer is known, and never where
the target does not ask for it."""

from dataclasses import replace

import pytest

from edgecompress import emulate, targets
from edgecompress.device.port import NO_ENDLESS_LOOP
from edgecompress.emulate.counter import CountedFunction
from edgecompress.emulate.flash_trace import FlashTraffic, trace_flash
from edgecompress.emulate.machine import Machine
from edgecompress.targets.flash_timing import FlashCache, FlashTiming

LAYERS = ("model_layer_0", "model_layer_1", "model_layer_2")
BUFFER = FlashCache(bytes=16, line=16, ways=1)
LARGE = FlashCache(bytes=4096, line=16, ways=256)

LOOP = """
    movs r0, #10
    b 1f
    .balign 16
1:  ldr r1, =0x12345678
    subs r0, #1
    bne 1b
    bx lr
    .balign 64
    .ltorg
"""
"""Two lines of code; ten loads of a literal in a third one, with no line between them on the way."""


def timing(instructions=BUFFER, data=BUFFER, wait_states=5, prefetch=False):
    return FlashTiming(wait_states, instructions, data, prefetch, "made up")


def traffic_of(assembly, body, how):
    image = assembly("cortex-m4", body)
    target = replace(targets.find("cortex-m4"), flash_timing=how)
    assert image.symbol("measured").address % 16 == 0, "the counts below are for this alignment"
    function = CountedFunction(image.symbol("measured").address)
    with Machine(target, image, function=function) as machine:
        status = machine.run().status
        blocks = machine.counter.blocks()
    before, *layers = trace_flash(image, target, function, blocks, status, NO_ENDLESS_LOOP)
    assert layers == []
    return before


@pytest.fixture
def loop(assembly):
    """The traffic of the loop under a timing."""
    return lambda how: traffic_of(assembly, LOOP, how)


def test_fetches_and_loads_are_those_counted_by_hand(loop):
    found = loop(timing())
    assert found == FlashTraffic(lines=2, misses=1, sequential=1, loads=10, load_lines=1, load_misses=1)


@pytest.mark.parametrize(("data", "missed"), [(BUFFER, 1), (None, 0)])
def test_cache_for_both_holds_for_loads_what_fetches_brought(assembly, data, missed):
    """A literal in the line of the code that loads it."""
    found = traffic_of(assembly, "ldr r1, =0x12345678\nbx lr\n.ltorg\n.balign 16\n", timing(LARGE, data))
    assert found == FlashTraffic(lines=1, misses=1, loads=1, load_lines=1, load_misses=missed)


def test_every_kind_of_load_is_seen(assembly):
    """A multiple load of three words is three accesses, a double load two."""
    loads = "adr r1, 1f\nldm r1, {r2, r3, r12}\nldrb r2, [r1]\nldrsh r2, [r1, #2]\nldrd r2, r3, [r1]\nvldr s0, [r1]\n"
    found = traffic_of(assembly, loads + "bx lr\n.balign 16\n1: .word 1, 2, 3, 4\n", timing())
    assert (found.loads, found.load_lines) == (3 + 1 + 1 + 2 + 1, 1)


def test_loads_from_ram_are_not_counted(assembly):
    found = traffic_of(assembly, "ldr r1, =words\nldr r2, [r1]\nldr r2, [r1]\nbx lr\n.ltorg\n.balign 16\n", timing())
    assert found.loads == 1


def test_cache_of_one_line_forgets_what_a_cache_of_many_keeps(assembly):
    """Three lines of code, ten times."""
    body = "movs r0, #10\n.balign 16\n1: b 2f\n.balign 16\n2: b 3f\n.balign 16\n3: subs r0, #1\nbne 1b\nbx lr\n"
    small, large = (traffic_of(assembly, body, timing(instructions=cache)) for cache in (BUFFER, LARGE))
    assert small.lines == large.lines == 1 + 3 * 10
    assert (small.misses + small.sequential, large.misses + large.sequential) == (31, 4)
    assert small.sequential == 1 + 2 * 10
    assert small.loads == 0


def test_least_recently_used_line_goes_first(assembly):
    """Going round three lines, two ways of one set never hold the next one, three ways miss each line once."""
    body = "movs r0, #10\n.balign 16\n1: b 2f\n.balign 16\n2: b 3f\n.balign 16\n3: subs r0, #1\nbne 1b\nbx lr\n"
    for ways, missed in ((2, 31), (3, 4)):
        found = traffic_of(assembly, body, timing(instructions=FlashCache(16 * ways, 16, ways)))
        assert found.misses + found.sequential == missed


@pytest.mark.parametrize(
    ("prefetch", "typical"), [(False, (7 + 2) * 10 + 3 * 10), (True, (7 + 2) * 10 + 3 * (10 - 16 // 4))]
)
def test_waits_are_the_accesses_times_the_wait_states(prefetch, typical):
    found = FlashTraffic(lines=100, misses=7, sequential=3, loads=1000, load_lines=50, load_misses=2)
    waits = found.waits(timing(wait_states=10, prefetch=prefetch))
    assert (waits.min, waits.typical, waits.max) == (0, typical, 150 * 10)


def test_prefetch_never_makes_time(loop):
    assert timing(wait_states=2, prefetch=True).sequential_wait_states == 0


@pytest.mark.parametrize(
    "board", sorted(set(targets.names()) - set(name for name in targets.names() if "cortex" in name))
)
def test_boards_cost_what_their_cpu_costs_plus_their_waits(toy, board):
    target = targets.find(board)
    image = toy("standalone", target)
    profile = emulate.profile(image, target, "model_invoke", LAYERS)
    ideal = emulate.profile(image, replace(target, flash_timing=None), "model_invoke", LAYERS)
    assert target.flash_timing is not None
    assert ideal.waits is None
    assert profile.instructions == ideal.instructions
    assert profile.waits.min == 0 < profile.waits.typical < profile.waits.max
    for level in ("min", "typical", "max"):
        waits = getattr(profile.waits, level)
        assert getattr(profile.cycles, level) == getattr(ideal.cycles, level) + waits
        assert sum(getattr(part.waits, level) for part in (profile.prologue, *profile.layers)) == waits
    assert sum(part.loads for part in (profile.prologue, *profile.layers)) == profile.loads > 0


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"])
def test_flash_of_generic_cpus_never_waits(cpu):
    assert targets.find(cpu).flash_timing is None


@pytest.mark.parametrize("trouble", ["blocks", "status"])
def test_program_that_runs_another_way_under_the_hook_is_not_modelled(assembly, caplog, trouble):
    image, target = assembly("cortex-m4", "bx lr\n"), replace(targets.find("cortex-m4"), flash_timing=timing())
    function = CountedFunction(image.symbol("measured").address)
    with Machine(target, image, function=function) as machine:
        status = machine.run().status
        blocks = machine.counter.blocks()
    wrong = ((), status) if trouble == "blocks" else (blocks, status + 1)
    assert trace_flash(image, target, function, *wrong, NO_ENDLESS_LOOP) is None
    assert "another way" in caplog.text
    assert trace_flash(image, target, function, blocks, status, NO_ENDLESS_LOOP) is not None


def test_straight_code_too_long_for_one_block_is_followed(assembly):
    """Six hundred loads in a row: the emulator cuts them differently when it watches loads."""
    body = (
        "movs r0, #3\nadr r1, 2f\n1:\n"
        + "ldr r2, [r1]\n" * 600
        + "subs r0, #1\nbne.w 1b\nbx lr\n.balign 16\n2: .word 7\n"
    )
    found = traffic_of(assembly, body.replace("adr r1, 2f", "adr.w r1, 2f"), timing(LARGE))
    assert (found.loads, found.load_lines) == (3 * 600, 1)
