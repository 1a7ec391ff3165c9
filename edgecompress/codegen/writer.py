"""Writes a program as C: `<prefix>.h`, the API; `<prefix>.c`, the layers with their tables; and the kernels they use.

The C has no heap, no stdio, no hidden state, and the same bytes for the same model. Names from the model's file reach
it only in comments, as printable ASCII.
"""

import re
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import version

import numpy as np

from edgecompress.codegen import runtime
from edgecompress.codegen.blocks import decoder_files
from edgecompress.codegen.layers import write_layer
from edgecompress.codegen.literals import C_TYPES, array, c_number, comment
from edgecompress.codegen.program import Program
from edgecompress.codegen.resetting import write_reset
from edgecompress.codegen.turns import entries_of, turns_of
from edgecompress.errors import UsageError
from edgecompress.tflite.graph import Tensor

SPDX = "/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */"
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
    return {
        f"{prefix}.h": fill(header, prefix, **_header_parts(program, prefix)),
        f"{prefix}.c": fill(_template("model.c.in"), prefix, **_source_parts(program, prefix)),
        **kernel_sources(_kernel_files(program)),
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
            parts.append(array(name, values, "EC_GOLDEN"))
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
        "STATEFUL": _remark_on_state(program, prefix),
        "STATE_BYTES": str(program.plan.state_bytes),
        "LAYERS": str(len(entries_of(program))),
        "MACS": str(program.macs),
        "INPUTS": str(len(graph.inputs)),
        "OUTPUTS": str(len(graph.outputs)),
        "INPUT_SLOTS": _slots(f"{upper}_INPUT", len(graph.inputs)),
        "OUTPUT_SLOTS": _slots(f"{upper}_OUTPUT", len(graph.outputs)),
        "BORDERS": "\n".join(borders),
        "ACCESSORS": "\n".join(accessors),
    }


def _remark_on_state(program: Program, prefix: str) -> str:
    if not program.graph.states:
        return ""
    return f"""
 * It remembers: call {prefix}_reset once before the first inference, and wherever a sequence begins. What it remembers lies
 * in the last {prefix.upper()}_STATE_BYTES bytes of the arena, which nothing else may use; every arena is a network of its own."""


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
            f"#define {name}_SCALE {c_number(tensor.quantization.scale)}",
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
    headers = [f"{name}.h" for name in _kernel_files(program)]
    turns = turns_of(program)
    return {
        "INCLUDES": "\n".join(f'#include "{name}"' for name in headers),
        "DEFINITIONS": "\n".join(write_layer(program, layer, prefix) for layer in program.layers),
        "TABLE": "\n".join(f"    {prefix}_layer_{layer.index}," for layer in program.layers),
        "FUNCTIONS": str(len(program.layers)),
        "RESET": write_reset(program, prefix),
        "TURNS": ", ".join(f"{{{turn.layers.start}, {turn.layers.stop}, {turn.rounds}}}" for turn in turns),
    }


def _kernel_files(program: Program) -> list[str]:
    moves = any(group.moved_bytes or group.staged_bytes for group in program.groups)
    clamps = any(layer.call.clamp for layer in program.layers)
    passes = {"ec_rows"} if moves else set(), {"ec_clamp_bytes"} if clamps else set()
    codes = (decoder_files(layer.call) for layer in program.layers)
    return sorted({layer.call.file for layer in program.layers}.union(*passes, *codes))
