"""Find a target by name or by file: those that the package ships, then the user's own."""

import functools
import os
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from edgecompress.errors import RecipeError, UsageError
from edgecompress.targets import loader
from edgecompress.targets.target import Cpu, Target


def user_folder() -> Path:
    """Where a user's own boards are: `$XDG_CONFIG_HOME/edgecompress/targets`, by default under `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "edgecompress" / "targets"


def find(name: str) -> Target:
    """The target of this name, or of a board file when the name ends in `.toml`.

    Raises:
        UsageError: no such target or file; names the nearest ones.
        RecipeError: a board file that does not hold a board.
    """
    if name.endswith(".toml"):
        return _read_board_file(Path(name))
    if name in _shipped():  # so that a broken file of the user's does not stand in the way
        return _shipped()[name]
    known = _shipped() | _of_user()
    if name not in known:
        near = get_close_matches(name, sorted(known), 3, 0.4)
        raise UsageError(
            f"there is no target {name!r}",
            hint=f"did you mean {' or '.join(near)}?" if near else "known: " + ", ".join(sorted(known)),
        )
    return known[name]


def names() -> tuple[str, ...]:
    """The names of all targets, the user's own among them, sorted."""
    return tuple(sorted(_shipped() | _of_user()))


def _of_user() -> dict[str, Target]:
    boards: dict[str, Target] = {}
    for path in sorted(user_folder().glob("*.toml")):
        board = _read_board_file(path)
        if board.name in _shipped() or board.name in boards:
            raise RecipeError(f"{path}: a target {board.name!r} exists already", hint="give the board another name")
        boards[board.name] = board
    return boards


def _read_board_file(path: Path) -> Target:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the board file {path} cannot be read", found=str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not TOML", found="bytes that are not UTF-8") from error
    return loader.read_board(text, str(path), _cpus())


@functools.cache
def _cpus() -> Mapping[str, Cpu]:
    cpus = [loader.read_cpu(text, where) for where, text in _package_files("cpus")]
    return {cpu.name: cpu for cpu in cpus}


@functools.cache
def _shipped() -> dict[str, Target]:
    generic = [
        Target(name=cpu.name, description=cpu.description, cpu=cpu, memory=cpu.memory) for cpu in _cpus().values()
    ]
    boards = [loader.read_board(text, where, _cpus()) for where, text in _package_files("boards")]
    return {target.name: target for target in generic + boards}


def _package_files(folder: str) -> list[tuple[str, str]]:
    files = (resources.files("edgecompress.targets") / folder).iterdir()
    named = sorted((file for file in files if file.name.endswith(".toml")), key=lambda file: file.name)
    return [(f"{folder}/{file.name}", file.read_text(encoding="utf-8")) for file in named]
