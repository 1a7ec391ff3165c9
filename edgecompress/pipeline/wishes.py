"""What a command line or a recipe says about schedule, RAM and flash, as a `Wish`."""

from edgecompress.errors import UsageError
from edgecompress.memory.choice import BALANCED, OPTIMIZE, Wish
from edgecompress.recipe.quantities import read_bytes


def read_wish(optimize: str | None, ram: str | None, flash: str | None = None) -> Wish | None:
    """A wish, None where nothing is said.

    Args:
        optimize: "ram", "balanced", "speed" or "size".
        ram: the largest arena, as `recipe.quantities.read_bytes` takes it; the cheapest schedule that fits is asked for then.
        flash: the largest firmware, likewise.

    Raises:
        UsageError: both `ram` and another `optimize` than "size" are given, or one of them is no such word or size.
    """
    if optimize is None and ram is None and flash is None:
        return None
    if optimize not in (None, "size") and ram is not None:
        raise UsageError(
            "--ram asks for the cheapest schedule that fits, so --optimize has nothing left to say but size",
            found=f"--optimize {optimize} --ram {ram}",
            hint="leave one of them away",
        )
    name = next((name for name in OPTIMIZE if name == optimize), None)
    if optimize is not None and name is None:
        raise UsageError("--optimize takes one of " + ", ".join(OPTIMIZE), found=repr(optimize))
    return Wish(name or BALANCED.optimize, _size(ram), _size(flash))


def _size(text: str | None) -> int | None:
    return None if text is None else read_bytes(text)
