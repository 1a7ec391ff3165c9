"""Numbers with a letter behind them: sizes such as 32k, of 1024 bytes, and counts such as 4M, of a thousand thousands."""

import re
from collections.abc import Mapping

from edgecompress.errors import UsageError

UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2}
COUNTS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3}


def read_bytes(text: str) -> int:
    """A size such as 32768, 32k, 32 KiB or 1M; a k is 1024 bytes.

    Raises:
        UsageError: it is none, or zero.
    """
    return _read(text, UNITS, "a size of memory is a number of bytes", "32768, 32k or 32KiB")


def read_count(text: str) -> int:
    """A number such as 4000000, 4000k or 4M; a k is 1000.

    Raises:
        UsageError: it is none, or zero.
    """
    return _read(text, COUNTS, "this is no whole number", "4000000, 4000k or 4M")


def _read(text: str, units: Mapping[str, int], what: str, hint: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})\s*([a-z]*)", text.strip().lower())
    number = int(match[1]) * units.get(match[2], 0) if match else 0
    if not number:
        raise UsageError(what, found=repr(text), hint=hint)
    return number
