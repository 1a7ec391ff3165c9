"""The job that the C program reads and the answer that it writes, byte by byte, and answers that are damaged."""

import struct

import numpy as np
import pytest

from edgecompress.errors import DeviceError
from edgecompress.linux import exchange
from edgecompress.linux.exchange import Effort, Tap
from edgecompress.reference.inputs import random_inputs


@pytest.fixture
def job(conv_program):
    samples = random_inputs(conv_program.graph, 2)
    return samples, exchange.write_job(conv_program, samples, exchange.model_outputs(conv_program), Effort(1, 3, 2, 60))


def test_a_job_is_head_taps_and_inputs(conv_program, job):
    samples, data = job
    (index,), (out,) = conv_program.graph.inputs, conv_program.graph.outputs
    tensor = conv_program.graph.tensors[out]
    head = b"ECJB" + struct.pack("<7I", 1, 2, 1, 1, 3, 2, 60)
    tap = struct.pack("<3I", len(conv_program.layers), conv_program.plan.offsets[out], tensor.nbytes)
    assert data == head + tap + b"".join(sample[index].tobytes() for sample in samples)


def answer_to(program, taps, *, magic=b"ECAN", runs=3, layer_runs=2, layers=None, samples=2, peak=700, extra=b""):
    layers = len(program.layers) if layers is None else layers
    head = magic + struct.pack("<7I", 1, samples, len(taps), runs, layer_runs, layers, peak)
    times = np.arange(runs + layer_runs * len(program.layers), dtype="<u8").tobytes()
    return head + times + bytes(range(256)) * 0 + b"\x05" * (samples * sum(tap.bytes for tap in taps)) + extra


def test_an_answer_is_times_memory_and_tensors(conv_program, job):
    taps = exchange.model_outputs(conv_program)
    answer = exchange.read_answer(conv_program, taps, job[1], answer_to(conv_program, taps))
    assert answer.run_times.tolist() == [0, 1, 2]
    assert answer.layer_times.shape == (2, len(conv_program.layers))
    assert answer.peak_bytes == 700 * 1024
    tensor = conv_program.graph.tensors[conv_program.graph.outputs[0]]
    assert answer.outputs[1][tensor.index].shape == tensor.shape
    assert (answer.outputs[1][tensor.index] == 5).all()


@pytest.mark.parametrize(
    "change",
    [{"magic": b"ECJB"}, {"runs": 4}, {"samples": 1}, {"layers": 9}, {"extra": b"\0"}, {"layer_runs": 1}],
)
def test_an_answer_to_another_job_is_refused(conv_program, job, change):
    taps = exchange.model_outputs(conv_program)
    with pytest.raises(DeviceError, match="damaged"):
        exchange.read_answer(conv_program, taps, job[1], answer_to(conv_program, taps, **change))


def test_every_truncation_is_refused(conv_program, job):
    taps = exchange.model_outputs(conv_program)
    whole = answer_to(conv_program, taps)
    for length in (0, 1, 31, 32, 40, len(whole) - 1):
        with pytest.raises(DeviceError, match="damaged"):
            exchange.read_answer(conv_program, taps, job[1], whole[:length])


def test_an_unknown_memory_is_none(conv_program, job):
    taps = exchange.model_outputs(conv_program)
    assert exchange.read_answer(conv_program, taps, job[1], answer_to(conv_program, taps, peak=0)).peak_bytes is None


def test_taps_come_in_the_order_of_the_layers(conv_program):
    taps = exchange.every_output(conv_program)
    assert [tap.after for tap in taps] == sorted(tap.after for tap in taps)
    assert all(isinstance(tap, Tap) and tap.bytes for tap in taps)
