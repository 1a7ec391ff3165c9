"""What of a processor decides which variant of a kernel serves it best."""

from dataclasses import dataclass

from edgecompress.targets import Cpu


@dataclass(frozen=True)
class Features:
    """dsp: dual 16-bit multiplication (ARMv7E-M, ARMv8-M with DSP)."""

    dsp: bool = False


PLAIN = Features()
"""Any processor: the plain kernels."""


def features_of(cpu: Cpu) -> Features:
    return Features(dsp=cpu.dsp)
