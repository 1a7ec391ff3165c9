"""Weight clustering: every kernel, or every channel of it, holds a few shared values, which fine-tuning moves.

Han, Mao and Dally, "Deep compression", 2015, https://arxiv.org/abs/1510.00149. Values of a whole kernel are trained by TF-MOT.
It shares the values of a channel in convolutions only, so these are found (`shared_values`) and kept (`guarding`) here: the
weights of one value move by the mean of their steps, as in the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.models.cloning import copy_model, tfmot, with_weights_of, wrap_layers
from edgecompress.compress.models.kernels import KernelVariable, from_rows, kernel_variables, to_rows
from edgecompress.compress.training.fine_tuning import fine_tune, validation_loss
from edgecompress.compress.weights.selection import layer_names, select
from edgecompress.compress.weights.sensitivity import MOST_BITS, SAMPLES, bits_of
from edgecompress.compress.weights.shared_values import share
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.schema import limits

_INITIALISATIONS = {
    "kmeans++": "KMEANS_PLUS_PLUS",
    "linear": "LINEAR",
    "density": "DENSITY_BASED",
    "random": "RANDOM",
}
DEFAULT_CLUSTERS = 16
FEWEST_BITS = 2
"""Of a kernel, where they are chosen: two values and zero are 2 bits."""


@dataclass(frozen=True)
class Cluster:
    """Let the weights of every kernel share a few values; zeros of an earlier prune stay zeros.

    Attributes:
        clusters: values per kernel, or per channel, zero included; 16 where nothing is said.
        bits: instead: the mean over all weights of the bits that number the values of their kernel. Each kernel gets
            2 to 6 of them, by what validation samples lose when it is clustered by itself.
        per: what shares values: "tensor", or "channel" for values of each output channel's own.
        epochs: of fine-tuning the values, None as the recipe says; 0 only moves weights to the nearest value.
        init: where the values start: "kmeans++", "linear", "density" or "random".
        exclude: layers to leave alone, by name or pattern.
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "cluster"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    clusters: int | None = field(default=None, metadata=limits(low=3, high=256))
    bits: float | None = field(default=None, metadata=limits(low=FEWEST_BITS, high=MOST_BITS))
    per: str = field(default="tensor", metadata=limits(choices=("tensor", "channel")))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    init: str = field(default="kmeans++", metadata=limits(choices=tuple(_INITIALISATIONS)))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        if self.clusters is not None and self.bits is not None:
            raise RecipeError("cluster: clusters or bits, not both.", hint="cluster{clusters=16}, or cluster{bits=3.5}")

    def apply(self, model: Any, context: Context) -> Outcome:
        chosen, notes = select(model, self.name, self.exclude, self._reason_against)
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to cluster")
        counts, said = self._counts(model, frozenset(kernel.name for kernel in chosen), context)
        promise = Promise(
            Kind.DISTINCT_VALUES if self.bits is None else Kind.BITS,
            self._fewest if self.bits is None else self.bits,
            granularity=self.per,
            in_file="channel",
            layers=tuple(kernel.name for kernel in chosen),
        )
        if self.per == "channel":
            clustered = self._channels(model, counts, promise, context)
        else:
            clustered = self._tensors(model, chosen, counts, context)
        return Outcome(clustered, promise, notes=(*notes, *said))

    @property
    def _fewest(self) -> int:
        if self.bits is not None:
            return int(2**FEWEST_BITS)
        return DEFAULT_CLUSTERS if self.clusters is None else self.clusters

    def _counts(self, model: Any, names: frozenset[str], context: Context) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """The number of values of every kernel, and notes where it was chosen."""
        if self.bits is None:
            return dict.fromkeys(names, self._fewest), ()
        tried = copy_model(model)
        kernels = [kernel for kernel in kernel_variables(tried) if kernel.name in names]
        bits = bits_of(
            kernels,
            self.bits,
            FEWEST_BITS,
            lambda kernel, number: self._shared(kernel, 2**number, context),
            validation_loss(tried, context, SAMPLES),
        )
        # TF-MOT wants fewer values than there are weights.
        present = {kernel.name: int(np.count_nonzero(kernel.variable.numpy())) for kernel in kernels}
        notes = tuple(f"cluster: {name} gets {number} bits" for name, number in bits.items())
        return {name: min(2**number, present[name] - 1) for name, number in bits.items()}, notes

    def _shared(self, kernel: KernelVariable, count: int, context: Context) -> np.ndarray:
        """The kernel with values that are shared, before any training."""
        rows = share(
            to_rows(kernel.variable.numpy(), kernel.kind),
            count,
            per_channel=self.per == "channel",
            init=self.init,
            generator=np.random.default_rng(context.settings.seed),
            keep_zeros=kernel.name in context.pruned,
        )
        return from_rows(rows, kernel.kind, tuple(kernel.variable.shape))

    def _channels(self, model: Any, counts: Mapping[str, int], promise: Promise, context: Context) -> Any:
        """A copy whose channels share values, trained; the promise keeps them shared."""
        clustered = copy_model(model)
        for kernel in kernel_variables(clustered):
            if kernel.name in counts:
                kernel.variable.assign(self._shared(kernel, counts[kernel.name], context))
        keeping = replace(context, standing=(*context.standing, promise))
        fine_tune(clustered, keeping, epochs_of(self, context.settings), learning_rate=self.learning_rate)
        return clustered

    def _tensors(
        self, model: Any, chosen: tuple[KernelVariable, ...], counts: Mapping[str, int], context: Context
    ) -> Any:
        """A copy whose kernels share values, trained by TF-MOT."""
        pruned, names = context.pruned, frozenset(counts)
        wrapped = self._wrap(model, chosen, counts, pruned)
        fine_tune(
            wrapped, context, epochs_of(self, context.settings), learning_rate=self.learning_rate, unguarded=names
        )
        clustered = with_weights_of(model, tfmot().clustering.keras.strip_clustering(wrapped))
        if pruned:
            _restore_zeros(clustered, model, names & pruned)
        return clustered

    def _reason_against(self, kernel: KernelVariable) -> str:
        fewest, rows = self._fewest, to_rows(kernel.variable.numpy(), kernel.kind)
        if self.per == "channel":
            few = rows.shape[1] <= fewest
            return f"a channel of it has {rows.shape[1]} weights only: sharing would gain nothing" if few else ""
        if kernel.layer.__class__.__name__ == "SeparableConv2D" and kernel.attribute == "depthwise_kernel":
            return "TF-MOT clusters the pointwise kernel of a separable convolution only; per=channel takes both"
        if kernel.kind == "depthwise" and rows.shape[1] <= fewest:
            # In the integer file every channel has a scale of its own, so sharing counts within a channel.
            return f"each channel of this depthwise kernel has {rows.shape[1]} weights only: sharing would gain nothing"
        if np.count_nonzero(rows) <= fewest:
            return f"it has no more than {fewest} weights other than zero"
        return ""

    def _wrap(
        self, model: Any, chosen: tuple[KernelVariable, ...], counts: Mapping[str, int], pruned: frozenset[str]
    ) -> Any:
        keras = keras2()
        clustering = tfmot().clustering.keras
        # The way TF-MOT's own tutorials reach what keeps zeros.
        from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster

        init = getattr(clustering.CentroidInitialization, _INITIALISATIONS[self.init])
        sparse = {kernel.layer.name for kernel in chosen if kernel.name in pruned}
        # One number for a layer: of several kernels TF-MOT takes one only.
        values = {kernel.layer.name: counts[kernel.name] for kernel in chosen}

        def wrap(layer: Any) -> Any:
            if isinstance(layer, keras.layers.DepthwiseConv2D):
                layer = _clusterable(layer)
            return cluster.cluster_weights(layer, values[layer.name], init, preserve_sparsity=layer.name in sparse)

        return wrap_layers(model, layer_names(chosen), wrap)


def _clusterable(layer: Any) -> Any:
    """A depthwise convolution as TF-MOT wants it: its own table says that there is nothing to cluster in one."""

    class ClusterableDepthwise(keras2().layers.DepthwiseConv2D, tfmot().clustering.keras.ClusterableLayer):  # type: ignore[misc]
        def get_clusterable_weights(self) -> list[tuple[str, Any]]:
            return [("depthwise_kernel", self.depthwise_kernel)]

    clusterable = ClusterableDepthwise.from_config(layer.get_config())
    clusterable.build(layer.input_shape)
    clusterable.set_weights(layer.get_weights())
    return clusterable


def _restore_zeros(model: Any, before: Any, names: frozenset[str]) -> None:
    """Zeros where they were: TF-MOT keeps them in training, unless no value of the kernel is zero."""
    masks = {kernel.name: kernel.variable.numpy() != 0 for kernel in kernel_variables(before)}
    for kernel in kernel_variables(model):
        if kernel.name in names:
            kernel.variable.assign(kernel.variable.numpy() * masks[kernel.name])
