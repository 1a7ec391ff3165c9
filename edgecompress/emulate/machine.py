"""A Cortex-M on Unicorn: the target's memory map, a program in it, and the port through which a host drives it."""

from typing import Any, Self

from edgecompress.device.port import NO_ENDLESS_LOOP, Limit, Stop
from edgecompress.emulate import counter
from edgecompress.emulate.counter import BlockCounter, CountedFunction
from edgecompress.errors import DeviceError, MissingToolError, UnsupportedError
from edgecompress.targets.image import Image
from edgecompress.targets.target import Region, Target

PAGE = 0x1000
SYSTEM = Region(name="system", origin=0xE000_0000, bytes=0x10_0000)  # private peripherals: plain memory here
NOWHERE = 0xFFFF_FFFE  # a return to here ends the emulation
SEMIHOSTING = b"\xab\xbe"
SYS_EXIT, SYS_EXIT_EXTENDED = 0x18, 0x20
APPLICATION_EXIT = 0x20026
BKPT_EXCEPTION = 7

_ILLEGAL = "undefined instruction, or a branch to an even address (Thumb bit missing)"
_EXCEPTIONS = {
    1: "undefined instruction",
    2: "supervisor call",
    3: "code that is no memory",
    4: "data that is no memory",
    8: "return from an exception that never was",
    17: "an instruction of a unit that is absent or disabled (FPU, vector unit)",
    18: "a branch to an even address (Thumb bit missing)",
}


class Machine:
    """A Port on emulated memory. Loaded and at reset once it exists; there is no cycle counter and no interrupt.

    Only the target's flash (which the program cannot write), its RAM, the private peripherals and the pages of the
    registers that start-up writes (plain memory here) exist: anything else faults, as on the device.

    Args:
        function: count the blocks of this function, see `counter`.
        native: count in C where possible; False is for tests.
    """

    counts_cycles = False

    def __init__(
        self, target: Target, image: Image, *, function: CountedFunction | None = None, native: bool = True
    ) -> None:
        self.image = image
        self.target = target
        self._uc = _engine(target)
        self._map(target, image)
        self.counter: BlockCounter = counter.install(self._uc, function, native=native)
        self._stop: Stop | None = None
        self._access = ""
        self._hook()
        self.reset()

    @property
    def engine(self) -> Any:
        """Unicorn's own object, for further hooks."""
        return self._uc

    def reset(self) -> None:
        """Load the program again and go back to its first instruction; the rest of the memory stays as it is."""
        from unicorn import arm_const as arm

        for segment in self.image.segments:
            self.write_memory(segment.address, segment.data)
        stack, entry = (int.from_bytes(self.read_memory(self.image.vectors + i, 4), "little") for i in (0, 4))
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self._uc.reg_write(arm.UC_ARM_REG_LR, 0xFFFF_FFFF)
        self._pc = entry & ~1

    def read_memory(self, address: int, size: int) -> bytes:
        from unicorn import UcError  # type: ignore[attr-defined]

        try:
            return bytes(self._uc.mem_read(address, size))
        except (UcError, ValueError, OverflowError) as error:
            raise DeviceError(f"no {size} bytes of memory to read at {address:#010x}", found=str(error)) from error

    def write_memory(self, address: int, data: bytes) -> None:
        from unicorn import UcError  # type: ignore[attr-defined]

        try:
            self._uc.mem_write(address, bytes(data))
        except (UcError, ValueError, OverflowError) as error:
            raise DeviceError(
                f"no {len(data)} bytes of memory to write at {address:#010x}", found=str(error)
            ) from error

    def run(self, limit: Limit = NO_ENDLESS_LOOP) -> Stop:
        """Continue until a breakpoint, an exit, a fault, or the limit of instructions (seconds are not looked at)."""
        from unicorn import UC_ERR_INSN_INVALID, UcError  # type: ignore[attr-defined]
        from unicorn import arm_const as arm

        self.counter.limit(limit.instructions)
        self._stop, self._access = None, ""
        try:
            self._uc.emu_start(self._pc | 1, NOWHERE)
        except UcError as error:
            pc = self._uc.reg_read(arm.UC_ARM_REG_PC)
            what = self._illegal() if error.errno == UC_ERR_INSN_INVALID else str(error)
            return self._ended(Stop(reason="fault", pc=pc, detail=self._access or what))
        pc = self._uc.reg_read(arm.UC_ARM_REG_PC)
        if self.counter.trouble == counter.TABLE_FULL:
            raise DeviceError("the program has more basic blocks than can be counted", found=f"{counter.SLOTS // 2}")
        if self.counter.trouble:
            return self._ended(Stop(reason="limit", pc=pc, detail=f"more than {limit.instructions:,} instructions"))
        if self._stop is None:
            return self._ended(Stop(reason="fault", pc=pc, detail="it returned from its reset handler"))
        return self._ended(self._stop)

    def halt(self) -> None:
        self._uc.emu_stop()

    def close(self) -> None:
        """Nothing outlives the object."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _illegal(self) -> str:
        lacks = self.target.cpu.unicorn_lacks
        return _ILLEGAL + (f"; or {lacks}, which this emulator's {self.target.cpu.name} lacks" if lacks else "")

    def _ended(self, stop: Stop) -> Stop:
        self._pc = stop.pc + (2 if stop.reason == "breakpoint" else 0)
        return stop

    def _map(self, target: Target, image: Image) -> None:
        import unicorn

        readable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC
        flash = [region for region in (target.memory.vectors, target.memory.flash) if region]
        for region, rights in [(r, readable) for r in flash] + [
            (r, unicorn.UC_PROT_ALL) for r in (*target.ram, SYSTEM)
        ]:
            first, last = region.origin & -PAGE, -(-region.end // PAGE) * PAGE
            self._uc.mem_map(first, last - first, rights)
        for page in sorted({address & -PAGE for address in target.registers_of_startup}):  # plain memory, zero at first
            self._uc.mem_map(page, PAGE)
        for segment in image.segments:
            if not any(region.holds(segment.address, len(segment.data)) for region in flash):
                raise DeviceError(
                    f"{image.path} was linked for another memory map than that of {target.name}",
                    found=f"{len(segment.data)} bytes for {segment.address:#010x}",
                )

    def _hook(self) -> None:
        import unicorn

        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._invalid)

    def _interrupt(self, uc: Any, number: int, _: object) -> None:
        from unicorn import arm_const as arm

        pc = uc.reg_read(arm.UC_ARM_REG_PC) & ~1
        if number != BKPT_EXCEPTION:
            what = _EXCEPTIONS.get(number, f"exception {number}")
            self._stop = Stop(reason="fault", pc=pc, detail=what)
        elif bytes(uc.mem_read(pc, 2)) != SEMIHOSTING:
            self._stop = Stop(reason="breakpoint", pc=pc)
        else:
            operation, argument = uc.reg_read(arm.UC_ARM_REG_R0), uc.reg_read(arm.UC_ARM_REG_R1)
            if operation not in (SYS_EXIT, SYS_EXIT_EXTENDED):
                self._stop = Stop(reason="fault", pc=pc, detail=f"semihosting call {operation:#x} is not offered")
            else:
                self._stop = Stop(reason="exit", pc=pc, status=self._exit_status(operation, argument))
        uc.emu_stop()

    def _exit_status(self, operation: int, argument: int) -> int:
        if operation == SYS_EXIT:
            return 0 if argument == APPLICATION_EXIT else 1
        reason, status = (int.from_bytes(self.read_memory(argument + i, 4), "little") for i in (0, 4))
        return status if reason == APPLICATION_EXIT else 1

    def _invalid(self, uc: Any, access: int, address: int, size: int, value: int, _: object) -> bool:
        import unicorn

        names = {
            unicorn.UC_MEM_WRITE_PROT: "write to flash",
            unicorn.UC_MEM_WRITE_UNMAPPED: "write to no memory",
            unicorn.UC_MEM_READ_UNMAPPED: "read from no memory",
            unicorn.UC_MEM_FETCH_UNMAPPED: "branch to no memory",
        }
        self._access = f"{names.get(access, 'access')} at {address:#010x}"
        return False


def _engine(target: Target) -> Any:
    try:
        import unicorn
        from unicorn import arm_const as arm
    except ImportError as error:
        raise MissingToolError("the emulator is not installed", found=str(error), hint="pip install unicorn") from error
    if target.cpu.unicorn is None:
        raise UnsupportedError(
            f"the emulator Unicorn has no {target.cpu.name}",
            hint="it runs on QEMU, where qemu-system-arm is installed",
        )
    uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)  # type: ignore[attr-defined,no-untyped-call]
    uc.ctl_set_cpu_model(getattr(arm, f"UC_CPU_ARM_{target.cpu.unicorn}"))
    return uc
