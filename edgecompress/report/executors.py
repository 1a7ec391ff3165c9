"""The executors of a Linux computer in words: the same rows for the terminal and for the page."""

from dataclasses import dataclass

from edgecompress.report import format as fmt
from edgecompress.report.linux_records import Condition, ExecutorRecord
from edgecompress.report.records import COUNTED, EMULATED, MEASURED, Report
from edgecompress.report.summary import BAD, GOOD, WARN, Fact


@dataclass(frozen=True)
class ExecutorRow:
    """One executor, every field as text."""

    name: str
    version: str
    threads: str
    median: str
    spread: str
    ratio: str
    instructions: str
    memory: str
    bytes: str
    accuracy: str
    note: str


def executor_rows(report: Report) -> tuple[ExecutorRow, ...]:
    """A row per executor; the ratio is to the first one's median."""
    return tuple(_row(report, record) for record in report.executors)


def times_line(report: Report) -> str:
    """Where the times come from, and how many runs they are of."""
    parts = []
    for record in report.executors:
        if record.runs is not None:
            warm_up = f" after {record.warm_up} to warm up" if record.warm_up else ""
            parts.append(f"{record.name}: {record.kind or 'unknown'}, {fmt.plural(record.runs, 'run')}{warm_up}")
    return "; ".join(parts)


def ratio_line(report: Report) -> str:
    """Both as one number: their measured times, or their counted instructions; empty where these cannot be compared."""
    if len(report.executors) < 2:
        return ""
    ours, theirs = report.executors[:2]
    lines = []
    if (ratio := time_ratio(ours, theirs)) is not None:
        lines.append(f"the {ours.name} is {_factor(ratio, 'slower', 'faster')} than {theirs.name} ({MEASURED})")
    if (ratio := instruction_ratio(ours, theirs)) is not None:
        words = _factor(ratio, "as many", "as few")
        lines.append(f"the {ours.name} executes {words} instructions as {theirs.name} ({COUNTED})")
    return "; ".join(lines)


def time_ratio(a: ExecutorRecord, b: ExecutorRecord) -> float | None:
    """How many times as long a takes as b; None where one is not measured, or on another kind of processor."""
    if not (a.median_ms and b.median_ms and a.kind == b.kind == MEASURED and same_processor(a, b)):
        return None
    return a.median_ms / b.median_ms


def instruction_ratio(a: ExecutorRecord, b: ExecutorRecord) -> float | None:
    """How many times as many instructions a executes as b; None where they are not counted for both."""
    if not (a.instructions and b.instructions and same_processor(a, b)):
        return None
    return a.instructions / b.instructions


def _factor(ratio: float, more: str, less: str) -> str:
    return f"{fmt.ratio(max(ratio, 1 / ratio))} times {more if ratio >= 1 else less}"


def same_processor(a: ExecutorRecord, b: ExecutorRecord) -> bool:
    """Whether two names of a processor mean programs for the same one ("armv7l" and "armv7")."""
    left, right = a.architecture or "", b.architecture or ""
    return left == right or (bool(left and right) and (left.startswith(right) or right.startswith(left)))


def machine_facts(report: Report) -> tuple[Fact, ...]:
    """The computer, its frequency's governor, its temperature and throttling before and after; what it tells of these."""
    machine = report.machine
    if machine is None:
        return ()
    details = [machine.architecture, fmt.plural(machine.cores, "core") if machine.cores else None]
    details += [fmt.size(machine.memory_bytes)] if machine.memory_bytes else []
    facts = [Fact("computer", machine.model or machine.cpu or fmt.UNKNOWN, ", ".join(d for d in details if d))]
    if machine.model and machine.cpu:
        facts.append(Fact("processor", machine.cpu))
    facts += [Fact("system", machine.system)] if machine.system else []
    if machine.emulator:
        facts.append(Fact("emulated by", machine.emulator, "times say nothing about a real processor", WARN))
    facts.append(Fact("governor", machine.governor or fmt.UNKNOWN, _frequencies(machine.before, machine.after)))
    facts.append(Fact("temperature", _temperatures(machine.before, machine.after), "before, after"))
    return (*facts, _throttling(machine.before, machine.after))


def _row(report: Report, record: ExecutorRecord) -> ExecutorRow:
    first = report.executors[0]
    ratio = None if record is first else time_ratio(record, first)
    name = record.name if not record.kernels else f"{record.name} ({record.kernels})"
    return ExecutorRow(
        name=name,
        version=" ".join(filter(None, [record.version, record.architecture])),
        threads=fmt.number(record.threads),
        median=fmt.milliseconds(record.median_ms) + (" *" if record.kind == EMULATED else ""),
        spread=" / ".join(fmt.bare_milliseconds(v) for v in (record.min_ms, record.p95_ms, record.max_ms)),
        ratio=fmt.BLANK if ratio is None else f"{fmt.ratio(ratio)} x",
        instructions=fmt.number(record.instructions),
        memory=fmt.BLANK if record.peak_bytes is None else fmt.size(record.peak_bytes),
        bytes=_bytes(record),
        accuracy=fmt.BLANK if record.accuracy is None else fmt.metric(record.accuracy, report.accuracy.unit),
        note=record.note or "",
    )


def _bytes(record: ExecutorRecord) -> str:
    if record.differing_bytes is None or record.compared_bytes is None:
        return fmt.UNKNOWN
    if not record.differing_bytes:
        return f"0 of {fmt.number(record.compared_bytes)}"
    return f"{fmt.number(record.differing_bytes)} of {fmt.number(record.compared_bytes)}, at most {record.max_lsb} LSB"


def _frequencies(before: Condition, after: Condition) -> str:
    if before.frequency_hz is None and after.frequency_hz is None:
        return ""
    return f"{fmt.clock(before.frequency_hz)} before, {fmt.clock(after.frequency_hz)} after"


def _temperatures(before: Condition, after: Condition) -> str:
    if before.temperature_c is None and after.temperature_c is None:
        return fmt.UNKNOWN
    return ", ".join(fmt.UNKNOWN if c is None else f"{c:.1f} °C" for c in (before.temperature_c, after.temperature_c))


def _throttling(before: Condition, after: Condition) -> Fact:
    if before.throttled is None and after.throttled is None:
        return Fact("throttling", fmt.UNKNOWN, "the computer does not tell")
    words = ", ".join(sorted({*before.throttling, *after.throttling}))
    slowed = bool(before.throttled or after.throttled)
    return Fact("throttling", "yes" if slowed else "no", words, BAD if slowed else WARN if words else GOOD)
