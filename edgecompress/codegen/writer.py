"""Writes a program as C: `<prefix>.h`, the API; `<prefix>.c`, the layers with their tables; and the kernels they use.

The C has no heap, no stdio, no hidden state, and the same bytes for the same model. Names from the model's file reach
it only in comments, as printable ASCII.
"""

import re
import textwrap
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version

import numpy as np

from edgecompress.codegen import runtime
from edgecompress.codegen.ops.base import Array
from edgecompress.codegen.program import Layer, Program
from edgecompress.errors import UsageError
from edgecompress.memory import scratch_key
from edgecompress.tflite.graph import Tensor

SPDX = "/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */"
C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
WIDTH = 118
KEYWORDS = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long main
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm
    bool true false class new delete this""".split()
)
HEADERS = frozenset(
    """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype""".split()
)
"""C's own: `<prefix>.h` must be none of them."""


def check_prefix(prefix: str) -> str:
    """The prefix, when every name made from it is a C identifier that clashes with nothing of ours.

    Raises:
        UsageError: it is not.
    """
    if (
        not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", prefix)
        or prefix in KEYWORDS | HEADERS | runtime.STEMS
        or prefix == "ec"
        or prefix.startswith("ec_")
        or prefix.endswith("_")
    ):
        raise UsageError(
            "the prefix of the generated C must be a short lower-case C identifier",
            found=repr(prefix),
            hint="kws, model_a, …; `ec_` and the names of C's headers are taken",
        )
    return prefix


def write(program: Program, prefix: str = "model") -> dict[str, str]:
    """The sources of a program: file name -> text, in the order header, model, kernels."""
    check_prefix(prefix)
    header = _template("model.h.in")
    names = sorted({layer.call.file for layer in program.layers})
    return {
        f"{prefix}.h": fill(header, prefix, **_header_parts(program, prefix)),
        f"{prefix}.c": fill(_template("model.c.in"), prefix, **_source_parts(program, prefix)),
        **kernel_sources(names),
    }


def write_golden(
    program: Program, inputs: Mapping[int, np.ndarray], outputs: Mapping[int, np.ndarray], prefix: str = "model"
) -> dict[str, str]:
    """The golden vectors and `<prefix>_selftest`: file name -> text.

    Args:
        inputs, outputs: by tensor index, in the tensors' shapes and dtypes.
    """
    parts = []
    copies: list[tuple[str, str, int]] = []
    checks: list[tuple[str, str, int]] = []
    for kind, indices, arrays in (("input", program.graph.inputs, inputs), ("output", program.graph.outputs, outputs)):
        for number, index in enumerate(indices):
            name = f"{prefix}_golden_{kind}_{number}"
            values = np.ascontiguousarray(arrays[index]).reshape(-1).view(np.uint8)
            parts.append(_array(name, values, "EC_GOLDEN"))
            place = f"arena + {prefix.upper()}_{kind.upper()}_{number}_OFFSET"
            (copies if kind == "input" else checks).append((place, name, values.size))
    body = "".join(f"    copy({place}, {name}, {size});\n" for place, name, size in copies)
    comparison = "".join(f"    differing += differences({place}, {name}, {size});\n" for place, name, size in checks)
    text = fill(
        _template("golden.c.in"),
        prefix,
        ARRAYS="\n".join(parts),
        COPIES=body.rstrip("\n"),
        CHECKS=comparison.rstrip("\n"),
    )
    return {f"{prefix}_golden.c": text}


def kernel_sources(names: list[str]) -> dict[str, str]:
    """The kernels' .c and .h files, and those of every header they include, by file name."""
    folder = resources.files("edgecompress.codegen.runtime") / "kernels"
    texts: dict[str, str] = {}
    waiting = [f"{name}{ending}" for name in names for ending in (".h", ".c")]
    while waiting:
        name = waiting.pop(0)
        if name not in texts:
            texts[name] = (folder / name).read_text(encoding="utf-8")
            for header in re.findall(r'^#include "(ec_\w+)\.h"', texts[name], re.MULTILINE):
                waiting += [f"{header}{ending}" for ending in (".h", ".c") if (folder / f"{header}{ending}").is_file()]
    return dict(sorted(texts.items()))


def fill(template: str, prefix: str, **parts: str) -> str:
    """The template with @prefix@, @PREFIX@ and the named parts in place; an unknown or unused name is a defect."""
    values = {"prefix": prefix, "PREFIX": prefix.upper(), **parts}
    used = set(re.findall(r"@(\w+)@", template))
    unknown, unused = used - set(values), set(parts) - used
    assert not unknown and not unused, f"template: unknown {unknown}, unused {unused}"
    return re.sub(r"@(\w+)@", lambda match: values[match.group(1)], template)


def comment(text: str) -> str:
    """Untrusted text as it may stand inside a C comment: printable ASCII that cannot end the comment or join lines."""
    clean = "".join(c if " " <= c <= "~" else "?" for c in text).replace("\\", "/")
    clean = re.sub(r"(?<=[*/?])(?=[*/?])", " ", clean)  # neither begins nor ends a comment, no trigraph
    return clean if len(clean) <= 90 else clean[:87] + "..."


def string_literal(text: str) -> str:
    """Untrusted text as a C string literal, UTF-8 in octal escapes."""
    escaped = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode("utf-8"))
    return f'"{escaped}"'


def _template(name: str) -> str:
    return (resources.files("edgecompress.codegen") / "templates" / name).read_text(encoding="utf-8")


def _header_parts(program: Program, prefix: str) -> dict[str, str]:
    graph, upper = program.graph, prefix.upper()
    borders, accessors = [], []
    for kind, indices in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        for number, index in enumerate(indices):
            tensor = graph.tensors[index]
            borders.append(_border_macros(tensor, f"{upper}_{kind}_{number}", program.plan.offsets[index]))
            accessors.append(_accessors(tensor, prefix, kind, number))
    return {
        "VERSION": version("edgecompress"),
        "SHA256": graph.sha256,
        "ARENA_BYTES": str(max(program.plan.arena_bytes, 1)),
        "LAYERS": str(len(program.layers)),
        "MACS": str(program.macs),
        "INPUTS": str(len(graph.inputs)),
        "OUTPUTS": str(len(graph.outputs)),
        "INPUT_SLOTS": _slots(f"{upper}_INPUT", len(graph.inputs)),
        "OUTPUT_SLOTS": _slots(f"{upper}_OUTPUT", len(graph.outputs)),
        "BORDERS": "\n".join(borders),
        "ACCESSORS": "\n".join(accessors),
    }


def _slots(name: str, count: int) -> str:
    return ", ".join(f"{{{name}_{number}_OFFSET, {name}_{number}_BYTES}}" for number in range(count))


def _border_macros(tensor: Tensor, name: str, offset: int) -> str:
    lines = [
        f"/* {comment(tensor.name)} */",
        f"#define {name}_OFFSET {offset} /* within the arena */",
        f"#define {name}_BYTES {tensor.nbytes}",
        f"#define {name}_ELEMENTS {tensor.elements}",
        f"#define {name}_RANK {len(tensor.shape)}",
        f"#define {name}_SHAPE {{{', '.join(map(str, tensor.shape)) or '1'}}}",
        f"#define {name}_TYPE {C_TYPES[tensor.dtype.name]}",
    ]
    if tensor.quantization and tensor.dtype.kind in "iu":
        lines += [
            f"#define {name}_SCALE {_number(tensor.quantization.scale)}",
            f"#define {name}_ZERO_POINT ({tensor.quantization.zero_point})",
        ]
    return "\n".join(lines) + "\n"


def _accessors(tensor: Tensor, prefix: str, kind: str, number: int) -> str:
    ctype, name = C_TYPES[tensor.dtype.name], f"{prefix.upper()}_{kind}_{number}"
    short = f"{prefix}_{kind.lower()}_{number}"
    lines = [
        f"static inline {ctype} *{short}(void *arena) {{",
        f"    return ({ctype} *)(void *)((uint8_t *)arena + {name}_OFFSET);",
        "}",
    ]
    if tensor.quantization and tensor.dtype.kind in "iu":
        limits = np.iinfo(tensor.dtype)
        lines += [
            f"static inline {ctype} {short}_quantize(float x) {{",
            f"    return ({ctype}){prefix}_quantize(x, {name}_SCALE, {name}_ZERO_POINT, {limits.min}, {limits.max});",
            "}",
            f"static inline float {short}_dequantize({ctype} x) {{",
            f"    return {name}_SCALE * (float)(x - {name}_ZERO_POINT);",
            "}",
        ]
    return "\n".join(lines)


def _source_parts(program: Program, prefix: str) -> dict[str, str]:
    headers = sorted({f"{layer.call.file}.h" for layer in program.layers})
    return {
        "INCLUDES": "\n".join(f'#include "{name}"' for name in headers),
        "DEFINITIONS": "\n".join(_layer(program, layer, prefix) for layer in program.layers),
        "TABLE": "\n".join(f"    {prefix}_layer_{layer.index}," for layer in program.layers),
    }


def _layer(program: Program, layer: Layer, prefix: str) -> str:
    name = f"{prefix}_layer_{layer.index}"
    shapes = " ".join("x".join(map(str, t.shape)) for t in layer.call.operands)
    result = program.graph.results(layer.operation)[0]
    title = f"/* {layer.operation.index} {comment(layer.operation.opcode)}: {comment(result.name)} ({shapes}) */"
    arrays, fields = [], []
    for field, value in layer.call.parameters.items():
        if isinstance(value, Array):
            array = f"{name}_{field.rpartition('.')[2]}"
            arrays.append(_array(array, value.values.reshape(-1), "EC_WEIGHTS" if value.is_weights else ""))
            fields.append(f"    .{field} = {array},")
        else:
            fields.append(f"    .{field} = {_number(value)},")
    operands = []
    for number, tensor in enumerate(layer.call.operands):
        operands.append(
            _operand(
                program, tensor, f"{name}_constant_{number}", arrays, is_result=tensor.index in layer.operation.outputs
            )
        )
    if layer.call.scratch_bytes:
        operands.append(f"arena + {program.plan.offsets[scratch_key(layer.step)]}")
    struct = "\n".join([f"static const {layer.call.struct_name} {name}_params = {{", *fields, "};"])
    call = f"    ec_{layer.call.kernel}(&{name}_params, {', '.join(operands)});"
    function = f"static EC_NOINLINE void {name}(uint8_t *arena) {{\n{call}\n}}\n"
    return "\n".join([title, *arrays, struct, function])


def _operand(program: Program, tensor: Tensor, name: str, arrays: list[str], *, is_result: bool) -> str:
    if tensor.data is not None:
        arrays.append(_array(name, tensor.data.reshape(-1), "EC_WEIGHTS"))
        return name
    qualifier = "" if is_result else "const "
    return f"({qualifier}{C_TYPES[tensor.dtype.name]} *)(arena + {program.plan.offsets[tensor.index]})"


def _array(name: str, values: np.ndarray, section: str) -> str:
    attribute = f" {section}({name})" if section else ""
    text = ", ".join(_number(v) for v in values.tolist())
    lines = textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([f"static const {C_TYPES[values.dtype.name]} {name}[{values.size}]{attribute} = {{", *lines, "};"])


def _number(value: int | float) -> str:
    """A C literal that has exactly this value; floats are float32."""
    if isinstance(value, float):
        text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
        return f"{text}f"
    return "(-2147483647 - 1)" if value == -(2**31) else str(int(value))
