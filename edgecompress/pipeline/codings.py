"""Which layers keep their weights coded in flash, and in which codec: what `--optimize size` asks for."""

from collections.abc import Callable, Mapping

from edgecompress.codecs import LEAST_TABLE_BYTES, MOST_TABLE_BYTES, Encoded, codecs_within
from edgecompress.codecs.choice import Option, choose
from edgecompress.codecs.costs import cycles_of, known_cpus
from edgecompress.codecs.measure import code_of
from edgecompress.codegen.coding import MOST_BYTES, OVERSHOOT, coded, ram_bytes
from edgecompress.codegen.ops.base import Blocks, KernelCall
from edgecompress.codegen.program import Coder, Layer
from edgecompress.memory.choice import Wish
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target

PARAMETERS_BYTES = 28
"""About what a decoder's parameters take, for every tensor."""
CYCLES_A_MAC = 1.4
"""Of a kernel with plain weights, roughly."""
MOST_TIMES = 6
"""So many times the cycles with plain weights may a model take, by estimate, for the sake of its size."""
FINISHING_CYCLES = 1
"""Of a decoded weight, to bring it into the kernel's order."""

Say = Callable[[str, int, int], None]


def coder_for(target: Target, wish: Wish, compiler: Name = "zig", say: Say = lambda *_: None) -> Coder | None:
    """What chooses the codes of a program's layers; None where weights stay as their kernels read them."""
    if not wish.codes_weights or target.cpu.name not in known_cpus():
        return None

    def code(layers: tuple[Layer, ...], work: Mapping[int, int]) -> list[KernelCall]:
        found = {layer.step: _encoded(layer.call.blocks) for layer in layers if layer.call.blocks}
        sizes: dict[str, dict[str, int]] = {}
        options = []
        for number, codes in enumerate(found.values()):
            say("choosing codes of weights", number, len(found))
            options.append([_option(encoded, target, compiler, sizes) for encoded in codes])
        if not options:
            return [layer.call for layer in layers]
        plain = sum(CYCLES_A_MAC * work.get(layer.step, 0) for layer in layers)
        choice = choose(options, "size", most_cycles=int((MOST_TIMES - 1) * plain))
        chosen = {
            step: next(e for e in found[step] if e.codec == option.codec)
            for step, option in zip(found, choice.options, strict=True)
        }
        return [_with_code(layer.call, chosen.get(layer.step), target) for layer in layers]

    return code


def _encoded(blocks: Blocks) -> list[Encoded]:
    """A kernel's weights in every codec that applies and is content with the RAM, without a code first."""
    room = MOST_BYTES - blocks.unit_bytes - OVERSHOOT
    codecs = codecs_within(min(max(room, LEAST_TABLE_BYTES), MOST_TABLE_BYTES))
    made = (codec.encode(blocks.units) for codec in codecs.values())
    found = (encoded for encoded in made if isinstance(encoded, Encoded))
    return [encoded for encoded in found if not encoded.decoder or ram_bytes(blocks, encoded) <= MOST_BYTES]


def _option(encoded: Encoded, target: Target, compiler: Name, sizes: dict[str, dict[str, int]]) -> Option:
    """What it takes; `sizes`: code of decoders that were compiled already."""
    form = f"{encoded.decoder}{encoded.row_form}"
    if form not in sizes:
        sizes[form] = code_of(encoded, target, compiler=compiler)
    own = PARAMETERS_BYTES if encoded.decoder else 0
    return Option(encoded.codec, encoded.weight_bytes + own, _cycles(encoded, target), sizes[form])


def _with_code(call: KernelCall, encoded: Encoded | None, target: Target) -> KernelCall:
    if encoded is None or not encoded.decoder:
        return call
    return coded(call, encoded, cycles=_cycles(encoded, target))


def _cycles(encoded: Encoded, target: Target) -> int:
    """Of decoding all of it once, brought into the kernel's order; 0 without a code."""
    finishing = FINISHING_CYCLES * encoded.rows * encoded.taps if encoded.decoder else 0
    return cycles_of(encoded, target.cpu.name) + round(finishing)
