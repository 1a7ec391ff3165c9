"""What decides which variant of a kernel serves best: the processor, and what the user is ready to spend."""

from dataclasses import dataclass

from edgecompress.targets import Cpu


@dataclass(frozen=True)
class Features:
    """What kernels may count on.

    Attributes:
        dsp: dual 16-bit multiplication (ARMv7E-M, ARMv8-M with DSP).
        mve: vectors of 16 bytes, integers (ARMv8.1-M).
        single: Thumb instructions, and no more than one product in each (ARMv6-M, ARMv7-M).
        spends_flash: weights may take more flash than their int8 bytes where that saves time.
        simd: registers of many numbers, as computers with Linux have them; which ones is found at run time.
    """

    dsp: bool = False
    mve: bool = False
    single: bool = False
    spends_flash: bool = False
    simd: bool = False


PLAIN = Features()
"""Any processor: the plain kernels."""
SIMD = Features(simd=True)
"""A computer with Linux."""


def features_of(cpu: Cpu, *, spends_flash: bool = False) -> Features:
    single = cpu.architecture in ("armv6-m", "armv7-m")
    return Features(dsp=cpu.dsp, mve=cpu.mve, single=single, spends_flash=spends_flash)
