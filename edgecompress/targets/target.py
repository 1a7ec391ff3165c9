"""A CPU, a memory map and a clock as plain values: all that compiling and emulating need to know of a device."""

from dataclasses import dataclass, field

from edgecompress.targets.flash_timing import FlashTiming
from edgecompress.targets.silicon import Boot, ChipId, DebugUnlock, Flashing, RegisterWrite
from edgecompress.targets.uart import Uart


@dataclass(frozen=True, kw_only=True)
class Region:
    """A range of addresses: `origin` is its first byte, `bytes` its length."""

    name: str
    origin: int
    bytes: int

    @property
    def end(self) -> int:
        return self.origin + self.bytes

    def holds(self, address: int, size: int = 1) -> bool:
        return self.origin <= address and address + size <= self.end


@dataclass(frozen=True, kw_only=True)
class MemoryMap:
    """Where code and data go. `ram` is in order of preference; `vectors` is None where they lead the flash."""

    flash: Region
    ram: tuple[Region, ...]
    vectors: Region | None = None

    @property
    def regions(self) -> tuple[Region, ...]:
        return ((self.vectors,) if self.vectors else ()) + (self.flash, *self.ram)


@dataclass(frozen=True, kw_only=True)
class ZigTarget:
    """What Zig calls the CPU: `-mcpu=<cpu>` and the last part of `-target thumb-freestanding-<abi>`."""

    cpu: str
    abi: str


@dataclass(frozen=True, kw_only=True)
class QemuMachine:
    """The QEMU machine that has this CPU, its memory map, and the clock of its SysTick in Hz."""

    machine: str
    clock_hz: int
    memory: MemoryMap


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """One processor core.

    `part` is the part number in its CPUID register. `fpu`, `dsp`, `mve` (vector unit), `dwt` (cycle counter) and `vtor`
    say what it has. `runner` is the emulator that
    runs it by default, "unicorn" or "qemu"; `unicorn` is Unicorn's name of the core, None where it has none;
    `unicorn_lacks` what the real core has and that one has not.
    """

    name: str
    architecture: str
    description: str
    part: int
    fpu: bool
    dsp: bool
    mve: bool
    dwt: bool
    vtor: bool
    zig: ZigTarget
    gcc: tuple[str, ...]
    runner: str
    unicorn: str | None
    unicorn_lacks: str | None
    memory: MemoryMap
    qemu: QemuMachine


@dataclass(frozen=True, kw_only=True)
class Target:
    """A board, or a generic CPU with a roomy memory map. `clock_hz` is None where no clock is known (generic CPUs).

    Attributes:
        register_writes: wait states, caches and RAM clocks as at the board's full clock; a host applies them in order
            through the port after reset-halt, before the first instruction of the program.
        startup_writes: clocks of RAM, say, without which start-up itself would fail; compiled into every program.
        boot: the block that the chip's boot ROM wants at the head of the flash; None where it wants none.
        caches: start-up switches the core's instruction and data cache on.
        chip: how to recognise it; None for generic CPUs and boards that do not say.
        flash_timing: what its flash costs at full clock; None: zero wait states (generic CPUs, and boards that do not say).
        serial: the UART of programs that are driven over a serial line; None where the board names none.
    """

    name: str
    description: str
    cpu: Cpu
    memory: MemoryMap
    clock_hz: int | None = None
    stack_bytes: int = 8192
    register_writes: tuple[RegisterWrite, ...] = ()
    startup_writes: tuple[RegisterWrite, ...] = ()
    boot: Boot | None = None
    caches: bool = False
    chip: ChipId | None = None
    debug_unlock: DebugUnlock | None = None
    flashing: Flashing = field(default_factory=Flashing)
    flash_timing: FlashTiming | None = None
    serial: Uart | None = None

    def on_qemu(self) -> "Target":
        """The same CPU with the memory map and the clock of the QEMU machine that has it."""
        qemu = self.cpu.qemu
        return Target(
            name=qemu.machine,
            description=self.description,
            cpu=self.cpu,
            memory=qemu.memory,
            clock_hz=qemu.clock_hz,
            stack_bytes=self.stack_bytes,
        )

    @property
    def registers_of_startup(self) -> tuple[int, ...]:
        """Addresses of the chip's registers that start-up reads or writes, sorted."""
        unlock = self.debug_unlock
        writes = self.startup_writes + (unlock.firmware if unlock else ())
        return tuple(sorted({write.address for write in writes} | ({unlock.address} if unlock else set())))

    @property
    def flash(self) -> Region:
        return self.memory.flash

    @property
    def ram(self) -> tuple[Region, ...]:
        return self.memory.ram
