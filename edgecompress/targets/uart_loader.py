"""The `serial` table of a board's TOML file to a `Uart`."""

from edgecompress.errors import RecipeError
from edgecompress.targets.silicon_loader import read_write
from edgecompress.targets.table import Table
from edgecompress.targets.uart import Direction, Step, Uart

WORD = 0xFFFF_FFFF
MOST_BAUD = 12_000_000


def read_uart(table: Table) -> Uart:
    """`name`, `baud`, `receive`, `send`, and `setup`, a list of register writes, some with `wait = true`."""
    steps = table.take("setup", list)
    uart = Uart(
        name=table.take("name", str),
        baud=table.take("baud", int),
        setup=tuple(_read_step(Table(step, f"{table.where}: setup[{i}]")) for i, step in enumerate(steps)),
        receive=_read_direction(table.table("receive")),
        send=_read_direction(table.table("send")),
    )
    table.close()
    if not 300 <= uart.baud <= MOST_BAUD:
        raise RecipeError(f"{table.where}: baud must be 300 to {MOST_BAUD:,}", found=str(uart.baud))
    if uart.receive.after:
        raise RecipeError(f"{table.where}: receive: `after` is for sending only")
    return uart


def _read_step(table: Table) -> Step:
    wait = table.take("wait", bool) if table.has("wait") else False
    write = read_write(table)
    if wait and write.width != 4:
        raise RecipeError(f"{table.where}: waiting is for whole words", found=f"width {write.width}")
    return Step(write=write, wait=wait)


def _read_direction(table: Table) -> Direction:
    numbers = {key: int(table.take(key, int)) for key in ("data", "status", "mask", "ready")}
    clear, after = (table.take(key, bool) if table.has(key) else False for key in ("clear", "after"))
    table.close()
    for key, value in numbers.items():
        if not 0 <= value <= WORD or (key in ("data", "status") and value % 4):
            raise RecipeError(
                f"{table.where}: {key} must be a 32-bit number, addresses multiples of 4", found=f"{value:#x}"
            )
    way = Direction(**numbers, clear=clear, after=after)
    if not way.mask or way.ready & ~way.mask:
        raise RecipeError(f"{table.where}: mask must name bits, and ready must lie within them")
    return way
