"""Random small networks with superfluous channels planted in them: tflite-micro finds the same outputs, every time."""

import sys
from pathlib import Path

import numpy as np
import pytest
from small import LOWEST, Small, samples_of, shrunk

from edgecompress.errors import EdgecompressError
from edgecompress.reference.integer import run_graph
from edgecompress.shrink import REWRITES
from edgecompress.shrink.driver import shrink
from edgecompress.shrink.ranges import ranges
from edgecompress.shrink.values import values
from edgecompress.tflite import reader, writer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tflite"))

from fuzzing import damage

ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6")
DAMAGED = 400


class Grower:
    """Adds random layers to a network, each with something superfluous in it."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.net = Small()
        self.source = self.net.input(1, 5, 6, 2, zero_point=self.zero_point())

    def zero_point(self) -> int:
        return int(self.random.choice([LOWEST, LOWEST, -3, 127]))

    def numbers(self, *shape: int) -> np.ndarray:
        return self.random.integers(-9, 10, shape)

    def planted(self, filters: np.ndarray, offsets: np.ndarray) -> None:
        """First axis the outputs: some without weights, some out of reach of the clamp, some twice; some inputs unread."""
        count = len(filters)
        for _ in range(self.random.integers(0, 4)):
            one, other = self.random.integers(0, count, 2)
            kind = self.random.integers(0, 4)
            if kind == 0:
                filters[one] = 0
            elif kind == 1:
                offsets[one] = self.random.choice([-9000, 9000])
            elif kind == 2:
                filters[one], offsets[one] = filters[other], offsets[other]
            elif filters.shape[-1] > 1:
                filters[..., self.random.integers(0, filters.shape[-1])] = 0

    def layer(self, source: int) -> int:
        """A convolution, of one of the kinds, with numbers that keep its sums within a few hundred."""
        channels, kind = self.net.shape(source)[3], self.random.integers(0, 3)
        size = int(self.random.choice([1, 3]))
        outputs = channels if kind == 0 else int(self.random.integers(2, 8))
        filters = self.numbers(outputs, size, size, 1 if kind == 0 else channels)
        offsets = self.random.integers(-30, 300, outputs)
        self.planted(filters, offsets)
        scales = 0.05 if self.random.integers(0, 2) else self.random.choice([0.02, 0.05], outputs)
        values = np.moveaxis(filters[..., 0], 0, -1) if kind == 0 else filters
        options = {
            "padding": "SAME",
            "activation": str(self.random.choice(ACTIVATIONS)),
            "zero_point": self.zero_point(),
        }
        return self.net.conv(source, values, offsets, depthwise=kind == 0, scales=scales, **options)

    def between(self, source: int) -> int:
        kind = self.random.integers(0, 11)
        if kind >= 7:
            return self.idle(source, kind)
        if kind == 0:
            return self.net.pool(source, 3, str(self.random.choice(["AVERAGE", "MAX"])), padding="SAME")
        if kind == 1:
            like = self.net.result(self.net.shape(source), zero_point=self.net.zero_point(source))
            return self.net.unary("RELU", source, like)
        if kind == 2:
            return self.net.add(source, source)
        if kind == 3:
            again = self.net.conv(source, np.eye(self.net.shape(source)[3])[:, None, None, :], padding="SAME")
            return self.net.add(source, again)
        if kind == 4:
            return self.net.pad(source, 0, 0)
        if kind == 5:
            like = self.net.tensor(self.net.shape(source), 1 / 256, LOWEST)
            return self.net.unary("LOGISTIC", source, like)
        return source

    def idle(self, source: int, kind: int) -> int:
        """Two tables that may be one, a padding that may be SAME, a clamp that may never act, or a result that is known."""
        shape, zero_point = self.net.shape(source), self.net.zero_point(source)
        if kind == 7:
            opcode, scale = (("RELU", 0.25), ("QUANTIZE", 1.1))[self.random.integers(0, 2)]
            middle, last = self.net.result(shape, scale, zero_point), self.net.result(shape, 0.125, zero_point)
            return self.net.unary(opcode, self.net.unary("QUANTIZE", source, middle), last)
        if kind == 8:
            filters = self.numbers(3, 3, 3, shape[3])
            wide = self.net.pad(source, 1, int(self.random.choice([1, 1, 2])))
            return self.net.conv(wide, filters, scales=0.05, zero_point=self.zero_point())
        if kind == 9:
            weights = np.ones((2, shape[3]))
            return self.net.point(source, weights, scales=0.002, activation="RELU6", zero_point=-100)
        line = self.net.tensor(shape, 0.5, LOWEST, data=self.random.integers(-128, 128, shape))
        return self.net.add(source, self.net.unary("RELU", line))

    def graph(self):
        end = self.source
        for _ in range(self.random.integers(2, 5)):
            end = self.between(self.layer(end))
        if self.random.integers(0, 2):
            _, height, width, channels = self.net.shape(end)
            flat = self.net.reshape(end, 1, height * width * channels)
            self.net._tensors[flat].quantization.zeroPoint[:] = self.net.zero_point(end)
            self.net._tensors[flat].quantization.scale[:] = self.net._tensors[end].quantization.scale
            end = self.net.dense(flat, self.numbers(5, height * width * channels), self.numbers(5))
        else:
            end = self.net.point(end, self.numbers(3, self.net.shape(end)[3]), self.numbers(3))
        return self.net.graph([self.source], [end])


@pytest.mark.parametrize("seed", range(60))
def test_a_random_network_gives_the_same_bytes(seed):
    graph = Grower(seed).graph()
    result = shrunk(graph, multiple=1 + 3 * (seed % 2))
    again = reader.read_bytes(writer.write(result.after))
    assert not shrink(again, multiple=1 + 3 * (seed % 2), with_interpreter=False).changed


def test_much_is_found_in_random_networks():
    """What is planted is not missed: else the test above would say nothing."""
    kinds = [
        {found.rewrite for found in shrink(Grower(seed).graph(), multiple=1, with_interpreter=False).done}
        for seed in range(60)
    ]
    for rewrite in REWRITES:
        assert sum(rewrite.name in kind for kind in kinds) >= 3, rewrite.name


def test_damaged_files_are_shrunk_or_left_alone():
    generator = np.random.default_rng(3)
    read = 0
    for number in range(DAMAGED):
        content = writer.write(Grower(number % 10).graph())
        damaged = damage.flip_bits(content, generator) if number % 2 else damage.change_fields(content, generator)
        try:
            graph = reader.read_bytes(damaged or b"")
        except EdgecompressError:
            continue
        read += 1
        result = shrink(graph, with_interpreter=False)
        # tflite-micro checks less than we do, and may read outside its tensors: what it finds there changes with the file
        assert not result.defects or result.executor == "tflite-micro"
    assert read > DAMAGED / 4


@pytest.mark.parametrize("seed", range(30))
def test_analyses_hold_for_every_value_that_occurs(seed):
    """Intervals hold all values; channels with one number hold the same ones."""
    graph = Grower(seed).graph()
    known = ranges(graph)
    numbered = values(graph, known)
    for sample in samples_of(graph, 3):
        for index, found in run_graph(graph, sample).items():
            rows = found.reshape(-1, found.shape[-1]).astype(np.int64)
            assert (known[index].low <= rows.min(0)).all()
            assert (rows.max(0) <= known[index].high).all()
            for number in np.unique(numbered[index]):
                alike = rows[:, numbered[index] == number]
                assert (alike == alike[:, :1]).all()
