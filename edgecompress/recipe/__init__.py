"""The recipe: what to do with a model, as frozen values from three layers: defaults, a recipe file, the command line.

Every layer is checked by itself, so that a message names the file and the key that are wrong.
"""

import copy
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgecompress.errors import RecipeError
from edgecompress.recipe.printing import print_recipe
from edgecompress.recipe.schema import Table, build, converted, unknown, wrong
from edgecompress.recipe.sections import (
    BuildRecipe,
    ConvertRecipe,
    DataRecipe,
    GroupsRecipe,
    InputRecipe,
    QuantizationRecipe,
    Recipe,
    SplitRecipe,
    TrainingRecipe,
)
from edgecompress.recipe.text import NAME, PassSpec, parse_passes, print_passes

__all__ = [
    "BuildRecipe",
    "ConvertRecipe",
    "DataRecipe",
    "GroupsRecipe",
    "InputRecipe",
    "PassSpec",
    "QuantizationRecipe",
    "Recipe",
    "SplitRecipe",
    "TrainingRecipe",
    "beside",
    "load",
    "parse_override",
    "parse_passes",
    "print_passes",
    "print_recipe",
]

MAX_FILE = 64 * 1024
"""Bytes of a recipe file: hundreds of times a real one."""

MAX_BITS = 1024
"""Of an integer: Python prints no longer ones than 4300 digits, and TOML has 64."""

MAX_DOTS = 500
"""In a dotted key: the time that tomllib takes grows with the square of its length."""

COMMAND_LINE = "command line"
_SECTIONS: dict[str, type] = {
    "data": DataRecipe,
    "training": TrainingRecipe,
    "convert": ConvertRecipe,
    "quantization": QuantizationRecipe,
    "build": BuildRecipe,
}


def load(path: Path | str | None = None, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The effective recipe: package defaults, then the file at `path`, then `overrides`.

    Args:
        path: a TOML file; None is none.
        overrides: dotted keys of the command line ("build.seed", "passes") and values; None means not given.

    Raises:
        RecipeError: naming the file and the key; a file that is unreadable, too large, no UTF-8 or no TOML.
    """
    layers = [("defaults.toml", _parse(_defaults(), "defaults.toml"), Path())]
    if path is not None:
        layers.append((Path(path).name, read_table(Path(path)), Path(path).parent))
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    layers.append((COMMAND_LINE, _nest(given), Path()))
    merged: Table = {}
    passes: tuple[PassSpec, ...] = ()
    for origin, table, beside_it in layers:
        if "passes" in table:
            passes = tuple(one.beside(beside_it) for one in _passes(table["passes"], origin))
        _check_layer(table, origin)
        _merge(merged, {key: value for key, value in table.items() if key in _SECTIONS})
    base = Path(path).parent if path is not None and "data.source" not in given else Path()
    recipe = _assemble(merged, passes, base, " + ".join(origin for origin, table, _ in layers if table))
    folder = Path(path).parent if path is not None and "training.teacher" not in given else Path()
    return replace(recipe, training=recipe.training.beside(folder))


def beside(model_path: Path | str) -> Path | None:
    """The recipe of a model: `model.toml` beside `model.h5`, `folder.toml` beside a SavedModel folder, or None."""
    model = Path(model_path)
    recipe = model.parent / f"{model.name}.toml" if model.is_dir() else model.with_suffix(".toml")
    return recipe if recipe.is_file() else None


def parse_override(text: str) -> tuple[str, Any]:
    """`key=value` of the command line; the value as TOML has it (3, 0.5, true, [1, 2]), else as text."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"{COMMAND_LINE}: expected key=value", found=text[:100], hint="training.epochs=3")
    try:
        table = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return key.strip(), value.strip()
    _check_integers(table, f"{COMMAND_LINE}: {key.strip()[:100]}")
    return key.strip(), table["value"]


def read_table(path: Path) -> Table:
    """The table of a TOML file of unknown origin.

    Raises:
        RecipeError: naming the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise RecipeError(f"{path.name}: the recipe cannot be read", found=error.strerror or str(error)) from error
    if len(content) > MAX_FILE:
        raise RecipeError(f"{path.name}: a recipe is at most {MAX_FILE // 1024} KiB", found="a larger file")
    try:
        return _parse(content.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path.name}: a recipe is UTF-8 text", found=f"byte {error.start} is not") from error


def _defaults() -> str:
    return Path(__file__).with_name("defaults.toml").read_text(encoding="utf-8")


def _parse(text: str, origin: str) -> Table:
    if any(word.count(".") > MAX_DOTS for word in re.split(r"[\n=,\[\]{}]", text)):
        raise RecipeError(f"{origin}: this is no recipe", found=f"a key of more than {MAX_DOTS} parts")
    try:
        table = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        found = "nesting too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise RecipeError(f"{origin}: this is not TOML", found=found, hint="key = value under a [section]") from error
    _check_integers(table, origin)
    return table


def _check_integers(table: Table, origin: str) -> None:
    """Refuse numbers that Python itself will not print: in hexadecimal they may have any length."""
    level: list[Any] = [table]
    while level:
        level = [one for item in level for one in (item.values() if isinstance(item, dict) else item)]
        longest = max((one.bit_length() for one in level if isinstance(one, int)), default=0)
        if longest > MAX_BITS:
            raise RecipeError(f"{origin}: no number is as large as this", found=f"an integer of {longest} bits")
        level = [one for one in level if isinstance(one, dict | list)]


def _nest(dotted: Mapping[str, Any]) -> Table:
    table: Table = {}
    for key, value in sorted(dotted.items()):
        *parents, last = key.split(".")
        place = table
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise wrong(COMMAND_LINE, parent, "a table", place)
        place[last] = copy.deepcopy(value)
    return table


def _check_layer(table: Table, origin: str) -> None:
    for key, value in table.items():
        if key in _SECTIONS:
            converted(_SECTIONS[key], value, origin, key)
        elif key != "passes":
            raise unknown(origin, key, (*_SECTIONS, "passes"))


def _merge(into: Table, table: Table) -> None:
    """Tables key by key, everything else as a whole."""
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value


def _passes(value: Any, origin: str) -> tuple[PassSpec, ...]:
    """From text, from {pipeline = text}, or from an array of tables with a name each."""
    if isinstance(value, dict):
        for key in value:
            if key != "pipeline":
                raise unknown(origin, f"passes.{key}", ("passes.pipeline",))
        value = value.get("pipeline", "")
        if not isinstance(value, str):
            raise wrong(origin, "passes.pipeline", "text", value)
    if isinstance(value, str):
        return parse_passes(value, f"{origin}: passes")
    if isinstance(value, list | tuple):
        return tuple(_pass(one, origin, f"passes[{i}]") for i, one in enumerate(value))
    raise wrong(origin, "passes", "text or tables", value)


def _pass(table: Any, origin: str, key: str) -> PassSpec:
    if isinstance(table, PassSpec):
        return table
    if not isinstance(table, dict) or not isinstance(table.get("name"), str) or not NAME.fullmatch(table["name"]):
        raise wrong(origin, key, 'a table with the pass\'s name (name = "prune")', table)
    parameters = {name: value for name, value in table.items() if name != "name"}
    for name, value in parameters.items():
        if not NAME.fullmatch(name):
            raise wrong(origin, f"{key}: a parameter's name", "lower case letters, digits, '_' and '-'", name)
        plain = value if isinstance(value, list) else [value]
        if not all(isinstance(one, bool | int | float | str) for one in plain):
            raise wrong(origin, f"{key}.{name}", "a number, true or false, text, or a list of these", value)
        parameters[name] = tuple(value) if isinstance(value, list) else value
    spec = PassSpec(table["name"], parameters)
    if parse_passes(str(spec), f"{origin}: {key}") != (spec,):
        raise wrong(origin, key, "a pass whose values are finite", table)
    return spec


def _assemble(table: Table, passes: tuple[PassSpec, ...], base: Path, origin: str) -> Recipe:
    samples = table.get("convert", {}).get("calibration_samples")
    split = table.get("data", {}).get("split", {})
    if samples is not None and "calibration" not in split:
        table = {**table, "data": {**table["data"], "split": {**split, "calibration": samples}}}
    sections = {name: build(kind, table.get(name, {}), origin, name) for name, kind in _SECTIONS.items()}
    recipe = Recipe(passes=passes, base=base, **sections)
    _check_together(recipe.data, origin)
    return recipe


def _check_together(data: DataRecipe, origin: str) -> None:
    """What no single key can tell."""
    split = data.split
    shares = {name: getattr(split, name) for name in ("train", "validation", "test")}
    if sum(share for share in shares.values() if isinstance(share, float)) > 1 + 1e-9:
        found = " + ".join(f"{name} {share}" for name, share in shares.items() if isinstance(share, float))
        raise RecipeError(f"{origin}: data.split: fractions must sum to at most 1", found=found)
    if isinstance(split.calibration, float) and split.calibration >= 1:
        raise wrong(origin, "data.split.calibration", "a fraction below 1, or a whole number", split.calibration)
    if data.image_size is not None and len(data.image_size) != 2:
        raise wrong(origin, "data.image_size", "height and width", list(data.image_size))
    if not data.inputs or len(set(data.inputs)) < len(data.inputs):
        raise wrong(origin, "data.x", "one or more different names", list(data.inputs))
    for one in data.input:
        if one.name not in data.inputs:
            raise unknown(origin, one.name, data.inputs)
    for key, scale in (("data.scale", data.scale), *((f"data.input.{one.name}", one.scale) for one in data.input)):
        if scale is not None and (scale == 0 or (isinstance(scale, tuple) and (0 in scale or not scale))):
            raise wrong(origin, key, "different from 0", scale)
    named = [str(one) for kind in ("train", "calibration", "validation", "test") for one in getattr(split.groups, kind)]
    if len(set(named)) < len(named):
        twice = sorted(one for one in set(named) if named.count(one) > 1)
        raise wrong(origin, "data.split.groups", "groups that are in one split each", ", ".join(twice))
    if named and split.group is None:
        raise RecipeError(f"{origin}: data.split.groups needs data.split.group", hint='group = "subject"')
