"""From a place to a connected device: one table of how each kind of port is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Self

from edgecompress.device.places import Place
from edgecompress.device.port import Port
from edgecompress.errors import DeviceError, UsageError
from edgecompress.targets.image import Image
from edgecompress.targets.target import RegisterWrite, Target


@dataclass(frozen=True)
class Connection:
    """A device with the program in it, at its first instruction; use it in a `with`, or close it.

    Attributes:
        port: through which it is driven.
        runner: what runs the program, in words, for the report: "unicorn", "probe CMSIS-DAP 0123", …
        is_silicon: False for every emulator, also one behind a debug server.
        writes: the board's register writes that were done; empty where there are none, or on an emulator.
    """

    port: Port
    runner: str
    is_silicon: bool
    writes: tuple[RegisterWrite, ...] = field(default=())

    def close(self) -> None:
        self.port.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


Opener = Callable[[Place, Target, Image], Connection]

OPENERS: Mapping[str, str] = MappingProxyType(
    {
        "emulator": "edgecompress.device.opening:open_emulator",
        "gdb": "edgecompress.device.gdb_port:open_gdb",
        "probe": "edgecompress.device.probe_port:open_probe",
        "serial": "edgecompress.device.serial_port:open_serial",
    }
)
"""Kind of place -> module:function of its opener, imported when it is used."""


def connect(place: Place, target: Target, image: Image) -> Connection:
    """Connects, resets, makes sure that the device holds this very program, and sets the board's registers.

    Raises:
        UsageError: the place has no port: a Linux computer.
        DeviceError: nothing there, no answer, another program.
        MissingToolError: a package or emulator is not installed.
    """
    if place.kind not in OPENERS:
        raise UsageError(f"no firmware runs on {place.text}", hint=f"places with a port: {', '.join(OPENERS)}")
    module, _, name = OPENERS[place.kind].partition(":")
    opener: Opener = getattr(import_module(module), name)
    return opener(place, target, image)


def open_emulator(place: Place, target: Target, image: Image) -> Connection:
    """The emulator that the target's CPU asks for, loaded."""
    from edgecompress import emulate

    return Connection(emulate.open(target, image), target.cpu.runner, is_silicon=False)


BOOT_SECONDS = 5.0
"""How long a boot ROM may take until the program's first instruction."""


def not_started(image: Image, pc: int) -> DeviceError:
    """The error where the boot ROM does not come to the program."""
    return DeviceError(
        "the chip's boot ROM does not start the program",
        found=f"the core is at {pc:#010x} instead of {image.symbol('Reset_Handler').address:#010x}",
        hint="flash this firmware first: edgecompress flash RUNDIR; it must be built for this very target",
    )


def check_program(port: Port, image: Image) -> None:
    """Reads the program back from the device.

    Raises:
        DeviceError: it holds another one, or cannot be read there.
    """
    hint = "flash this firmware first: edgecompress flash RUNDIR; it must be built for this very target"
    for segment in image.segments:
        try:
            found = port.read_memory(segment.address, len(segment.data))
        except DeviceError as error:
            raise DeviceError(
                f"the program on the device cannot be read back: {error.what}", found=error.found, hint=hint
            ) from error
        if found != segment.data:
            first = next(i for i, (a, b) in enumerate(zip(found, segment.data, strict=True)) if a != b)
            count = sum(a != b for a, b in zip(found, segment.data, strict=True))
            raise DeviceError(
                "the device holds another program",
                found=f"{count:,} of {len(found):,} bytes differ, the first at {segment.address + first:#010x}",
                hint=hint,
            )
