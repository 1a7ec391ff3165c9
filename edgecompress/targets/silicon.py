"""What real silicon needs and an emulator forgives, as plain values: register writes, chip identity, ways to flash it."""

from dataclasses import dataclass
from typing import Literal

Boot = Literal["rp2040", "rp2350"]


@dataclass(frozen=True)
class RegisterWrite:
    """A write of `width` bytes (1, 2 or 4) to a device register. Bits outside `mask` keep what they hold."""

    address: int
    value: int
    mask: int = 0xFFFF_FFFF
    width: int = 4
    comment: str = ""

    @property
    def is_whole(self) -> bool:
        """All bits are written: what the register holds need not be read first."""
        full = (1 << 8 * self.width) - 1
        return self.mask & full == full

    def merged(self, old: int) -> int:
        """What to write where the register holds `old`."""
        return (old & ~self.mask) | (self.value & self.mask)


@dataclass(frozen=True)
class ChipId:
    """A word that tells which chip this is: `name` has `value` in the bits of `mask` at `address`."""

    address: int
    mask: int
    value: int
    name: str


@dataclass(frozen=True)
class DebugUnlock:
    """How the debug port of a chip that locks itself stays open.

    It concerns only revisions of the chip whose word at `address`, masked by `mask`, is at least `least`. On those the
    host does the writes `host` once after flashing, by which the low byte at `lasting` becomes `open` for good, and the
    firmware does those of `firmware` after every reset.
    """

    address: int
    mask: int
    least: int
    lasting: int
    open: int
    host: tuple[RegisterWrite, ...]
    firmware: tuple[RegisterWrite, ...]


@dataclass(frozen=True)
class Flashing:
    """The ways to flash a board.

    Attributes:
        ways: in order of preference, for `auto`.
        pyocd: what pyOCD calls the chip; `pyocd_pack` when it comes with a CMSIS pack and not with pyOCD.
        openocd: its configuration files, interface first.
        uf2_family: the family ID in a UF2 file; `uf2_board` is what INFO_UF2.TXT of the drive must name.
        drive: the label of the drive that takes an Intel HEX file.
    """

    ways: tuple[str, ...] = ()
    pyocd: str | None = None
    pyocd_pack: bool = False
    openocd: tuple[str, ...] = ()
    uf2_family: int | None = None
    uf2_board: str | None = None
    drive: str | None = None


def c_table(writes: tuple[RegisterWrite, ...], unlock: DebugUnlock | None = None) -> str:
    """Initialisers of the `struct ec_write` of start-up: address, value, mask, and the condition of the write.

    Raises:
        ValueError: a write that is not of 32 bits.
    """
    always = [(write, (write.address, 0, 0)) for write in writes]
    where = (unlock.address, unlock.mask, unlock.least) if unlock else (0, 0, 0)
    rows = always + [(write, where) for write in (unlock.firmware if unlock else ())]
    if any(write.width != 4 for write, _ in rows):
        raise ValueError("start-up writes words only")
    return "".join(
        "{" + ",".join(f"{n:#x}u" for n in (write.address, write.value, write.mask, *when)) + "},"
        for write, when in rows
    )
