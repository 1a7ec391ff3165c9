"""`--tune`: every layer's kernel chosen by what all its candidates cost on the emulator, not by a rule of thumb.

Run k lowers every layer to its k-th candidate, so it takes as many runs as the layer with most candidates has. The result
depends on the model, the core, what its flash costs, the compiler and this package's sources, and is kept in the user's cache
under all of them.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from edgecompress import emulate
from edgecompress.codegen import variants
from edgecompress.codegen.features import Features, features_of
from edgecompress.codegen.program import Program, lower
from edgecompress.emulate import Cost
from edgecompress.memory.choice import BALANCED, SPEED, Wish
from edgecompress.pipeline import firmware
from edgecompress.reference.inputs import random_inputs
from edgecompress.report.kernel_records import KernelOption, Tuning
from edgecompress.report.records import Report
from edgecompress.targets import Target, find
from edgecompress.targets.cache import cache_folder, store, trim
from edgecompress.targets.compilers import Name, find_compiler
from edgecompress.tflite.graph import Graph

log = logging.getLogger(__name__)

KEPT = 200
"""Results in the cache."""

Say = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Candidate:
    """One kernel of one layer, measured: instructions counted, cycles modelled (typical)."""

    kernel: str
    instructions: int
    cycles: int
    scratch_bytes: int


@dataclass(frozen=True)
class Tuned:
    """What every candidate cost.

    Attributes:
        layers: by step of the graph, in the order of `variants.candidates`.
        by: the field of a candidate that is to be least.
        cached: measured earlier.
    """

    layers: Mapping[int, tuple[Candidate, ...]]
    by: str
    cached: bool = False

    @property
    def choices(self) -> dict[int, int]:
        """The cheapest candidate of every step; of equal ones the first."""
        return {step: min(range(len(row)), key=lambda i: (self.cost(row[i]), i)) for step, row in self.layers.items()}

    @property
    def runs(self) -> int:
        return max(map(len, self.layers.values()), default=0)

    @property
    def saved(self) -> int:
        """What the choices cost less than every first candidate."""
        return sum(
            self.cost(self.layers[step][0]) - self.cost(self.layers[step][i]) for step, i in self.choices.items()
        )

    def cost(self, candidate: Candidate) -> int:
        return candidate.cycles if self.by == "cycles" else candidate.instructions


def tune(
    graph: Graph, target: Target, compiler: Name = "zig", say: Say = lambda *_: None, wish: Wish = BALANCED
) -> tuple[Program, Tuned]:
    """Measures every candidate of every layer on the emulator, or remembers what was measured, and lowers to the cheapest.

    The programs lie in the memory map of the generic CPU, where all of them fit; the flash costs what the target's does.

    Raises:
        UnsupportedError, ToolError, MissingToolError, DeviceError: as lowering, compiling and running do.
    """
    by = "instructions" if target.cpu.runner == "qemu" else "cycles"
    features = features_of(target.cpu, spends_flash=wish.spends_flash)
    file = cache_folder("tuning") / f"{_key(graph, target, compiler, features)}.json"
    known = _remembered(file)
    if known is not None:
        tuned = Tuned(known, by, cached=True)
        program = _lowered(graph, features, tuned, wish)
        if program is not None:
            return program, tuned
        log.warning("%s holds other kernels than there are: they are measured again", file)
    tuned = Tuned(_measure(graph, target, compiler, say, features), by)
    data = {str(step): [asdict(one) for one in row] for step, row in tuned.layers.items()}
    store(file, json.dumps(data, indent=1).encode())
    trim(file.parent, KEPT)
    program = _lowered(graph, features, tuned, wish)
    assert program is not None
    return program, tuned


def with_tuning(report: Report, program: Program, tuned: Tuned | None) -> Report:
    """The report with every layer's candidates and what they cost; as it is where nothing was measured."""
    if tuned is None:
        return report
    steps = {layer.operation.index: layer.step for layer in program.layers}
    layers = []
    for layer in report.layers:
        row, chosen = tuned.layers.get(steps.get(layer.index, -1), ()), tuned.choices.get(steps.get(layer.index, -1))
        options = [
            KernelOption(one.kernel, one.instructions, one.cycles, one.scratch_bytes, place == chosen)
            for place, one in enumerate(row)
        ]
        layers.append(replace(layer, alternatives=tuple(options)))
    return replace(report, layers=tuple(layers), tuning=Tuning(tuned.by, tuned.runs, tuned.cached, tuned.saved))


def _lowered(graph: Graph, features: Features, tuned: Tuned, wish: Wish) -> Program | None:
    """The program of the choices; None where these are not of this graph's candidates."""
    choices = tuned.choices
    try:
        program = lower(graph, features, choices, wish)
    except IndexError:
        return None
    kernels = {layer.step: layer.call.kernel for layer in program.layers}
    return program if kernels == {step: tuned.layers[step][i].kernel for step, i in choices.items()} else None


def _measure(
    graph: Graph, target: Target, compiler: Name, say: Say, features: Features
) -> dict[int, tuple[Candidate, ...]]:
    """Every layer run whole, whatever the schedule will be."""
    roomy = replace(find(target.cpu.name), flash_timing=target.flash_timing)
    first = lower(graph, features, wish=SPEED)
    counts = {
        layer.step: len(list(variants.candidates(first.graph, layer.operation, features))) for layer in first.layers
    }
    runs = max(counts.values())
    rows: dict[int, list[Candidate]] = {step: [] for step in counts}
    for number in range(runs):
        say("measuring kernels", number, runs)
        choices = {step: min(number, count - 1) for step, count in counts.items()}
        program = lower(graph, features, choices, SPEED)
        for layer, cost in zip(program.layers, _costs(program, roomy, compiler), strict=True):
            if number < counts[layer.step]:
                call = layer.call
                one = Candidate(call.kernel, cost.instructions, cost.cycles.typical, call.scratch_bytes)
                rows[layer.step].append(one)
    return {step: tuple(row) for step, row in rows.items()}


def _costs(program: Program, target: Target, compiler: Name) -> tuple[Cost, ...]:
    """Of every layer, on one fixed input; its outputs are not looked at here: whatever is chosen is compared byte by byte."""
    from edgecompress.reference.integer import run_graph

    sample = random_inputs(program.graph, 1, 0)[0]
    names = [f"model_layer_{layer.index}" for layer in program.layers]
    with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
        golden = sample, run_graph(program.graph, sample)
        image = firmware.build_standalone(program, target, Path(folder), golden, compiler)
        return emulate.profile(image, target, "model_invoke", names).layers


def _key(graph: Graph, target: Target, compiler: Name, features: Features) -> str:
    parts = (
        graph.sha256,
        target.cpu.name,
        repr(target.flash_timing),
        repr(features),
        find_compiler(compiler).identity,
        firmware.OPTIMIZATION,
        metadata.version("edgecompress"),
        _sources(),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@cache
def _sources() -> str:
    """A hash of everything that makes or counts code: a kernel may change without a new version."""
    found = hashlib.sha256()
    for folder in ("codegen", "emulate", "targets"):
        for path in _files(resources.files(f"edgecompress.{folder}")):
            found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _files(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if path.is_dir():
            found += _files(path)
        elif not path.name.endswith(".pyc"):
            found.append(path)
    return found


def _remembered(file: Path) -> dict[int, tuple[Candidate, ...]] | None:
    """What the cache holds; a damaged file counts as none."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        os.utime(file)
        layers = {int(step): tuple(Candidate(**one) for one in row) for step, row in data.items()}
        return layers if all(layers.values()) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("%s is damaged and will be written again: %s", file, error)
        return None
