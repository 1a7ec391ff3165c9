"""Which layers keep their weights coded in flash, and in which codec: what `--optimize size` asks for."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from edgecompress.codecs import LEAST_TABLE_BYTES, MOST_TABLE_BYTES, Encoded, codecs_within
from edgecompress.codecs.choice import choose
from edgecompress.codecs.coding import MOST_BYTES, OVERSHOOT, coded, ram_bytes
from edgecompress.codecs.costs import known_cpus
from edgecompress.codecs.options import Catalogue
from edgecompress.codegen.ops.base import Blocks, KernelCall
from edgecompress.codegen.program import Coder, Layer
from edgecompress.memory.choice import Wish
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target

MOST_TIMES = 6
"""So many times the cycles with plain weights may a model take, by estimate, for the sake of its size."""
FINISHING_CYCLES = 1
"""Of a decoded weight, to bring it into the kernel's order, roughly."""

Say = Callable[[str, int, int], None]


def coder_for(target: Target, wish: Wish, compiler: Name = "zig", say: Say = lambda *_: None) -> Coder | None:
    """What chooses the codes of a program's layers; None where weights stay as their kernels read them."""
    if not wish.codes_weights or target.cpu.name not in known_cpus():
        return None

    def code(layers: tuple[Layer, ...], work: Mapping[int, int]) -> list[KernelCall]:
        catalogue = Catalogue(target, compiler)
        found = {layer.step: _encoded(catalogue, layer.call.blocks) for layer in layers if layer.call.blocks}
        options = []
        for number, codes in enumerate(found.values()):
            say("choosing codes of weights", number, len(found))
            options.append([catalogue.option(e, others=_finishing(e)) for e in codes.values()])
        if not options:
            return [layer.call for layer in layers]
        plain = sum(layer.call.cycles_a_mac * work.get(layer.step, 0) for layer in layers)
        chosen = choose(options, "size", most_cycles=int((MOST_TIMES - 1) * plain)).options
        cycles = {step: option.cycles for step, option in zip(found, chosen, strict=True)}
        codes_of = {step: found[step][option.codec] for step, option in zip(found, chosen, strict=True)}
        return [_with_code(layer.call, codes_of.get(layer.step), cycles.get(layer.step, 0)) for layer in layers]

    return code


def _encoded(catalogue: Catalogue, blocks: Blocks) -> dict[str, Encoded]:
    """A kernel's weights in every codec that applies and is content with the RAM, by its name; plain ones too."""
    room = MOST_BYTES - blocks.unit_bytes - OVERSHOOT
    codecs = codecs_within(min(max(room, LEAST_TABLE_BYTES), MOST_TABLE_BYTES))
    found = replace(catalogue, codecs=codecs).encode(blocks.units)
    return {name: e for name, e in found.items() if not e.decoder or ram_bytes(blocks, e) <= MOST_BYTES}


def _with_code(call: KernelCall, encoded: Encoded | None, cycles: int) -> KernelCall:
    return coded(call, encoded, cycles=cycles) if encoded and encoded.decoder else call


def _finishing(encoded: Encoded) -> int:
    """Cycles that decoded weights take to become what the kernel reads."""
    return FINISHING_CYCLES * encoded.rows * encoded.taps if encoded.decoder else 0
