"""The headline of a run, in words: the same lines for the terminal and for the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgecompress.report import format as fmt
from edgecompress.report.kernel_records import Tuning
from edgecompress.report.linux_records import ExecutorRecord
from edgecompress.report.memory_records import Turns
from edgecompress.report.records import COUNTED, MEASURED, MODELLED, Interval, Layer, PassRecord, Report
from edgecompress.report.shrinking import shrunk_remark, shrunk_value

GOOD, BAD, WARN, NEUTRAL = "good", "bad", "warn", ""


@dataclass(frozen=True)
class Fact:
    """One line of the headline; `tone` says whether it is good or bad news."""

    label: str
    value: str
    remark: str = ""
    tone: str = NEUTRAL


def headline(report: Report) -> tuple[Fact, ...]:
    """Flash, RAM, MACs, instructions, cycles, latency, accuracy and exactness; what is unknown says so."""
    facts = [
        _flash(report),
        _ram(report),
        *_schedule(report),
        *_shrinking(report),
        _macs(report),
        _instructions(report),
        _cycles(report),
        _latency(report),
    ]
    return (*facts, *_accuracy(report), *_flash_waits(report), *_silicon(report), _exactness(report))


def title(report: Report) -> str:
    """The model on the target."""
    name = (report.model.path or "model").replace("\\", "/").rstrip("/").split("/")[-1]
    where = report.target if report.target else "unknown target"
    details = [part for part in (report.board.cpu, report.board.runner) if part and part != report.target]
    return f"{name} on {where}" + (f" ({', '.join(details)})" if details else "")


def overhead(arena: int | None, bound: int | None) -> str:
    """How far a plan is above the bound of its schedule."""
    if arena is None or bound is None:
        return ""
    if arena == bound:
        return "at its lower bound"
    return f"lower bound {fmt.size(bound)}, overhead {fmt.percent((arena - bound) / bound if bound else 0)}"


def interval(value: Interval | None, unit: str | None) -> str:
    """A confidence interval without its level."""
    if value is None:
        return ""
    high = fmt.metric(value.high, unit)
    low = fmt.metric(value.low, unit)
    return f"{low.removesuffix(' %') if high.endswith(' %') else low} to {high}"


def promise_line(record: PassRecord) -> str:
    """One sentence about a pass's promise: what, how far, in the file too, kept or not."""
    if record.promise is None:
        return record.status or "promises nothing about the weights"
    words = [f"promised: {record.promise.text}"]
    if record.reached is not None:
        words.append(f"reached {_amount(record.reached)}")
    if record.reached_in_tflite is not None:
        where = "in the firmware" if record.promise.kind in ("cycles", "flash", "ram") else "in the .tflite"
        words.append(f"{where} {_amount(record.reached_in_tflite)}")
    return "; ".join(words) + (f" ({record.status})" if record.status else "")


def _amount(value: float) -> str:
    """A share with four digits, a large number with all of them."""
    return f"{value:.4g}" if value < 1000 else f"{value:,.0f}"


@dataclass(frozen=True)
class AccuracyRow:
    """The metric of one form of the model."""

    label: str
    value: float
    spread: Interval | None
    samples: int | None

    def remark(self, unit: str | None) -> str:
        """The interval and the number of samples in words."""
        words = []
        if self.spread is not None:
            words.append(f"{fmt.percent(self.spread.level, 0)} sure: {interval(self.spread, unit)}")
        if self.samples is not None:
            words.append(fmt.plural(self.samples, "sample"))
        return ", ".join(words)


def accuracy_rows(report: Report) -> tuple[AccuracyRow, ...]:
    """Every form of the model whose accuracy is known, in the order of the pipeline."""
    result = report.accuracy
    rows = [
        ("original", result.original, result.original_interval, result.samples),
        ("fine-tuned, uncompressed", result.baseline, result.baseline_interval, result.samples),
        ("compressed, float", result.float_ if report.passes else None, result.float_interval, result.samples),
        ("compressed, int8" if report.passes else "int8", result.int8, result.int8_interval, result.samples),
        ("on the device", result.device, result.device_interval, result.device_samples or result.samples),
    ]
    return tuple(AccuracyRow(label, value, spread, n) for label, value, spread, n in rows if value is not None)


def layer_shares(layers: Sequence[Layer]) -> list[float | None]:
    """Every layer's share of all cycles; where no cycles are known, of the time."""
    costs = [layer.cycles for layer in layers]
    if all(cost is None for cost in costs):
        return _shares([layer.milliseconds for layer in layers])
    return _shares(costs)


def ratio_to_model(layer: Layer) -> float | None:
    """Measured over modelled cycles: of this run where they were measured, else of the board's calibration."""
    if layer.modelled_cycles and layer.cycles is not None:
        return layer.cycles / layer.modelled_cycles
    return layer.expected_ratio


def _shares(costs: Sequence[float | None]) -> list[float | None]:
    total = sum(cost or 0 for cost in costs)
    return [cost / total if total and cost is not None else None for cost in costs]


MOST_SLOW = 3
SIZEABLE = 0.01
"""Of all MACs: what a layer must have at least for its rate to be the model's best one."""


def best_rate(layers: Sequence[Layer]) -> float | None:
    """Cycles per MAC of the layer that needs fewest, layers of few MACs aside; None where nothing is known."""
    total = sum(layer.macs or 0 for layer in layers)
    rates = [
        layer.cycles / layer.macs for layer in layers if layer.cycles and layer.macs and layer.macs >= SIZEABLE * total
    ]
    return min(rates, default=None)


def slowest_layers(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Where the most is to be gained: the layers with most cycles above what their MACs would cost at the best rate."""
    rate = best_rate(layers)
    if rate is None:
        return ()
    excess = {layer.index: (layer.cycles or 0) - rate * (layer.macs or 0) for layer in layers}
    ranked = sorted(layers, key=lambda layer: -excess[layer.index])[:MOST_SLOW]
    return tuple(layer for layer in ranked if excess[layer.index] > 0)


def slowest_line(layers: Sequence[Layer]) -> str:
    """Those layers in words; empty where no cycles are known."""
    shares = dict(zip((layer.index for layer in layers), layer_shares(layers), strict=True))
    found = []
    for layer in slowest_layers(layers):
        rate = f" at {fmt.ratio(layer.cycles / layer.macs)} cycles/MAC" if layer.cycles and layer.macs else ""
        found.append(f"{layer.index} {layer.op} ({fmt.percent(shares[layer.index])}{rate})")
    if not found:
        return ""
    return f"slowest: {', '.join(found)}: most cycles above this model's best {fmt.ratio(best_rate(layers))} cycles/MAC"


def tuning_line(tuning: Tuning) -> str:
    """How the kernels were chosen, in one line."""
    origin = MODELLED if tuning.by == "cycles" else COUNTED
    when = ", measured earlier" if tuning.cached else ""
    return (
        f"kernels with the least {tuning.by} ({origin}, {fmt.plural(tuning.runs, 'emulated run')}{when}): "
        f"{fmt.number(tuning.saved)} fewer than the best guesses"
    )


MOST_LOSSES = 5


def largest_losses(report: Report) -> tuple[Layer, ...]:
    """The operators that do most to the final error on the way from float to int8, the worst first.

    By their share of it; where that is unknown, by the noise that they add themselves; empty where nothing is known.
    """
    shares = [layer for layer in report.layers if layer.error_share]
    if shares:
        return tuple(sorted(shares, key=lambda layer: -(layer.error_share or 0))[:MOST_LOSSES])
    known = [layer for layer in report.layers if (layer.added_noise or 0) > 0]
    return tuple(sorted(known, key=lambda layer: -(layer.added_noise or 0))[:MOST_LOSSES])


def agreement_line(report: Report) -> str:
    """How near the outputs are to the original's; empty when it is not known."""
    agreement = report.agreement
    if agreement.rmse is None and agreement.cosine is None:
        return ""
    rmse, cosine = (fmt.UNKNOWN if v is None else f"{v:.4g}" for v in (agreement.rmse, agreement.cosine))
    line = f"outputs against the original's: RMSE {rmse}, cosine {cosine}"
    return line + (f", {fmt.plural(agreement.samples, 'sample')}" if agreement.samples is not None else "")


def _flash(report: Report) -> Fact:
    flash, capacity = report.flash, report.board.flash_bytes
    parts = [("code", flash.code), ("constants", flash.constants), ("weights", flash.weights)]
    words = [f"{name} {fmt.size(count)}" for name, count in parts if count is not None]
    return Fact("flash", fmt.size(flash.total), _with_share(", ".join(words), flash.total, capacity))


def _ram(report: Report) -> Fact:
    ram = report.ram
    words = []
    if ram.arena is not None:
        bound = overhead(ram.arena, ram.bound_of_schedule)
        words.append(f"arena {fmt.size(ram.arena)}" + (f" {bound}" if bound else ""))
        words += [f"{fmt.size(ram.state)} of it state"] if ram.state else []
    words += [f"{name} {fmt.size(n)}" for name, n in (("static", ram.static), ("stack", ram.stack)) if n is not None]
    return Fact("RAM", fmt.size(ram.total), _with_share(", ".join(words), ram.total, report.board.ram_bytes))


def _schedule(report: Report) -> tuple[Fact, ...]:
    """What the order of the layers was asked to be, and what it saves and costs."""
    schedule = report.schedule
    if schedule.optimize is None:
        return ()
    limit = "" if schedule.ram_bytes is None else f", arena within {fmt.size(schedule.ram_bytes)}"
    words = ["every layer runs whole"]
    if schedule.turns:
        spans = [f"{t.first} to {t.last} ({_patch(t)})" for t in schedule.turns]
        calls = sum(t.calls - (t.last - t.first + 1) for t in schedule.turns)
        moved = sum(t.moved_bytes + t.staged_bytes for t in schedule.turns)
        again = sum(t.computed_again for t in schedule.turns)
        words = [
            f"operators take turns: {', '.join(spans)}",
            f"arena {fmt.size(schedule.whole_bytes)} without",
            f"{fmt.size(moved)} moved and {fmt.plural(calls, 'call')} more",
        ]
        words += [f"{fmt.number(again)} MACs computed again{_share(again, report.macs)}"] if again else []
    return (Fact("schedule", f"{schedule.optimize}{limit}", "; ".join([*words, schedule.reason or ""])),)


def _patch(turns: Turns) -> str:
    """What is computed in a round."""
    if turns.columns is None:
        return fmt.plural(turns.rows, "row")
    return f"patches of {turns.rows} x {turns.columns}" + (", strip by strip" if turns.keeps_rows else "")


def _share(part: int, whole: int | None) -> str:
    return f" ({fmt.percent(part / whole)})" if whole else ""


def _shrinking(report: Report) -> tuple[Fact, ...]:
    """Nothing is said of a model from which nothing could be taken out."""
    record = report.shrinking
    if record is None or (record.file is None and not record.defects):
        return ()
    wrong = bool(record.defects or (record.outputs and record.outputs.differing_bytes))
    return (Fact("shrunk", shrunk_value(record), shrunk_remark(record), BAD if wrong else GOOD),)


def _with_share(words: str, used: int | None, capacity: int | None) -> str:
    if used is None or not capacity:
        return words
    return "; ".join(part for part in (words, f"{fmt.percent(used / capacity)} of {fmt.size(capacity)}") if part)


def _macs(report: Report) -> Fact:
    remark = "" if report.parameters is None else f"{fmt.number(report.parameters)} parameters"
    return Fact("MACs", fmt.UNKNOWN if report.macs is None else fmt.number(report.macs), remark)


def _instructions(report: Report) -> Fact:
    if report.instructions is None:
        return Fact("instructions", fmt.UNKNOWN)
    return Fact("instructions", fmt.number(report.instructions), COUNTED)


def _cycles(report: Report) -> Fact:
    cycles = report.cycles
    if cycles.typical is None:
        return Fact("cycles", fmt.UNKNOWN)
    words = [cycles.kind or "of unknown origin"]
    if cycles.min is not None and cycles.max is not None:
        words.append(f"{fmt.number(cycles.min)} to {fmt.number(cycles.max)}")
    if report.macs:
        words.append(f"{fmt.ratio(cycles.typical / report.macs)} cycles/MAC")
    if cycles.confidence:
        words.append(f"confidence: {cycles.confidence}" + (" but for flash waits" if report.flash_waits else ""))
    if report.run.runs is not None:
        words.append(f"{fmt.plural(report.run.runs, 'run')}, counter {report.run.counter or fmt.UNKNOWN}")
    return Fact("cycles", fmt.number(cycles.typical), ", ".join(words))


def _flash_waits(report: Report) -> tuple[Fact, ...]:
    """What waiting for flash adds; nothing is said where it never waits."""
    waits = report.flash_waits
    if waits is None:
        return ()
    parts = [
        f"{MODELLED}, within the {MODELLED} cycles",
        f"{fmt.number(waits.min)} (every access hits) to {fmt.number(waits.max)} (no line is kept)",
        f"{fmt.plural(waits.wait_states, 'wait state')}",
        f"{fmt.number(waits.loads)} loads {COUNTED}",
        f"untested on silicon, after {waits.source}",
    ]
    return (Fact("flash waits", fmt.number(waits.typical), ", ".join(parts)),)


def _latency(report: Report) -> Fact:
    time = report.milliseconds
    if time.typical is None and report.executors:
        return _executor_latency(report.executors[0])
    if time.typical is None:
        reason = "the target has no clock" if report.cycles.typical is not None and time.clock_hz is None else ""
        if report.cycles.kind == MEASURED:
            reason = "not measured with the wait states of the board's full clock"
        return Fact("latency", fmt.UNKNOWN, reason)
    words = [f"{report.cycles.kind or 'of unknown origin'}, at {fmt.clock(time.clock_hz)}"]
    if time.min is not None and time.max is not None:
        words.append(f"{fmt.milliseconds(time.min).removesuffix(' ms')} to {fmt.milliseconds(time.max)}")
    return Fact("latency", fmt.milliseconds(time.typical), ", ".join(words))


def _executor_latency(record: ExecutorRecord) -> Fact:
    """Of the first executor, where the processor itself ran it."""
    if record.median_ms is None or record.kind != MEASURED:
        return Fact("latency", fmt.UNKNOWN, f"the times are {record.kind}" if record.kind else "")
    words = f"{record.kind}, {record.name}, median of {fmt.plural(record.runs or 0, 'run')}"
    spread = f"{fmt.bare_milliseconds(record.min_ms)} to {fmt.bare_milliseconds(record.max_ms)} ms"
    return Fact("latency", fmt.milliseconds(record.median_ms), f"{words}, {spread}")


def _accuracy(report: Report) -> list[Fact]:
    """Accuracy and, where it is known, what was lost."""
    result = report.accuracy
    stages = [("float", result.float_), ("int8", result.int8), ("device", result.device)]
    known = [(name, value) for name, value in stages if value is not None]
    label = result.metric or "accuracy"
    if not known:
        return [Fact(label, fmt.UNKNOWN, "no labelled test data")]
    words = [f"{name} {fmt.metric(value, result.unit)}" for name, value in known[:-1]]
    words += [f"{fmt.number(result.samples)} samples"] if result.samples is not None else []
    name, value = known[-1]
    if name == "device" and result.device_samples is not None and result.device_samples != result.samples:
        name = f"device on {fmt.plural(result.device_samples, 'sample')}"
    facts = [Fact(label, fmt.metric(value, result.unit), f"{name}; {', '.join(words)}" if words else name)]
    if result.drop is not None:
        facts.append(_drop(report))
    return facts


def _silicon(report: Report) -> list[Fact]:
    """What is known only of runs on a device: the model's opinion beside measured cycles, bytes against this computer."""
    facts = []
    measured, modelled, known = report.cycles, report.modelled, report.calibration
    if modelled.typical and measured.typical:
        words = [f"{modelled.kind or 'of unknown origin'}, measured/modelled {measured.typical / modelled.typical:.3f}"]
        words += [f"confidence: {modelled.confidence}"] if modelled.confidence else []
        facts.append(Fact("cycle model", fmt.number(modelled.typical), ", ".join(words)))
    if known is not None:
        whose = "this model" if known.same_model else "another model"
        remark = f"measured/modelled on this board, with {whose}; the cycles above are without it"
        facts.append(Fact("calibration", f"{known.ratio:.3f}", remark))
    differing, count = report.accuracy.device_differing_bytes, report.accuracy.device_samples
    if differing is not None and count is not None:
        remark = f"outputs of {fmt.plural(count, 'test sample')} against this computer's"
        facts.append(Fact("on device", fmt.plural(differing, "differing byte"), remark, BAD if differing else GOOD))
    return facts


def _drop(report: Report) -> Fact:
    result = report.accuracy
    words = ["int8 against the better of original and uncompressed fine-tuning"]
    if result.drop_interval is not None:
        low, high = (fmt.difference(v, result.unit) for v in (result.drop_interval.low, result.drop_interval.high))
        words.append(f"{fmt.percent(result.drop_interval.level, 0)} sure of {low.removesuffix(' points')} to {high}")
    tone = NEUTRAL
    if result.max_drop is not None and result.drop is not None:
        tone = BAD if result.drop > result.max_drop else GOOD
        words.append(f"allowed {fmt.difference(result.max_drop, result.unit).removeprefix('+')}")
    return Fact("drop", fmt.difference(result.drop, result.unit).removeprefix("+"), "; ".join(words), tone)


def _exactness(report: Report) -> Fact:
    exact = report.bit_exact
    if exact.differing_bytes is None:
        return Fact("exactness", fmt.UNKNOWN, "not compared", WARN)
    words = []
    if exact.tensors is not None and exact.inputs is not None:
        words.append(f"{fmt.plural(exact.tensors, 'tensor')} x {fmt.plural(exact.inputs, 'input')}")
    words += [f"against {exact.reference}"] if exact.reference else []
    if exact.differing_bytes:
        return Fact("exactness", fmt.plural(exact.differing_bytes, "differing byte"), ", ".join(words), BAD)
    return Fact("exactness", "bit-exact", ", ".join(["0 differing bytes", *words]), GOOD)
