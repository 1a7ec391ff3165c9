"""A debug probe with an emulated Cortex-M4 on its wire: pyOCD's own code talks to it register by register.

Debug port, one AHB access port, ROM table, and of the core what ADIv5 and the Armv7-M manual call DHCSR, DCRSR, DCRDR, DEMCR,
AIRCR and DWT. The core is the emulator's; its DWT counts one cycle per halfword executed, so that cycles can be told
from instructions.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe

from edgecompress.device.port import Limit, Stop
from edgecompress.emulate.machine import Machine
from edgecompress.targets.image import Image
from edgecompress.targets.target import Target

AIRCR, DHCSR, DCRSR, DCRDR, DEMCR = 0xE000ED0C, 0xE000EDF0, 0xE000EDF4, 0xE000EDF8, 0xE000EDFC
CYCCNT = 0xE0001004
ROM = 0xE00FF000
_COMPONENTS = ((0xE000E000, 0x00C, 0xE0), (0xE0001000, 0x002, 0xE0), (0xE0002000, 0x003, 0xE0), (ROM, 0x4C4, 0x10))


class FakeCore:
    """The core, its memory and its debug registers.

    Attributes:
        registers: of the chip's peripherals: address -> word; every write to one is in `written`.
        resets: how often it has been reset.
        before_run: called with the number of the run before each; it may raise, reset, or change memory.
    """

    def __init__(self, target: Target, image: Image, *, counts: bool = True) -> None:
        self.machine = Machine(target, image)
        self.registers: dict[int, int] = {}
        self.written: list[tuple[int, int, int]] = []
        self.resets = self.runs = 0
        self.cycles = 0.0
        self.before_run: Callable[[int], None] = lambda _: None
        self.limit = 50_000_000
        self.cycles_per_halfword = 1.0
        self.stop: Stop | None = None
        self.halted, self.reset_seen, self.demcr, self.dcrdr = False, False, 0, 0
        self.uc = self.machine._uc
        for base, part, kind in _COMPONENTS:
            identity = {0xFE0: part & 0xFF, 0xFE4: 0xB0 | part >> 8, 0xFE8: 0x0B, 0xFD0: 4}
            identity |= {0xFF0: 0x0D, 0xFF4: kind, 0xFF8: 0x05, 0xFFC: 0xB1}
            for offset, word in identity.items():
                self.machine.write_memory(base + offset, word.to_bytes(4, "little"))
        for index, (base, _, _) in enumerate(_COMPONENTS[:-1]):
            self.machine.write_memory(ROM + 4 * index, ((base - ROM & 0xFFFFFFFF) | 3).to_bytes(4, "little"))
        self.machine.write_memory(0xE000ED00, 0x410FC241.to_bytes(4, "little"))  # CPUID: Cortex-M4
        if counts:
            self._count()
        self.reset()

    def _count(self) -> None:
        import unicorn

        def block(uc: Any, address: int, size: int, _: object) -> None:
            self.cycles += size // 2 * self.cycles_per_halfword

        def look(uc: Any, access: int, address: int, size: int, value: int, _: object) -> None:
            uc.mem_write(CYCCNT, (int(self.cycles) & 0xFFFF_FFFF).to_bytes(4, "little"))

        self.uc.hook_add(unicorn.UC_HOOK_BLOCK, block)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_READ, look, begin=CYCCNT, end=CYCCNT + 3)

    def reset(self) -> None:
        vectors = self.machine.image.vectors
        self.machine._pc = int.from_bytes(self.machine.read_memory(vectors + 4, 4), "little") & ~1
        self._register(13, int.from_bytes(self.machine.read_memory(vectors, 4), "little"))
        self.resets, self.reset_seen, self.halted = self.resets + 1, True, False
        if self.demcr & 1:  # VC_CORERESET
            self.halted = True
            self.pc = self.machine._pc
        else:
            self.pc = self.machine._pc

    def go(self) -> None:
        """Run at once to where the program stops; one that does not stop counts as running until it is halted."""
        self.halted = False
        self.runs += 1
        self.before_run(self.runs)
        self.machine._pc = self.pc
        self.stop = self.machine.run(Limit(instructions=self.limit))
        self.pc = self.stop.pc
        self.halted = self.stop.reason == "breakpoint"

    @property
    def locked_up(self) -> bool:
        return self.stop is not None and self.stop.reason == "fault"

    def read(self, address: int, size: int) -> int:
        word = address & ~3
        if word == DHCSR:
            value = 1 << 16 | self.halted << 17 | self.locked_up << 19 | self.reset_seen << 25 | 1
            self.reset_seen = False
        elif word == DCRDR:
            value = self.dcrdr
        elif word == DEMCR:
            value = self.demcr
        elif word == AIRCR:
            value = 0xFA050000
        elif word in self.registers:
            value = self.registers[word]
        else:
            return int.from_bytes(self._memory(address, size), "little")
        return value >> 8 * (address & 3) & (1 << 8 * size) - 1

    def write(self, address: int, value: int, size: int) -> None:
        if address == DHCSR and value >> 16 == 0xA05F:
            if value & 2:
                self.halted, self.stop = True, None
            elif self.halted:
                self.go()
        elif address == DCRSR:
            self._access_register(value)
        elif address == DCRDR:
            self.dcrdr = value
        elif address == DEMCR:
            self.demcr = value
        elif address == AIRCR:
            if value & 4:
                self.reset()
        elif address & ~3 in self.registers:
            self.written.append((address, value, size))
            self.registers[address] = value
        else:
            try:
                self.machine.write_memory(address, value.to_bytes(size, "little"))
            except Exception as error:
                raise exceptions.TransferFaultError(fault_address=address) from error

    def _memory(self, address: int, size: int) -> bytes:
        try:
            return self.machine.read_memory(address, size)
        except Exception as error:
            raise exceptions.TransferFaultError(fault_address=address) from error

    def _access_register(self, select: int) -> None:
        number = select & 0x7F
        if number == 15:
            if select & 1 << 16:
                self.pc = self.dcrdr & ~1
            else:
                self.dcrdr = self.pc
        elif number == 16:
            self.dcrdr = 1 << 24
        elif number < 15:
            if select & 1 << 16:
                self._register(number, self.dcrdr)
            else:
                self.dcrdr = self._register(number)

    def _register(self, number: int, value: int | None = None) -> int:
        from unicorn import arm_const as arm

        name = {13: "SP", 14: "LR"}.get(number, f"R{number}")
        if value is not None:
            self.uc.reg_write(getattr(arm, f"UC_ARM_REG_{name}"), value)
        return int(self.uc.reg_read(getattr(arm, f"UC_ARM_REG_{name}")))


class FakeProbe(DebugProbe):
    """What a CMSIS-DAP probe would be to pyOCD.

    Attributes:
        trouble: raised by every transfer, once set: the cable is out, the chip is dead.
    """

    def __init__(self, core: FakeCore) -> None:
        super().__init__()
        self.core = core
        self.trouble: Exception | None = None
        self._open = False
        self._dp: dict[int, int] = {}
        self._csw = 0x2300_0052
        self._tar = 0

    vendor_name, product_name, unique_id = "Test", "Fake CMSIS-DAP", "FAKE0001"
    description = "Fake CMSIS-DAP"
    supported_wire_protocols = (DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD)
    wire_protocol = DebugProbe.Protocol.SWD
    capabilities = frozenset(
        DebugProbe.Capability[name] for name in ("MANAGED_AP_SELECTION", "MANAGED_DPBANKSEL", "BANKED_DP_REGISTERS")
    )

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def connect(self, protocol: object = None) -> None: ...
    def disconnect(self) -> None: ...
    def set_clock(self, frequency: float) -> None: ...
    def flush(self) -> None: ...
    def reset(self) -> None:
        self.core.reset()

    def assert_reset(self, asserted: bool) -> None:
        if asserted:
            self.core.reset()

    def is_reset_asserted(self) -> bool:
        return False

    def _transfer(self, *, debug_port: bool = False) -> None:
        waits = isinstance(self.trouble, exceptions.TransferTimeoutError)  # the debug port itself never waits
        if self.trouble is not None and not (waits and debug_port):
            raise self.trouble

    def read_dp(self, addr: int, now: bool = True) -> Any:
        self._transfer(debug_port=True)
        value = {0x0: 0x2BA01477, 0x4: 0xF000_0040}.get(addr & 0xF, 0)
        return value if now else lambda: value

    def write_dp(self, addr: int, data: int) -> None:
        self._transfer(debug_port=True)

    def read_ap(self, addr: int, now: bool = True) -> Any:
        self._transfer()
        value = 0
        if addr >> 24 == 0:
            register = addr & 0xFF
            value = {0x00: self._csw, 0x04: self._tar, 0xF8: ROM | 3, 0xFC: 0x24770011}.get(register, 0)
            if register == 0x0C:
                value = self._drw_read()
        return value if now else lambda: value

    def write_ap(self, addr: int, data: int) -> None:
        self._transfer()
        register = addr & 0xFF
        if register == 0x00:
            self._csw = data | 0x40  # the device is always enabled
        elif register == 0x04:
            self._tar = data
        elif register == 0x0C:
            self._drw_write(data)

    def read_ap_multiple(self, addr: int, count: int = 1, now: bool = True) -> Any:
        values = [self.read_ap(addr) for _ in range(count)]
        return values if now else lambda: values

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        for value in values:
            self.write_ap(addr, value)

    @property
    def _size(self) -> int:
        return 1 << (self._csw & 7)

    def _drw_read(self) -> int:
        value = self.core.read(self._tar, self._size) << 8 * (self._tar & 3 if self._size < 4 else 0)
        self._advance()
        return value

    def _drw_write(self, data: int) -> None:
        value = data >> 8 * (self._tar & 3 if self._size < 4 else 0) & (1 << 8 * self._size) - 1
        self.core.write(self._tar, value, self._size)
        self._advance()

    def _advance(self) -> None:
        if self._csw & 0x30 == 0x10:
            self._tar += self._size
