"""Sigmoid and tanh of all 16-bit numbers are those of TensorFlow Lite Micro's operators."""

import numpy as np
import pytest
from model_cases.network import Network

from edgecompress.codegen import curves_16
from edgecompress.reference.executor import Job
from edgecompress.reference.tflm import Tflm

EVERY = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, -1)
CURVES = [("LOGISTIC", -12), *(("TANH", power) for power in (-15, -13, -12, -11, -9))]


def test_every_number_gives_what_tflm_gives(tmp_path):
    if reason := Tflm().available():
        pytest.skip(reason)
    jobs = []
    for opcode, power in CURVES:
        network = Network()
        x = network.tensor(EVERY.shape, 2.0**power, dtype="INT16")
        y = network.tensor(EVERY.shape, 2.0**-15, dtype="INT16")
        network.operator(opcode, [x], [y])
        path = tmp_path / f"{opcode}{power}.tflite"
        path.write_bytes(network.file([x], [y]))
        jobs.append(Job(path, ({x: EVERY},)))
    for (opcode, power), answer in zip(CURVES, Tflm().run_jobs(jobs), strict=True):
        ours = curves_16.sigmoid(EVERY) if opcode == "LOGISTIC" else curves_16.tanh(EVERY, power)
        assert np.array_equal(answer.outputs[0][1], ours), (opcode, power)


def test_the_table_is_a_sigmoid_and_never_falls():
    exact = 65536 / (1 + np.exp(-np.arange(256) / 24))
    assert np.abs(curves_16.SIGMOID - exact).max() < 1.5
    assert (np.diff(curves_16.SIGMOID) >= 0).all()
