"""The C of every firmware program: start-up, semihosting, cycle counter, mailbox; read as text by the generator."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Literal

Program = Literal["firmware", "standalone", "serial"]

_COMMON = ("caches.h", "cycles.c", "cycles.h", "memory.c", "program.h", "startup.c")
_PROGRAMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "firmware": ("mailbox.c", "mailbox.h"),
        "standalone": ("standalone.c",),
        "serial": ("mailbox.c", "mailbox.h", "serial.c", "serial.h", "uart.c"),
    }
)

STEMS = frozenset(name.partition(".")[0] for names in (_COMMON, *_PROGRAMS.values()) for name in names)
"""The names of these files: no model may be called so."""


def program_sources(program: Program) -> dict[str, str]:
    """The sources around a model, by file name: `firmware` waits for a host behind a debug port, `serial` for one behind a
    UART, `standalone` runs one inference and exits.

    Compile them together with the model's own files and the defines of `program_defines`.
    """
    folder = resources.files(__name__)
    names = sorted(_COMMON + _PROGRAMS[program])
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def program_defines(prefix: str = "model", header: str | None = None) -> dict[str, str]:
    """The macros that tie a program to a model: its prefix, its macro prefix and its header (default `<prefix>.h`)."""
    return {"EC_MODEL_HEADER": f'"{header or prefix + ".h"}"', "EC_PREFIX": prefix, "EC_UPPER": prefix.upper()}
