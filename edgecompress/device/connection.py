"""A device that holds the program, at its first instruction; and the proof that it does."""

from dataclasses import dataclass, field
from typing import Self

from edgecompress.device.port import Port
from edgecompress.errors import DeviceError
from edgecompress.targets.image import Image
from edgecompress.targets.target import RegisterWrite

BOOT_SECONDS = 5.0
"""How long a boot ROM may take until the program's first instruction."""


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
