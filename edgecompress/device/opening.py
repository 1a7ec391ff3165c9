"""From a place to a connected device: one table of how each kind of port is opened."""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType

from edgecompress.device.connection import Connection
from edgecompress.device.places import Place
from edgecompress.errors import UsageError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

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
