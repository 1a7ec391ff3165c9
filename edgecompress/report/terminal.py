"""The result of `bench` and `build` on a terminal; in a pipe the same without colours, bars or shortened names."""

from collections.abc import Sequence

from rich.console import Console

from edgecompress.memory.picture import draw_text
from edgecompress.report import format as fmt
from edgecompress.report.coding import coding_line, coding_rows
from edgecompress.report.executors import executor_rows, machine_facts, ratio_line, times_line
from edgecompress.report.layout import Column, bar, print_facts, print_line, print_table
from edgecompress.report.records import COUNTED, MODELLED, Layer, PassRecord, Report
from edgecompress.report.shrink_records import Shrinking
from edgecompress.report.shrinking import left_lines, shrink_rows
from edgecompress.report.summary import (
    accuracy_rows,
    agreement_line,
    headline,
    largest_losses,
    layer_shares,
    promise_line,
    ratio_to_model,
    slowest_layers,
    slowest_line,
    title,
    tuning_line,
)

WIDE_SCREEN = 100
WIDE_BAR, NARROW_BAR = 12, 5
SLOW = "<"
"""Marks the layers where the most is to be gained."""
MEMORY_MAP_FROM = 2
"""The verbosity that shows the memory map."""
SHRUNK_LAYERS_FROM = 1
"""The verbosity that shows what every layer lost by shrinking, and what could not be taken out."""


def print_bench(report: Report, console: Console, *, verbosity: int = 0) -> None:
    """Headline, cycles per layer, what differs in LiteRT, warnings.

    Args:
        report: unknown values are shown as unknown.
        console: where to print; its width and whether it is a terminal decide the form.
        verbosity: from 2 on with the memory map.
    """
    _print_title(console, title(report))
    print_line(console)
    print_facts(console, headline(report))
    print_executors(report, console)
    if verbosity >= SHRUNK_LAYERS_FROM and report.shrinking:
        print_shrinking(report.shrinking, console)
    print_layers(report, console)
    print_coding(report, console)
    print_tuning(report, console)
    _print_litert(report, console)
    if verbosity >= MEMORY_MAP_FROM:
        print_memory_map(report, console)
    print_remarks(report, console)


def print_build(report: Report, console: Console, *, verbosity: int = 0) -> None:
    """What `print_bench` prints, and before it passes, sizes stage by stage, and accuracy with its intervals."""
    _print_title(console, title(report))
    print_passes(report, console)
    print_stages(report, console)
    print_accuracy(report, console)
    print_losses(report, console)
    _print_heading(console, "result")
    print_facts(console, headline(report))
    if verbosity >= SHRUNK_LAYERS_FROM and report.shrinking:
        print_shrinking(report.shrinking, console)
    print_layers(report, console)
    print_coding(report, console)
    print_tuning(report, console)
    _print_litert(report, console)
    if verbosity >= MEMORY_MAP_FROM:
        print_memory_map(report, console)
    print_remarks(report, console)


def print_executors(report: Report, console: Console) -> None:
    """The Linux computer, and the executors that ran on it side by side."""
    if report.machine is not None:
        _print_heading(console, "computer")
        print_facts(console, machine_facts(report))
    rows = executor_rows(report)
    if not rows:
        return
    _print_heading(console, f"executors ({times_line(report)})")
    columns = [
        Column("", tuple(row.name for row in rows), right=False, style="cyan"),
        Column("version", tuple(row.version for row in rows), right=False, least=12, keep_end=False, drop=3),
        Column("threads", tuple(row.threads for row in rows), drop=4),
        Column("median", tuple(row.median for row in rows), style="bold"),
        Column("min / p95 / max, ms", tuple(row.spread for row in rows), drop=2),
        Column("ratio", tuple(row.ratio for row in rows)),
        Column(f"instructions\n{COUNTED}", tuple(row.instructions for row in rows)),
        Column("memory", tuple(row.memory for row in rows), drop=1),
        Column("differing output bytes", tuple(row.bytes for row in rows)),
        Column(report.accuracy.metric or "accuracy", tuple(row.accuracy for row in rows)),
    ]
    print_table(console, _without_empty(columns))
    for line in (ratio_line(report), *(f"{row.name}: {row.note}" for row in rows if row.note)):
        if line:
            print_line(console, line, style="dim")


def print_layers(report: Report, console: Console) -> None:
    """One row per operator: MACs, bytes of weights, instructions, typical cycles, cycles per MAC, share."""
    layers = report.layers
    if not layers:
        return
    kind = report.cycles.kind or "unknown"
    shares, slowest = layer_shares(layers), slowest_layers(layers)
    time_kind = report.executors[0].kind if report.executors else None
    _print_heading(console, f"layers ({_words(layers, kind, time_kind)})")
    columns = [
        Column("#", tuple(str(layer.index) for layer in layers), style="dim"),
        Column("op", tuple(layer.op for layer in layers), right=False, style="cyan"),
        Column("name", tuple(fmt.layer_name(layer.name) for layer in layers), right=False, least=12, drop=3),
        Column("kernel", tuple(layer.kernel or fmt.BLANK for layer in layers), right=False, drop=4),
        Column("MACs", tuple(fmt.number(layer.macs) for layer in layers)),
        Column("weights\nB", tuple(fmt.number(layer.weight_bytes) for layer in layers)),
        Column(f"instructions\n{COUNTED}", tuple(fmt.number(layer.instructions) for layer in layers), drop=1),
        Column(f"cycles\n{kind}", tuple(fmt.number(layer.cycles) for layer in layers), style="bold"),
        Column(f"cycles\n{MODELLED}", tuple(fmt.number(layer.modelled_cycles) for layer in layers)),
        Column("flash waits\nmodelled", tuple(fmt.number(layer.flash_wait_cycles) for layer in layers), drop=2),
        Column("measured\n/modelled", tuple(fmt.ratio(ratio_to_model(layer)) for layer in layers)),
        Column(
            f"time, ms\n{time_kind or fmt.UNKNOWN}",
            tuple(fmt.bare_milliseconds(layer.milliseconds) for layer in layers),
            style="bold",
        ),
        Column("cycles\n/MAC", tuple(fmt.ratio(_per_mac(layer)) for layer in layers)),
        Column("share", tuple(fmt.percent(share) for share in shares)),
        Column("", tuple(SLOW if layer in slowest else "" for layer in layers), right=False, style="yellow"),
        _bars(shares, console),
    ]
    print_table(console, _without_empty(columns))
    if slowest_line(layers):
        print_line(console, slowest_line(layers), style="yellow")


def print_shrinking(record: Shrinking, console: Console) -> None:
    """What every layer lost, and what could not be taken out."""
    rows = shrink_rows(record)
    if rows:
        _print_heading(console, "shrunk, without loss (operators as in the model that came in)")
        columns = [
            Column("#", tuple(row.index for row in rows), style="dim"),
            Column("op", tuple(row.op for row in rows), right=False, style="cyan"),
            Column("name", tuple(fmt.layer_name(row.name) for row in rows), right=False, least=12, drop=1),
            Column("channels", tuple(row.channels for row in rows)),
            Column("MACs", tuple(row.macs for row in rows), style="bold"),
            Column("weights", tuple(row.weights for row in rows)),
        ]
        print_table(console, columns)
    for line in left_lines(record):
        print_line(console, line, style="dim")


def print_coding(report: Report, console: Console) -> None:
    """What every layer with coded weights saves and costs."""
    if report.coding is None:
        return
    _print_heading(console, coding_line(report.coding))
    rows = coding_rows(report)
    columns = [
        Column("#", tuple(row.index for row in rows), style="dim"),
        Column("op", tuple(row.op for row in rows), right=False, style="cyan"),
        Column("name", tuple(row.name for row in rows), right=False, least=12, drop=1),
        Column("code", tuple(row.codec for row in rows), right=False, style="green"),
        Column("weights\nB", tuple(row.weights for row in rows), style="bold"),
        Column("saved", tuple(row.saved for row in rows)),
        Column("decoding, cycles\nestimated", tuple(row.decoding for row in rows)),
        Column("of the\nlayer", tuple(row.share for row in rows), drop=3),
        Column("blocks", tuple(row.blocks for row in rows), drop=4),
        Column("RAM\nB", tuple(row.ram for row in rows), drop=2),
    ]
    print_table(console, _without_empty(columns))


def print_tuning(report: Report, console: Console) -> None:
    """What every kernel that could compute a layer costs, layers with a choice only."""
    if report.tuning is None:
        return
    _print_heading(console, tuning_line(report.tuning))
    rows = [(layer, one) for layer in report.layers if len(layer.alternatives) > 1 for one in layer.alternatives]
    columns = [
        Column("#", tuple(str(layer.index) for layer, _ in rows), style="dim"),
        Column("op", tuple(layer.op for layer, _ in rows), right=False, style="cyan"),
        Column("", tuple("chosen" if one.chosen else "" for _, one in rows), right=False, style="green"),
        Column("kernel", tuple(one.kernel for _, one in rows), right=False),
        Column(f"instructions\n{COUNTED}", tuple(fmt.number(one.instructions) for _, one in rows), drop=1),
        Column(f"cycles\n{MODELLED}", tuple(fmt.number(one.cycles) for _, one in rows), style="bold"),
        Column("scratch\nB", tuple(fmt.number(one.scratch_bytes) for _, one in rows), drop=2),
    ]
    print_table(console, columns)


def _words(layers: Sequence[Layer], kind: str, time_kind: str | None) -> str:
    """Where the numbers of the table come from."""
    words = [f"instructions {COUNTED}"] if any(layer.instructions is not None for layer in layers) else []
    words += [f"cycles {kind}, typical"] if any(layer.cycles is not None for layer in layers) else []
    if any(layer.milliseconds is not None for layer in layers):
        words.append(f"time {time_kind or fmt.UNKNOWN}, median")
    return ", ".join(words) or "not run"


def _bars(shares: Sequence[float | None], console: Console) -> Column:
    largest = max((share or 0 for share in shares), default=0) or 1
    width = WIDE_BAR if console.width >= WIDE_SCREEN else NARROW_BAR
    bars = tuple(bar((share or 0) / largest, width, console) for share in shares)
    return Column("", bars, right=False, style="green", drop=2, screen_only=True)


def _per_mac(layer: Layer) -> float | None:
    return layer.cycles / layer.macs if layer.cycles is not None and layer.macs else None


def _without_empty(columns: Sequence[Column]) -> list[Column]:
    """Columns about which nothing at all is known say nothing."""
    return [column for column in columns if not all(cell in (fmt.BLANK, "") for cell in column.cells)]


def print_passes(report: Report, console: Console) -> None:
    """What every compression pass promised, reached and did to the accuracy on validation data."""
    if not report.passes:
        return
    _print_heading(console, "passes (accuracy on validation data)")
    unit = report.accuracy.unit
    for record in report.passes:
        took = f"  {fmt.seconds(record.seconds)}" if record.seconds is not None else ""
        print_line(console, f"{record.name}{took}", style="bold")
        print_line(console, f"  {promise_line(record)}", style=_promise_style(record))
        if record.accuracy_before is not None or record.accuracy_after is not None:
            before, after = fmt.metric(record.accuracy_before, unit), fmt.metric(record.accuracy_after, unit)
            print_line(console, f"  accuracy {before} -> {after}")
        for note in record.notes:
            print_line(console, f"  note: {note}", style="dim")


def _promise_style(record: PassRecord) -> str:
    return {"kept": "green", "broken": "red"}.get(record.status or "", "")


def print_stages(report: Report, console: Console) -> None:
    """Size and time, stage by stage."""
    stages = report.stages
    if not stages:
        return
    _print_heading(console, "stage by stage")
    columns = [
        Column("stage", tuple(stage.name for stage in stages), right=False, style="cyan"),
        Column("size", tuple(fmt.BLANK if s.bytes is None else fmt.size(s.bytes) for s in stages), style="bold"),
        Column(
            "zipped", tuple(fmt.BLANK if s.compressed_bytes is None else fmt.size(s.compressed_bytes) for s in stages)
        ),
        Column("time", tuple(fmt.seconds(stage.seconds) for stage in stages)),
        Column("memory", tuple(fmt.BLANK if s.memory is None else fmt.size(s.memory) for s in stages)),
        Column("artefact", tuple((stage.artefact or "") for stage in stages), right=False, least=16, drop=1),
        Column(
            "note",
            tuple((stage.note or "") for stage in stages),
            right=False,
            style="dim",
            least=16,
            keep_end=False,
            drop=2,
        ),
    ]
    print_table(console, _without_empty(columns))


def print_accuracy(report: Report, console: Console) -> None:
    """Original, baseline, float, int8 and device, each with its interval and number of samples."""
    rows = accuracy_rows(report)
    if not rows:
        return
    metric = report.accuracy.metric or "accuracy"
    _print_heading(console, f"{metric} on test data")
    unit = report.accuracy.unit
    columns = [
        Column("", tuple(row.label for row in rows), right=False, style="cyan"),
        Column(metric, tuple(fmt.metric(row.value, unit) for row in rows), style="bold"),
        Column("interval and samples", tuple(row.remark(unit) for row in rows), right=False, drop=1),
    ]
    print_table(console, columns)
    if agreement_line(report):
        print_line(console, agreement_line(report))


def print_losses(report: Report, console: Console) -> None:
    """The operators where the integer model loses most against its float twin."""
    rows = largest_losses(report)
    if not rows:
        return
    _print_heading(console, "what int8 loses, layer by layer (on training samples, worst first)")
    columns = [
        Column("#", tuple(str(row.index) for row in rows), style="dim"),
        Column("op", tuple(row.op for row in rows), right=False, style="cyan"),
        Column("name", tuple(fmt.layer_name(row.name) for row in rows), right=False, least=12, drop=1),
        Column("noise added", tuple(fmt.percent(row.added_noise, 3) for row in rows)),
        Column("SNR, dB", tuple(fmt.UNKNOWN if row.snr_db is None else f"{row.snr_db:.1f}" for row in rows)),
        Column("cosine", tuple(fmt.UNKNOWN if row.cosine is None else f"{row.cosine:.5f}" for row in rows)),
    ]
    if any(row.error_share is not None for row in rows):
        columns.append(Column("share of final error", tuple(fmt.percent(row.error_share, 1) for row in rows)))
        columns.append(Column("what would help", tuple(row.remedy or "" for row in rows), right=False, drop=2))
    print_table(console, columns)


def print_memory_map(report: Report, console: Console) -> None:
    """Every buffer of the arena with its offset and its steps."""
    if report.memory is None or report.ram.arena is None:
        return
    _print_heading(console, f"memory map ({report.memory.planner})")
    for line in draw_text(report.memory.blocks, len(report.layers), report.ram.arena, width=console.width).splitlines():
        print_line(console, line)


def print_remarks(report: Report, console: Console) -> None:
    """Warnings and notes."""
    if report.warnings or report.notes:
        print_line(console)
    for warning in report.warnings:
        print_line(console, f"warning: {warning}", style="yellow")
    for note in report.notes:
        print_line(console, f"note: {note}", style="dim")


def _print_litert(report: Report, console: Console) -> None:
    if not report.litert:
        return
    _print_heading(console, "LiteRT differs from TensorFlow Lite Micro's arithmetic here")
    rows = report.litert
    columns = [
        Column("#", tuple(str(row.index) for row in rows), style="dim"),
        Column("op", tuple(row.op for row in rows), right=False, style="cyan"),
        Column("name", tuple(fmt.layer_name(row.name) for row in rows), right=False, least=12, drop=1),
        Column("differing bytes", tuple(fmt.number(row.differing_bytes) for row in rows)),
        Column("at most, LSB", tuple(fmt.number(row.max_lsb) for row in rows)),
    ]
    print_table(console, columns)


def _print_title(console: Console, line: str) -> None:
    print_line(console, line, style="bold")


def _print_heading(console: Console, line: str) -> None:
    print_line(console)
    print_line(console, line, style="bold cyan")
