"""What a Keras model takes on the device, for passes with such a budget: converted, shrunk, lowered, linked and run as in a build.

In the worker, where the passes are. What is read is the same as a report's: nothing is estimated by a second model. Weights lie
dense: codes, and limits of RAM and flash that a build was given, come after the passes.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edgecompress import emulate, recipe
from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import Program, lower
from edgecompress.compress.base import Kind, Reading, needs_gauge
from edgecompress.compress.training.samples import Samples
from edgecompress.emulate.qemu import find_qemu
from edgecompress.memory.choice import BALANCED, Wish
from edgecompress.pipeline import firmware, shrinking
from edgecompress.pipeline.codings import CERTAIN
from edgecompress.pipeline.preparation import DEFAULT_TARGET
from edgecompress.pipeline.wishes import read_wish
from edgecompress.reference.inputs import random_inputs
from edgecompress.targets import Target, find
from edgecompress.targets.compilers import Name, find_compiler

CALIBRATION = 32
"""Training samples that fix the ranges of a candidate's activations."""
STATIC = 4096
"""Bytes of RAM beside arena and stack that are enough for any model."""


def compress(job: Mapping[str, Any]) -> dict[str, Any]:
    """`edgecompress.compress.stage:compress` with the gauge of the device that the build is for.

    Args:
        job: as that takes it, and "device": {"compiler", "shrink", "optimize"} as `build` takes them; all may be absent.
    """
    from edgecompress.compress import make_all, stage

    settings = recipe.load(job.get("recipe"), dict(job.get("overrides") or {}))
    gauge = gauge_of(settings, job.get("device") or {})
    if any(needs_gauge(one) for one in make_all(settings.passes)):
        gauge.check()
    return stage.compress(job, gauge)


def gauge_of(settings: recipe.Recipe, device: Mapping[str, Any]) -> "DeviceGauge":
    """The gauge of [build] in a recipe, and of how the build goes on."""
    build = settings.build
    return DeviceGauge(
        find(build.target or DEFAULT_TARGET),
        dense_wish(device.get("optimize") or build.optimize),
        device.get("compiler") or "zig",
        device.get("shrink") is not False,
        build.seed,
    )


def dense_wish(optimize: str | None) -> Wish:
    """The same without codes and limits."""
    return read_wish(None if optimize == "size" else optimize, None) or BALANCED


@dataclass(frozen=True, eq=False)
class DeviceGauge:
    """Reads cycles, flash and arena of Keras models; see `edgecompress.compress.base.Gauge`.

    Attributes:
        device: the target.
        wish: what the schedule is for.
        compiler: of the firmware.
        shrinks: take out of the integer model what its outputs do not need, as the build does.
        seed: of the input whose cycles are modelled.
    """

    device: Target
    wish: Wish = BALANCED
    compiler: Name = "zig"
    shrinks: bool = True
    seed: int = 0

    @property
    def target(self) -> str:
        return self.device.name

    @property
    def setting(self) -> str:
        return f"--optimize {self.wish.optimize}" + ("" if self.shrinks else " --no-shrink")

    @property
    def key(self) -> str:
        parts = (repr(self.device), self.wish.optimize, find_compiler(self.compiler).identity, self.shrinks, self.seed)
        return json.dumps(parts)

    def check(self) -> None:
        """Raises MissingToolError where the compiler or the emulator of this core is not there, before anything is trained."""
        find_compiler(self.compiler)
        if self.device.cpu.runner == "qemu":
            find_qemu(self.device)

    def read(self, model: Any, kind: Kind, samples: Samples) -> Reading:
        """Of a Keras model, calibrated with some training samples.

        Raises:
            UnsupportedError, ToolError, MissingToolError, DeviceError: as converting, lowering, compiling and running do.
        """
        program = self._program(model, samples)
        match kind:
            case Kind.RAM:
                return Reading(program.plan.arena_bytes, firmware.largest_live(program))
            case Kind.FLASH:
                value = firmware.flash_bytes(program, self._with_room(program), self.compiler)
                return Reading(value, firmware.largest_weights(program))
            case Kind.CYCLES:
                return Reading(self._cycles(program))
        raise ValueError(f"{kind} is not read on a device")

    def _program(self, model: Any, samples: Samples) -> Program:
        from edgecompress.convert.lite import to_integer

        content = to_integer(model, lambda: _calibration(model, samples))
        with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
            path = Path(folder) / "model.tflite"
            path.write_bytes(content)
            graph = shrinking.source(path, wanted=self.shrinks).graph
        return lower(graph, features_of(self.device.cpu, spends_flash=self.wish.spends_flash), wish=self.wish)

    def _cycles(self, program: Program) -> int:
        """Typical, as modelled for one inference on a fixed input."""
        from edgecompress.reference.integer import run_graph

        target = self._with_room(program, flash=sum(firmware.weight_bytes(program)) + CERTAIN)
        sample = random_inputs(program.graph, 1, self.seed)[0]
        with tempfile.TemporaryDirectory(prefix="edgecompress-") as folder:
            golden = sample, run_graph(program.graph, sample)
            image = firmware.build_standalone(program, target, Path(folder), golden, self.compiler)
            return emulate.profile(image, target).cycles.typical

    def _with_room(self, program: Program, flash: int = 0) -> Target:
        """The target; where it is too small for the program, its core in a roomy memory map, with flash as slow as the target's."""
        ram = program.plan.arena_bytes + self.device.stack_bytes + STATIC
        if ram <= max(region.bytes for region in self.device.ram) and flash <= self.device.flash.bytes:
            return self.device
        return replace(find(self.device.cpu.name), flash_timing=self.device.flash_timing)


def _calibration(model: Any, samples: Samples) -> Iterator[tuple[np.ndarray, ...]]:
    dtypes = [tensor.dtype.as_numpy_dtype for tensor in model.inputs]
    inputs, _ = next(islice(samples.batches("train", CALIBRATION, seed=0), 1))
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    for i in range(len(arrays[0])):
        yield tuple(array[i : i + 1].astype(kind) for array, kind in zip(arrays, dtypes, strict=True))
