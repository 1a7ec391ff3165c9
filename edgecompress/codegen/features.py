"""What decides which variant of a kernel serves best: the processor, and what the user is ready to spend."""

from dataclasses import dataclass

from edgecompress.targets import Cpu


@dataclass(frozen=True)
class Features:
    """What kernels may count on.

    Attributes:
        dsp: dual 16-bit multiplication (ARMv7E-M, ARMv8-M with DSP).
        mve: vectors of 16 bytes, integers (ARMv8.1-M).
        spends_flash: weights may take more flash than their int8 bytes where that saves time.
    """

    dsp: bool = False
    mve: bool = False
    spends_flash: bool = False


PLAIN = Features()
"""Any processor: the plain kernels."""


def features_of(cpu: Cpu, *, spends_flash: bool = False) -> Features:
    return Features(dsp=cpu.dsp, mve=cpu.mve, spends_flash=spends_flash)
