"""Weight clustering with TF-MOT: every kernel holds a few shared values, which fine-tuning moves.

Han, Mao and Dally, "Deep compression", 2015, https://arxiv.org/abs/1510.00149.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.cloning import copy_model, tfmot, with_weights_of, wrap_layers
from edgecompress.compress.kernels import KernelVariable, kernel_variables, to_rows
from edgecompress.compress.selection import layer_names, select
from edgecompress.compress.training import fine_tune
from edgecompress.load.runtime import keras2
from edgecompress.recipe.schema import limits

_INITIALISATIONS = {
    "kmeans++": "KMEANS_PLUS_PLUS",
    "linear": "LINEAR",
    "density": "DENSITY_BASED",
    "random": "RANDOM",
}


@dataclass(frozen=True)
class Cluster:
    """Let the weights of every kernel share a few values; zeros of an earlier prune stay zeros.

    Attributes:
        clusters: values per kernel, zero included.
        epochs: of fine-tuning the values, None as the recipe says; 0 only moves weights to the nearest value.
        init: where the values start: "kmeans++", "linear", "density" or "random".
        exclude: layers to leave alone, by name or pattern.
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "cluster"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    clusters: int = field(default=16, metadata=limits(low=3, high=256))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    init: str = field(default="kmeans++", metadata=limits(choices=tuple(_INITIALISATIONS)))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def apply(self, model: Any, context: Context) -> Outcome:
        chosen, notes = select(model, self.name, self.exclude, self._reason_against)
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to cluster")
        pruned = context.pruned
        names = frozenset(kernel.name for kernel in chosen)
        wrapped = self._wrap(model, chosen, pruned)
        fine_tune(
            wrapped, context, epochs_of(self, context.settings), learning_rate=self.learning_rate, unguarded=names
        )
        clustered = with_weights_of(model, tfmot().clustering.keras.strip_clustering(wrapped))
        if pruned:
            _restore_zeros(clustered, model, names & pruned)
        promise = Promise(
            Kind.DISTINCT_VALUES,
            self.clusters,
            granularity="tensor",
            in_file="channel",
            layers=tuple(kernel.name for kernel in chosen),
        )
        return Outcome(clustered, promise, notes=notes)

    def _reason_against(self, kernel: KernelVariable) -> str:
        if kernel.layer.__class__.__name__ == "SeparableConv2D" and kernel.attribute == "depthwise_kernel":
            return "TF-MOT clusters the pointwise kernel of a separable convolution only"
        rows = to_rows(kernel.variable.numpy(), kernel.kind)
        if kernel.kind == "depthwise" and rows.shape[1] <= self.clusters:
            # In the integer file every channel has a scale of its own, so sharing counts within a channel.
            return f"each channel of this depthwise kernel has {rows.shape[1]} weights only: sharing would gain nothing"
        if np.count_nonzero(rows) <= self.clusters:
            return f"it has no more than {self.clusters} weights other than zero"
        return ""

    def _wrap(self, model: Any, chosen: tuple[KernelVariable, ...], pruned: frozenset[str]) -> Any:
        keras = keras2()
        clustering = tfmot().clustering.keras
        # The way TF-MOT's own tutorials reach what keeps zeros.
        from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster

        init = getattr(clustering.CentroidInitialization, _INITIALISATIONS[self.init])
        sparse = {kernel.layer.name for kernel in chosen if kernel.name in pruned}

        def wrap(layer: Any) -> Any:
            if isinstance(layer, keras.layers.DepthwiseConv2D):
                layer = _clusterable(layer)
            return cluster.cluster_weights(layer, self.clusters, init, preserve_sparsity=layer.name in sparse)

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
