"""The effective recipe as TOML that `recipe.load` reads back to the same values, so that a report can be repeated."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from edgecompress.recipe.sections import Recipe
from edgecompress.recipe.text import print_passes


def print_recipe(recipe: Recipe) -> str:
    """TOML with every key that has a value, defaults included; order and spelling depend on the values alone."""
    lines: list[str] = []
    for section in dataclasses.fields(recipe):
        value = getattr(recipe, section.name)
        if section.name == "passes":
            lines += ["[passes]", f"pipeline = {_value(print_passes(value))}", ""] if value else []
        elif dataclasses.is_dataclass(value):
            lines += _section(section.name, value)
    return "\n".join(lines)


def _section(name: str, value: Any) -> Iterator[str]:
    items = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    items = [(key, one) for key, one in items if one is not None and one != () and one != {}]
    tables = [(key, one) for key, one in items if _is_table(one)]
    plain = [(key, one) for key, one in items if not _is_table(one)]
    if plain:
        yield f"[{name}]"
        yield from (f"{key} = {_value(one)}" for key, one in plain)
        yield ""
    for key, one in tables:
        if isinstance(one, Mapping):
            yield from (f"[{name}.{key}]", *(f"{_key(k)} = {_value(v)}" for k, v in one.items()), "")
        elif isinstance(one, tuple):
            for entry in one:
                lines = list(_section(f"{name}.{key}", entry))
                yield from (f"[{lines[0]}]", *lines[1:])
        else:
            yield from _section(f"{name}.{key}", one)


def _is_table(value: Any) -> bool:
    first = value[0] if isinstance(value, tuple) and value else value
    return isinstance(value, Mapping) or dataclasses.is_dataclass(first)


def _key(text: str) -> str:
    return _value(text)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return repr(value)
