"""Compact designs of convolutions: what can take the place of a k×k convolution in a network that is taught anew.

Each design keeps the image's size and the number of channels that are given, so that all else stays; its kernels begin with
initial values. A design that takes no fewer weights and multiply-accumulates in a place is not taken there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edgecompress.compress.base import Kind
from edgecompress.compress.channels.rules import ELEMENTWISE
from edgecompress.compress.channels.width import rounded
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.rebuilding import Branches, Part, rebuild
from edgecompress.compress.promises import macs
from edgecompress.compress.students.convolution import Convolution
from edgecompress.load.runtime import keras2

Parts = Sequence[Part | Branches]


@dataclass(frozen=True)
class Proportions:
    """Of designs with a bottleneck.

    Attributes:
        squeeze: its channels as a share of those that are given; None is that of the design's paper.
        groups: of grouped convolutions.
        multiple: to which its channels are rounded, where they are more.
    """

    squeeze: float | None = None
    groups: int = 4
    multiple: int = 4

    def bottleneck(self, given: int, squeeze: float, multiple: int) -> int:
        wanted = given * (squeeze if self.squeeze is None else self.squeeze)
        return rounded(wanted, multiple)


Design = Callable[[Convolution, Proportions], Parts | str]
"""What takes a convolution's place, or why nothing can."""


def _depthwise_separable(conv: Convolution, proportions: Proportions) -> Parts | str:
    """One filter for each channel, then a 1x1 convolution: MobileNet (Howard et al., 2017,
    https://arxiv.org/abs/1704.04861). Takes 1/given + 1/k² of the weights."""
    if reason := _uneven_strides(conv):
        return reason
    return [conv.depthwise("depthwise"), *conv.activated("depthwise"), conv.conv("", conv.given)]


def _stacked(conv: Convolution, proportions: Proportions) -> Parts | str:
    """5x5 as two 3x3, 7x7 as three: Szegedy et al., "Rethinking the Inception architecture", 2015,
    https://arxiv.org/abs/1512.00567. Takes 18/25 of the weights of a 5x5 kernel.

    Between them are as many channels as cost that much: the harmonic mean of those that are read and given.
    """
    if any(size % 2 == 0 for size in conv.size) or max(conv.size) < 5:
        return f"a kernel of {conv.size[0]}x{conv.size[1]} is no stack of 3x3 ones"
    count = (max(conv.size) - 1) // 2
    sizes = [tuple(3 if i < (size - 1) // 2 else 1 for size in conv.size) for i in range(count)]
    between = max(2 * conv.read * conv.given // (conv.read + conv.given), 1)
    step = conv.layer.dilation_rate
    parts: list[Part | Branches] = []
    for number, size in enumerate(sizes[:-1], 1):
        parts.append(conv.conv(f"stack{number}", between, (size[0], size[1]), dilation_rate=step))
        parts += conv.activated(f"stack{number}")
    last = (sizes[-1][0], sizes[-1][1])
    return [*parts, conv.conv("", conv.given, last, dilation_rate=step, strides=conv.layer.strides)]


def _fire(conv: Convolution, proportions: Proportions) -> Parts | str:
    """A squeezing 1x1 convolution, then half of the channels by 1x1 and half by k×k: SqueezeNet (Iandola et al., 2016,
    https://arxiv.org/abs/1602.07360), squeezed to an eighth as there."""
    if conv.given < 2:
        return "it gives one channel only"
    if getattr(conv.layer.activation, "__name__", "") not in ELEMENTWISE:
        return "its activation takes the channels together"
    squeezed = proportions.bottleneck(conv.given, 0.125, proportions.multiple)
    config, half = conv.layer.get_config(), conv.given // 2
    last = {key: config[key] for key in ("strides", "activation", "use_bias")}
    narrow = conv.conv("expand_1x1", half, **last)
    wide = conv.conv("expand", conv.given - half, conv.size, dilation_rate=conv.layer.dilation_rate, **last)
    branches = Branches([[*_cropped(conv), narrow], [wide]])
    return [conv.conv("squeeze", squeezed), *conv.activated("squeeze"), branches]


def _cropped(conv: Convolution) -> list[Part]:
    """The image without the border at which the k×k half has no outputs."""
    if not any(conv.lost):
        return []
    cropping = [(lost // 2, lost - lost // 2) for lost in conv.lost]
    return [Part(keras2().layers.Cropping2D, {"cropping": cropping}, None, conv.name("crop"))]


def _shuffle(conv: Convolution, proportions: Proportions) -> Parts | str:
    """A bottleneck of grouped 1x1 convolutions around a depthwise one, channels shuffled so that groups meet: ShuffleNet
    (Zhang et al., 2017, https://arxiv.org/abs/1707.01083), a quarter of the channels in the bottleneck as there."""
    groups = proportions.groups
    if reason := _uneven_strides(conv):
        return reason
    if conv.read % groups or conv.given % groups:
        return f"its {conv.read} or {conv.given} channels do not divide into {groups} groups"
    inside = proportions.bottleneck(conv.given, 0.25, groups)
    return [
        conv.conv("reduce", inside, groups=groups),
        *conv.activated("reduce"),
        *_shuffled(conv, inside, groups),
        conv.depthwise("depthwise"),
        *([conv.activated("depthwise")[0]] if conv.normed else []),
        conv.conv("", conv.given, groups=groups),
    ]


def _shuffled(conv: Convolution, channels: int, groups: int) -> list[Part]:
    """Channel i of group g becomes channel g of group i."""
    layers, (height, width, _) = keras2().layers, conv.shape
    shapes = (height * width, groups, channels // groups), (height, width, channels)
    return [
        Part(layers.Reshape, {"target_shape": shapes[0]}, None, conv.name("groups")),
        Part(layers.Permute, {"dims": (1, 3, 2)}, None, conv.name("shuffle")),
        Part(layers.Reshape, {"target_shape": shapes[1]}, None, conv.name("shuffled")),
    ]


def _uneven_strides(conv: Convolution) -> str:
    return "depthwise convolutions have equal strides" if len(set(conv.layer.strides)) > 1 else ""


DESIGNS: Mapping[str, Design] = MappingProxyType(
    {"depthwise_separable": _depthwise_separable, "stacked": _stacked, "fire": _fire, "shuffle": _shuffle}
)


def redesigned(conv: Convolution, design: str, proportions: Proportions) -> Parts | str:
    """What takes a convolution's place, or why it stays."""
    parts = DESIGNS[design](conv, proportions)
    if isinstance(parts, str):
        return parts
    given = keras2().layers.Input(conv.shape)
    alone = keras2().Model(given, type(conv.layer).from_config(conv.layer.get_config())(given))
    before, after = costs(alone), costs(rebuild(alone, lambda layer: parts))
    if any(after[kind] >= before[kind] for kind in before):
        return (
            f"{design} would take {after[Kind.PARAMETERS]:,} of {before[Kind.PARAMETERS]:,} weights and"
            f" {after[Kind.MACS]:,} of {before[Kind.MACS]:,} MACs there"
        )
    return parts


def costs(model: Any) -> dict[Kind, int]:
    """Weights and multiply-accumulates of all kernels of a model without models inside."""
    kernels = keras_kernels(model).values()
    return {
        Kind.PARAMETERS: sum(kernel.rows.size for kernel in kernels),
        Kind.MACS: sum(macs(kernel) for kernel in kernels),
    }


def kernels_of(parts: Parts) -> tuple[str, ...]:
    """The names of the kernels among them."""
    chains = [chain for part in parts for chain in (part.chains if isinstance(part, Branches) else [[part]])]
    return tuple(one.name for chain in chains for one in chain if "kernel_size" in one.config)
