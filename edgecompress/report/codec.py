"""Frozen dataclasses to JSON and back, and the JSON Schema that describes them: one definition, three uses.

Supported field types: str, bool, int, float, `T | None`, `tuple[T, ...]`, `Mapping[str, T]` and dataclasses of these.
A field's name in JSON is its own, or `metadata["json"]` where Python does not allow that name.
"""

import json
import math
import numbers
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class FormatError(Exception):
    """Data that do not have the shape of the dataclass; the message names the place."""


def to_data(value: object, where: str = "report") -> Any:
    """Dicts, lists, strings, numbers, booleans and None; NumPy numbers become Python's.

    Raises:
        FormatError: NaN or infinity (unknown is None), or a type that JSON has no word for.
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        if not math.isfinite(value):
            raise FormatError(f"{where} is {value}: an unknown value must be null")
        return float(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {json_name(f): to_data(getattr(value, f.name), f"{where}.{json_name(f)}") for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_data(value[key], f"{where}.{key}") for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [to_data(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise FormatError(f"{where} is a {type(value).__name__}, which JSON cannot hold")


def dumps(value: object, where: str = "report") -> str:
    """Indented JSON with a newline at its end; the same value always gives the same text."""
    return json.dumps(to_data(value, where), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_data(cls: type[T], data: Any, where: str = "report") -> T:
    """The dataclass that `to_data` wrote.

    Raises:
        FormatError: a key that is unknown or missing, or a value of the wrong type.
    """
    value: T = _read(cls, data, where)
    return value


def json_name(field: Field[Any]) -> str:
    return str(field.metadata.get("json", field.name))


@cache
def field_types(cls: type) -> Mapping[str, Any]:
    """Field name → resolved annotation."""
    hints = get_type_hints(cls)
    return MappingProxyType({field.name: hints[field.name] for field in fields(cls)})


def _read(kind: Any, data: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if data is None and type(None) in arguments:
            return None
        (kind,) = (argument for argument in arguments if argument is not type(None))
        return _read(kind, data, where)
    if origin is tuple:
        items = _expect(list, data, where)
        return tuple(_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(items))
    if origin is Mapping:
        items = _expect(dict, data, where)
        return MappingProxyType({key: _read(arguments[1], item, f"{where}.{key}") for key, item in items.items()})
    if is_dataclass(kind):
        return _read_dataclass(kind, _expect(dict, data, where), where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    return _expect(kind, data, where)


def _read_dataclass(kind: Any, data: dict[str, Any], where: str) -> Any:
    names = {json_name(field): field for field in fields(kind)}
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise FormatError(f"{where} has the unknown key {unknown[0]!r}")
    missing = [name for name, field in names.items() if name not in data and _is_required(field)]
    if missing:
        raise FormatError(f"{where} lacks the key {missing[0]!r}")
    hints = field_types(kind)
    return kind(
        **{names[key].name: _read(hints[names[key].name], item, f"{where}.{key}") for key, item in data.items()}
    )


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _expect(kind: type, data: Any, where: str) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise FormatError(f"{where} is {_shown(data)}, expected {_JSON_TYPES[kind]}")
    return data


def _shown(data: Any) -> str:
    text = json.dumps(data)
    return text if len(text) <= 40 else text[:37] + "..."


_JSON_TYPES: Mapping[type, str] = MappingProxyType(
    {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
)


def json_schema(cls: type, title: str) -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) of what `to_data` writes: every key required, no others allowed."""
    definitions: dict[str, Any] = {}
    top = _schema_of(cls, definitions)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **top, "$defs": definitions}


def _schema_of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        (some,) = (argument for argument in arguments if argument is not type(None))
        schema = _schema_of(some, definitions)
        return {"type": [schema["type"], "null"]} if set(schema) == {"type"} else {"anyOf": [schema, {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(arguments[1], definitions)}
    if is_dataclass(kind):
        return _reference(kind, definitions)
    return {"type": _JSON_TYPES[kind]}


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}
        hints = field_types(kind)
        definitions[kind.__name__] = {
            "description": (kind.__doc__ or "").strip().splitlines()[0],
            "type": "object",
            "properties": {json_name(f): _schema_of(hints[f.name], definitions) for f in fields(kind)},
            "required": [json_name(f) for f in fields(kind)],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}
