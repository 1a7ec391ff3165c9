"""A convolution that is to be redesigned, and the layers that designs are made of, written as Keras describes them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecompress.compress.models.kernels import KERNEL_NAMES
from edgecompress.compress.models.rebuilding import Part, nodes
from edgecompress.load.runtime import keras2


@dataclass(frozen=True, eq=False)
class Convolution:
    """A Conv2D and where it stands.

    Attributes:
        layer: the Conv2D.
        shape: (height, width, channels) of what it reads.
        normed: a batch norm follows it; then one follows every convolution of its design, as in the papers.
        taken: names of layers that are not free.
    """

    layer: Any
    shape: tuple[int, int, int]
    normed: bool
    taken: frozenset[str]

    @property
    def read(self) -> int:
        return self.shape[2]

    @property
    def given(self) -> int:
        return int(self.layer.filters)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return self.layer.kernel_size[0], self.layer.kernel_size[1]

    @property
    def lost(self) -> tuple[int, int]:
        """Rows and columns that its padding "valid" takes from the image before strides count."""
        same = self.layer.padding == "same"
        spans = ((size - 1) * step for size, step in zip(self.size, self.layer.dilation_rate, strict=True))
        height, width = (0, 0) if same else spans
        return height, width

    def name(self, role: str) -> str:
        name = f"{self.layer.name}_{role}"
        while name in self.taken:
            name += "_"
        return name

    def conv(self, role: str, filters: int, size: tuple[int, int] = (1, 1), **options: Any) -> Part:
        """A convolution with initial values, without strides unless `options` have them; role "" is the last one.

        The last has the old one's name, bias and activation, for it gives what that gave; others have a bias where no batch norm
        follows. Weight decay and constraints of the kernel are dropped: they were chosen for another one.
        """
        config = {
            **self.layer.get_config(),
            **_plain("kernel"),
            "filters": filters,
            "kernel_size": size,
            "strides": (1, 1),
            "dilation_rate": (1, 1),
            "groups": 1,
            **(self._inner() if role else {}),
            **options,
        }
        config.pop("batch_input_shape", None)
        return Part(keras2().layers.Conv2D, config, None, self.name(role) if role else self.layer.name)

    def depthwise(self, role: str, **options: Any) -> Part:
        """A depthwise convolution with the kernel size, strides and padding of this one."""
        config = {
            **_plain("depthwise"),
            **{key: getattr(self.layer, key) for key in ("kernel_size", "strides", "padding", "dilation_rate")},
            **self._inner(),
            **options,
        }
        return Part(keras2().layers.DepthwiseConv2D, config, None, self.name(role))

    def activated(self, role: str) -> list[Part]:
        """What stands behind an inner convolution: a batch norm, if this one has one, and a ReLU."""
        layers = keras2().layers
        norm = Part(layers.BatchNormalization, {}, None, self.name(f"{role}_norm"))
        return [*([norm] if self.normed else []), Part(layers.ReLU, {}, None, self.name(f"{role}_relu"))]

    def _inner(self) -> dict[str, Any]:
        return {"activation": "linear", "use_bias": not self.normed, "activity_regularizer": None}


def _plain(kernel: str) -> Mapping[str, Any]:
    """As Keras begins by itself, whatever the old kernel began with."""
    return {f"{kernel}_initializer": "glorot_uniform", f"{kernel}_regularizer": None, f"{kernel}_constraint": None}


def convolutions(model: Any) -> tuple[dict[str, Convolution], dict[str, str]]:
    """The convolutions that designs know, by name, and of all other layers with kernels why they are left out.

    Args:
        model: functional, without models inside (see `rebuilding.rebuild`).
    """
    found: dict[str, Convolution] = {}
    against: dict[str, str] = {}
    normed, first = _normed(model), _first(model)
    taken = frozenset(layer.name for layer in model.layers)
    for node in nodes(model):
        layer = node.layer
        if not _has_kernel(layer):
            continue
        shape = tuple(node.input_shapes[1:]) if isinstance(node.input_shapes, tuple) else ()
        reason = _reason_against(layer, shape)
        if not reason and layer.name in first:
            reason = "it reads the model's input, which has few channels; the papers leave the first one alone, too"
        if not reason and layer.name in found and found[layer.name].shape != shape:
            reason = "it is used on images of several sizes"
        if reason:
            against.setdefault(layer.name, reason)
            continue
        found[layer.name] = Convolution(layer, (shape[0], shape[1], shape[2]), layer.name in normed, taken)
    return {name: one for name, one in found.items() if name not in against}, against


def _has_kernel(layer: Any) -> bool:
    return any(getattr(layer, name, None) is not None for name in KERNEL_NAMES)


def _reason_against(layer: Any, shape: tuple[int | None, ...]) -> str:
    kind = type(layer).__name__
    if kind != "Conv2D" or not type(layer).__module__.startswith("tf_keras."):
        return f"{kind} layers are not redesigned"
    if layer.data_format != "channels_last":
        return "it has its channels first"
    if layer.groups != 1:
        return "it works in groups already"
    if max(layer.kernel_size) == 1:
        return "its kernel is 1x1"
    if None in shape:
        return "the size of its image is open"
    return ""


def _first(model: Any) -> set[str]:
    """Layers with kernels that read the model's inputs, through nothing but layers without kernels."""
    raw = {id(tensor) for tensor in model.inputs}
    found = set()
    for node in nodes(model):
        if not any(id(tensor) in raw for tensor in node.keras_inputs):
            continue
        if _has_kernel(node.layer):
            found.add(node.layer.name)
        else:
            outputs = node.outputs if isinstance(node.outputs, list | tuple) else [node.outputs]
            raw.update(id(tensor) for tensor in outputs)
    return found


def _normed(model: Any) -> set[str]:
    """Layers all of whose uses are read by one batch norm each."""
    readers: dict[int, list[Any]] = {}
    for node in nodes(model):
        for tensor in node.keras_inputs:
            readers.setdefault(id(tensor), []).append(node.layer)
    uses = Counter(node.layer.name for node in nodes(model))
    norms: Counter[str] = Counter()
    for node in nodes(model):
        behind = readers.get(id(node.outputs), [])
        norms[node.layer.name] += len(behind) == 1 and type(behind[0]).__name__.endswith("BatchNormalization")
    return {name for name, count in uses.items() if norms[name] == count}
