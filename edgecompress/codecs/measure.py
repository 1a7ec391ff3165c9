"""What decoding costs, found out by compiling the decoder and running it on the emulated core."""

import functools
import tempfile
from collections.abc import Mapping
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

_PROGRAM = """\
#include "ec_decode_{decoder}.h"

{tensor}
uint8_t ec_bytes_of_state[sizeof(ec_decode_{decoder})], ec_bytes_of_parameters[sizeof(ec_decode_{decoder}_params)];
uint32_t ec_tables[{table_words}];
uint32_t ec_matrix[{rows}][{row_words}];

__attribute__((noinline)) void ec_decode_all(void) {{
    ec_decode_{decoder} decoder;
    ec_decode_{decoder}_begin(&decoder, &tensor, ec_tables);
    for (int32_t row = 0; row < {rows}; ++row) {{
        ec_decode_{decoder}_row{row_form}(&decoder, ec_matrix[row]);
    }}
}}

__attribute__((naked, noinline, used)) static void ec_stop(void) {{
    {stop}
}}

int main(void) {{
    ec_decode_all();
    ec_stop();
    return ec_bytes_of_state[0] + ec_bytes_of_parameters[0];
}}
"""
_STOP, _GO_ON = '__asm__ volatile("bkpt #0xEC\\n\\tbx lr");', '__asm__ volatile("bx lr");'


@dataclass(frozen=True)
class Measured:
    """Of one decoder, compiled for one processor.

    Attributes:
        begin: what its start costs.
        rows: what all rows cost, with the calls.
        code_bytes: of flash: its functions, and those that other decoders may share with it.
        functions: their sizes by name.
        state_bytes: of RAM, on the stack.
        parameter_bytes: of flash, for every tensor.
        stack_bytes: the most that the program used, the state and some 60 bytes of its own included; None where not known.
    """

    begin: Cost
    rows: Cost
    functions: Mapping[str, int]
    state_bytes: int
    parameter_bytes: int
    stack_bytes: int | None

    @property
    def code_bytes(self) -> int:
        return sum(self.functions.values())


def measure(encoded: Encoded, target: Target, *, compiler: Name = "zig") -> Measured:
    """Decode a tensor once on the emulated target, counting.

    Raises:
        MissingToolError: the emulator that this CPU needs is not installed.
    """
    stages = [f"ec_decode_{encoded.decoder}_{stage}" for stage in ("begin", "row" + encoded.row_form)]
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build(encoded, target, compiler, Path(folder), _GO_ON)
        profile = emulate.profile(image, target, "ec_decode_all", stages)
    return Measured(
        *profile.layers,
        functions=code_of(image, target, compiler),
        state_bytes=image.symbol("ec_bytes_of_state").size,
        parameter_bytes=image.symbol("ec_bytes_of_parameters").size,
        stack_bytes=profile.stack_bytes,
    )


def decode_on(encoded: Encoded, target: Target, *, compiler: Name = "zig") -> bytes:
    """The matrix as the compiled decoder leaves it in the emulated target's memory, row by row: int8 [rows, taps] as bytes.

    Raises:
        MissingToolError: the emulator that this CPU needs is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        image = _build(encoded, target, compiler, Path(folder), _STOP)
        with emulate.open(target, image) as port:
            stop = port.run()
            assert stop.reason == "breakpoint", stop
            matrix = image.symbol("ec_matrix")
            data = port.read_memory(matrix.address, matrix.size)
    step = matrix.size // encoded.rows
    return b"".join(data[start : start + encoded.taps] for start in range(0, matrix.size, step))


def code_of(image: Image, target: Target, compiler: Name) -> dict[str, int]:
    """Sizes of the functions that a program has for its decoder."""
    others = _functions_of_harness(target, compiler)
    return {symbol.name: symbol.size for symbol in image.functions if symbol.name not in others}


@functools.cache
def _functions_of_harness(target: Target, compiler: Name) -> frozenset[str]:
    sources = runtime.program_sources("standalone")
    del sources["standalone.c"]
    with tempfile.TemporaryDirectory(prefix="edgecompress-codec-") as folder:
        empty = {**sources, "main.c": "int main(void) { return 0; }\n"}
        image = toolchain.compile(empty, target, Path(folder) / "empty.elf", compiler=compiler)
    return frozenset(symbol.name for symbol in image.functions) | {"ec_decode_all", "ec_stop"}


def write_tensor(encoded: Encoded, name: str) -> str:
    """C: the arrays of a tensor and its parameters, a constant of this name."""
    lines, fields = [], []
    for field, value in encoded.parameters.items():
        text = f"{name}_{field.rpartition('.')[2]}" if isinstance(value, Array) else c_number(value)
        if isinstance(value, Array):
            lines.append(array(text, value.values.reshape(-1), ""))
        fields.append(f"    .{field} = {text},")
    return "\n".join([*lines, f"static const ec_decode_{encoded.decoder}_params {name} = {{", *fields, "};"])


def _build(encoded: Encoded, target: Target, compiler: Name, folder: Path, stop: str) -> Image:
    program = _PROGRAM.format(
        decoder=encoded.decoder,
        tensor=write_tensor(encoded, "tensor"),
        table_words=max(1, encoded.scratch_bytes // 4),
        rows=encoded.rows,
        row_words=encoded.row_bytes // 4,
        stop=stop,
        row_form=encoded.row_form,
    )
    sources = runtime.program_sources("standalone") | kernel_sources([f"ec_decode_{encoded.decoder}"])
    del sources["standalone.c"]
    return toolchain.compile({**sources, "main.c": program}, target, folder / "codec.elf", compiler=compiler)
