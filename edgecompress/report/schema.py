"""report.json: writing, reading, and the JSON Schema of its contents."""

import json
from pathlib import Path
from typing import Any

from edgecompress.errors import UsageError
from edgecompress.report.codec import FormatError, dumps, from_data, json_schema
from edgecompress.report.records import SCHEMA, Report

SCHEMA_FILE = "report.schema.json"


def to_json(report: Report) -> str:
    """The text of report.json.

    Raises:
        FormatError: a value is NaN or infinite; unknown values must be None.
    """
    return dumps(report)


def from_json(text: str, source: str = "report.json") -> Report:
    """The report in `text`.

    Args:
        text: the contents of a report.json.
        source: named in errors.

    Raises:
        UsageError: it is no JSON, no report, or of another version.
    """
    hint = "give a report.json that this version of edgecompress wrote"
    try:
        data: Any = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is no JSON", found=str(error), hint=hint) from None
    version = data.get("schema") if isinstance(data, dict) else None
    if version != SCHEMA:
        raise UsageError(f'{source} is not of the schema "{SCHEMA}"', found=repr(version)[:80], hint=hint)
    try:
        return from_data(Report, data)
    except FormatError as error:
        raise UsageError(f"{source} is not of the schema {SCHEMA}", found=str(error), hint=hint) from None


def read_report(path: Path) -> Report:
    """The report in a file, or the report.json in a run directory.

    Raises:
        UsageError: there is none, or it is no report.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        return from_json(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        hint = "give a report.json, or the directory of a run that wrote one"
        raise UsageError(f"cannot read the report {file}", found=str(error), hint=hint) from None


def report_schema() -> dict[str, Any]:
    """The JSON Schema of report.json; a copy is installed beside this module as `SCHEMA_FILE`."""
    schema = json_schema(Report, SCHEMA)
    schema["$defs"]["Report"]["properties"]["schema"] = {"const": SCHEMA}
    return schema


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
