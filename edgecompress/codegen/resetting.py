"""Writes `<prefix>_reset` as C: every state gets the value that it has before the first inference."""

import numpy as np

from edgecompress.codegen.literals import array
from edgecompress.codegen.program import Program

NOTHING = """\
int {prefix}_reset(void *arena) {{
    return {prefix}_is_arena(arena) ? {upper}_OK : {upper}_ERROR_ARENA;
}}
"""
STATES = """\
/* `bytes` of the arena from `offset` on: those of `values` one after the other, or all the first one */
static const struct {{
    int32_t offset, bytes, step;
    const uint8_t *values;
}} {prefix}_states[] = {{
{rows}
}};

int {prefix}_reset(void *arena) {{
    if (!{prefix}_is_arena(arena)) {{
        return {upper}_ERROR_ARENA;
    }}
    for (unsigned state = 0; state < sizeof {prefix}_states / sizeof {prefix}_states[0]; ++state) {{
        uint8_t *to = (uint8_t *)arena + {prefix}_states[state].offset;
        for (int32_t i = 0; i < {prefix}_states[state].bytes; ++i) {{
            to[i] = {prefix}_states[state].values[i * {prefix}_states[state].step];
        }}
    }}
    return {upper}_OK;
}}
"""


def write_reset(program: Program, prefix: str) -> str:
    """The function and its tables; without states it does nothing."""
    names = {"prefix": prefix, "upper": prefix.upper()}
    if not program.graph.states:
        return NOTHING.format(**names)
    arrays, rows = [], []
    for number, state in enumerate(program.graph.states):
        values = np.ascontiguousarray(state.initial).reshape(-1).view(np.uint8)
        is_uniform = bool((values == values[0]).all())
        name = f"{prefix}_state_{number}"
        arrays.append(array(name, values[:1] if is_uniform else values, ""))
        rows.append(f"    {{{program.plan.offsets[state.first]}, {values.size}, {int(not is_uniform)}, {name}}},")
    return "\n".join([*arrays, STATES.format(**names, rows="\n".join(rows))])
