"""Flashing with OpenOCD: one process that programs, verifies and resets; then one that serves GDB for the self-test."""

import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edgecompress.errors import DeviceError, MissingToolError, ToolError
from edgecompress.flash.checks import CPUID, Read, check_chip
from edgecompress.flash.job import Job, Step, Written, step, writing
from edgecompress.flash.probe import LOCKED, NO_PROBE, PERMISSION, POWER
from edgecompress.targets.process import FailedRunError, run
from edgecompress.targets.target import Target

SERVER_SECONDS = 15.0
NO_SERVERS = ("gdb_port disabled", "tcl_port disabled", "telnet_port disabled")
_SAFE = re.compile(r"[\w.\-]+")
_KNOWN = (  # what OpenOCD prints -> what it means, what to try
    (r"LIBUSB_ERROR_ACCESS|Permission denied", "the debug probe cannot be opened", PERMISSION),
    (
        r"no device found|unable to find (a matching )?CMSIS-DAP|No J-Link device found|open failed|unable to open",
        "no debug probe is connected",
        NO_PROBE,
    ),
    (r"APPROTECT|readout protect|RDP|locked|[Pp]rotected", "the chip is locked", LOCKED.replace("--unlock", "pyOCD with --unlock")),
    (r"UNEXPECTED idcode|unexpected IDCODE|expected 1 of", "the chip is another one", "give the --target of this board"),
    (r"checksum mismatch|Verify Failed|contents differ", "the flash holds other bytes than were written", "repeat it"),
    (r"init mode failed|Error connecting DP|cannot read IDR|target voltage|timed out", "the chip does not answer", POWER),
)  # fmt: skip


def command(job: Job, *actions: str, program: str = "openocd") -> tuple[str, ...]:
    """The exact command line: configuration files, the probe's serial number, then the actions in order.

    Raises:
        DeviceError: the board has no OpenOCD files, or the probe's name cannot be a serial number.
    """
    if not job.target.flashing.openocd:
        raise DeviceError(
            f"{job.target.name} names no OpenOCD files", hint="`openocd` under [flashing] in its TOML file"
        )
    files = tuple(part for name in job.target.flashing.openocd for part in ("-f", name))
    serial: tuple[str, ...] = ()
    if job.probe:
        if not _SAFE.fullmatch(job.probe):
            raise DeviceError(
                "a probe's serial number has letters, digits, dots and dashes only", found=repr(job.probe)
            )
        serial = ("-c", f"adapter serial {job.probe}")
    return (program, *files, *serial, *(part for action in actions for part in ("-c", action)))


def program_actions(job: Job) -> tuple[str, ...]:
    """What OpenOCD is told for flashing. Braces keep Tcl from reading anything into the path."""
    path = job.image.path.resolve().as_posix()
    if set(path) & set("{}\\\n"):
        raise DeviceError("OpenOCD cannot be given this path", found=path, hint="a path without braces and backslashes")
    verify = " verify" if job.verify else ""
    return (*NO_SERVERS, f"program {{{path}}}{verify} reset exit")


def check_actions(target: Target) -> tuple[str, ...]:
    """What OpenOCD is told to show the words that identify the chip; it writes nothing."""
    addresses = (CPUID, *((target.chip.address,) if target.chip else ()))
    return (*NO_SERVERS, "init", "reset halt", *(f"mdw {address:#010x}" for address in addresses), "shutdown")


def available(job: Job) -> str:
    """OpenOCD itself; whether it finds a probe shows when it runs."""
    return "openocd" if job.target.flashing.openocd and shutil.which("openocd") else ""


def plan(job: Job) -> tuple[str, ...]:
    """The command lines."""
    actions = (check_actions(job.target), program_actions(job))
    return tuple(shlex.join(command(job, *some)) for some in actions)


def write(job: Job) -> Written:
    """Runs OpenOCD, which checks the chip by its own configuration, writes, verifies and resets.

    Raises:
        MissingToolError: not installed. DeviceError, ToolError: it failed, with its last words.
    """
    if shutil.which("openocd") is None:
        raise MissingToolError(
            "connecting: OpenOCD is not installed", hint="install openocd (Debian: apt install openocd), or --via pyocd"
        )
    job.say("checking the chip", 0, 1)
    with step("checking the chip"):
        steps = [
            Step("checking the chip", True, check_chip(_reader(_run(job, *check_actions(job.target))), job.target))
        ]
    job.say("writing", 0, 1)
    with writing():
        _run(job, *program_actions(job))
    steps.append(Step("erasing and writing", True, f"openocd, {', '.join(job.target.flashing.openocd)}"))
    if job.verify:
        steps.append(Step("verifying", True, "by OpenOCD"))
    return Written("openocd", (*steps, Step("resetting", True)), "openocd")


def _run(job: Job, *actions: str) -> str:
    try:
        return run(command(job, *actions), timeout=job.seconds)
    except FailedRunError as error:
        raise explain(error) from error


def _reader(output: str) -> Read:
    """Reads words from what `mdw` showed: `0xe000ed00: 410fc241`."""
    words = {int(m[1], 16): int(m[2], 16) for m in re.finditer(r"\b0x([0-9a-f]{8}):\s+([0-9a-f]{8})\b", output)}

    def read(address: int, size: int) -> bytes:
        if address not in words:
            raise DeviceError(f"OpenOCD does not show the word at {address:#010x}", found=_words(output), hint=POWER)
        return words[address].to_bytes(4, "little")[:size]

    return read


def explain(error: FailedRunError) -> DeviceError | ToolError:
    """OpenOCD's failure in our words, where its own are known."""
    if error.status == -1:
        return DeviceError("OpenOCD does not come to an end", found=error.found, hint=POWER)
    for pattern, what, hint in _KNOWN:
        if re.search(pattern, error.output):
            return DeviceError(what, found=_words(error.output), hint=hint)
    return error


@contextmanager
def server(job: Job) -> Iterator[str]:
    """A running OpenOCD with the board behind it; yields its place, `gdb://localhost:port`, and ends it."""
    with step("self-test"), socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = command(job, f"gdb_port {port}", "tcl_port disabled", "telnet_port disabled", "init", "reset halt")
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(process, port, lambda: _log(log))
            yield f"gdb://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, words) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise DeviceError("OpenOCD's debug server does not start", found=words(), hint=POWER)


def _log(log) -> str:  # type: ignore[no-untyped-def]
    log.seek(0)
    return _words(log.read().decode("utf-8", "replace"))


def _words(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.startswith(("Error", "Warn", "**"))]
    return "; ".join((lines or output.strip().splitlines())[-3:])
