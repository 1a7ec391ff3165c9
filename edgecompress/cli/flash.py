"""`edgecompress flash`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgecompress.cli.output import common_options, console, dump, printable, write_json

if TYPE_CHECKING:
    from edgecompress.flash import Flashed

EPILOG = """\b
Examples:
  edgecompress flash build/model                              # onto the only board that is connected
  edgecompress flash build/model --dry-run                    # what would be done
  edgecompress flash build/model --via uf2 --drive /media/me/RPI-RP2
  edgecompress flash firmware.elf --target nrf52840-dk --probe 0683
  edgecompress flash build/model --via gdb --probe localhost:3333

\b
Ways: pyocd (CMSIS-DAP, ST-Link, J-Link), gdb (a debug server: OpenOCD, J-Link, QEMU), openocd, uf2 and hex (drives).
Exit codes of its own: 9 the image lies outside the chip's memory, 10 a tool or CMSIS pack is missing, 12 the self-test's
bytes differ, 13 the drive is full or read-only, 14 no device, a wrong or locked one, or one that fails, 130 interrupted.
"""


@click.command(epilog=EPILOG)
@click.argument("what", type=click.Path(path_type=Path), metavar="RUNDIR|ELF")
@click.option("-t", "--target", help="The board.  [default: the one that RUNDIR was built for]")
@click.option("--probe", metavar="ID", help="A part of a probe's ID, or HOST:PORT of a debug server.")
@click.option(
    "--via",
    type=click.Choice(["auto", "pyocd", "gdb", "openocd", "uf2", "hex"]),
    default="auto",
    show_default=True,
    help="How; auto takes the board's first way for which something is connected.",
)
@click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help="The board's mounted drive (uf2, hex).")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Read everything back.")
@click.option("--unlock", is_flag=True, help="Open a locked chip: erases ALL of it.")
@click.option("--timeout", type=click.FloatRange(1), default=300.0, show_default=True, help="Seconds for the writing.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; touches nothing.")
@common_options
def flash(
    what: Path,
    target: str | None,
    probe: str | None,
    via: str,
    drive: Path | None,
    verify: bool,
    unlock: bool,
    timeout: float,
    dry_run: bool,
    verbose: int,
    json_file: str | None,
) -> None:
    """Bring a firmware onto a board: check the chip, write, verify, reset, self-test.

    The self-test gives the device inputs whose outputs are known and compares every output byte.
    """
    from edgecompress.cli.progress import progress
    from edgecompress.flash import flash as run

    with progress() as on_progress:
        result = run(
            what,
            target=target,
            probe=probe,
            via=via,
            drive=drive,
            verify=verify,
            unlock=unlock,
            dry_run=dry_run,
            seconds=timeout,
            on_progress=on_progress,
        )
    _show(result, json_file)
    write_json(dump(_plain(result)), json_file)


def _show(result: "Flashed", json_file: str | None) -> None:
    from edgecompress.report.layout import print_line

    screen = console(json_file)
    print_line(screen, f"{result.image.name} onto {result.target}: {result.bytes:,} bytes", style="bold")
    print_line(screen, f"  way: {result.via} ({printable(result.why)})")
    if result.plan:
        for address, size in result.regions:
            print_line(screen, f"  {address:#010x}  {size:>9,} bytes")
        for number, line in enumerate(result.plan, 1):
            print_line(screen, f"  {number}. {printable(line)}")
        print_line(screen, "nothing was touched (--dry-run)")
        return
    for step in result.steps:
        mark, style = ("done", "green") if step.done else ("left out", "yellow")
        print_line(
            screen, f"  {step.name}: {mark}" + (f" ({printable(step.detail)})" if step.detail else ""), style=style
        )
    print_line(screen, f"{'self-test passed' if result.vectors else 'no self-test'}, {result.seconds:.1f} s")


def _plain(result: "Flashed") -> dict[str, object]:
    from dataclasses import asdict

    values = asdict(result)
    values["image"] = str(result.image)
    values["regions"] = [{"address": address, "bytes": size} for address, size in result.regions]
    return values
