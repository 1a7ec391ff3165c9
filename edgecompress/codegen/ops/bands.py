"""Kernel calls that can also be made for some rows of their output."""

from dataclasses import replace

from edgecompress.codegen.ops.base import KernelCall
from edgecompress.memory.sweep import Window

SIZES = ("in_height", "in_width", "out_height", "out_width", "pad_top", "pad_left")
"""What is another one for a patch: its size, the lengths of images that are taken as one row, and padding."""


def by_window(call: KernelCall, prefix: str = "window.") -> KernelCall:
    """The call of a kernel that takes any window; `prefix`: of its fields."""

    def band(window: Window) -> KernelCall:
        sizes = {name: getattr(window, name) for name in SIZES}
        parameters = {**call.parameters, **{prefix + name: value for name, value in sizes.items()}}
        return replace(call, parameters=parameters, sweeps=(), band=None)

    return replace(call, band=band)


def by_length(call: KernelCall, field: str) -> KernelCall:
    """The call of a kernel that goes over as many elements as `field` says."""

    def band(window: Window) -> KernelCall:
        return replace(call, parameters={**call.parameters, field: window.out_width}, sweeps=(), band=None)

    return replace(call, band=band)
