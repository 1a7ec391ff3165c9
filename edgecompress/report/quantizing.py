"""What `quantize` wrote: its record, and the same on a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_facts, print_line, print_table
from edgecompress.report.records import Accuracy
from edgecompress.report.summary import Fact

MOST_PARTS = 5
ALL_PARTS_FROM = 1


@dataclass(frozen=True)
class QuantizedFile:
    """What was written.

    Attributes:
        file, bytes, bytes_before: the .tflite, and the size of the model that came in.
        format: int8, int16, dynamic or float16.
        accuracy: of the model as given, and what the file loses against it, paired over the same samples.
        value: the file's score; None where there are no labels.
        sentence: what the evidence allows to say.
        quantization: what was done and where it loses; None for other formats.
    """

    file: str
    bytes: int
    bytes_before: int
    format: str
    accuracy: Accuracy
    value: float | None
    sentence: str
    quantization: Mapping[str, Any] | None


def print_quantized(record: QuantizedFile, console: Console, *, verbosity: int = 0) -> None:
    """The file, its accuracy, what was done, and the operators where most is lost with what would help there."""
    print_line(console, record.file, style="bold")
    unit = record.accuracy.unit
    metric = record.accuracy.metric or "metric"
    facts = [
        Fact("format", record.format),
        Fact("file", fmt.size(record.bytes), f"the model as given {fmt.size(record.bytes_before)}"),
        Fact(f"{metric}, as given", fmt.metric(record.accuracy.original, unit)),
        Fact(f"{metric}, {record.format}", fmt.metric(record.value, unit), record.sentence),
    ]
    print_facts(console, facts)
    found = record.quantization or {}
    for line in found.get("remarks", ()):
        print_line(console, f"note: {line}", style="dim")
    parts = found.get("parts", ())
    if parts:
        print_line(console)
        print_line(console, "what integers lose, one operator at a time (worst first)", style="bold")
        _print_parts(parts if verbosity >= ALL_PARTS_FROM else parts[:MOST_PARTS], console)


def _print_parts(parts: list[Mapping[str, Any]], console: Console) -> None:
    print_table(
        console,
        [
            Column("#", tuple(str(part["index"]) for part in parts), style="dim"),
            Column("op", tuple(part["op"] for part in parts), right=False, style="cyan"),
            Column("name", tuple(fmt.layer_name(part["name"]) for part in parts), right=False, least=12, drop=1),
            Column("share of final error", tuple(fmt.percent(part["share"], 1) for part in parts)),
            Column("SNR of the output, dB", tuple(f"{part['snr_db']:.1f}" for part in parts)),
            Column("what would help", tuple(part["remedy"] for part in parts), right=False),
        ],
    )
