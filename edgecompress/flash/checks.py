"""What is looked at before and after writing: does the image lie in the chip's memory, is it this chip, is it there."""

from collections.abc import Callable

from edgecompress.errors import DeviceError, DoesNotFitError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

CPUID = 0xE000_ED00
Read = Callable[[int, int], bytes]
"""Reads so many bytes at an address of the device."""


def check_fits(image: Image, target: Target, *, ram: bool = False) -> None:
    """Refuses an image with bytes outside the target's flash (or, where `ram`, its RAM).

    Raises:
        DoesNotFitError: names the range.
    """
    memory = target.memory
    regions = [region for region in (memory.vectors, memory.flash) if region] + (list(memory.ram) if ram else [])
    for segment in image.segments:
        if not any(region.holds(segment.address, len(segment.data)) for region in regions):
            there = ", ".join(f"{region.name} {region.origin:#010x} to {region.end - 1:#010x}" for region in regions)
            raise DoesNotFitError(
                f"{image.path.name} does not lie in the memory of {target.name}",
                found=f"{len(segment.data):,} bytes for {segment.address:#010x}; there is {there}",
                hint="it was built for another target: build it for this one, or give the right --target",
            )


def check_chip(read: Read, target: Target) -> str:
    """Reads CPUID and the chip's own identification; what was found, in words.

    Raises:
        DeviceError: another core or another chip than the target's.
    """
    part = _word(read, CPUID) >> 4 & 0xFFF
    if part != target.cpu.part:
        raise DeviceError(
            f"the processor is no {target.cpu.name}",
            found=f"part {part:#05x} in CPUID, {target.name} has {target.cpu.part:#05x}",
            hint="give the --target of this board, or connect the other one",
        )
    chip = target.chip
    if chip is None:
        return target.cpu.name
    found = _word(read, chip.address) & chip.mask
    if found != chip.value & chip.mask:
        raise DeviceError(
            f"the chip is no {chip.name}",
            found=f"{found:#x} at {chip.address:#010x}, {target.name} has {chip.value:#x}",
            hint="give the --target of this board, or connect the other one",
        )
    return f"{chip.name}, {target.cpu.name}"


def check_written(read: Read, image: Image, say: Callable[[int, int], None]) -> None:
    """Reads every byte back.

    Raises:
        DeviceError: how many differ, and the first of them.
    """
    total = sum(len(segment.data) for segment in image.segments)
    done = differing = 0
    first = ""
    for segment in image.segments:
        for start in range(0, len(segment.data), 4096):
            wanted = segment.data[start : start + 4096]
            address = segment.address + start
            found = read(address, len(wanted))
            wrong = [i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b]
            if wrong and not first:
                i = wrong[0]
                first = f"the first at {address + i:#010x}: {found[i]:#04x} instead of {wanted[i]:#04x}"
            differing += len(wrong)
            done += len(wanted)
            say(done, total)
    if differing:
        raise DeviceError(
            "what the flash holds is not what was written",
            found=f"{differing:,} of {total:,} bytes differ, {first}",
            hint="worn or protected flash, an unstable supply, or a probe that is too fast; run the same command again",
        )


def _word(read: Read, address: int) -> int:
    return int.from_bytes(read(address, 4), "little")
