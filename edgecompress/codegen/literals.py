"""Values as C: numbers, arrays, comments."""

import re
import textwrap

import numpy as np

C_TYPES = {
    "bool": "uint8_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
WIDTH = 118


def comment(text: str) -> str:
    """Untrusted text as it may stand inside a C comment: printable ASCII that cannot end the comment or join lines."""
    clean = "".join(c if " " <= c <= "~" else "?" for c in text).replace("\\", "/")
    clean = re.sub(r"(?<=[*/?])(?=[*/?])", " ", clean)  # neither begins nor ends a comment, no trigraph
    return clean if len(clean) <= 90 else clean[:87] + "..."


def array(name: str, values: np.ndarray, section: str) -> str:
    attribute = f" {section}({name})" if section else ""
    text = ", ".join(c_number(v) for v in values.tolist())
    lines = textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join([f"static const {C_TYPES[values.dtype.name]} {name}[{values.size}]{attribute} = {{", *lines, "};"])


def c_number(value: int | float) -> str:
    """A C literal that has exactly this value; floats are float32."""
    if isinstance(value, float):
        text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
        return f"{text}f"
    return "(-2147483647 - 1)" if value == -(2**31) else str(int(value))
