"""A board's UART as data: what a minimal polled driver needs to know of any UART, and the C table made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecompress.targets.silicon import RegisterWrite


@dataclass(frozen=True, kw_only=True)
class Direction:
    """How one byte is received or sent.

    Attributes:
        data: address of the data register; its low eight bits are the byte.
        status, mask, ready: a byte may be read or written when (word at `status` & `mask`) equals `ready`.
        clear: write 0 to `status` once it is seen so (Nordic's events).
        after: wait for that *after* writing the byte instead of before (Nordic's TXDRDY).
    """

    data: int
    status: int
    mask: int
    ready: int
    clear: bool = False
    after: bool = False


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the set-up: a register write, or, with `wait`, waiting until the bits of `mask` read as `value`."""

    write: RegisterWrite
    wait: bool = False


@dataclass(frozen=True, kw_only=True)
class Uart:
    """One UART and the way to it.

    Attributes:
        name: which, and where its pins come out.
        baud: bits per second that `setup` sets at the clock after reset; eight data bits, no parity, one stop bit.
        setup: clocks, pins, baud rate, enabling: in order, at the head of `main`.
        receive, send: the two directions.
    """

    name: str
    baud: int
    setup: tuple[Step, ...]
    receive: Direction
    send: Direction


def sources(uart: Uart | None, board: str, writes: Sequence[RegisterWrite]) -> dict[str, str]:
    """`ec_board.h` of the serial program: the UART's registers and the board's register writes as C tables.

    Empty where there is no UART.
    """
    if uart is None:
        return {}
    steps = [Step(write=write) for write in writes] + list(uart.setup)
    rows = ",\n".join(f"    {_step(step)}" for step in steps) or "    {0, 0, 0, 4, 0}"
    text = f"""/* SPDX-License-Identifier: Apache-2.0 OR 0BSD */
/* {board}: register writes of the board, then the set-up of its UART at {uart.baud} baud. */
#ifndef EC_BOARD_H
#define EC_BOARD_H

#define EC_UART_RECEIVE {_direction(uart.receive)}
#define EC_UART_SEND {_direction(uart.send)}
static const struct ec_uart_step ec_uart_steps[] = {{
{rows}
}};

#endif
"""
    return {"ec_board.h": text}


def _step(step: Step) -> str:
    """Address, value, mask, width, wait. Byte and half-word writes are always whole or read first, as word writes are."""
    write = step.write
    mask = write.mask & ((1 << 8 * write.width) - 1)
    return f"{{{write.address:#010x}u, {write.value:#x}u, {mask:#x}u, {write.width}, {int(step.wait)}}}"


def _direction(way: Direction) -> str:
    flags = f"{int(way.clear)}, {int(way.after)}"
    return f"{{{way.data:#010x}u, {way.status:#010x}u, {way.mask:#x}u, {way.ready:#x}u, {flags}}}"
