"""TOML files of CPUs and boards to values. An unknown, missing or mistyped key is an error that names file and key."""

from collections.abc import Mapping
from itertools import pairwise

from edgecompress.errors import RecipeError
from edgecompress.targets.flash_timing import read_flash_timing
from edgecompress.targets.silicon_loader import read_silicon
from edgecompress.targets.table import Table, parse
from edgecompress.targets.target import Cpu, MemoryMap, QemuMachine, Region, Target, ZigTarget
from edgecompress.targets.uart_loader import read_uart

RUNNERS = ("qemu", "unicorn")
ADDRESS_SPACE = 1 << 32


def read_region(table: Table) -> Region:
    region = Region(name=table.take("name", str), origin=table.take("origin", int), bytes=table.take("bytes", int))
    table.close()
    if not region.name.isidentifier():
        raise RecipeError(f"{table.where}: a region's name must be a C identifier", found=region.name)
    if region.origin < 0 or region.bytes <= 0 or region.end > ADDRESS_SPACE or region.origin % 4 or region.bytes % 4:
        raise RecipeError(
            f"{table.where}: origin and bytes must be multiples of 4 within 32 bits",
            found=f"origin {region.origin:#x}, bytes {region.bytes:#x}",
        )
    return region


def read_memory(table: Table) -> MemoryMap:
    """`flash`, `ram` (a list, in order of preference) and, where they are apart, `vectors`; nothing may overlap."""
    ram = table.take("ram", list)
    memory = MemoryMap(
        flash=read_region(table.table("flash")),
        ram=tuple(read_region(Table(item, f"{table.where}: ram[{index}]")) for index, item in enumerate(ram)),
        vectors=read_region(table.table("vectors")) if table.has("vectors") else None,
    )
    if not memory.ram:
        raise RecipeError(f"{table.where}: ram must hold at least one region")
    ordered = sorted(memory.regions, key=lambda region: region.origin)
    for lower, upper in pairwise(ordered):
        if lower.end > upper.origin:
            raise RecipeError(f"{table.where}: the regions {lower.name!r} and {upper.name!r} overlap")
    if len({region.name for region in ordered}) != len(ordered):
        raise RecipeError(f"{table.where}: two regions have the same name")
    return memory


def read_qemu(table: Table) -> QemuMachine:
    machine, clock = table.take("machine", str), table.take("clock_hz", int)
    memory = read_memory(table)
    table.close()
    return QemuMachine(machine=machine, clock_hz=clock, memory=memory)


def read_cpu(text: str, where: str) -> Cpu:
    """A CPU from the text of its TOML file."""
    table = parse(text, where)
    zig, memory = table.table("zig"), table.table("memory")
    cpu = Cpu(
        **{key: table.take(key, str) for key in ("name", "architecture", "description", "runner")},
        part=table.take("part", int),
        **{key: table.take(key, bool) for key in ("fpu", "dsp", "mve", "dwt", "vtor")},
        zig=ZigTarget(cpu=zig.take("cpu", str), abi=zig.take("abi", str)),
        gcc=tuple(str(flag) for flag in table.take("gcc", list)),
        unicorn=table.take("unicorn", str) if table.has("unicorn") else None,
        unicorn_lacks=table.take("unicorn_lacks", str) if table.has("unicorn_lacks") else None,
        memory=read_memory(memory),
        qemu=read_qemu(table.table("qemu")),
    )
    for part in (zig, memory, table):
        part.close()
    if cpu.runner not in RUNNERS:
        raise RecipeError(f"{where}: runner must be one of {', '.join(RUNNERS)}", found=cpu.runner)
    return cpu


def read_board(text: str, where: str, cpus: Mapping[str, Cpu]) -> Target:
    """A board from the text of its TOML file; `cpus` are the CPUs that it may name."""
    table = parse(text, where)
    cpu = table.take("cpu", str)
    if cpu not in cpus:
        raise RecipeError(f"{where}: unknown cpu {cpu!r}", hint="known: " + ", ".join(sorted(cpus)))
    target = Target(
        name=table.take("name", str),
        description=table.take("description", str),
        cpu=cpus[cpu],
        memory=read_memory(table),
        clock_hz=table.take("clock_hz", int) if table.has("clock_hz") else None,
        stack_bytes=table.take("stack_bytes", int) if table.has("stack_bytes") else Target.stack_bytes,
        **read_silicon(table),
        flash_timing=read_flash_timing(table.table("flash_timing")) if table.has("flash_timing") else None,
        serial=read_uart(table.table("serial")) if table.has("serial") else None,
    )
    table.close()
    if target.clock_hz is not None and target.clock_hz <= 0:
        raise RecipeError(f"{where}: clock_hz must be positive", found=str(target.clock_hz))
    if target.stack_bytes < 512 or target.stack_bytes % 8 or target.stack_bytes >= target.ram[0].bytes:
        raise RecipeError(
            f"{where}: stack_bytes must be a multiple of 8, at least 512, and fit into {target.ram[0].name}",
            found=str(target.stack_bytes),
        )
    return target
