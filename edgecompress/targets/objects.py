"""C files to object files: those compiled before, with the same options and the same included files, are reused."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgecompress.targets.cache import cache_folder, store, trim
from edgecompress.targets.process import run

Sources = Mapping[str, str | bytes]

UNITS = (".c", ".S")
JOBS = max(2, min(8, os.cpu_count() or 2))
CACHED_OBJECTS = 4000
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|(<)|)', re.MULTILINE)


@dataclass(frozen=True)
class Compilation:
    """How a file is compiled.

    Attributes:
        identity: of the compiler; it changes when the same command would give another object.
        command: without `-c`, source and output; run in `folder`, where all sources are.
        environment: added to the process's own.
    """

    identity: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


def compile_units(units: Sequence[str], sources: Sources, how: Compilation) -> list[str]:
    """Object files, in the order of the units.

    Raises:
        ToolError: the compiler refused one: the command and its last 20 lines.
    """
    texts = {name: as_bytes(text) for name, text in sources.items()}
    cache = cache_folder("objects")
    compiled: list[str] = []

    def compile_unit(name: str) -> str:
        target, cached = name + ".o", cache / (_key(name, texts, how) + ".o")
        try:
            (how.folder / target).write_bytes(cached.read_bytes())
            os.utime(cached)  # not touch: another process may have deleted it meanwhile
            return target
        except OSError:
            pass  # not compiled yet
        run((*how.command, "-I.", "-c", name, "-o", target), folder=how.folder, environment=how.environment)
        store(cached, (how.folder / target).read_bytes())
        compiled.append(name)
        return target

    with ThreadPoolExecutor(JOBS) as pool:
        objects = list(pool.map(compile_unit, units))
    if compiled:
        trim(cache, CACHED_OBJECTS)
    return objects


def as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def _key(unit: str, texts: Mapping[str, bytes], how: Compilation) -> str:
    """Of all that the object depends on. The program itself is known by its identity, wherever it lies."""
    found = hashlib.sha256()
    for part in (how.identity, *how.command[1:]):
        found.update(part.encode() + b"\0")
    for name in (unit, *sorted(_included(unit, texts) - {unit})):
        found.update(f"{name}\0{len(texts[name])}\0".encode() + texts[name])
    return found.hexdigest()


def _included(unit: str, texts: Mapping[str, bytes]) -> set[str]:
    """Every file that a unit may include, itself among them: conditions are not looked at."""
    found, new = set[str](), [unit]
    while new:
        name = new.pop()
        if name not in found:
            found.add(name)
            new += _named(name, texts)
    return found


def _named(file: str, texts: Mapping[str, bytes]) -> Iterator[str]:
    """The files that one names by `#include "…"`; all, where a macro names one or the assembler includes by itself."""
    if re.search(rb"\.(incbin|include)\b", texts[file]):
        yield from texts
    for match in _INCLUDE.finditer(texts[file]):
        if match[1]:
            name = match[1].decode("utf-8", "replace")
            places = (str(PurePosixPath(file).parent / name), name)
            yield from (place for place in places if place in texts)
        elif not match[2]:
            yield from texts
