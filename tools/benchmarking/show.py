"""The benchmark as a table on a terminal, as Markdown, and as JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console

from benchmarking.bars import Verdict
from benchmarking.figures import OURS, SILICON, Figures, ratios
from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_line, print_table

SCHEMA = "edgecompress-benchmark/1"
EXPLANATION = (
    "instructions: counted, one inference, everything between entry and return of the model's function",
    "cycles of edgecompress and of the baseline: modelled, typical, zero wait states; ratios only where one model made both",
    "cycles of rows with milliseconds: measured on silicon by others and published, milliseconds times clock",
    "arena: inputs, outputs and scratch included; code of the baseline: all of flash but the model; B is bytes",
)
HEADS = (
    *(
        "core",
        "model",
        "engine",
        "instructions\ncounted",
        "instr.\n/MAC",
        "cycles",
        "cycles\nare",
        "cycles\n/MAC",
        "ms",
    ),
    *("arena\nB", "code\nB", "constants\nB", "weights\nB", "stack\nB"),
)
TEXT_COLUMNS = (0, 1, 2, 6)


def lines(rows: Sequence[Figures]) -> list[tuple[str, ...]]:
    """The table's rows as text; after each of another engine's that can be compared, our figures over theirs."""
    found: list[tuple[str, ...]] = []
    ours = {(row.core, row.model): row for row in rows if row.origin == OURS}
    for row in rows:
        found.append(_line(row))
        if row.origin != OURS:
            found += _ratio_line(ours[row.core, row.model], row)
    return found


def _line(row: Figures) -> tuple[str, ...]:
    kind = fmt.BLANK if row.cycles is None else "measured" if row.origin == SILICON else "modelled"
    per_mac = (fmt.ratio(row.instructions_per_mac), fmt.number(row.cycles), kind, fmt.ratio(row.cycles_per_mac))
    sizes = (row.arena, row.code, row.constants, row.weights, row.stack)
    return (
        *(row.core, row.model, row.engine, fmt.number(row.instructions), *per_mac),
        *(fmt.bare_milliseconds(row.milliseconds), *map(fmt.number, sizes)),
    )


def _ratio_line(ours: Figures, theirs: Figures) -> list[tuple[str, ...]]:
    """Nothing where nothing can be compared: a modelled number is not set against a measured one."""
    if theirs.origin == SILICON:
        return []
    found = {name: f"{value:.2f} x" for name, value in ratios(ours, theirs).items()}
    cells = [found.get(name, "") for name in ("instructions", "cycles", "arena", "code")]
    instructions, cycles, arena, code = cells
    return [
        ("", "", "  edgecompress / that", instructions, "", cycles, "", "", "", arena, code, "", "", ""),
    ]


def verdict_lines(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """The bars as text, what is missed by how much."""
    found = []
    for one in verdicts:
        show: Callable[[float | None], str] = _factor if one.unit else _count
        words = {"aim": "met, aim too", "must": "met", "missed": f"missed by {fmt.percent(one.over)}"}[one.reached]
        of = f" / {one.unit}" if one.unit else ""
        found.append((f"{one.metric}{of}", one.core, one.model, show(one.found), show(one.must), show(one.aim), words))
    return found


VERDICT_HEADS = ("bar", "core", "model", "found", "must", "aim", "verdict")


def _factor(value: float | None) -> str:
    return fmt.BLANK if value is None else f"{value:.3f} x"


def _count(value: float | None) -> str:
    return fmt.number(None if value is None else round(value))


def circumstance_lines(circumstances: Sequence[Mapping[str, Any]]) -> list[str]:
    """Compiler, emulator, versions and model hashes, each said once."""
    found = []
    for key in ("compiler", "flags", "tuned", "shrunk", "reference"):
        values = {" ".join(c[key]) if isinstance(c[key], list) else str(c[key]) for c in circumstances}
        found.append(f"{key}: {', '.join(sorted(values))}")
    cores = {f"{c['core']} on {c['emulator']}, cycle model {c['cycle_model']}" for c in circumstances}
    models = {f"{c['model']}: {c['file']} sha256 {c['sha256']}" for c in circumstances}
    compared = {f"{c['differing_bytes']} differing bytes, {c['inputs']} inputs" for c in circumstances}
    versions = {f"{name} {version}" for c in circumstances for name, version in c["versions"].items()}
    return [*found, *sorted(cores), *sorted(models), *sorted(compared), "versions: " + ", ".join(sorted(versions))]


def yardstick_lines(differences: Mapping[tuple[str, str], Mapping[str, int] | None]) -> list[str]:
    """What the other counter said."""
    found = []
    for (core, model), difference in differences.items():
        if difference is None:
            found.append(f"yardstick, {model} on {core}: it does not know this core")
        else:
            words = ", ".join(f"{name} {value:+,}" if value else f"{name} 0" for name, value in difference.items())
            found.append(f"yardstick, {model} on {core}: difference in {words}")
    return found


def print_all(
    console: Console, rows: Sequence[Figures], verdicts: Sequence[Verdict], circumstances: Sequence[str]
) -> None:
    """The table, the bars, the circumstances."""
    cells = list(zip(*lines(rows), strict=True))
    drops = {12: 5, 11: 4, 13: 3, 4: 2}
    columns = [
        Column(
            head, cells[i], right=i not in TEXT_COLUMNS, least=24 if i == 2 else 0, keep_end=False, drop=drops.get(i, 0)
        )
        for i, head in enumerate(HEADS)
    ]
    print_table(console, columns)
    if verdicts:
        print_line(console)
        found = list(zip(*verdict_lines(verdicts), strict=True))
        print_table(console, [Column(h, found[i], right=3 <= i <= 5) for i, h in enumerate(VERDICT_HEADS)])
    print_line(console)
    for line in (*EXPLANATION, *circumstances):
        print_line(console, line, style="dim")


def markdown(rows: Sequence[Figures], verdicts: Sequence[Verdict], circumstances: Sequence[str]) -> str:
    """The same as a Markdown document."""
    parts = [_markdown_table([head.replace("\n", " ") for head in HEADS], lines(rows), TEXT_COLUMNS)]
    if verdicts:
        parts.append(_markdown_table(VERDICT_HEADS, verdict_lines(verdicts), (0, 1, 2, 6)))
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in (*EXPLANATION, *circumstances))]) + "\n"


def _markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], text: Sequence[int]) -> str:
    rule = ["---" if i in text else "---:" for i in range(len(heads))]
    return "\n".join(
        "| " + " | ".join(cell.strip().replace("|", "\\|") for cell in row) + " |" for row in (heads, rule, *rows)
    )


def data(
    rows: Sequence[Figures],
    verdicts: Sequence[Verdict],
    circumstances: Sequence[Mapping[str, Any]],
    differences: Mapping[tuple[str, str], Mapping[str, int] | None],
) -> dict[str, Any]:
    """Everything as plain values for a JSON file."""
    derived = ("instructions_per_mac", "cycles_per_mac")
    return {
        "schema": SCHEMA,
        "rows": [{**asdict(row), **{name: getattr(row, name) for name in derived}} for row in rows],
        "bars": [{**asdict(one), "reached": one.reached, "over": one.over} for one in verdicts],
        "circumstances": [dict(one) for one in circumstances],
        "yardstick": [{"core": c, "model": m, "difference": d} for (c, m), d in differences.items()],
    }
