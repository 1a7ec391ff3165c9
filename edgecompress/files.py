"""Files written so that nothing is ever half there: aside first, then renamed."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from edgecompress.errors import OutputError


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file in one step, making its folder. A device or pipe that stands there is written to, not replaced.

    Raises:
        OutputError: it cannot be written; what stood there before still does.
    """
    write_with(path, lambda aside: aside.write_bytes(content))


def write_text(path: Path, text: str) -> None:
    """Like `write_bytes`, UTF-8 with bare newlines."""
    write_bytes(path, text.encode("utf-8"))


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file beside `path`, then renames it into place.

    Raises:
        OutputError: as `write_bytes`.
    """
    aside: Path | None = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            write(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(descriptor)
        aside = Path(name)
        write(aside)
        aside.chmod(0o666 & ~_umask())
        aside.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written",
            found=error.strerror or str(error),
            hint="free some space, or write it elsewhere",
        ) from error
    finally:
        if aside is not None:
            aside.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it.

    Raises:
        OutputError: it cannot be made, or is a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made", found=error.strerror or str(error), hint="give another --out"
        ) from error


def sha256(path: Path) -> str:
    """Of a file's bytes, or of the names and bytes of all files in a folder."""
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        if path.is_dir():
            digest.update(f"{file.relative_to(path).as_posix()}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
