"""CSV files as columns: one row is one sample, a header names the columns."""

import csv
import re
from pathlib import Path

import numpy as np

from edgecompress.data.columns import ArrayColumn, check_file
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

MAX_COLUMNS = 100_000
MAX_LINE = 4 * 2**20
"""Bytes of the header line; a file without a line end is not a table."""


def read_csv(path: Path, recipe: DataRecipe) -> dict[str, ArrayColumn]:
    """Columns x (samples, features) float64, and y and the group (samples,) as integers, floats or text.

    Features are `recipe.columns` in that order, or every column but y and the group. `recipe.reshape` gives them the
    model's shape.

    Raises:
        DataError: no header, unknown or double columns, a row of another length, text among the features.
    """
    check_file(path)
    header = _header(path, recipe.delimiter)
    label = recipe.y or ("y" if "y" in header else None)
    special = [name for name in (label, recipe.split.group) if name is not None]
    features = list(recipe.columns) or [name for name in header if name not in special]
    for name in (*features, *special):
        if name not in header:
            raise DataError(
                f"{path.name}: there is no column {name!r}",
                found=", ".join(header[:30]),
                hint="name one of these in the recipe: [data] columns, y, split.group",
            )
    if not features or len(recipe.inputs) != 1:
        found = f"{len(features)} columns for {recipe.inputs}"
        raise DataError(f"{path.name}: a CSV file gives one input", found=found)
    _check_rows(path, recipe.delimiter, header)
    columns = {recipe.inputs[0]: _load(path, recipe.delimiter, header, features, np.float64)}
    for name in special:
        columns[name] = _natural(_load(path, recipe.delimiter, header, [name], str)[:, 0])
    return {name: ArrayColumn.of(name, array) for name, array in columns.items()}


def _header(path: Path, delimiter: str) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(MAX_LINE)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    if not names or "\0" in line or len(line) >= MAX_LINE or len(names) > MAX_COLUMNS:
        raise DataError(f"{path.name}: the first line must name the columns", found=repr(line[:80]))
    if all(_is_number(name) for name in names):
        raise DataError(f"{path.name}: the first line must name the columns", found=line[:80].strip())
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"{path.name}: column names must differ", found=", ".join(twice[:10]))
    return names


def _check_rows(path: Path, delimiter: str, header: list[str]) -> None:
    """Every row as long as the header: NumPy would take longer ones."""
    samples = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            next(rows)
            for row in rows:
                if row and len(row) != len(header):
                    raise DataError(
                        f"{path.name}: every row must have a value in every column",
                        found=f"{len(row)} values in line {rows.line_num} for {len(header)} columns",
                    )
                samples += bool(row)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error
    if not samples:
        raise DataError(f"{path.name}: no sample below the header")


def _load(path: Path, delimiter: str, header: list[str], names: list[str], dtype: type) -> np.ndarray:
    """The columns `names` of all rows below the header, (rows, len(names))."""
    places = [header.index(name) for name in names]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows: np.ndarray = np.loadtxt(
                file, dtype, delimiter=delimiter, skiprows=1, usecols=places, ndmin=2, comments=None, quotechar='"'
            )
    except ValueError as error:
        match = re.search(r"could not convert string (.*) to .* at row (\d+), column (\d+)", str(error))
        found = str(error)[:200]
        if match and int(match[3]) <= len(header):
            found = f"{match[1][:80]} in column {header[int(match[3]) - 1]!r} of sample {match[2]}"
        raise DataError(f"{path.name}: every feature must be a number", found=found) from error
    except (OSError, MemoryError) as error:
        raise _unreadable(path, error) from error
    return rows


def _unreadable(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path.name}: no readable CSV file", found=str(error)[:200] or type(error).__name__)


def _natural(text: np.ndarray) -> np.ndarray:
    """Text as integers where all of it is integers, else as floats where all of it is, else as text."""
    for dtype in (np.int64, np.float64):
        try:
            return text.astype(dtype)
        except (ValueError, OverflowError):
            continue
    return np.char.strip(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
