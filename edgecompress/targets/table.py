"""A TOML table that is read key by key, so that what nobody asked for is an error that names the key and its nearest."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from edgecompress.errors import RecipeError


class Table:
    """One TOML table that is read key by key; `close` then refuses what nobody asked for."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise RecipeError(f"{where} must be a table", found=repr(values))
        self.values: Mapping[str, Any] = values
        self.where = where
        self.asked: list[str] = []

    def has(self, key: str) -> bool:
        self.asked.append(key)
        return key in self.values

    def take(self, key: str, kind: type) -> Any:
        """The value of a required key, of exactly this type (a TOML boolean is no integer)."""
        if not self.has(key):
            raise RecipeError(f"{self.where}: the key {key!r} is missing", hint=f"{key} = <{kind.__name__}>")
        value = self.values[key]
        if type(value) is not kind:
            raise RecipeError(f"{self.where}: {key!r} must be a {kind.__name__}", found=repr(value))
        return value

    def table(self, key: str) -> "Table":
        return Table(self.take(key, dict), f"{self.where}: {key}")

    def close(self) -> None:
        for key in sorted(set(self.values) - set(self.asked)):
            near = get_close_matches(key, self.asked, 1)
            raise RecipeError(
                f"{self.where}: unknown key {key!r}",
                hint=f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(sorted(set(self.asked))),
            )


def parse(text: str, where: str) -> Table:
    """The top table of a TOML text; `where` names the file in messages."""
    try:
        return Table(tomllib.loads(text), where)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where} is not TOML", found=str(error)) from error
