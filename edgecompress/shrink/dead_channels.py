"""Dead channels: computed, but multiplied by nothing except zero weights, or by nothing at all."""

import numpy as np

from edgecompress.shrink.base import Facts
from edgecompress.shrink.channel_rewrite import ChannelRewrite, problems, unused
from edgecompress.shrink.channels import Service, no_service
from edgecompress.shrink.surgery import channels_of
from edgecompress.tflite.graph import Operation


class DeadChannels(ChannelRewrite):
    name = "dead channels"

    def service(self, facts: Facts, operation: Operation) -> Service:
        return no_service(operation, problems((~unused(facts.graph, operation), "it is needed")))

    def wanted(self, facts: Facts, operation: Operation) -> np.ndarray:
        """None is left for any other reason than that it is needed, which needs no telling."""
        return np.zeros(channels_of(facts.graph.tensors[operation.outputs[0]]), np.bool_)
