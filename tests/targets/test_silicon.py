"""What real silicon needs: boot blocks, register writes and unlock words, as images and as executed by an emulated core.

None of it has run on silicon; each value is written here a second time, from the reference manuals.
"""

import binascii
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import unicorn
from unicorn import arm_const as arm

from edgecompress import targets
from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.emulate.machine import Machine
from edgecompress.errors import RecipeError
from edgecompress.targets import boot, toolchain
from edgecompress.targets.compilers import find_compiler
from edgecompress.targets.image import Image
from edgecompress.targets.process import run
from edgecompress.targets.silicon import DebugUnlock, RegisterWrite, c_table

TOY = Path(__file__).parent / "toy"
VTOR, CPACR, CCR = 0xE000ED08, 0xE000ED88, 0xE000ED14

# (address, value, mask) by board: FLASH_ACR of PM0075 (F1), RM0390 (F446), RM0432 (L4R5), RM0433 (H743); NVMC.ICACHECNF
# of the nRF52 product specifications.
REGISTER_WRITES = {
    "bluepill": [(0x40022000, 0b10 | 1 << 4, 0x17)],
    "nucleo-f446re": [(0x40023C00, 5 | 1 << 8 | 1 << 9 | 1 << 10, 0x70F)],
    "nucleo-l4r5zi": [(0x40022000, 5 | 1 << 8 | 1 << 9 | 1 << 10, 0x70F)],
    "nucleo-h743zi": [(0x52002000, 4 | 2 << 4, 0x3F)],
    "nrf52840-dk": [(0x4001E540, 1, 1)],
    "microbit-v2": [(0x4001E540, 1, 1)],
    "rpi-pico": [],
    "rpi-pico-2": [],
}
# DBGMCU_IDCODE's DEV_ID, FICR.INFO.PART, or the boot ROM's magic "Mu" and version
CHIPS = {
    "bluepill": (0xE0042000, 0x410),
    "nucleo-f446re": (0xE0042000, 0x421),
    "nucleo-l4r5zi": (0xE0042000, 0x470),
    "nucleo-h743zi": (0x5C001000, 0x450),
    "nrf52840-dk": (0x10000100, 0x52840),
    "microbit-v2": (0x10000100, 0x52833),
    "rpi-pico": (0x10, int.from_bytes(b"Mu\x01", "little")),
    "rpi-pico-2": (0x10, int.from_bytes(b"Mu\x02", "little")),
}
PARTS = {"m0plus": 0xC60, "m3": 0xC23, "m4": 0xC24, "m7": 0xC27, "m33": 0xD21, "m55": 0xD22}


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Image]:
    """`firmware(target)` -> the toy model's firmware for a board."""
    model = {path.name: path.read_text() for path in sorted(TOY.iterdir())}

    def build(name: str) -> Image:
        return toolchain.compile(
            {**program_sources("firmware"), **model},
            targets.find(name),
            tmp_path_factory.mktemp(name) / "firmware.elf",
            defines=program_defines(),
        )

    return build


def mirror(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def flat(image: Image, address: int, size: int) -> bytes:
    memory = {s.address + i: byte for s in image.segments for i, byte in enumerate(s.data)}
    return bytes(memory.get(address + i, 0xFF) for i in range(size))


@pytest.mark.parametrize("name", sorted(REGISTER_WRITES))
def test_wait_states_and_caches_are_those_of_the_reference_manuals(name: str) -> None:
    board = targets.find(name)
    assert [(w.address, w.value, w.mask) for w in board.register_writes] == REGISTER_WRITES[name]
    assert all(write.comment and write.width == 4 for write in board.register_writes)
    assert board.chip is not None
    assert (board.chip.address, board.chip.value) == CHIPS[name]
    assert board.flashing.ways[0] == "pyocd"
    assert board.flashing.openocd[0].startswith("interface/")


def test_every_cpu_has_its_part_number_and_generic_cpus_need_nothing() -> None:
    for name, part in PARTS.items():
        target = targets.find(f"cortex-{name}")
        assert target.cpu.part == part
        assert target.chip is target.boot is target.debug_unlock is None
        assert target.register_writes == target.startup_writes == target.registers_of_startup == ()


def test_checksum_is_crc32_mpeg2() -> None:
    assert boot.crc32(b"123456789") == 0x0376E6E7  # the catalogue's check value of CRC-32/MPEG-2
    block = boot.stage2()
    assert len(block) == 256
    assert boot.crc32(block[:252]) == int.from_bytes(block[252:], "little")
    reflected = binascii.crc32(bytes(mirror(byte, 8) for byte in block[:252])) ^ 0xFFFFFFFF
    assert mirror(reflected, 32) == int.from_bytes(block[252:], "little")


def test_second_stage_is_its_source_assembled(tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile

    source = resources.files("edgecompress.targets.boot") / "rp2040_stage2.S"
    (tmp_path / "a.S").write_text(source.read_text())
    compiler = find_compiler("zig")
    command = compiler.compile_command(targets.find("rpi-pico").cpu, "-O2")
    run((*command, "-c", "a.S", "-o", "a.o"), folder=tmp_path, environment=compiler.environment)
    with (tmp_path / "a.o").open("rb") as stream:
        elf = ELFFile(stream)
        assert elf.get_section_by_name(".rel.text") is None
        assert elf.get_section_by_name(".text").data() == boot.STAGE2


def test_second_stage_sets_the_flash_interface_up_and_starts_the_program() -> None:
    """As the boot ROM does it: the block in SRAM at 0x20041F00, called with 0 in LR."""
    uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M0)
    for start, size in ((0x10000000, 0x1000), (0x18000000, 0x1000), (0x20000000, 0x42000), (0xE0000000, 0x100000)):
        uc.mem_map(start, size)
    uc.mem_write(0x20041F00, boot.stage2())
    uc.mem_write(0x10000100, (0x20001234 & ~7).to_bytes(4, "little") + 0x10000201.to_bytes(4, "little"))
    writes = []
    uc.hook_add(
        unicorn.UC_HOOK_MEM_WRITE,
        lambda uc, access, address, size, value, _: writes.append((address - 0x18000000, value & 0xFFFFFFFF)),
        begin=0x18000000,
        end=0x18000FFF,
    )
    uc.reg_write(arm.UC_ARM_REG_SP, 0x20041F00)
    uc.reg_write(arm.UC_ARM_REG_LR, 0)
    uc.emu_start(0x20041F01, 0x10000200, count=1000)
    ssienr, baudr, ctrlr0, ctrlr1, spi = 0x08, 0x14, 0x00, 0x04, 0xF4
    assert writes == [
        (ssienr, 0),
        (baudr, 4),
        (ctrlr0, 31 << 16 | 3 << 8),  # DFS_32: 32 bits; TMOD: EEPROM read
        (ctrlr1, 0),
        (spi, 0x03 << 24 | 2 << 8 | 6 << 2),  # XIP_CMD, INST_L: 8 bits, ADDR_L: 24 bits
        (ssienr, 1),
    ]
    assert uc.reg_read(arm.UC_ARM_REG_PC) == 0x10000200
    assert uc.reg_read(arm.UC_ARM_REG_SP) == 0x20001230
    assert int.from_bytes(uc.mem_read(VTOR, 4), "little") == 0x10000100


def test_rp2040_image_leads_with_the_second_stage_and_its_vectors_follow(firmware: Callable[[str], Image]) -> None:
    image = firmware("rpi-pico")
    assert flat(image, 0x10000000, 256) == boot.stage2()
    assert image.vectors == 0x10000100
    stack, entry = (int.from_bytes(flat(image, image.vectors + i, 4), "little") for i in (0, 4))
    assert targets.find("rpi-pico").ram[0].holds(stack - 1)
    assert entry == image.symbol("Reset_Handler").address | 1


def test_rp2350_image_has_a_secure_arm_image_definition_within_its_first_4_kb(
    firmware: Callable[[str], Image],
) -> None:
    image = firmware("rpi-pico-2")
    assert image.vectors == 0x10000000
    head = flat(image, 0x10000000, 4096)
    at = head.index(0xFFFFDED3.to_bytes(4, "little"))
    block = head[at : at + 20]
    assert at % 4 == 0
    # RP2350 data sheet, 5.9.5.1 "Minimum Arm IMAGE_DEF"
    assert block == bytes.fromhex("d3deffff 42012110 ff010000 00000000 793512ab")
    flags = int.from_bytes(block[6:8], "little")
    executable, secure, arm_core, rp2350 = (
        flags & 0xF == 1,
        flags >> 4 & 3 == 2,
        flags >> 8 & 7 == 0,
        flags >> 12 & 7 == 1,
    )
    assert (executable, secure, arm_core, rp2350) == (True, True, True, True)


def start(target: str, image: Image, words: dict[int, int] | None = None) -> Machine:
    machine = Machine(targets.find(target), image)
    for address, value in (words or {}).items():
        machine.write_memory(address, value.to_bytes(4, "little"))
    assert machine.run().reason == "breakpoint"
    return machine


def word(machine: Machine, address: int) -> int:
    return int.from_bytes(machine.read_memory(address, 4), "little")


@pytest.mark.parametrize("name", sorted(REGISTER_WRITES))
def test_firmware_of_every_board_starts_and_sets_vtor_and_fpu(name: str, firmware: Callable[[str], Image]) -> None:
    image = firmware(name)
    machine = start(name, image)
    cpu = targets.find(name).cpu
    if cpu.vtor:
        assert word(machine, VTOR) == image.vectors
    assert (word(machine, CPACR) >> 20 & 0xF == 0xF) == cpu.fpu


@pytest.mark.parametrize(
    ("name", "variant", "hardened"),
    [
        ("nrf52840-dk", b"0FAA", True),
        ("nrf52840-dk", b"1FAA", True),
        ("nrf52840-dk", b"0DAA", False),
        ("microbit-v2", b"0BAA", True),
        ("microbit-v2", b"0AAA", False),
    ],
)
def test_firmware_keeps_the_debug_port_open_on_revisions_that_lock_themselves_only(
    name: str, variant: bytes, hardened: bool, firmware: Callable[[str], Image]
) -> None:
    machine = start(name, firmware(name), {0x10000104: int.from_bytes(variant, "little")})
    assert word(machine, 0x40000558) == (0x5A if hardened else 0)
    unlock = targets.find(name).debug_unlock
    assert unlock is not None
    assert [(w.address, w.value) for w in unlock.host] == [(0x4001E504, 1), (0x10001208, 0x5A), (0x4001E504, 0)]
    assert (unlock.lasting, unlock.open) == (0x10001208, 0x5A)


def test_h7_gets_its_ram_clocks_before_ram_is_used_and_its_caches_invalidated_before_they_are_on(
    firmware: Callable[[str], Image],
) -> None:
    image = firmware("nucleo-h743zi")
    geometry = 127 << 13 | 3 << 3 | 1  # CCSIDR of 16 KB, four ways, 32-byte lines
    machine = start("nucleo-h743zi", image, {0xE000ED80: geometry, 0x580244DC: 0x8000_0003, 0xE000EF50: 1})
    assert word(machine, 0x580244DC) == 0xE000_0003  # SRAM1EN, SRAM2EN; the others as they were
    last = 3 << 30 | 127 << 5
    assert word(machine, 0xE000EF60) == last  # DCISW: every set and way
    assert word(machine, 0xE000EF74) == last  # DCCISW: before the host looks
    assert word(machine, 0xE000EF50) == 0  # ICIALLU
    assert word(machine, CCR) & (1 << 16 | 1 << 17) == 1 << 16 | 1 << 17


def test_h7_mailbox_and_stack_lie_in_uncached_tightly_coupled_memory(firmware: Callable[[str], Image]) -> None:
    image = firmware("nucleo-h743zi")
    dtcm = targets.find("nucleo-h743zi").ram[0]
    assert dtcm.name == "dtcm"
    for name in ("ec_mailbox", "ec_stack_low", "ec_arena", "ec_fault"):
        assert dtcm.holds(image.symbol(name).address)


def test_emulators_of_another_memory_map_forget_what_the_chip_needs() -> None:
    for name in REGISTER_WRITES:
        emulated = targets.find(name).on_qemu()
        assert emulated.register_writes == emulated.startup_writes == emulated.registers_of_startup == ()
        assert emulated.boot is None
        assert not emulated.caches


def test_writes_merge_into_what_the_register_holds() -> None:
    whole = RegisterWrite(0x1000, 0x12)
    assert whole.is_whole
    assert whole.merged(0xFFFFFFFF) == 0x12
    part = RegisterWrite(0x1000, 0x10, 0xF0)
    assert not part.is_whole
    assert part.merged(0xABCD) == 0xAB1D
    assert RegisterWrite(0x1000, 0x12, 0xFF, 1).is_whole


def test_table_for_start_up_holds_conditions_and_words_only() -> None:
    unlock = DebugUnlock(0x20, 0xFF00, 0x4600, 0x30, 0x5A, (), (RegisterWrite(0x40, 0x5A),))
    assert c_table((RegisterWrite(0x10, 1, 3),), unlock) == (
        "{0x10u,0x1u,0x3u,0x10u,0x0u,0x0u},{0x40u,0x5au,0xffffffffu,0x20u,0xff00u,0x4600u},"
    )
    assert c_table(()) == ""
    with pytest.raises(ValueError, match="words only"):
        c_table((RegisterWrite(0x10, 1, 3, 2),))


BOARD = """
name = "my-board"
description = "a board"
cpu = "cortex-m4"
boot = "rp2040"
flash = { name = "flash", origin = 0x0800_0000, bytes = 0x4_0000 }
ram = [{ name = "sram", origin = 0x2000_0000, bytes = 0x1_0000 }]
register_writes = [{ address = 0x4000_0000, value = 1, mask = 3, width = 4, comment = "x" }]
chip = { address = 0, mask = 0xFFF, value = 1, name = "mine" }

[flashing]
ways = ["pyocd", "gdb"]
pyocd = "mine"
openocd = ["a.cfg"]
"""


def test_users_board_may_hold_all_that_a_shipped_one_does(tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text(BOARD)
    board = targets.find(str(file))
    assert board.register_writes == (RegisterWrite(0x40000000, 1, 3, 4, "x"),)
    assert board.flashing.ways == ("pyocd", "gdb")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('boot = "rp2040"', 'boot = "rp3000"'), "boot must be one of rp2040, rp2350"),
        (("width = 4", "width = 3"), "width must be 1, 2 or 4"),
        (("value = 1, mask = 3", "value = 7, mask = 3"), "value has bits outside mask"),
        (("value = 1, mask = 3, width = 4", "value = 256, width = 1"), "value must be 0 to 0xff"),
        (("address = 0x4000_0000", "address = 0x4000_0002"), "multiple of 4"),
        (("address = 0x4000_0000", "address = -1"), "address must be 0 to"),
        (('comment = "x"', "coment = 3"), "unknown key 'coment'\ntry: did you mean 'comment'"),
        (('"pyocd", "gdb"', '"jtag"'), "unknown way 'jtag'"),
        (('openocd = ["a.cfg"]', "openocd = [1]"), "openocd must be a list of texts"),
        (('pyocd = "mine"', "pyocd = 1"), "'pyocd' must be a str"),
        (("[flashing]", "[flashin]"), "unknown key 'flashin'"),
        (
            ("register_writes = [{", "startup_writes = [{ address = 0, value = 0, width = 1 }, {"),
            "start-up writes words",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    file = tmp_path / "board.toml"
    assert change[0] in BOARD
    file.write_text(BOARD.replace(*change))
    with pytest.raises(RecipeError, match=message):
        targets.find(str(file))
