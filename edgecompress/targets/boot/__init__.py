"""The blocks by which a boot ROM knows a program in external flash: RP2040's second stage, RP2350's image definition."""

import struct

from edgecompress.targets.silicon import Boot

BLOCK_BYTES = 256
STAGE2 = bytes.fromhex(
    "00b50d4b00219960042159610b491960002159600a49f42299500121996001bc"
    "002800d00047074807490860016881f308884068004700000000001800031f00"
    "180200030001001008ed00e0"
)
"""`rp2040_stage2.S`, assembled."""
IMAGE_DEF = (0xFFFFDED3, 0x10210142, 0x000001FF, 0x00000000, 0xAB123579)
"""RP2350 data sheet, 5.9.5.1: start marker; item 0x42, one word, flags 0x1021 (executable, Secure, Arm, RP2350); last
item, one word before it; the block's own place as the next one; end marker."""


def crc32(data: bytes) -> int:
    """CRC-32 as the RP2040's boot ROM computes it: polynomial 0x04C11DB7, first value all ones, nothing reflected or
    inverted at the end (RP2040 data sheet, 2.8.1.3.1)."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C1_1DB7 if crc & 0x8000_0000 else crc << 1) & 0xFFFF_FFFF
    return crc


def stage2() -> bytes:
    """The first 256 bytes of an RP2040's flash: code, zeros, checksum of the first 252."""
    code = STAGE2.ljust(BLOCK_BYTES - 4, b"\0")
    return code + struct.pack("<I", crc32(code))


def sources(boot: Boot | None) -> dict[str, str]:
    """The assembly, by file name, that puts the block where the linker script expects it; nothing for chips without."""
    if boot is None:
        return {}
    words = IMAGE_DEF if boot == "rp2350" else struct.unpack("<64I", stage2())
    section = ".boot_block" if boot == "rp2350" else ".boot"
    lines = "\n".join(f"    .word {word:#010x}" for word in words)
    return {"ec_boot.S": f'    .section {section}, "a"\n    .balign 4\n{lines}\n'}
