"""What a command line or a recipe says about the schedule, as a `Wish`."""

import re

from edgecompress.errors import UsageError
from edgecompress.memory.choice import OPTIMIZE, Wish

UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "kib": 1024, "m": 1024**2, "mb": 1024**2, "mib": 1024**2}


def read_wish(optimize: str | None, ram: str | None) -> Wish | None:
    """A wish, None where nothing is said.

    Args:
        optimize: "ram", "balanced", "speed" or "size".
        ram: the largest arena, as `read_bytes` takes it; the cheapest schedule that fits is asked for then.

    Raises:
        UsageError: both are given, or one of them is no such word or size.
    """
    if optimize is not None and ram is not None:
        raise UsageError(
            "--ram asks for the cheapest schedule that fits, so --optimize has nothing left to say",
            found=f"--optimize {optimize} --ram {ram}",
            hint="leave one of them away",
        )
    if ram is not None:
        return Wish(ram_bytes=read_bytes(ram))
    for name in OPTIMIZE:
        if name == optimize:
            return Wish(name)
    if optimize is not None:
        raise UsageError("--optimize takes one of " + ", ".join(OPTIMIZE), found=repr(optimize))
    return None


def read_bytes(text: str) -> int:
    """A size such as 32768, 32k, 32 KiB or 1M; a k is 1024 bytes.

    Raises:
        UsageError: it is none, or zero.
    """
    match = re.fullmatch(r"([0-9]{1,9})\s*([a-z]*)", text.strip().lower())
    size = int(match[1]) * UNITS.get(match[2], 0) if match else 0
    if not size:
        raise UsageError("a size of memory is a number of bytes", found=repr(text), hint="32768, 32k or 32KiB")
    return size
