"""Emulated devices: Unicorn for most cores, QEMU for those that only it has."""

from collections.abc import Sequence
from pathlib import Path

from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Port
from edgecompress.emulate.cycles import Cycles
from edgecompress.emulate.profile import Cost, Profile, load, profile_on_unicorn
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

__all__ = ["Cost", "Cycles", "Profile", "open", "profile"]


def open(target: Target, image: Image | Path | str) -> Port:  # emulate.open reads best at the call
    """A program on the emulated target, loaded and at reset; use it in a `with`, or close it.

    Raises:
        MissingToolError: the emulator that this CPU needs is not installed.
        DeviceError: the program was linked for another memory map.
    """
    if target.cpu.runner == "qemu":
        from edgecompress.emulate.qemu import Qemu

        return Qemu(target, load(image))
    from edgecompress.emulate.machine import Machine

    return Machine(target, load(image))


def profile(
    elf: Image | Path | str,
    target: Target,
    function: str = "model_invoke",
    layers: Sequence[str] = (),
    *,
    limit: Limit = NO_ENDLESS_LOOP,
) -> Profile:
    """Run a standalone program from reset to its semihosting exit and say what one call of `function` cost.

    Args:
        function: counted from its first entry to its return.
        layers: the symbols of its layers, in order, `model_layer_0` and so on.

    Raises:
        ToolError: the program has no such symbol.
        DeviceError: it faulted, ran into the limit, or never called the function.
        MissingToolError: the emulator that this CPU needs is not installed.
    """
    if target.cpu.runner == "qemu":
        from edgecompress.emulate.qemu_profile import profile_on_qemu

        return profile_on_qemu(load(elf), target, function, layers, limit=limit)
    return profile_on_unicorn(load(elf), target, function, layers, limit=limit)
