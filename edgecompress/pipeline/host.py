"""The generated C on this very computer: the same bytes as on the device, fast enough for every test sample."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.errors import ToolError
from edgecompress.targets import host
from edgecompress.targets.host import LIBRARY_SUFFIX


def run_on_host(
    program: Program,
    sources: Mapping[str, str],
    folder: Path,
    inputs: Sequence[np.ndarray],
    *,
    prefix: str = "model",
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, ...]:
    """Compiles the model for this computer and runs all samples, each from a fresh state.

    Args:
        sources: the model's C by file name.
        folder: where the library is put.
        inputs: one array per model input, first axis the sample, in the tensor's dtype.

    Returns:
        One array per model output, first axis the sample.
    """
    library = host.build(sources, folder / f"{prefix}{LIBRARY_SUFFIX}", kind="library", optimization="-O3")
    functions = ctypes.CDLL(str(library.absolute()))
    invoke, reset = getattr(functions, f"{prefix}_invoke"), getattr(functions, f"{prefix}_reset")
    graph, offsets = program.graph, program.plan.offsets
    # float64 aligns to 8 bytes, more than the arena asks for
    arena = np.zeros(-(-program.plan.arena_bytes // 8) + 1, np.float64).view(np.uint8)
    count = len(inputs[0])
    outputs = [np.empty((count, *graph.tensors[i].shape[1:]), graph.tensors[i].dtype) for i in graph.outputs]
    for sample in range(count):
        for index, values in zip(graph.inputs, inputs, strict=True):
            raw = np.ascontiguousarray(values[sample]).view(np.uint8).reshape(-1)
            arena[offsets[index] : offsets[index] + raw.size] = raw
        place = arena.ctypes.data_as(ctypes.c_void_p)
        if status := reset(place) or invoke(place):
            raise ToolError("the generated C returned an error on this computer", found=f"status {status}")
        for index, result in zip(graph.outputs, outputs, strict=True):
            tensor = graph.tensors[index]
            raw = arena[offsets[index] : offsets[index] + tensor.nbytes]
            result[sample] = raw.view(tensor.dtype).reshape(tensor.shape)[0]
        if on_progress and (sample % 64 == 63 or sample == count - 1):
            on_progress(sample + 1, count)
    return tuple(outputs)
