"""One inference on the emulator: instructions counted, cycles modelled, for the whole function and for each layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.device.stack import stack_bytes
from edgecompress.emulate.counter import DONE, BlockCount, CountedFunction
from edgecompress.emulate.cycles import NO_CYCLES, Confidence, Cycles, model_of
from edgecompress.emulate.flash_trace import FlashTraffic, trace_flash
from edgecompress.emulate.instructions import decode, instruction_size, make_decoder
from edgecompress.emulate.machine import Machine
from edgecompress.errors import DeviceError
from edgecompress.targets import image as images
from edgecompress.targets.flash_timing import FlashTiming
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target


@dataclass(frozen=True)
class Cost:
    """Instructions (counted) and cycles (modelled) of a part of a program.

    `waits` are those of `cycles` that the core waits for flash, `loads` how often it loads from there (counted); None where
    the target does not say what its flash costs, and then the flash never waits.
    """

    instructions: int
    cycles: Cycles
    waits: Cycles | None = None
    loads: int | None = None

    def __add__(self, other: "Cost") -> "Cost":
        waits = other.waits if self.waits is None else self.waits + (other.waits or NO_CYCLES)
        loads = other.loads if self.loads is None else self.loads + (other.loads or 0)
        return Cost(self.instructions + other.instructions, self.cycles + other.cycles, waits, loads)


NO_COST = Cost(0, NO_CYCLES)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What one call of a function cost.

    instructions: counted, exactly.
    cycles: modelled for the CPU, with the waits for flash where the target says what that costs; `confidence` says how
        far to trust them without these.
    waits: those of `cycles` that are waits for flash; None where the target does not say, and the flash never waits.
    loads: from flash, counted; None where `waits` is.
    prologue: what ran before the first layer; layers: from one layer's entry to the next, the last one to the end. They
        add up to the total.
    stack_bytes: the most that the program used of its stack, None where it was not painted.
    status: what the program exited with, 0 when its self-test held.
    """

    instructions: int
    cycles: Cycles
    confidence: Confidence
    prologue: Cost
    layers: tuple[Cost, ...]
    stack_bytes: int | None
    status: int
    waits: Cycles | None = None
    loads: int | None = None


def profile_on_unicorn(
    image: Image,
    target: Target,
    function: str,
    layers: Sequence[str],
    *,
    limit: Limit = NO_ENDLESS_LOOP,
    native: bool = True,
) -> Profile:
    """Run a standalone program from reset to its exit; see `edgecompress.emulate.profile`."""
    counted = CountedFunction(image.symbol(function).address, tuple(image.symbol(name).address for name in layers))
    with Machine(target, image, function=counted, native=native) as machine:
        stop = machine.run(limit)
        check_exit(stop, image)
        if machine.counter.state != DONE:
            raise DeviceError(
                f"{function} was {'not left' if machine.counter.state else 'never called'} in {image.path}"
            )
        blocks = machine.counter.blocks()
        parts = _costs(blocks, image, target)
        used = stack_bytes(machine, image)
    costs = [parts.get(layer, NO_COST) for layer in range(-1, len(layers))]
    if target.flash_timing is not None and native:
        costs = _with_waits(costs, trace_flash(image, target, counted, blocks, stop.status, limit), target.flash_timing)
    total = sum(costs, NO_COST)
    return Profile(
        instructions=total.instructions,
        cycles=total.cycles,
        confidence=model_of(target.cpu.name).confidence,
        prologue=costs[0],
        layers=tuple(costs[1:]),
        stack_bytes=used,
        status=stop.status,
        waits=total.waits,
        loads=total.loads,
    )


def _with_waits(costs: Sequence[Cost], traffic: Sequence[FlashTraffic] | None, timing: FlashTiming) -> list[Cost]:
    """The costs with what waiting for flash adds; as they are where that could not be found out."""
    if traffic is None:
        return list(costs)
    pairs = [(cost, row.waits(timing), row.loads) for cost, row in zip(costs, traffic, strict=True)]
    return [Cost(cost.instructions, cost.cycles + waits, waits, loads) for cost, waits, loads in pairs]


def check_exit(stop: Stop, image: Image) -> None:
    """DeviceError unless the program ended by itself."""
    if stop.reason != "exit":
        raise DeviceError(
            f"the program stopped in {image.symbol_at(stop.pc)} at {stop.pc:#010x} instead of ending: {stop.reason}",
            found=stop.detail,
            hint="a stack that is too small, an arena that was planned wrongly, or an endless loop look like this",
        )


def _costs(blocks: Sequence[BlockCount], image: Image, target: Target) -> dict[int, Cost]:
    model, decoder = model_of(target.cpu.name), make_decoder()
    known: dict[tuple[int, int], tuple[int, Cycles, Cycles]] = {}
    sums: dict[int, list[int]] = {}
    for block in blocks:
        key = block.address, block.size
        if key not in known:
            code = code_at(image, *key)
            instructions = decode(code, block.address, decoder)
            known[key] = _count(code), model.straight(instructions), model.refill(instructions[-1])
        count, straight, refill = known[key]
        row = sums.setdefault(block.layer, [0, 0, 0, 0])
        row[0] += block.executed * count
        row[1] += block.executed * straight.min + block.taken * refill.min
        row[2] += block.executed * straight.typical + block.taken * refill.typical
        row[3] += block.executed * straight.max + block.taken * refill.max
    return {layer: Cost(row[0], Cycles(*row[1:])) for layer, row in sums.items()}


def code_at(image: Image, address: int, size: int) -> bytes:
    """Bytes of the program as loaded; DeviceError when it ran something that is not in its flash."""
    for segment in image.segments:
        offset = address - segment.address
        if offset >= 0 and offset + size <= len(segment.data):
            return segment.data[offset : offset + size]
    raise DeviceError(f"the program ran code at {address:#010x}, which is not in {Path(image.path).name}")


def _count(code: bytes) -> int:
    """Instructions in a block, by the length of each: right also where no disassembler knows them."""
    count = offset = 0
    while offset < len(code):
        offset += instruction_size(code[offset : offset + 2])
        count += 1
    return count


def load(elf: Image | Path | str) -> Image:
    return elf if isinstance(elf, Image) else images.read(elf)
