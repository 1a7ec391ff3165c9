"""Count a standalone program's instructions on QEMU: exactly, by a plugin that sees every block it executes."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgecompress.device.gdb_remote import LR
from edgecompress.device.port import NO_ENDLESS_LOOP, Limit
from edgecompress.device.stack import stack_bytes
from edgecompress.emulate import host_library
from edgecompress.emulate.cycles import NO_CYCLES, estimate
from edgecompress.emulate.profile import NO_COST, Cost, Profile
from edgecompress.emulate.qemu import Qemu, find_qemu
from edgecompress.errors import DeviceError, ToolError
from edgecompress.targets.image import Image
from edgecompress.targets.process import FailedRunError, run
from edgecompress.targets.target import Target

# The newest plugin interface of each major version that its QEMU still accepts; nothing in ours has changed between.
_PLUGIN_VERSIONS = {4: 0, 5: 0, 6: 1, 7: 1, 8: 1, 9: 2}
_NEWEST_PLUGIN_VERSION = 4


def profile_on_qemu(
    image: Image, target: Target, function: str, layers: Sequence[str], *, limit: Limit = NO_ENDLESS_LOOP
) -> Profile:
    """Run a standalone program twice, once to learn where the function returns to and how much stack it needs, once to
    count; see `edgecompress.emulate.profile`. Cycles are an estimate from the number of instructions (rough)."""
    finish, used = _scout(image, target, function, limit)
    addresses = [image.symbol(name).address for name in layers]
    counts, status = _count(image, target, image.symbol(function).address, finish, addresses, limit)
    costs = [Cost(count, estimate(count)) for count in counts]
    total = sum(costs, NO_COST)
    return Profile(
        instructions=total.instructions,
        cycles=sum((cost.cycles for cost in costs), NO_CYCLES),
        confidence="rough",
        prologue=costs[0],
        layers=tuple(costs[1:]),
        stack_bytes=used,
        status=status,
    )


def _scout(image: Image, target: Target, function: str, limit: Limit) -> tuple[int, int | None]:
    """The function's return address, and the stack that was used when the program is about to end."""
    with Qemu(target, image) as qemu:
        _run_to(qemu, image, function, limit)
        finish = qemu.read_register(LR) & ~1
        _run_to(qemu, image, "ec_exit", limit)
        return finish, stack_bytes(qemu, image)


def _run_to(qemu: Qemu, image: Image, name: str, limit: Limit) -> None:
    address = image.symbol(name).address
    qemu.set_breakpoint(address)
    stop = qemu.resume(limit)
    if stop.reason != "breakpoint" or stop.pc != address:
        raise DeviceError(
            f"the program did not come to {name}: {stop.reason} in {image.symbol_at(stop.pc)}", found=stop.detail
        )


def _count(
    image: Image, target: Target, start: int, finish: int, layers: Sequence[int], limit: Limit
) -> tuple[list[int], int]:
    program = find_qemu(target)
    plugin = host_library.build(
        "qemu_plugin.c", {"EC_PLUGIN_VERSION": str(plugin_version(program))}, undefined_symbols=True
    )
    arguments = [f"start={start}", f"finish={finish}", *(f"layer={address}" for address in layers)]
    with tempfile.TemporaryDirectory(prefix="edgecompress-qemu-") as folder:
        log = Path(folder) / "plugin.log"
        command = (
            *(program, "-M", target.cpu.qemu.machine, "-display", "none", "-monitor", "none", "-serial", "none"),
            *("-semihosting-config", "enable=on,target=native", "-d", "plugin", "-D", str(log)),
            *("-plugin", ",".join([str(plugin), *arguments]), "-kernel", str(image.path)),
        )
        status = 0
        try:
            run(command, timeout=limit.seconds)
        except FailedRunError as failure:
            if failure.status < 0:
                raise DeviceError("the program did not come to an end on QEMU", found=failure.found) from failure
            status = failure.status
        return read_counts(log, len(layers)), status


def read_counts(log: Path, layers: int) -> list[int]:
    """What the plugin wrote: instructions before the first layer, then of each layer.

    Raises:
        ToolError, DeviceError: it wrote nothing, or the function had not been left.
    """
    text = log.read_text("utf-8", "replace") if log.is_file() else ""
    match = re.search(r"^counted (\d) ([\d ]+)$", text, re.MULTILINE)
    numbers = [int(number) for number in match[2].split()] if match else []
    if match is None or len(numbers) != layers + 1:
        raise ToolError("QEMU's plugin counted nothing", found=text[-300:] or "it wrote nothing")
    if match[1] != "1":
        raise DeviceError("the function that is counted was not left")
    return numbers


def plugin_version(program: str) -> int:
    """Of the plugin interface that this QEMU takes."""
    found = re.search(r"version (\d+)\.", run((program, "--version"), timeout=30))
    return _PLUGIN_VERSIONS.get(int(found[1]), _NEWEST_PLUGIN_VERSION) if found else _NEWEST_PLUGIN_VERSION
