"""Where a program runs, as a user says it: `emulator`, `probe:ID`, `gdb://host:port`, `serial:///dev/ttyACM0@115200`, …"""

import re
from dataclasses import dataclass
from typing import Literal

from edgecompress.errors import UsageError

Kind = Literal["emulator", "gdb", "probe", "serial", "host", "ssh"]

FORMS = "emulator, probe, probe:ID, gdb, gdb://HOST:PORT, serial, serial:///dev/ttyACM0@115200, host, ssh://USER@HOST"
_GDB = re.compile(r"gdb://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(?P<port>\d{1,5})")
_SERIAL = re.compile(r"serial://(?P<device>[^\s@]+)(?:@(?P<baud>\d{1,8}))?")
_PROBE = re.compile(r"probe:(?P<id>[^\s:]+)")
_SSH = re.compile(r"ssh://\S+")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One form of `--on`.

    Attributes:
        text: as it was written; a report says so.
        host, port: of a debug server; without a host, whichever of the usual ones answers on this computer.
        name: a part of a probe's ID, or a serial device; "": the only one that is connected.
        baud: bits per second of a serial line; None: the board's.
    """

    kind: Kind
    text: str
    host: str = ""
    port: int = 0
    name: str = ""
    baud: int | None = None

    @property
    def is_linux(self) -> bool:
        """A computer with an operating system and no mailbox: this one, or one that SSH reaches."""
        return self.kind in ("host", "ssh")


EMULATOR = Place(kind="emulator", text="emulator")


def read_place(text: str) -> Place:
    """The place that a text names.

    Raises:
        UsageError: no such form, or a port number or baud rate that cannot be.
    """
    match text:
        case "emulator":
            return EMULATOR
        case "host" | "gdb" | "probe" | "serial":
            return Place(kind=text, text=text)
    if found := _GDB.fullmatch(text):
        port = int(found["port"])
        if 0 < port < 1 << 16:
            return Place(kind="gdb", text=text, host=found["host"].strip("[]"), port=port)
    elif found := _SERIAL.fullmatch(text):
        baud = int(found["baud"]) if found["baud"] else None
        if baud != 0:
            return Place(kind="serial", text=text, name=found["device"], baud=baud)
    elif found := _PROBE.fullmatch(text):
        return Place(kind="probe", text=text, name=found["id"])
    elif _SSH.fullmatch(text):
        return Place(kind="ssh", text=text)
    raise UsageError("there is no such place to run on", found=repr(text), hint=FORMS)
