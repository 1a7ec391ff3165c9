"""The program on its device, whatever port leads there: every operator's output, or the model's outputs only."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgecompress.codegen.program import Program
from edgecompress.codegen.turns import collect
from edgecompress.device.mailbox import Mailbox

Tensors = Mapping[int, np.ndarray]


def run_layer_by_layer(
    program: Program,
    mailbox: Mailbox,
    inputs: Sequence[Tensors],
    on_progress: Callable[[int, int], None] | None = None,
    *,
    length: int = 1,
) -> list[dict[int, np.ndarray]]:
    """Runs every input and stops after every layer.

    Args:
        mailbox: of the connected device.
        inputs: one mapping per sample, input tensor index -> array.
        on_progress: called with (samples done, samples in all).
        length: of sequences: before so many samples the state, if there is one, is reset.

    Returns:
        One mapping per sample: output tensor of every operation of the program -> its value.

    Raises:
        DeviceError: the firmware faulted, did not come to an end, or the device is gone.
    """
    results = []
    for number, sample in enumerate(inputs):
        if program.graph.states and number % length == 0:
            mailbox.reset()
        mailbox.write_inputs(raw_inputs(program, sample))
        results.append(collect(program, mailbox.run_layers, mailbox.read_arena))
        if on_progress:
            on_progress(number + 1, len(inputs))
    return results


def run_outputs(
    program: Program,
    mailbox: Mailbox,
    samples: Sequence[Sequence[bytes]],
    on_progress: Callable[[int, int], None] | None = None,
) -> list[tuple[np.ndarray, ...]]:
    """Runs every sample in one go, each from a fresh state, and returns the model's outputs only: for accuracy on many samples."""
    results = []
    for number, sample in enumerate(samples):
        raw = mailbox.run(sample)
        results.append(
            tuple(_array(program, index, data) for index, data in zip(program.graph.outputs, raw, strict=True))
        )
        if on_progress:
            on_progress(number + 1, len(samples))
    return results


def raw_inputs(program: Program, sample: Tensors) -> list[bytes]:
    """A sample as the mailbox takes it: the bytes of every input tensor, in the model's order."""
    return [np.ascontiguousarray(sample[i]).tobytes() for i in program.graph.inputs]


def _array(program: Program, index: int, data: bytes) -> np.ndarray:
    tensor = program.graph.tensors[index]
    return np.frombuffer(data, tensor.dtype.newbyteorder("<")).astype(tensor.dtype).reshape(tensor.shape)
