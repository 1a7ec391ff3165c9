"""Debug probes through pyOCD: which are connected, a session with a board's chip, and pyOCD's errors in our words."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgecompress.errors import DeviceError, EdgecompressError, MissingToolError, UsageError
from edgecompress.targets.target import Target

_OF_SYSTEM = {
    "linux": "; the probe needs a udev rule: https://pyocd.io/docs/installation (or try once with sudo)",
    "win32": "; an old ST-Link or J-Link needs its vendor's driver",
}
TIMEOUTS = {
    "flash.timeout.init": 5.0,
    "flash.timeout.program": 10.0,
    "flash.timeout.erase_sector": 10.0,
    "flash.timeout.analyzer": 30.0,
    "reset.halt_timeout": 2.0,
}
"""Seconds after which pyOCD gives up a call of its flash algorithm."""
NO_PROBE = (
    "connect the board's debug USB port, with a cable that carries data, and close other debuggers"
    + _OF_SYSTEM.get(sys.platform, "")
)
PERMISSION = "the probe is there but may not be opened: install pyOCD's udev rules, or close the program that uses it"
POWER = "is the board powered and the SWD cable right? a sleeping or crashed program: hold its reset button while connecting"
LOCKED = "the chip is locked against debugging (APPROTECT, read-out protection): --unlock erases ALL of it and opens it"
DISCONNECTED = "the probe was unplugged or lost its power: connect it"


def find_probes(name: str | None = None) -> list[Any]:
    """pyOCD's probes that are connected, sorted by ID; of those, the ones whose ID holds `name`.

    Raises:
        MissingToolError: pyOCD is not installed.
        DeviceError: a driver failed.
    """
    pyocd()
    from pyocd.probe.aggregator import DebugProbeAggregator

    with translated():
        found = DebugProbeAggregator.get_all_connected_probes(name)
    return sorted(found, key=lambda probe: str(probe.unique_id))


def the_probe(name: str | None) -> Any:
    """The one that is meant.

    Raises:
        DeviceError: none is connected. UsageError: several, and no name that tells them apart.
    """
    found = find_probes(name)
    if not found:
        what = f"no debug probe with {name!r} in its ID is connected" if name else "no debug probe is connected"
        others = ", ".join(describe(probe) for probe in find_probes()) if name else ""
        raise DeviceError(what, found=others or "no probe", hint=NO_PROBE)
    if len(found) > 1:
        raise UsageError(
            "more than one debug probe is connected",
            found="; ".join(describe(probe) for probe in found),
            hint="choose with --probe and a part of the ID",
        )
    return found[0]


def describe(probe: Any) -> str:
    return f"{probe.description} {probe.unique_id}"


@contextmanager
def session(probe: Any, target: Target, *, unlock: bool = False) -> Iterator[Any]:
    """An open pyOCD session with the board's chip, the core not yet halted; its errors become ours.

    Raises:
        MissingToolError: pyOCD knows the chip only with its CMSIS pack.
        DeviceError: the chip does not answer, or is locked.
    """
    from pyocd.core.session import Session

    if target.flashing.pyocd is None:
        raise DeviceError(f"{target.name} has no name of pyOCD's", hint="`pyocd` under [flashing] in its TOML file")
    options = {
        "target_override": target.flashing.pyocd,
        "auto_unlock": unlock,
        "connect_mode": "halt",
        "hide_programming_progress": True,
        "keep_unwritten": True,
        "smart_flash": True,
        "chip_erase": "sector",
        "no_config": True,
        "user_script": None,
        **TIMEOUTS,
    }
    with _known_chip(target), translated():
        opened = Session(probe, auto_open=False, options=options)
    try:
        try:
            with translated():
                opened.open()
        except DeviceError as error:
            if str(probe.unique_id) not in {str(one.unique_id) for one in find_probes()}:
                raise DeviceError("the debug probe is gone", found=error.found, hint=DISCONNECTED) from error
            if _locked(opened):
                raise DeviceError("the chip is locked", found="it says so itself", hint=LOCKED) from error
            raise
        if not unlock and _locked(opened):
            raise DeviceError("the chip is locked", found="it says so itself", hint=LOCKED)
        yield opened
    finally:
        try:
            opened.close()
        except Exception as error:  # of whatever driver: the session is over either way
            logging.getLogger(__name__).debug("closing the session: %s", error)


@contextmanager
def translated() -> Iterator[None]:
    """Everything that pyOCD and its drivers raise becomes a DeviceError with what to try."""
    try:
        yield
    except (EdgecompressError, AttributeError, NameError, TypeError):  # ours, and plain defects
        raise
    except Exception as error:
        raise _translate(error) from error


def _translate(error: Exception) -> DeviceError:
    from pyocd.core import exceptions as of

    text = f"{type(error).__name__}: {error}"
    low = text.lower()
    if isinstance(error, PermissionError) or any(
        w in low for w in ("access denied", "permission", "insufficient perm")
    ):
        return DeviceError("the debug probe cannot be opened", found=text, hint=PERMISSION)
    if isinstance(error, of.ProbeDisconnected) or any(
        w in low for w in ("no such device", "disconnected", "unplugged")
    ):
        return DeviceError("the debug probe is gone", found=text, hint=DISCONNECTED)
    if isinstance(error, of.FlashFailure):
        hint = "protected or worn flash, another chip than the target, or an unstable supply"
        return DeviceError("the flash refused", found=text, hint=hint)
    if isinstance(error, of.CoreRegisterAccessError):
        return DeviceError("the core does not halt", found=text, hint=POWER)
    if isinstance(error, of.TransferFaultError):
        return DeviceError("the chip refused an access to its memory", found=text, hint=f"another chip, or: {LOCKED}")
    if isinstance(error, of.TransferError | of.TimeoutError | TimeoutError):
        return DeviceError("the chip does not answer", found=text, hint=POWER)
    if isinstance(error, of.ProbeError | OSError):
        return DeviceError("the debug probe failed", found=text, hint="unplug it, connect it again, and repeat")
    return DeviceError("pyOCD failed", found=text, hint=POWER)


@contextmanager
def _known_chip(target: Target) -> Iterator[None]:
    from pyocd.core import exceptions as of

    try:
        yield
    except DeviceError as error:
        if isinstance(error.__cause__, of.TargetSupportError) and target.flashing.pyocd_pack:
            raise MissingToolError(
                f"pyOCD needs the CMSIS pack of {target.name}",
                found=f"no {target.flashing.pyocd} among its targets",
                hint=f"pyocd pack install {target.flashing.pyocd} (once), or --via openocd",
            ) from error
        raise


def _locked(opened: Any) -> bool:
    """Whether the chip says so itself; pyOCD has a way to ask for some families only."""
    ask = getattr(getattr(opened, "target", None), "is_locked", None)
    try:
        return bool(ask and ask())
    except Exception:  # then nobody knows, and the first error stands
        return False


def pyocd() -> Any:
    """The package, silent: what it would log is in our messages.

    Raises:
        MissingToolError: not installed.
    """
    try:
        import pyocd
    except ImportError as error:
        raise MissingToolError("pyOCD is not installed", found=str(error), hint="pip install pyocd") from error
    logging.getLogger("pyocd").setLevel(logging.CRITICAL + 1)
    return pyocd
