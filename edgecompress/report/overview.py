"""The results of `inspect`, `targets` and `doctor` on a terminal."""

from collections.abc import Sequence

from rich.console import Console

from edgecompress.memory.picture import draw_text
from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_facts, print_line, print_table
from edgecompress.report.listing import Inspection, TargetRow, ToolCheck
from edgecompress.report.records import TensorRecord
from edgecompress.report.summary import BAD, GOOD, WARN, Fact, overhead
from edgecompress.report.terminal import MEMORY_MAP_FROM


def print_inspection(inspection: Inspection, console: Console, *, verbosity: int = 0) -> None:
    """Inputs, outputs, totals and one row per layer."""
    model = inspection.model
    print_line(console, (model.path or "model"), style="bold")
    print_line(console)
    facts = [Fact("file", fmt.size(model.bytes), ", ".join(p for p in (model.format, inspection.quantization) if p))]
    facts += [Fact("input", fmt.shape(t.shape), _tensor_remark(t)) for t in inspection.inputs]
    facts += [Fact("output", fmt.shape(t.shape), _tensor_remark(t)) for t in inspection.outputs]
    facts.append(Fact("MACs", fmt.UNKNOWN if inspection.macs is None else fmt.number(inspection.macs)))
    weights = "" if inspection.weight_bytes is None else f"{fmt.size(inspection.weight_bytes)} of weights"
    parameters = fmt.UNKNOWN if inspection.parameters is None else fmt.number(inspection.parameters)
    facts.append(Fact("parameters", parameters, weights))
    if inspection.arena is not None:
        facts.append(Fact("arena", fmt.size(inspection.arena), _arena_remark(inspection)))
    print_facts(console, facts)
    _print_inspected_layers(inspection, console)
    if verbosity >= MEMORY_MAP_FROM and inspection.memory is not None and inspection.arena is not None:
        print_line(console)
        picture = draw_text(inspection.memory.blocks, len(inspection.layers), inspection.arena, width=console.width)
        for line in picture.splitlines():
            print_line(console, line)
    for layer in inspection.layers:
        if layer.problem:
            problem = f"warning: {layer.index} {layer.op}: {layer.problem}"
            print_line(console, problem, style="yellow")
    for warning in inspection.warnings:
        print_line(console, f"warning: {warning}", style="yellow")


def _tensor_remark(tensor: TensorRecord) -> str:
    words = [f"{tensor.dtype} {tensor.name}"]
    if tensor.scale is not None:
        words.append(f"scale {tensor.scale:.6g}, zero point {tensor.zero_point}")
    return ", ".join(words)


def _arena_remark(inspection: Inspection) -> str:
    words = [overhead(inspection.arena, inspection.bound_of_schedule)]
    if inspection.bound_without_sharing is not None:
        words.append(f"without sharing at least {fmt.size(inspection.bound_without_sharing)}")
    return "; ".join(word for word in words if word)


def _print_inspected_layers(inspection: Inspection, console: Console) -> None:
    layers = inspection.layers
    if not layers:
        return
    print_line(console)
    columns = [
        Column("#", tuple(str(layer.index) for layer in layers), style="dim"),
        Column("op", tuple(layer.op for layer in layers), right=False, style="cyan"),
        Column("name", tuple(fmt.layer_name(layer.name) for layer in layers), right=False, least=10, drop=3),
        Column("output", tuple(fmt.shape(layer.output_shape) for layer in layers), right=False),
        Column("MACs", tuple(fmt.number(layer.macs) for layer in layers), style="bold"),
        Column("parameters", tuple(fmt.number(layer.parameters) for layer in layers), drop=1),
        Column("weights\nB", tuple(fmt.number(layer.weight_bytes) for layer in layers)),
        Column("quantization", tuple(layer.quantization or fmt.BLANK for layer in layers), right=False, drop=2),
    ]
    print_table(console, [c for c in columns if any(cell != fmt.BLANK for cell in c.cells)])


def print_targets(targets: Sequence[TargetRow], console: Console) -> None:
    """One row per board or CPU."""
    columns = [
        Column("target", tuple(row.name for row in targets), right=False, style="cyan"),
        Column("cpu", tuple(row.cpu for row in targets), right=False),
        Column("flash", tuple(fmt.size(row.flash_bytes) for row in targets)),
        Column("RAM", tuple(fmt.size(row.ram_bytes) for row in targets)),
        Column("clock", tuple(fmt.clock(row.clock_hz) for row in targets)),
        Column("runs in", tuple(row.problem or row.runner or fmt.BLANK for row in targets), right=False, drop=1),
        Column("flashed by", tuple(", ".join(row.flashed_by) or fmt.BLANK for row in targets), right=False, drop=2),
        Column("", tuple(row.description for row in targets), right=False, style="dim", drop=3),
    ]
    print_table(console, columns)


def print_doctor(checks: Sequence[ToolCheck], console: Console) -> None:
    """What is there, what is missing, what that costs and how to get it."""
    facts = []
    for check in checks:
        if check.found is not None:
            facts.append(Fact(check.name, check.found, check.needed_for, GOOD))
            continue
        remark = f"without it: no {check.needed_for}" + (f". Try: {check.hint}" if check.hint else "")
        facts.append(Fact(check.name, "missing", remark, BAD if check.required else WARN))
    print_facts(console, facts)
    missing = [check for check in checks if check.found is None]
    required = sum(check.required for check in missing)
    print_line(console)
    if not missing:
        print_line(console, "Everything is there.", style="green")
    elif required:
        print_line(console, f"{fmt.plural(required, 'necessary thing')} missing.", style="red")
    else:
        print_line(console, f"All that is necessary is there; {len(missing)} optional missing.", style="yellow")
