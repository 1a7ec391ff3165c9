"""report.json: the names of the contract, the installed JSON Schema, and files that are no reports."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

import edgecompress.report.schema as schema_module
from edgecompress.errors import UsageError
from edgecompress.report import Report, from_json, read_report, to_json
from edgecompress.report.codec import FormatError
from edgecompress.report.schema import SCHEMA_FILE, report_schema

CONTRACT = {
    "model": {"path", "sha256"},
    "accuracy": {"metric", "samples", "float", "int8", "device"},
    "bit_exact": {"inputs", "tensors", "differing_bytes", "reference"},
    "flash": {"code", "constants", "weights", "total"},
    "ram": {"arena", "bound_without_sharing", "bound_of_schedule", "static", "stack", "total"},
    "cycles": {"kind", "min", "typical", "max", "confidence"},
    "milliseconds": {"min", "typical", "max", "clock_hz"},
}
LAYER = {"index", "op", "name", "macs", "weight_bytes", "instructions", "cycles"}
PASS = {"name", "promise", "reached", "seconds", "accuracy_before", "accuracy_after"}


def test_the_file_has_every_name_of_the_contract(full_report):
    data = json.loads(to_json(full_report))
    assert {"schema", "target", "macs", "instructions", "layers", "passes", *CONTRACT} <= set(data)
    for key, names in CONTRACT.items():
        assert names <= set(data[key]), key
    assert set(data["layers"][0]) >= LAYER
    assert set(data["passes"][0]) >= PASS
    assert data["schema"] == "edgecompress-report/1"


def test_an_empty_report_has_the_same_names_and_says_null_everywhere():
    data = json.loads(to_json(Report()))
    for key, names in CONTRACT.items():
        assert {data[key][name] for name in names} == {None}, key
    assert (data["macs"], data["instructions"], data["target"]) == (None, None, None)
    assert 0 not in [value for value in data.values() if isinstance(value, int)]


def test_reading_is_the_inverse_of_writing(full_report, bare_report):
    for report in (full_report, bare_report, Report()):
        assert from_json(to_json(report)) == report
        assert to_json(from_json(to_json(report))) == to_json(report)


def test_a_report_is_built_up_by_replacing():
    report = replace(Report(), flash=replace(Report().flash, total=10))
    assert json.loads(to_json(report))["flash"] == {"code": None, "constants": None, "weights": None, "total": 10}


def test_nan_cannot_get_into_the_file(full_report):
    with pytest.raises(FormatError, match=r"report\.accuracy\.float is nan"):
        to_json(replace(full_report, accuracy=replace(full_report.accuracy, float_=float("nan"))))


def test_the_installed_json_schema_is_the_one_of_the_dataclasses():
    installed = Path(schema_module.__file__).with_name(SCHEMA_FILE)
    assert json.loads(installed.read_text(encoding="utf-8")) == report_schema(), (
        "write json.dumps(report_schema(), indent=2) to report.schema.json again, "
        "and raise SCHEMA if a meaning has changed"
    )


def test_reports_are_valid_and_spoilt_ones_are_not(full_report, bare_report):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(report_schema())
    jsonschema.Draft202012Validator.check_schema(report_schema())
    for report in (full_report, bare_report, Report()):
        validator.validate(json.loads(to_json(report)))
    good = json.loads(to_json(full_report))
    for spoilt in ({**good, "macs": "many"}, {**good, "extra": 1}, {**good, "schema": "x"}, {**good, "layers": [{}]}):
        assert not validator.is_valid(spoilt)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ('{"macs": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "not of the schema"),
        ("{}", "not of the schema"),
        ('{"schema": "edgecompress-report/2"}', "edgecompress-report/2"),
        ('{"schema": "edgecompress-report/1", "mcas": 1}', "unknown key 'mcas'"),
        ('{"schema": "edgecompress-report/1", "macs": 1.5}', r"report\.macs is 1\.5"),
        ('{"schema": "edgecompress-report/1", "flash": {"total": "x"}}', r"report\.flash\.total"),
    ],
)
def test_what_is_no_report_is_refused_with_the_file_and_the_place(text, message):
    with pytest.raises(UsageError, match=message) as error:
        from_json(text, "some.json")
    assert "some.json" in error.value.what
    assert error.value.hint


def test_a_run_directory_stands_for_the_report_in_it(tmp_path, full_report):
    (tmp_path / "report.json").write_text(to_json(full_report), encoding="utf-8")
    assert read_report(tmp_path) == full_report == read_report(tmp_path / "report.json")


def test_a_missing_or_binary_report_is_an_error_that_names_it(tmp_path):
    with pytest.raises(UsageError, match=r"report\.json"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"report\.json"):
        read_report(tmp_path)


def test_every_top_level_key_is_a_field_in_order():
    assert list(json.loads(to_json(Report()))) == [field.name for field in fields(Report)]
