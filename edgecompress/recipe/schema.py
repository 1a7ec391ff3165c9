"""Tables of untrusted TOML into frozen dataclasses: every key known, every type and range checked.

The dataclasses are the schema: type hints say what a key holds, `limits(...)` in a field's metadata what is allowed.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from edgecompress.errors import RecipeError
from edgecompress.recipe.text import Parameters

Table = dict[str, Any]

_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def limits(
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = "",
) -> Mapping[str, Any]:
    """Metadata of a field: low <= value <= high, value > above, one of `choices`, or text that matches `pattern`."""
    return {"limits": {"low": low, "high": high, "above": above, "choices": choices, "pattern": pattern}}


def build(kind: type, table: Table, origin: str, prefix: str = "") -> Any:
    """An instance of the dataclass `kind` from `table`.

    Args:
        origin: the file (or "command line") that messages name.
        prefix: the dotted key of `table` itself.

    Raises:
        RecipeError: naming origin and dotted key.
    """
    return kind(**converted(kind, table, origin, prefix))


def converted(kind: type, table: Any, origin: str, prefix: str = "") -> dict[str, Any]:
    """The checked values of `table` as arguments of the dataclass `kind`; keys that are absent stay absent."""
    if not isinstance(table, dict):
        raise wrong(origin, prefix, "a table", table)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in table.items():
        dotted = f"{prefix}.{key}" if prefix else key
        if key not in fields:
            raise unknown(origin, dotted, (f"{prefix}.{name}" if prefix else name for name in fields))
        values[key] = _convert(hints[key], value, origin, dotted)
        _check(fields[key].metadata.get("limits"), values[key], origin, dotted)
    return values


def unknown(origin: str, key: str, known: Iterable[str]) -> RecipeError:
    """The error for a key that nobody knows, with the nearest known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known here: {', '.join(names)}"
    return RecipeError(f"{origin}: unknown key {_short(key)}", found=_short(key), hint=hint)


def wrong(origin: str, key: str, expected: str, value: Any) -> RecipeError:
    """The error for a value of the wrong type or out of range."""
    return RecipeError(f"{origin}: {key} must be {expected}", found=f"{key} = {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, str):
        text = value if value.isprintable() else repr(value)
    else:
        text = repr(value) if isinstance(value, int | float | bool) else f"a {type(value).__name__} {value!r:.80}"
    return text if len(text) <= 100 else text[:97] + "..."


def _convert(hint: Any, value: Any, origin: str, key: str) -> Any:
    """`value` as the type `hint`; unions are tried in order."""
    if isinstance(hint, types.UnionType):
        options = [one for one in typing.get_args(hint) if one is not type(None)]
        for option in options:
            if _fits(option, value):
                return _convert(option, value, origin, key)
        raise wrong(origin, key, " or ".join(_describe(one) for one in options), value)
    if not _fits(hint, value):
        raise wrong(origin, key, _describe(hint), value)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, origin, key)
    if typing.get_origin(hint) is tuple:
        (inner, _) = typing.get_args(hint)
        return tuple(_convert(inner, one, origin, f"{key}[{i}]") for i, one in enumerate(value))
    if typing.get_origin(hint) is not None:
        (_, inner) = typing.get_args(hint)
        return Parameters({name: _convert(inner, one, origin, f"{key}.{name}") for name, one in sorted(value.items())})
    return _scalar(hint, value, origin, key)


def _scalar(hint: type, value: Any, origin: str, key: str) -> Any:
    if hint is float:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise wrong(origin, key, "a finite number", value)
    if hint is int and abs(value) >= 2**63:
        raise wrong(origin, key, "a number below 2^63", "a larger one")
    if hint is str and any(0xD800 <= ord(c) <= 0xDFFF or c == "\0" for c in value):
        raise wrong(origin, key, "text without NUL and surrogates", value)
    return value


def _fits(hint: Any, value: Any) -> bool:
    if dataclasses.is_dataclass(hint):
        return isinstance(value, dict)
    if typing.get_origin(hint) is tuple:
        return isinstance(value, list | tuple)
    if typing.get_origin(hint) is not None:
        return isinstance(value, Mapping)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _describe(hint: Any) -> str:
    if dataclasses.is_dataclass(hint) or (typing.get_origin(hint) not in (None, tuple, types.UnionType)):
        return "a table"
    if isinstance(hint, types.UnionType):
        return " or ".join(_describe(one) for one in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return f"a list (each {_describe(typing.get_args(hint)[0])})"
    return _KINDS[hint]


def _check(limit: Mapping[str, Any] | None, value: Any, origin: str, key: str) -> None:
    if limit is None:
        return
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, str):
            if limit["choices"] and one not in limit["choices"]:
                near = difflib.get_close_matches(one, limit["choices"], n=1)
                error = wrong(origin, key, "one of " + ", ".join(filter(None, limit["choices"])), one)
                raise RecipeError(error.what, found=error.found, hint=f"did you mean {near[0]}?" if near else "")
            if limit["pattern"] and not re.fullmatch(limit["pattern"], one):
                raise wrong(origin, key, f"text of the form {limit['pattern']}", one)
        elif limit["low"] is not None and one < limit["low"]:
            raise wrong(origin, key, f"at least {limit['low']}", one)
        elif limit["above"] is not None and one <= limit["above"]:
            raise wrong(origin, key, f"above {limit['above']}", one)
        elif limit["high"] is not None and one > limit["high"]:
            raise wrong(origin, key, f"at most {limit['high']}", one)
