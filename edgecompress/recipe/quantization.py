"""`--quantize`: the short form of [quantization] on the command line, one word for each technique."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from edgecompress.errors import UsageError
from edgecompress.recipe.sections import CALIBRATIONS

WORDS: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        "auto": ("auto", True),
        **{name: ("calibration", name) for name in CALIBRATIONS},
        "per-tensor": ("weights", "tensor"),
        "equalize": ("equalize", True),
        "correct-bias": ("correct_bias", True),
        "adaround": ("adaround", True),
    }
)
"""Word → key of [quantization] and its value."""


def quantization_overrides(text: str | None) -> dict[str, Any]:
    """The overrides of a recipe that "mse,equalize" stands for; {} for None.

    Raises:
        UsageError: an unknown word, or two words for one key.
    """
    found: dict[str, Any] = {}
    for word in (part.strip() for part in (text or "").split(",") if part.strip()):
        if word not in WORDS:
            near = difflib.get_close_matches(word, WORDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(WORDS)}"
            raise UsageError("--quantize: unknown technique", found=word[:100], hint=hint)
        key, value = WORDS[word]
        if f"quantization.{key}" in found:
            raise UsageError(f"--quantize: two words for {key}", found=text or "", hint="give one of them")
        found[f"quantization.{key}"] = value
    return found
