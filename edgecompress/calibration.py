"""What `calibrate` found on a board: measured over modelled cycles, kept in the user's folder, shown by later reports.

The ratio stands beside modelled cycles; it never changes them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgecompress.errors import DeviceError, UsageError
from edgecompress.files import write_text
from edgecompress.report.records import MEASURED, MODELLED, CalibrationRecord, Layer, Report
from edgecompress.targets import user_folder

FORMAT = "edgecompress-calibration/1"


@dataclass(frozen=True)
class Ratio:
    """Cycles of one operator: measured and modelled."""

    op: str
    name: str
    measured: int
    modelled: int

    @property
    def ratio(self) -> float:
        return self.measured / self.modelled


@dataclass(frozen=True)
class Calibration:
    """One board, one model.

    Attributes:
        target: the board's name.
        model_sha256: of the model.
        measured, modelled: typical cycles of a whole inference.
        layers: index of the operator in the model -> its cycles; those that cost something.
        runs, counter: how it was measured.
    """

    target: str
    model_sha256: str
    measured: int
    modelled: int
    layers: Mapping[int, Ratio] = field(default_factory=lambda: MappingProxyType({}))
    runs: int | None = None
    counter: str | None = None

    @property
    def ratio(self) -> float:
        return self.measured / self.modelled

    def of_operator(self, op: str) -> float | None:
        """Over all operators of this kind; None where the model has none."""
        rows = [row for row in self.layers.values() if row.op == op]
        return sum(row.measured for row in rows) / sum(row.modelled for row in rows) if rows else None


def folder() -> Path:
    """Where calibrations are kept: beside the user's own boards."""
    return user_folder().parent / "calibration"


def path_of(target: str) -> Path:
    """The file of a board."""
    return folder() / (re.sub(r"[^A-Za-z0-9._-]", "_", target) + ".json")


def from_report(report: Report) -> Calibration:
    """The calibration that a measured report holds.

    Raises:
        DeviceError: its cycles were not measured.
    """
    measured, modelled = report.cycles.typical, report.modelled.typical
    if report.cycles.kind != MEASURED or not measured or not modelled or not report.target:
        runner = report.board.runner or "an unknown runner"
        raise no_cycles(f"cycles {report.cycles.kind or 'unknown'}, on {runner}")
    rows = {
        layer.index: Ratio(layer.op, layer.name, layer.cycles, layer.modelled_cycles)
        for layer in report.layers
        if layer.cycles and layer.modelled_cycles
    }
    return Calibration(report.target, _model(report), measured, modelled, rows, report.run.runs, report.run.counter)


def _model(report: Report) -> str:
    """The hash of the file whose operators the layers are: the shrunk one where there is one."""
    return report.hashes.get("shrunk.tflite") or report.hashes.get("model.tflite", "")


def no_cycles(found: str) -> DeviceError:
    """Nothing measured, nothing to calibrate with."""
    return DeviceError(
        "there are no measured cycles to calibrate with",
        found=found,
        hint="--on probe, serial or gdb with a real board behind it: an emulator counts no cycles",
    )


def store(calibration: Calibration) -> Path:
    """Keeps it, in the place of an earlier one of the same board."""
    path = path_of(calibration.target)
    rows = {str(index): asdict(row) for index, row in sorted(calibration.layers.items())}
    data = {"format": FORMAT, **asdict(replace(calibration, layers={})), "layers": rows}
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    return path


def find(target: str) -> Calibration | None:
    """The calibration of a board; None where there is none.

    Raises:
        UsageError: the file is damaged: which, and how to get rid of it.
    """
    path = path_of(target)
    if not path.is_file():
        return None
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")), target)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the calibration {path} cannot be read",
            found=f"{type(error).__name__}: {error}",
            hint="delete it, or run `edgecompress calibrate` again",
        ) from error


def with_calibration(report: Report) -> Report:
    """Modelled cycles with the ratio that was measured on this board before; other reports as they are.

    Layers carry their own ratio where the model is the same, else that of their operator.
    """
    if report.cycles.kind != MODELLED or not report.target:
        return report
    known = find(report.target)
    if known is None:
        return report
    same = known.model_sha256 == _model(report)

    def expected(layer: Layer) -> float | None:
        row = known.layers.get(layer.index) if same else None
        return row.ratio if row else known.of_operator(layer.op)

    layers = tuple(
        replace(layer, expected_ratio=round(ratio, 4)) if (ratio := expected(layer)) is not None else layer
        for layer in report.layers
    )
    record = CalibrationRecord(round(known.ratio, 4), known.model_sha256, same)
    return replace(report, calibration=record, layers=layers)


def _read(data: Mapping[str, Any], target: str) -> Calibration:
    if data["format"] != FORMAT or data["target"] != target:
        raise ValueError(f"format {data['format']!r}, target {data['target']!r}")
    rows = {
        int(index): Ratio(str(row["op"]), str(row["name"]), _cycles(row["measured"]), _cycles(row["modelled"]))
        for index, row in data["layers"].items()
    }
    return Calibration(
        target=target,
        model_sha256=str(data["model_sha256"]),
        measured=_cycles(data["measured"]),
        modelled=_cycles(data["modelled"]),
        layers=rows,
        runs=data.get("runs"),
        counter=data.get("counter"),
    )


def _cycles(value: object) -> int:
    if type(value) is not int or value <= 0:
        raise ValueError(f"{value!r} is no number of cycles")
    return value
