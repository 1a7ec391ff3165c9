"""Board register writes through a port: order, width, and what is kept of what was there."""

import pytest

from edgecompress.device.registers import apply_writes
from edgecompress.errors import DeviceError
from edgecompress.targets import RegisterWrite, find, names


class Memory:
    """A port that remembers."""

    def __init__(self, **words: int) -> None:
        self.words = {int(name[1:], 16): value for name, value in words.items()}
        self.log: list[tuple[str, int, bytes]] = []

    def read_memory(self, address: int, size: int) -> bytes:
        data = self.words[address].to_bytes(size, "little")
        self.log.append(("read", address, data))
        return data

    def write_memory(self, address: int, data: bytes) -> None:
        if address not in self.words:
            raise DeviceError("the chip refused", found="a fault")
        self.log.append(("write", address, data))


def test_whole_writes_are_not_read_first_and_masked_ones_keep_the_other_bits() -> None:
    port = Memory(x40=0xFFFF0000, x44=0, x48=0xABCD)
    apply_writes(
        port,  # type: ignore[arg-type]
        [
            RegisterWrite(0x44, 0x12345678),
            RegisterWrite(0x40, 0x705, mask=0x70F),
            RegisterWrite(0x48, 0x11, mask=0xFFFF, width=2),
        ],
    )
    assert port.log == [
        ("write", 0x44, bytes.fromhex("78563412")),
        ("read", 0x40, bytes.fromhex("0000ffff")),
        ("write", 0x40, bytes.fromhex("0507ffff")),
        ("write", 0x48, bytes.fromhex("1100")),
    ]


def test_refused_write_names_the_register_and_what_it_is_for() -> None:
    with pytest.raises(DeviceError, match=r"0x00000050 \(FLASH_ACR\) failed: the chip refused") as raised:
        apply_writes(Memory(), [RegisterWrite(0x50, 1, comment="FLASH_ACR")])  # type: ignore[arg-type]
    assert "right target" in raised.value.hint


def test_no_board_writes_outside_of_peripherals() -> None:
    writes = [write for name in names() for write in find(name).register_writes]
    assert writes
    assert all(write.address >= 0x4000_0000 and write.comment for write in writes)
