"""The part of a board's TOML file that real silicon needs: register writes, boot block, chip identity, ways to flash."""

from typing import Any, get_args

from edgecompress.errors import RecipeError
from edgecompress.targets.silicon import Boot, ChipId, DebugUnlock, Flashing, RegisterWrite
from edgecompress.targets.table import Table

WAYS = ("pyocd", "gdb", "openocd", "uf2", "hex")
WORD = 0xFFFF_FFFF


def read_silicon(table: Table) -> dict[str, Any]:
    """The fields of `Target` that a board may leave out, from the keys of the same names."""
    boot = table.take("boot", str) if table.has("boot") else None
    if boot is not None and boot not in get_args(Boot):
        raise RecipeError(f"{table.where}: boot must be one of {', '.join(get_args(Boot))}", found=boot)
    return {
        "boot": boot,
        "caches": table.take("caches", bool) if table.has("caches") else False,
        "register_writes": read_writes(table, "register_writes"),
        "startup_writes": read_writes(table, "startup_writes", words_only=True),
        "chip": _read_chip(table.table("chip")) if table.has("chip") else None,
        "debug_unlock": _read_unlock(table.table("debug_unlock")) if table.has("debug_unlock") else None,
        "flashing": _read_flashing(table.table("flashing")) if table.has("flashing") else Flashing(),
    }


def read_writes(table: Table, key: str, *, words_only: bool = False) -> tuple[RegisterWrite, ...]:
    """A list of `{ address, value, mask, width, comment }`, of which only the first two are needed."""
    if not table.has(key):
        return ()
    items = table.take(key, list)
    writes = tuple(read_write(Table(item, f"{table.where}: {key}[{index}]")) for index, item in enumerate(items))
    for index, write in enumerate(writes):
        if words_only and write.width != 4:
            raise RecipeError(f"{table.where}: {key}[{index}]: width must be 4: start-up writes words only")
    return writes


def read_write(table: Table) -> RegisterWrite:
    """One such write; nothing else may be in its table."""
    width = table.take("width", int) if table.has("width") else 4
    if width not in (1, 2, 4):
        raise RecipeError(f"{table.where}: width must be 1, 2 or 4 bytes", found=str(width))
    full = (1 << 8 * width) - 1
    write = RegisterWrite(
        address=_number(table, "address"),
        value=_number(table, "value", full),
        mask=_number(table, "mask", full) if table.has("mask") else full,
        width=width,
        comment=table.take("comment", str) if table.has("comment") else "",
    )
    table.close()
    if write.address % width:
        raise RecipeError(f"{table.where}: the address must be a multiple of {width}", found=f"{write.address:#x}")
    if write.value & ~write.mask:
        raise RecipeError(f"{table.where}: value has bits outside mask", found=f"{write.value & ~write.mask:#x}")
    return write


def _read_chip(table: Table) -> ChipId:
    chip = ChipId(_number(table, "address"), _number(table, "mask"), _number(table, "value"), table.take("name", str))
    table.close()
    return chip


def _read_unlock(table: Table) -> DebugUnlock:
    unlock = DebugUnlock(
        address=_number(table, "address"),
        mask=_number(table, "mask"),
        least=_number(table, "least"),
        lasting=_number(table, "lasting"),
        open=_number(table, "open", 0xFF),
        host=read_writes(table, "host"),
        firmware=read_writes(table, "firmware", words_only=True),
    )
    table.close()
    return unlock


def _read_flashing(table: Table) -> Flashing:
    def text(key: str) -> str | None:
        return table.take(key, str) if table.has(key) else None

    flashing = Flashing(
        ways=_texts(table, "ways"),
        pyocd=text("pyocd"),
        pyocd_pack=table.take("pyocd_pack", bool) if table.has("pyocd_pack") else False,
        openocd=_texts(table, "openocd"),
        uf2_family=_number(table, "uf2_family") if table.has("uf2_family") else None,
        uf2_board=text("uf2_board"),
        drive=text("drive"),
    )
    table.close()
    for way in flashing.ways:
        if way not in WAYS:
            raise RecipeError(f"{table.where}: unknown way {way!r}", hint="known: " + ", ".join(WAYS))
    return flashing


def _texts(table: Table, key: str) -> tuple[str, ...]:
    values = table.take(key, list) if table.has(key) else []
    if not all(isinstance(value, str) for value in values):
        raise RecipeError(f"{table.where}: {key} must be a list of texts", found=repr(values))
    return tuple(values)


def _number(table: Table, key: str, most: int = WORD) -> int:
    value = int(table.take(key, int))
    if not 0 <= value <= most:
        raise RecipeError(f"{table.where}: {key} must be 0 to {most:#x}", found=f"{value:#x}")
    return value
