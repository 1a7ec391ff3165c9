"""What a model takes on the emulated Cortex-M4: bytes and modelled cycles, with weights coded and with dense ones.

Dense weights are read by kernels that multiply by all of them; the default build may take kernels that skip zeros instead.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compressing.trained import TARGET
from edgecompress import Benchmark, Report, bench
from edgecompress.codegen import variants
from edgecompress.codegen.variants.sparse import ListVariant
from edgecompress.convert.proof import WEIGHTS
from edgecompress.memory.choice import Optimize, Wish
from edgecompress.tflite import reader


@dataclass(frozen=True)
class Sizes:
    """A model both ways.

    Attributes:
        coded: report of the file with `--optimize size`.
        balanced: of the default build.
        dense: of the default build without kernels that skip zeros.
        decoding_bytes: the most of its scratch that a layer takes for tables and decoded weights.
        unshrunk: of the dense build without lossless rewrites; None where it was not asked for.
    """

    coded: Report
    balanced: Report
    dense: Report
    decoding_bytes: int
    unshrunk: Report | None = None

    @property
    def cycles_ratio(self) -> float:
        """Coded over dense, modelled."""
        return _cycles(self.coded) / _cycles(self.dense)

    @property
    def dense_cycles(self) -> int:
        """Of the dense build, modelled."""
        return _cycles(self.dense)

    @property
    def unshrunk_ratio(self) -> float:
        """Coded and shrunk over dense and unshrunk."""
        assert self.unshrunk is not None, "asked for"
        return _cycles(self.coded) / _cycles(self.unshrunk)

    @property
    def weights(self) -> int:
        """Bytes of coded weights, with codebooks and tables."""
        assert self.coded.flash.weights is not None, "known of every firmware"
        return self.coded.flash.weights

    @property
    def constants(self) -> int:
        """Bytes of weights and all other constants."""
        assert self.coded.flash.constants is not None, "known of every firmware"
        return self.weights + self.coded.flash.constants

    @property
    def extra_ram(self) -> int:
        """Bytes of all RAM, stack included, that the build with coded weights takes beyond the dense one."""
        coded, dense = (one.ram.total or 0 for one in (self.coded, self.dense))
        return coded - dense

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        codecs: dict[str, int] = {}
        for layer in self.coded.layers:
            if layer.codec:
                codecs[layer.codec] = codecs.get(layer.codec, 0) + 1
        used = ", ".join(f"{count} {name}" for name, count in sorted(codecs.items()))
        return (
            f"weights {self.weights:,} B, other constants {self.coded.flash.constants:,} B, code {self.coded.flash.code:,} B;"
            f" cycles {_cycles(self.coded):,} modelled, dense {_cycles(self.dense):,}, default {_cycles(self.balanced):,};"
            f" layers: {used}"
        )


def measure(model: Path, say: Any, *, unshrunk: bool = False, inputs: int = 1) -> Sizes:
    """Bench a .tflite file with coded and with dense weights; NotExactError where a byte differs.

    Args:
        inputs: random ones that are compared byte by byte, beside four hostile ones.
        unshrunk: also without lossless rewrites.
    """

    def run(optimize: Optimize, shrink: bool) -> Benchmark:
        found = bench(
            model, target=TARGET, inputs=inputs, wish=Wish(optimize), shrink=shrink, on_progress=_teller(say, model)
        )
        found.require_exact()
        return found

    coded = run("size", True)
    calls = [layer.call for layer in coded.program.layers]
    decoding = max((call.scratch_bytes - call.code.tables for call in calls if call.code), default=0)
    balanced = run("balanced", True)
    with dense_kernels():
        dense = run("balanced", True)
        plain = run("balanced", False).report if unshrunk else None
    return Sizes(coded.report, balanced.report, dense.report, decoding, plain)


@contextmanager
def dense_kernels() -> Iterator[None]:
    """While it lasts, no layer gets a kernel that skips zeros."""
    every = variants.VARIANTS
    variants.VARIANTS = tuple(one for one in every if not isinstance(one, ListVariant))
    try:
        yield
    finally:
        variants.VARIANTS = every


@dataclass(frozen=True)
class Weights:
    """The weight tensors of a .tflite file.

    Attributes:
        zeros: share over all of them.
        most_values: different values in the tensor that has most.
        count: of weights: their bytes as int8.
    """

    zeros: float
    most_values: int
    count: int


def weights_of(model: Path) -> Weights:
    """Counted in the file."""
    graph = reader.read(model)
    indices = {o.inputs[WEIGHTS[o.opcode]] for o in graph.operations if o.opcode in WEIGHTS}
    found = [data for index in sorted(indices) if (data := graph.tensors[index].data) is not None]
    zeros, count = sum(int((one == 0).sum()) for one in found), sum(one.size for one in found)
    return Weights(zeros / count, max(len(np.unique(one)) for one in found), count)


def shares(report: Report) -> Mapping[str, float]:
    """Bytes of coded weights over their bytes as int8, layer by layer, where they are coded."""
    return {
        f"{layer.index} {layer.op}": layer.weight_bytes / layer.parameters
        for layer in report.layers
        if layer.weight_bytes and layer.parameters
    }


def _cycles(report: Report) -> int:
    assert report.cycles.typical is not None, "modelled on every Cortex-M4"
    return report.cycles.typical


def _teller(say: Any, model: Path) -> Any:
    return lambda what, done, total: say(
        {"kind": "progress", "stage": f"{model.stem}: {what}", "step": done, "total": total}
    )
