"""The processors that a Linux computer may have, and how the C is compiled for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgecompress.errors import UnsupportedError


@dataclass(frozen=True)
class Architecture:
    """One kind of processor.

    Attributes:
        name: ours.
        machines: what `uname -m` says on it.
        triple: the compiler's `-target`; musl makes programs that need nothing on the computer.
        cpu: the compiler's `-mcpu`: the oldest that is meant, so that the program runs on all.
        qemu: its user-mode emulator.
        qemu_cpu: the processor it emulates: a Raspberry Pi's; LiteRT chooses its kernels by what the processor can do.
        is_x86: /proc/cpuinfo has the form that x86 processors give it.
    """

    name: str
    machines: tuple[str, ...]
    triple: str
    cpu: str
    qemu: str
    qemu_cpu: str
    is_x86: bool = False


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        a.name: a
        for a in (
            Architecture(
                "aarch64", ("aarch64", "arm64"), "aarch64-linux-musl", "generic", "qemu-aarch64", "cortex-a72"
            ),
            Architecture("armv7", ("armv7l", "armv8l"), "arm-linux-musleabihf", "cortex_a7", "qemu-arm", "cortex-a7"),
            Architecture("armv6", ("armv6l",), "arm-linux-musleabihf", "arm1176jzf_s", "qemu-arm", "arm1176"),
            Architecture(
                "x86_64", ("x86_64", "amd64"), "x86_64-linux-musl", "x86_64_v2", "qemu-x86_64", "max", is_x86=True
            ),
        )
    }
)


def find_architecture(name: str) -> Architecture:
    """The architecture that is called so, by us or by `uname -m`.

    Raises:
        UnsupportedError: there is none.
    """
    for architecture in ARCHITECTURES.values():
        if name == architecture.name or name in architecture.machines:
            return architecture
    raise UnsupportedError(
        "no program can be made for this kind of processor",
        found=repr(name),
        hint=f"computers with {', '.join(ARCHITECTURES)} work",
    )
