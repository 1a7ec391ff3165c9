"""What decoding costs, found out by compiling the decoder and running it on the emulated core."""

import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgecompress import emulate
from edgecompress.codecs.base import Encoded
from edgecompress.codegen import runtime
from edgecompress.codegen.literals import array, c_number
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.writer import kernel_sources
from edgecompress.emulate import Cost
from edgecompress.targets import toolchain
from edgecompress.targets.compilers import Name
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

_TENSOR = """\
{tensor}
static ec_decode_{decoder} decoder_{i};

__attribute__((noinline)) void ec_start_{i}(void) {{
    ec_decode_{decoder}_begin(&decoder_{i}, &tensor_{i}, ec_tables);
}}

__attribute__((noinline)) void ec_rows_{i}(void) {{
    {decode}
}}

uint8_t ec_state_{i}[sizeof(ec_decode_{decoder})], ec_parameters_{i}[sizeof(ec_decode_{decoder}_params)];
"""
_ROWS = "for (int32_t row = 0; row < {rows}; ++row) {{ ec_decode_{decoder}_row(&decoder_{i}, ec_matrix + row * {row_words}); }}"
_LISTS = "ec_decode_{decoder}_lists(&decoder_{i}, (uint8_t *)ec_matrix, {rows}, (int32_t)sizeof ec_matrix);"
_MAIN = """\
__attribute__((noinline)) void ec_decode_all(void) {{
{calls}
}}

__attribute__((naked, noinline, used)) static void {end}(void) {{
    __asm__ volatile("{instructions}");
}}

int main(void) {{
    ec_decode_all();
    {end}();
    return {sizes};
}}
"""
_STOP, _GO_ON = ("ec_mailbox_stop", "bkpt #0xEC\\n\\tbx lr"), ("ec_go_on", "bx lr")
"""Where the program ends: debuggers stop at a function of the first name, whatever is in it."""


@dataclass(frozen=True)
class Measured:
    """What decoding a tensor once costs.

    Attributes:
        begin: of the decoder's start.
        rows: of all rows, with the calls.
        stack_bytes: the most that the program used, some 40 bytes of its own included, the decoder's struct not; None where not
            known.
    """

    begin: Cost
    rows: Cost
    stack_bytes: int | None


@dataclass(frozen=True)
class Footprint:
    """What a decoder takes, compiled for one processor.

    Attributes:
        code: bytes of flash of each of its functions by name; several decoders may share some.
        parameter_bytes: of flash, for every tensor's struct.
        state_bytes: of RAM, for the decoder's struct.
    """

    code: Mapping[str, int]
    parameter_bytes: int
    state_bytes: int


def measure(tensors: Sequence[Encoded], target: Target, *, compiler: Name = "zig") -> list[Measured]:
    """Decode every tensor once on the emulated target, counting.

    Raises:
        MissingToolError: the emulator that this CPU needs is not installed.
    """
    names = [f"ec_{stage}_{i}" for i in range(len(tensors)) for stage in ("start", "rows")]
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build(tensors, target, compiler, Path(folder), _GO_ON)
        profile = emulate.profile(image, target, "ec_decode_all", names)
    return [
        Measured(profile.layers[2 * i], profile.layers[2 * i + 1], profile.stack_bytes) for i in range(len(tensors))
    ]


def decode_on(encoded: Encoded, target: Target, *, compiler: Name = "zig") -> bytes:
    """The matrix as the compiled decoder leaves it in the emulated target's memory, row by row: int8 [rows, taps] as bytes.

    Raises:
        MissingToolError: the emulator that this CPU needs is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build([encoded], target, compiler, Path(folder), _STOP)
        with emulate.open(target, image) as port:
            stop = port.run()
            assert stop.reason == "breakpoint", stop
            data = port.read_memory(image.symbol("ec_matrix").address, encoded.rows * encoded.row_bytes)
    starts = range(0, len(data), encoded.row_bytes)
    return b"".join(data[start : start + encoded.taps] for start in starts)


def footprint_of(encoded: Encoded, target: Target, *, compiler: Name = "zig") -> Footprint:
    """What the decoder of this tensor takes."""
    if not encoded.decoder:
        return Footprint({}, 0, 0)
    others = _functions_of_harness(target, compiler)
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build([encoded], target, compiler, Path(folder), _GO_ON)
    return Footprint(
        code={symbol.name: symbol.size for symbol in image.functions if symbol.name not in others},
        parameter_bytes=image.symbol("ec_parameters_0").size,
        state_bytes=image.symbol("ec_state_0").size,
    )


@functools.cache
def _functions_of_harness(target: Target, compiler: Name) -> frozenset[str]:
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build([], target, compiler, Path(folder), _GO_ON)
    return frozenset(symbol.name for symbol in image.functions) | {"ec_decode_all", "ec_start_0", "ec_rows_0"}


def write_tensor(encoded: Encoded, name: str) -> str:
    """C: the arrays of a tensor and its parameters, a constant of this name."""
    lines, fields = [], []
    for field, value in encoded.parameters.items():
        text = f"{name}_{field.rpartition('.')[2]}" if isinstance(value, Array) else c_number(value)
        if isinstance(value, Array):
            lines.append(array(text, value.values.reshape(-1), ""))
        fields.append(f"    .{field} = {text},")
    return "\n".join([*lines, f"static const ec_decode_{encoded.decoder}_params {name} = {{", *fields, "};"])


def _program(tensors: Sequence[Encoded], end: tuple[str, str]) -> str:
    decoders = sorted({encoded.decoder for encoded in tensors})
    words = max((encoded.rows * (encoded.row_bytes // 4 + 1) for encoded in tensors), default=1)
    tables = max((encoded.scratch_bytes // 4 for encoded in tensors), default=1)
    head = [
        "#include <stdint.h>",
        *(f'#include "ec_decode_{decoder}.h"' for decoder in decoders),
        f"uint32_t ec_tables[{max(1, tables)}], ec_matrix[{words}];",
    ]
    parts = [
        _TENSOR.format(
            i=i,
            tensor=write_tensor(encoded, f"tensor_{i}"),
            decoder=encoded.decoder,
            decode={"row": _ROWS, "lists": _LISTS}[encoded.writes].format(
                i=i, decoder=encoded.decoder, rows=encoded.rows, row_words=encoded.row_bytes // 4
            ),
        )
        for i, encoded in enumerate(tensors)
    ]
    calls = "\n".join(f"    ec_start_{i}();\n    ec_rows_{i}();" for i in range(len(tensors)))
    sizes = " + ".join(["0", *(f"ec_state_{i}[0] + ec_parameters_{i}[0]" for i in range(len(tensors)))])
    return "\n".join([*head, *parts, _MAIN.format(calls=calls, end=end[0], instructions=end[1], sizes=sizes)])


def _build(tensors: Sequence[Encoded], target: Target, compiler: Name, folder: Path, end: tuple[str, str]) -> Image:
    kernels = kernel_sources(sorted({f"ec_decode_{encoded.decoder}" for encoded in tensors}))
    sources = runtime.program_sources("standalone") | kernels
    del sources["standalone.c"]
    program = {**sources, "main.c": _program(tensors, end)}
    return toolchain.compile(program, target, folder / "codec.elf", compiler=compiler)
