"""How deep the stack was: start-up paints it, and the deepest word that changed tells."""

from edgecompress.device.port import Port
from edgecompress.targets.image import Image

PAINT = 0xEC57AC4B.to_bytes(4, "little")  # EC_STACK_PAINT of program.h


def stack_bytes(port: Port, image: Image) -> int | None:
    """Bytes of the stack that were ever used since reset; None for a program that has no painted stack.

    All of it means that it may have been too small.
    """
    if "ec_stack_low" not in image.symbols or "ec_stack_high" not in image.symbols:
        return None
    low, high = (image.symbols[name].address for name in ("ec_stack_low", "ec_stack_high"))
    memory = port.read_memory(low, high - low)
    painted = 0
    while painted < len(memory) and memory[painted : painted + 4] == PAINT:
        painted += 4
    return len(memory) - painted
