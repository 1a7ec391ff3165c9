"""The folder of things that are costly to make and cheap to lose: compiled objects, the compiler's own support code."""

import os
import tempfile
from pathlib import Path

from edgecompress.errors import OutputError


def cache_folder(name: str) -> Path:
    """A sub-folder of the cache, made if needed: `$EDGECOMPRESS_CACHE`, by default `~/.cache/edgecompress`.

    Raises:
        OutputError: it cannot be made or written.
    """
    chosen = os.environ.get("EDGECOMPRESS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(chosen) if chosen else (Path(base) if base else Path.home() / ".cache") / "edgecompress"
    folder = root.absolute() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def store(path: Path, data: bytes) -> None:
    """Write a file aside, then rename it: another process sees all of it or nothing."""
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError as error:
        raise _unwritable(path.parent, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except OSError as error:
        Path(aside).unlink(missing_ok=True)
        raise _unwritable(path.parent, error) from error


def trim(folder: Path, keep: int) -> None:
    """Delete the files that were used longest ago, until `keep` are left."""
    used = []
    for file in folder.iterdir():
        try:
            used.append((file.stat().st_mtime, file))
        except OSError:
            continue  # another process was faster
    for _, file in sorted(used)[: max(0, len(used) - keep)]:
        file.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the cache folder {folder} cannot be written",
        found=str(error.strerror),
        hint="set EDGECOMPRESS_CACHE to a folder that can",
    )
