"""Random one-operator models from Hypothesis: any shape, window, zero point, multiplier and bias that the rules accept.

The draws are the same every time. They are made first and run together afterwards, because compiling costs more than running;
so nothing shrinks, and a failure names the smallest model that fails instead.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from model_cases import elementwise, windows
from model_cases.layers import SPREAD, Layer, convolution, extent, fully_connected
from model_cases.single import Operand, Single

MOST_MACS = 60_000
"""Of a model: cores without any help are emulated, too."""
ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")


@dataclass(frozen=True)
class Model:
    """A drawn model; `text` says how to make it again."""

    opcode: str
    build: Callable[[], bytes]
    text: str
    size: int


def near(limits: tuple[int, int], middle: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """One of both ends, one beside them, or something between."""
    low, high = limits
    return st.one_of(st.sampled_from((low, low + 1, high - 1, high)), middle)


zero_points = near((-128, 127), st.integers(-128, 127))
channels = st.one_of(st.sampled_from((1, 2, 3, 4, 8, 16)), st.integers(1, 33))
kernels = st.tuples(*[st.sampled_from((1, 1, 2, 3, 3, 4, 5))] * 2)
strides = st.tuples(*[st.sampled_from((1, 1, 1, 2, 3))] * 2)
dilations = st.tuples(*[st.sampled_from((1, 1, 1, 1, 2, 3))] * 2)
paddings = st.sampled_from(("SAME", "VALID"))
activations = st.sampled_from(ACTIVATIONS)


def log_uniform(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(math.log10(low), math.log10(high)).map(lambda exponent: 10.0**exponent)


@st.composite
def factors(draw: st.DrawFn, least: int, most: int) -> float:
    """Powers of two, whose multiplier is the least there is, and their neighbours on both sides; exponents in between."""
    power = np.float32(2.0 ** draw(st.integers(least, most)))
    beside = [np.nextafter(power, end) for end in (np.float32(0), np.float32(np.inf))]
    return float(draw(st.sampled_from((power, *beside))))


@st.composite
def sizes(draw: st.DrawFn, kernel: tuple[int, int], dilation: tuple[int, int], padding: str) -> tuple[int, int]:
    """Height and width of an input that has an output; 1 x 1 among them."""
    least = [1 if padding == "SAME" else (k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    height, width = (low + draw(st.one_of(st.just(0), st.integers(0, 8))) for low in least)
    return height, width


@st.composite
def usual(draw: st.DrawFn) -> dict[str, Any]:
    """A layer's numbers as a converter makes them of a trained one."""
    return {
        "activation": draw(st.sampled_from(("RELU", "RELU6", "NONE"))),
        "input_zero": draw(st.one_of(st.just(-128), zero_points)),
        "output_zero": draw(st.one_of(st.just(-128), zero_points)),
        "spread": draw(st.sampled_from(((), (1.0, 0.6, 1.7, 0.9, 0.35)))),
        "gain": draw(log_uniform(10, 100)),
        "weights": draw(st.sampled_from(("random", "random", "random", "pruned"))),
    }


@st.composite
def ties(draw: st.DrawFn) -> dict[str, Any]:
    """Small sums halved a few times: every few outputs are a half, where roundings differ."""
    return {
        **draw(usual()),
        "input_scale": 1.0,
        "weight_scale": 1.0,
        "weights": "unit",
        "bias": draw(st.sampled_from(("random", "none"))),
        "spread": draw(st.sampled_from(((), (1.0, 0.5, 0.25)))),
        "factor": 2.0 ** draw(st.integers(-6, -1)),
    }


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    """Anything that the rules accept: multipliers at the ends of their range, from flushed to zero to far above 1, and
    accumulators up to the last one that does not overflow."""
    bias = draw(st.sampled_from(("random", "random", "none", "large", "powers", "brim")))
    exact = draw(st.booleans())
    exponents = (-36, 8) if bias in ("random", "none") else (-30, -8)
    return {
        "activation": draw(activations),
        "weights": draw(
            st.sampled_from(("random", "random", "random", "unit", "pruned", "thinned", "lowest", "highest", "zero"))
        ),
        "bias": bias,
        "input_zero": draw(zero_points),
        "output_zero": draw(zero_points),
        "spread": draw(st.sampled_from(((), (1.0,), SPREAD, (1.0, 0.6, 1.7, 0.9, 0.35)))),
        "gain": draw(st.one_of(st.just(40.0), log_uniform(1e-6, 1e4))),
        "factor": draw(factors(*exponents)) if exact else 0.0,
        **({"input_scale": 1.0, "weight_scale": 1.0} if exact else {}),
    }


@st.composite
def layers(draw: st.DrawFn, opcode: str) -> Layer:
    """A layer with weights: numbers and shape, each as usual or anything."""
    values = draw(st.one_of(usual(), ties(), hostile()))
    is_usual = draw(st.integers(0, 2)) > 0
    if opcode == "FULLY_CONNECTED":
        rows = draw(st.sampled_from(((1,), (1,), (3,), (2, 2))))
        filters = draw(st.one_of(channels, st.integers(1, 70)))
        inputs = 4 * draw(st.integers(1, 65)) if is_usual else draw(st.one_of(channels, st.integers(1, 260)))
        return Layer(**values, input_shape=(*rows, inputs), filters=filters, keep_dims=draw(st.booleans()))
    depthwise, padding = opcode == "DEPTHWISE_CONV_2D", draw(paddings)
    if is_usual:
        kernel, dilation = draw(st.sampled_from(((3, 3), (3, 3), (1, 1)))), (1, 1)
        stride = (1, 1) if kernel == (1, 1) else draw(st.sampled_from(((1, 1), (1, 1), (2, 2))))
        depth = 4 * draw(st.integers(1, 8))
        filters = 1 if depthwise else depth
        if depthwise and draw(st.integers(0, 3)) == 0:
            depth, filters = 1, draw(st.integers(2, 16))  # a first layer's
    else:
        kernel, dilation, stride, depth = draw(kernels), draw(dilations), draw(strides), draw(channels)
        filters = draw(st.sampled_from((1, 1, 1, 2, 3))) if depthwise else draw(channels)
    height, width = draw(sizes(kernel, dilation, padding))
    if is_usual and padding == "SAME" and draw(st.booleans()):
        height, width = draw(st.tuples(*[st.sampled_from((4, 8))] * 2))  # whole tiles
    shape = (draw(st.sampled_from((1, 1, 1, 2))), height, width, depth)
    window = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    is_grouped = not depthwise and draw(st.integers(0, 4)) == 0
    groups = draw(st.sampled_from(common_divisors(depth, filters))) if is_grouped else 1
    return Layer(**values, **window, input_shape=shape, filters=filters, groups=groups)


def common_divisors(*numbers: int) -> list[int]:
    most = math.gcd(*numbers)
    return [size for size in range(1, most + 1) if most % size == 0]


def macs(layer: Layer, opcode: str) -> int:
    """Multiply-accumulates of a layer."""
    if opcode == "FULLY_CONNECTED":
        return int(np.prod(layer.input_shape)) * layer.filters
    pixels = layer.input_shape[0] * extent(layer, 0) * extent(layer, 1)
    return pixels * int(np.prod(layer.kernel)) * layer.input_shape[3] // layer.groups * layer.filters


def weighted(opcode: str) -> st.SearchStrategy[Model]:
    """Models of an operator with weights."""

    def model(layer: Layer) -> Model:
        build = {
            "CONV_2D": partial(convolution, layer),
            "DEPTHWISE_CONV_2D": partial(convolution, layer, True),
            "FULLY_CONNECTED": partial(fully_connected, layer),
        }[opcode]
        return Model(opcode, build, described(layer), macs(layer, opcode))

    return layers(opcode).filter(lambda layer: 0 < macs(layer, opcode) <= MOST_MACS).map(model)


@st.composite
def pools(draw: st.DrawFn, opcode: str) -> Model:
    """A pooling."""
    kernel, padding = draw(kernels), draw(paddings)
    values = {
        "shape": (draw(st.sampled_from((1, 1, 2))), *draw(sizes(kernel, (1, 1), padding)), draw(channels)),
        "kernel": kernel,
        "stride": draw(strides),
        "padding": padding,
        "activation": draw(activations),
        "scale": draw(st.one_of(st.just(0.05), log_uniform(1e-3, 10))),
        "zero_point": draw(zero_points),
    }
    return Model(opcode, windows.pool(opcode, **values), repr(values), int(np.prod(values["shape"])))


@st.composite
def additions(draw: st.DrawFn) -> Model:
    """Two operands of one shape, or of two that broadcast; one of them may be constant, or both the same tensor."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    shapes = [tuple(1 if draw(st.integers(0, 4)) == 0 else size for size in shape) for _ in range(2)]
    if draw(st.booleans()):
        shapes = [shape, shape]
    scales = [draw(log_uniform(1e-2, 10)) for _ in range(2)]
    if draw(st.integers(0, 3)) == 0:
        scales[1] = scales[0]
    constant = draw(st.sampled_from((None, None, 0, 1)))
    operands = [
        Operand(s, scale, draw(zero_points), constant=draw(st.integers(0, 99)) if place == constant else None)
        for place, (s, scale) in enumerate(zip(shapes, scales, strict=True))
    ]
    fits = 0.8 * sum(scales)
    result = draw(st.one_of(st.just(fits), log_uniform(fits / 100, fits * 100))), draw(zero_points), draw(activations)
    single = elementwise.model("ADD", *operands, *result)
    if constant is None and shapes[0] == shapes[1] and draw(st.integers(0, 7)) == 0:
        single = Single("ADD", operands[:1], single.results, single.options, single.fields, twice=True)
    return Model("ADD", single, described(single), int(np.prod(shape)))


MODELS: dict[str, st.SearchStrategy[Model]] = {
    "ADD": additions(),
    "AVERAGE_POOL_2D": pools("AVERAGE_POOL_2D"),
    "CONV_2D": weighted("CONV_2D"),
    "DEPTHWISE_CONV_2D": weighted("DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED": weighted("FULLY_CONNECTED"),
    "MAX_POOL_2D": pools("MAX_POOL_2D"),
}


def described(value: object) -> str:
    """A dataclass with all of its fields, those that its own text leaves out among them."""
    assert is_dataclass(value)
    return f"{type(value).__name__}(**{asdict(value)!r})" if isinstance(value, Layer) else repr(value)


def drawn(opcode: str, count: int) -> list[Model]:
    """So many different models of an operator, the same ones every time; fewer are the first of more."""
    found: dict[str, Model] = {}
    for number in itertools.count():
        model = one(MODELS[opcode], number)
        found.setdefault(model.text, model)
        if len(found) == count:
            return list(found.values())
    raise AssertionError


def one(models: st.SearchStrategy[Model], number: int) -> Model:
    """A draw by its number. Each is the last of a search of its own: within one, the first is the simplest and the later
    ones vary the earlier."""
    drawn: list[Model] = []

    @seed(number)
    @settings(
        max_examples=3, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(models)
    def collect(model: Model) -> None:
        drawn.append(model)

    collect()
    return drawn[-1]
