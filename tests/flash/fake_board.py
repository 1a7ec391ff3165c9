"""An nRF52840 made of an emulated core, and a debug probe on it that pyOCD takes for a real one.

The chip: Unicorn's Cortex-M4 with flash, RAM, FICR and UICR, a flash controller that erases pages and refuses writes
while it is closed (nRF52840 product specification, 4.3), the core's debug registers (Armv7-M manual, C1.6), a ROM table.
The probe: ADIv5 registers of the DP, an AHB-AP and Nordic's CTRL-AP. Nothing of pyOCD is replaced: its flash algorithm
runs on the core.
"""

from collections.abc import Callable, Sequence
from typing import Any

import unicorn
from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe
from unicorn import arm_const as arm

FLASH, UICR, NVMC, PPB = 0, 0x1000_1000, 0x4001_E000, 0xE000_0000
FLASH_BYTES, PAGE = 0x10_0000, 0x1000
READY, CONFIG, ERASE_PAGE, ERASE_ALL, ERASE_UICR = 0x400, 0x504, 0x508, 0x50C, 0x514
DHCSR, DCRSR, DCRDR, DEMCR, AIRCR = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC, 0xE000_ED0C
ROM_TABLE, SCS, FPB = 0xE00F_F000, 0xE000_E000, 0xE000_2000
NOWHERE = 0xFFFF_FFFE
LIMIT = 60_000_000
HALTED, RESET_SEEN, REGISTER_READY = 1 << 17, 1 << 25, 1 << 16
REGISTERS = {
    **{n: getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)},
    13: arm.UC_ARM_REG_SP,
    14: arm.UC_ARM_REG_LR,
    15: arm.UC_ARM_REG_PC,
    16: arm.UC_ARM_REG_XPSR,
    17: arm.UC_ARM_REG_MSP,
    18: arm.UC_ARM_REG_PSP,
}


class Board:
    """The chip's state, what was done to it, and the troubles that a test can make.

    Attributes:
        erased, programmed: pages, in the order of what happened.
        dirty: addresses that were programmed without having been erased.
        locked: APPROTECT is on. unplug_at: the transfer at which the probe goes away. stuck: an address whose bit 0
        cannot be programmed to 0. endless: what the core is told to run never comes to an end.
    """

    def __init__(self, *, part: int = 0x52840, variant: bytes = b"0FAA", cpuid: int = 0x410F_C241) -> None:
        self.uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        for start, size in (
            (FLASH, FLASH_BYTES),
            (0x1000_0000, 0x2000),
            (0x2000_0000, 0x4_0000),
            (0x4000_0000, 0x2_0000),
            (PPB, 0x10_0000),
        ):
            self.uc.mem_map(start, size)
        self.uc.mem_write(FLASH, b"\xff" * FLASH_BYTES)
        self.uc.mem_write(UICR, b"\xff" * PAGE)
        self.poke(0x1000_0100, part)
        self.uc.mem_write(0x1000_0104, variant)
        self.poke(NVMC + READY, 1)
        self.poke(0xE000_ED00, cpuid)
        self.poke(0xE000_EF40, 0x1011_0021)  # MVFR0: single precision
        self._components()
        self.erased: list[int] = []
        self.programmed: list[int] = []
        self.dirty: list[int] = []
        self.locked = False
        self.unplug_at: int | None = None
        self.transfers = 0
        self.stuck: int | None = None
        self.endless = False
        self.resets = 0
        self.written_registers: list[tuple[int, int]] = []
        self.halted, self.reset_seen, self.debug = False, True, False
        self.demcr = 0
        self.other_registers: dict[int, int] = {}
        self.selected = 0
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._flash_written, begin=FLASH, end=FLASH_BYTES - 1)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._nvmc_written, begin=NVMC, end=NVMC + 0xFFF)

    @property
    def plugged(self) -> bool:
        return self.unplug_at is None or self.transfers < self.unplug_at

    # --- memory

    def poke(self, address: int, value: int) -> None:
        self.uc.mem_write(address, value.to_bytes(4, "little"))

    def peek(self, address: int) -> int:
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    def flash(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def _components(self) -> None:
        """A ROM table with the system control space behind it, as discovery looks for them."""
        for base, kind, part in ((ROM_TABLE, 0x10, 0x4C4), (SCS, 0xE0, 0x00C), (FPB, 0xE0, 0x003)):
            ids = (0x04, 0, 0, 0, part & 0xFF, 0xB0 | part >> 8, 0x0B, 0, 0x0D, kind, 0x05, 0xB1)
            for index, value in enumerate(ids):
                self.poke(base + 0xFD0 + 4 * index, value)
        for index, base in enumerate((SCS, FPB)):
            self.poke(ROM_TABLE + 4 * index, (base - ROM_TABLE) & 0xFFFF_F000 | 3)
        self.poke(FPB, 2 << 4)  # two comparators

    def _flash_written(self, uc: Any, access: int, address: int, size: int, value: int, _: object) -> None:
        old = int.from_bytes(uc.mem_read(address, size), "little")
        value &= (1 << 8 * size) - 1
        if old & value != value:
            self.dirty.append(address)
        if address & -PAGE not in self.programmed:
            self.programmed.append(address & -PAGE)

    def _nvmc_written(self, uc: Any, access: int, address: int, size: int, value: int, _: object) -> None:
        register = address - NVMC
        if register == ERASE_PAGE:
            self.erased.append(value)
            uc.mem_write(value & -PAGE, b"\xff" * PAGE)
        elif register == ERASE_ALL and value & 1:
            uc.mem_write(FLASH, b"\xff" * FLASH_BYTES)
            uc.mem_write(UICR, b"\xff" * PAGE)
        elif register == ERASE_UICR and value & 1:
            uc.mem_write(UICR, b"\xff" * PAGE)

    def host_write(self, address: int, data: bytes) -> None:
        """Through the AHB-AP. Flash and UICR want the flash controller open."""
        if FLASH <= address < FLASH_BYTES or UICR <= address < UICR + PAGE:
            if self.peek(NVMC + CONFIG) & 1:
                old = bytes(self.uc.mem_read(address, len(data)))
                self.uc.mem_write(address, bytes(a & b for a, b in zip(old, data, strict=True)))
            return
        if len(data) == 4:
            value = int.from_bytes(data, "little")
            if address in (DHCSR, DCRSR, DEMCR, AIRCR):
                self._control(address, value)
                return
            if address == FPB:  # how many comparators there are cannot be written
                data = (value & 3 | 2 << 4).to_bytes(4, "little")
            if 0x4000_0000 <= address < 0x5000_0000:
                self.written_registers.append((address, value))
                if NVMC <= address < NVMC + 0x1000:
                    self._nvmc_written(self.uc, 0, address, 4, value, None)
        self.uc.mem_write(address, data)

    def host_read(self, address: int, size: int) -> bytes:
        if address == DHCSR and size == 4:
            status = REGISTER_READY | (HALTED if self.halted else 0) | self.debug | self.halted << 1
            status |= RESET_SEEN if self.reset_seen else 0
            self.reset_seen = False
            return status.to_bytes(4, "little")
        if address == DEMCR and size == 4:
            return self.demcr.to_bytes(4, "little")
        return bytes(self.uc.mem_read(address, size))

    # --- the core

    def _control(self, address: int, value: int) -> None:
        if address == DHCSR:
            self.debug = bool(value & 1)
            if not self.debug or value >> 16 != 0xA05F:
                return
            if value & 2:
                self.halted = True
            elif self.halted:
                self._go(steps=1 if value & 4 else 0)
        elif address == DEMCR:
            self.demcr = value
        elif address == AIRCR and value & 4:
            self.reset()
        elif address == DCRSR:
            self._register(value & 0x7F, bool(value & 1 << 16))

    def _register(self, number: int, write: bool) -> None:
        known = REGISTERS.get(number)
        if write:
            value = self.peek(DCRDR)
            self.other_registers[number] = value
            if known is not None:
                self.uc.reg_write(known, value)
            return
        value = self.uc.reg_read(known) if known is not None else self.other_registers.get(number, 0)
        self.poke(DCRDR, (value & ~1 if number == 15 else value) & 0xFFFF_FFFF)

    def reset(self) -> None:
        """Reset of the whole chip: registers of the flash controller too; caught where the debugger asks for it."""
        self.resets += 1
        self.reset_seen = True
        self.poke(NVMC + CONFIG, 0)
        self.uc.reg_write(arm.UC_ARM_REG_SP, self.peek(0))
        self.uc.reg_write(arm.UC_ARM_REG_PC, self.peek(4) | 1)
        self.halted = bool(self.demcr & 1 and self.debug)
        if not self.halted and self.peek(4) != 0xFFFF_FFFF:
            self._go()

    def _go(self, steps: int = 0) -> None:
        """Runs to the next breakpoint at once: nobody watches meanwhile."""
        self.halted = False
        if self.endless:
            return
        hooks = [
            self.uc.hook_add(unicorn.UC_HOOK_CODE, self._compared, begin=address, end=address)
            for address in self.comparators()
        ]
        if hooks:
            self.uc.ctl_flush_tb()  # code that was translated before knows nothing of them
        try:
            self.uc.emu_start(self.uc.reg_read(arm.UC_ARM_REG_PC) | 1, NOWHERE, count=steps or LIMIT)
        except unicorn.UcError as error:
            if error.errno not in (unicorn.UC_ERR_READ_UNMAPPED, unicorn.UC_ERR_WRITE_UNMAPPED):
                return  # a core that is lost runs on
        finally:
            for hook in hooks:
                self.uc.hook_del(hook)
        self.halted = self.halted or bool(steps)
        if self.stuck is not None:
            byte = self.uc.mem_read(self.stuck, 1)[0]
            self.uc.mem_write(self.stuck, bytes((byte | 1,)))

    def comparators(self) -> list[int]:
        """Addresses at which the breakpoint unit halts the core (Armv7-M manual, C1.11)."""
        if not self.peek(FPB) & 1:
            return []
        words = [self.peek(FPB + 8 + 4 * n) for n in range(2)]
        return [(word & 0x1FFF_FFFC) + (2 if word >> 30 == 2 else 0) for word in words if word & 1]

    def _compared(self, uc: Any, address: int, size: int, _: object) -> None:
        self.halted = True
        uc.emu_stop()

    def _interrupt(self, uc: Any, number: int, _: object) -> None:
        if number == 7:  # BKPT halts at itself
            self.halted = True
        uc.emu_stop()


class FakeProbe(DebugProbe):
    """A probe with the board of the test; `boards` are those that are connected, by ID."""

    boards: dict[str, Board] = {}  # noqa: RUF012  # a test fills it

    def __init__(self, unique_id: str) -> None:
        super().__init__()
        self._id = unique_id
        self.board = self.boards[unique_id]
        self._open = self._connected = False
        self._ap: dict[int, int] = {}
        self._power = 0

    @classmethod
    def get_all_connected_probes(cls, unique_id: str | None = None, is_explicit: bool = False) -> list["FakeProbe"]:
        return [cls(name) for name, board in cls.boards.items() if board.plugged]

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> "FakeProbe | None":
        return cls(unique_id) if unique_id in cls.boards and cls.boards[unique_id].plugged else None

    vendor_name, product_name = "Fake", "CMSIS-DAP"
    unique_id = property(lambda self: self._id)
    supported_wire_protocols = (DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD)
    wire_protocol = property(lambda self: DebugProbe.Protocol.SWD if self._connected else None)
    is_open = property(lambda self: self._open)
    capabilities = frozenset(
        (
            DebugProbe.Capability.MANAGED_AP_SELECTION,
            DebugProbe.Capability.MANAGED_DPBANKSEL,
            DebugProbe.Capability.BANKED_DP_REGISTERS,
            DebugProbe.Capability.APv2_ADDRESSES,
        )
    )

    def open(self) -> None:
        self._transfer()
        self._open = True

    def close(self) -> None:
        self._open = False

    def connect(self, protocol: Any = None) -> None:
        self._transfer()
        self._connected = True

    def disconnect(self) -> None:
        self._connected = False

    def set_clock(self, frequency: float) -> None:
        pass

    def reset(self) -> None:
        self.board.reset()

    def assert_reset(self, asserted: bool) -> None:
        if not asserted:
            self.board.reset()

    def is_reset_asserted(self) -> bool:
        return False

    def _transfer(self) -> None:
        board = self.board
        board.transfers += 1
        if not board.plugged:
            raise exceptions.ProbeDisconnected("the USB device has been disconnected")

    def read_dp(self, addr: int, now: bool = True) -> Any:
        self._transfer()
        value = {0x0: 0x2BA0_1477, 0x4: self._power | self._power << 1 & 0xA000_0000 | 0x40}.get(addr, 0)
        return value if now else lambda: value

    def write_dp(self, addr: int, data: int) -> None:
        self._transfer()
        if addr == 4:
            self._power = data & 0x5000_0000  # what is asked for is acknowledged one bit higher

    def read_ap(self, addr: int, now: bool = True) -> Any:
        self._transfer()
        value = self._read_ap(addr >> 24, addr & 0xFF)
        return value if now else lambda: value

    def _read_ap(self, number: int, register: int) -> int:
        if number == 1:
            return {0xFC: 0x0288_0000, 0x0C: 0 if self.board.locked else 1}.get(register, 0)
        if number != 0:
            return 0
        fixed = {0xFC: 0x2477_0011, 0xF8: ROM_TABLE | 3, 0xF4: 0, 0x00: self._ap.get(0, 0x2300_0042) | 0x40}
        if register == 0x0C:
            return int.from_bytes(self._access(self._ap.get(4, 0), 4), "little")
        return fixed.get(register, self._ap.get(register, 0))

    def write_ap(self, addr: int, data: int) -> None:
        self._transfer()
        number, register = addr >> 24, addr & 0xFF
        if number == 1 and register == 4 and data == 1:  # ERASEALL
            self.board.uc.mem_write(FLASH, b"\xff" * FLASH_BYTES)
            self.board.uc.mem_write(UICR, b"\xff" * PAGE)
            self.board.locked = False
        if number == 0:
            self._ap[register] = data
            if register == 0x0C:
                self.store(self._ap.get(4, 0), data.to_bytes(4, "little"))

    def read_ap_multiple(self, addr: int, count: int = 1, now: bool = True) -> Any:
        values = [self._read_ap(addr >> 24, addr & 0xFF) for _ in range(count)]
        return values if now else lambda: values

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        for value in values:
            self.write_ap(addr, value)

    def _access(self, address: int, size: int) -> bytes:
        if self.board.locked:
            raise exceptions.TransferFaultError(address)
        try:
            return self.board.host_read(address, size)
        except unicorn.UcError as error:
            raise exceptions.TransferFaultError(address) from error

    def store(self, address: int, data: bytes) -> None:
        self._transfer()
        if self.board.locked:
            raise exceptions.TransferFaultError(address)
        try:
            self.board.host_write(address, data)
        except unicorn.UcError as error:
            raise exceptions.TransferFaultError(address) from error

    def load(self, address: int, size: int) -> bytes:
        self._transfer()
        return self._access(address, size)

    def get_memory_interface_for_ap(self, ap_address: Any) -> "Bus | None":
        return Bus(self) if ap_address.nominal_address == 0 else None


class Bus:
    """Whole blocks of memory in one transfer, as fast probes offer."""

    def __init__(self, probe: FakeProbe) -> None:
        self._probe = probe

    def read_memory(self, addr: int, transfer_size: int = 32, now: bool = True, **_: object) -> int | Callable[[], int]:
        value = int.from_bytes(self._probe.load(addr, transfer_size // 8), "little")
        return value if now else lambda: value

    def write_memory(self, addr: int, data: int, transfer_size: int = 32, **_: object) -> None:
        self._probe.store(addr, data.to_bytes(transfer_size // 8, "little"))

    def read_memory_block32(self, addr: int, size: int, **_: object) -> list[int]:
        data = self._probe.load(addr, 4 * size)
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

    def write_memory_block32(self, addr: int, data: Sequence[int], **_: object) -> None:
        self._probe.store(addr, b"".join(word.to_bytes(4, "little") for word in data))

    def read_memory_block8(self, addr: int, size: int, **_: object) -> list[int]:
        return list(self._probe.load(addr, size))

    def write_memory_block8(self, addr: int, data: Sequence[int], **_: object) -> None:
        self._probe.store(addr, bytes(data))
