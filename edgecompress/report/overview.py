"""The results of `inspect`, `compress`, `shrink`, `targets` and `doctor` on a terminal."""

from collections.abc import Sequence

from rich.console import Console

from edgecompress.memory.picture import draw_text
from edgecompress.report import format as fmt
from edgecompress.report.layout import Column, print_facts, print_line, print_table
from edgecompress.report.listing import InspectedLayer, Inspection, TargetRow, ToolCheck
from edgecompress.report.records import Report, TensorRecord
from edgecompress.report.shrink_records import Shrinking
from edgecompress.report.shrinking import before_and_after, done_words
from edgecompress.report.summary import BAD, GOOD, WARN, Fact, overhead
from edgecompress.report.terminal import (
    MEMORY_MAP_FROM,
    SHRUNK_LAYERS_FROM,
    print_accuracy,
    print_passes,
    print_remarks,
    print_shrinking,
    print_stages,
)


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
    if inspection.shrinking is not None and inspection.shrinking.reason is None:
        facts.append(Fact("can be shrunk", *_shrinkable(inspection.shrinking)))
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
        Column("constant\nchannels", tuple(_count(layer.constant_channels) for layer in layers), drop=2),
        Column("distinct\nvalues", tuple(_count(layer.distinct_values) for layer in layers), drop=2),
        Column("zeros", tuple(_share(layer.zeros, layer) for layer in layers), drop=2),
        Column("entropy\nbits", tuple(_entropy(layer) for layer in layers), drop=2),
        Column("quantization", tuple(layer.quantization or fmt.BLANK for layer in layers), right=False, drop=2),
    ]
    print_table(console, [c for c in columns if any(cell != fmt.BLANK for cell in c.cells)])


def _count(count: int | None) -> str:
    return fmt.BLANK if count is None else fmt.number(count)


def _share(zeros: int | None, layer: InspectedLayer) -> str:
    """Of the weights; a share is what tells whether skipping zeros pays."""
    if zeros is None or layer.weights is None:
        return fmt.BLANK
    return fmt.percent(zeros / layer.weights)


def _entropy(layer: InspectedLayer) -> str:
    return fmt.BLANK if layer.entropy_bits is None else f"{layer.entropy_bits:.2f}"


def print_shrunk(record: Shrinking, console: Console, path: str, *, verbosity: int = 0) -> None:
    """What was taken out of a model, and where the rest was written."""
    print_line(console, path, style="bold")
    print_line(console)
    facts = [Fact("MACs", before_and_after(record.macs_before, record.macs))]
    facts.append(Fact("weights", before_and_after(record.weights_before, record.weights)))
    facts.append(Fact("operators", before_and_after(record.operators_before, record.operators)))
    facts.append(Fact("file", fmt.size(record.bytes)))
    facts.append(Fact("taken out", ", ".join(done_words(record)) or "nothing: the file is a copy"))
    if record.proof_inputs is not None:
        facts.append(Fact("proof", "0 differing bytes", f"{record.proof_inputs} inputs, {record.proof_executor}", GOOD))
    print_facts(console, facts)
    if verbosity >= SHRUNK_LAYERS_FROM:
        print_shrinking(record, console)


def print_compressed(report: Report, console: Console, path: str) -> None:
    """What passes made of a Keras model: promises, sizes, accuracy, and where it was written."""
    print_line(console, path, style="bold")
    print_passes(report, console)
    print_stages(report, console)
    print_accuracy(report, console)
    print_remarks(report, console)


def _shrinkable(record: Shrinking) -> tuple[str, str]:
    if not record.done:
        return "no", ""
    weights = f"{before_and_after(record.weights_before, record.weights)} weights"
    return f"{before_and_after(record.macs_before, record.macs)} MACs", "; ".join([weights, *done_words(record)])


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
