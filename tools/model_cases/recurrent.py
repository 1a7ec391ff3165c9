"""Cases of operators that keep a state of their own: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_cases.case import LITERT_DIFFERS, LITERT_REFUSES, Case
from model_cases.network import ABSENT, Network


@dataclass(frozen=True)
class Svdf:
    """A model of one SVDF.

    Attributes:
        state: its type, and that of the weights of time.
        zero_point: of the state.
        input, output: (scale, zero point).
    """

    state: str = "INT16"
    batches: int = 1
    inputs: int = 9
    units: int = 5
    rank: int = 1
    memory: int = 4
    zero_point: int = 0
    scale: float = 0.002
    time_scale: float = 0.0005
    input: tuple[float, int] = (0.05, 3)
    output: tuple[float, int] = (0.08, -7)
    activation: str = "RELU"

    def build(self) -> bytes:
        model, generator = Network(), np.random.default_rng(self.inputs * self.memory)
        filters, highest = self.units * self.rank, np.iinfo(self.state.lower()).max
        x = model.tensor([self.batches, self.inputs], *self.input)
        features = generator.integers(-127, 128, (filters, self.inputs))
        time = generator.integers(-highest, highest + 1, (filters, self.memory))
        bias = generator.integers(-20_000, 20_001, self.units)
        operands = [
            x,
            model.tensor(features.shape, 0.004, data=features),
            model.tensor(time.shape, self.time_scale, dtype=self.state, data=time),
            model.tensor(bias.shape, self.scale * self.time_scale, dtype="INT32", data=bias),
            model.tensor(
                [self.batches, filters * self.memory], self.scale, self.zero_point, self.state, is_variable=True
            ),
        ]
        y = model.tensor([self.batches, self.units], *self.output)
        model.operator("SVDF", operands, [y], "SVDF", rank=self.rank, fusedActivationFunction=self.activation)
        return model.file([x], [y])


INT8 = Svdf("INT8", scale=0.02, time_scale=0.01)
SVDFS = {
    "int16": Svdf(),
    "int8": INT8,
    "int8_zero_point": Svdf("INT8", scale=0.02, time_scale=0.01, zero_point=-9),
    "rank_2": Svdf(rank=2, units=3),
    "int8_rank_3": Svdf("INT8", rank=3, units=2, scale=0.03, time_scale=0.01),
    "batches": Svdf(batches=3),
    "int8_batches": Svdf("INT8", batches=2, scale=0.02, time_scale=0.01),
    "no_past": Svdf(memory=1, inputs=1, units=1),
    "saturating": Svdf(inputs=40, scale=0.0003, output=(0.001, 5)),
    "int8_saturating": Svdf("INT8", inputs=40, scale=0.005, time_scale=0.02, output=(0.01, 5)),
    "sums_of_time_wrap": Svdf(memory=12, inputs=30, scale=0.0002, time_scale=0.02, output=(0.9, 0)),
    "zero_points_at_the_ends": Svdf(input=(0.05, -128), output=(0.02, 127)),
}


WIDER = {"INT8": "INT32", "INT16": "INT64"}
"""Types of biases."""


@dataclass(frozen=True)
class Lstm:
    """A model of one UNIDIRECTIONAL_SEQUENCE_LSTM.

    Attributes:
        batches, steps: dimensions of the input, the other way round where time comes first.
        power: the cells' scale is two to this.
        hidden: (scale, zero point) of the hidden state and the output.
        dtype: of input, hidden state and output; beside INT16 biases are INT64.
        bias: the largest.
    """

    batches: int = 1
    steps: int = 4
    inputs: int = 6
    units: int = 5
    power: int = -11
    clip: float = 0.0
    is_time_major: bool = False
    input: tuple[float, int] = (0.03, 4)
    hidden: tuple[float, int] = (1 / 128, 0)
    weight_scale: float = 0.008
    dtype: str = "INT8"
    bias: int = 2000

    def build(self) -> bytes:
        model, generator = Network(), np.random.default_rng(self.inputs * self.units)
        first, second = (self.steps, self.batches) if self.is_time_major else (self.batches, self.steps)
        operands = [model.tensor([first, second, self.inputs], *self.input, self.dtype)]
        for columns in (self.inputs, self.units):
            for gate in range(4):
                data = generator.integers(-127, 128, (self.units, columns))
                operands.append(model.tensor(data.shape, self.weight_scale * (1 + gate / 4), data=data))
        operands += [ABSENT] * 3
        for _ in range(4):
            data = generator.integers(-self.bias, self.bias + 1, self.units)
            operands.append(
                model.tensor(data.shape, self.weight_scale * self.input[0], dtype=WIDER[self.dtype], data=data)
            )
        shape = [self.batches, self.units]
        states = (
            model.tensor(shape, *self.hidden, self.dtype, is_variable=True),
            model.tensor(shape, 2.0**self.power, 0, "INT16", is_variable=True),
        )
        operands += [ABSENT, ABSENT, *states, *[ABSENT] * 4]
        y = model.tensor([first, second, self.units], *self.hidden, self.dtype)
        options = {"fusedActivationFunction": "TANH", "cellClip": self.clip, "timeMajor": self.is_time_major}
        model.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [y], "UnidirectionalSequenceLSTM", **options)
        return model.file([operands[0]], [y])


LSTMS = {
    "batch_first": Lstm(),
    "time_first": Lstm(batches=2, is_time_major=True),
    "batches": Lstm(batches=3, steps=2),
    "one": Lstm(steps=1, inputs=1, units=1),
    "zero_points": Lstm(input=(0.02, -128), hidden=(0.0085, -5)),
    "clipped": Lstm(clip=0.75, steps=8),
    "fine_cells": Lstm(power=-15, steps=6),
    "coarse_cells": Lstm(power=-8, steps=6),
    "saturating": Lstm(input=(0.4, 9), weight_scale=0.05, inputs=20),
    "long": Lstm(steps=30, inputs=9, units=7, hidden=(0.006, 3)),
}
INT16 = Lstm(dtype="INT16", input=(0.03 / 256, 0), hidden=(2.0**-15, 0), bias=500_000)
CHANGES: dict[str, dict[str, Any]] = {
    "batch_first": {},
    "time_first": {"batches": 2, "is_time_major": True},
    "batches": {"batches": 3, "steps": 2},
    "one": {"steps": 1, "inputs": 1, "units": 1},
    "clipped": {"clip": 0.75, "steps": 8},
    "fine_cells": {"power": -15, "steps": 6},
    "coarse_cells": {"power": -8, "steps": 6},
    "saturating": {"input": (0.4 / 256, 0), "weight_scale": 0.05, "inputs": 20},
    "saturating_output": {"hidden": (0.3 * 2.0**-15, 0), "steps": 6},
    "sums_beyond_32_bits": {"inputs": 700, "units": 3, "steps": 2, "weight_scale": 1e-5},
    "bias_beyond_32_bits": {"bias": 2**40, "weight_scale": 1e-9},
    "positive_shift": {"input": (2.0**-9, 0), "weight_scale": 4.0, "inputs": 2},
    "most_negative_shift": {"input": (2.0**-20, 0), "weight_scale": 0.55 * 2.0**-23, "bias": 2**44},
    "long": {"steps": 30, "inputs": 9, "units": 7, "hidden": (0.006 / 256, 0)},
}
LSTMS |= {f"int16_{name}": replace(INT16, **changes) for name, changes in CHANGES.items()}
OTHERWISE = "it wants intermediate tensors, which TFLM does not read"


READS_INT16 = "it takes every state for int16"


def case(name: str, svdf: Svdf) -> Case:
    litert = (LITERT_DIFFERS, READS_INT16) if svdf.state == "INT8" else ()
    return Case("SVDF", name, svdf.build, *litert)


CASES = (
    *(case(name, svdf) for name, svdf in SVDFS.items()),
    *(
        Case("UNIDIRECTIONAL_SEQUENCE_LSTM", name, lstm.build, LITERT_REFUSES, OTHERWISE)
        for name, lstm in LSTMS.items()
    ),
    Case(
        "SVDF",
        "no_activation",
        Svdf(activation="NONE").build,
        LITERT_REFUSES,
        "it knows RELU only, and does not apply it",
    ),
)
