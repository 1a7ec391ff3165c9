"""The options that a tensor's choice is made from: what every codec makes of it, with exact bytes and modelled cycles."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edgecompress.codecs import CODECS, Codec, Encoded
from edgecompress.codecs.choice import Option
from edgecompress.codecs.costs import cycles_of, key_of
from edgecompress.codecs.measure import Footprint, footprint_of
from edgecompress.targets.compilers import Name
from edgecompress.targets.target import Target

_FOOTPRINTS: dict[tuple[Target, Name, str], Footprint] = {}
"""By what decides on them: every decoder is compiled once for a target and a compiler."""


@dataclass(frozen=True)
class Catalogue:
    """Makes options for one target.

    Attributes:
        target: its CPU must have costs.
        compiler: of the product.
        codecs: that are tried, by name.
    """

    target: Target
    compiler: Name = "zig"
    codecs: Mapping[str, Codec] = field(default_factory=lambda: CODECS)

    def encode(self, matrix: np.ndarray) -> dict[str, Encoded]:
        """The matrix in every code that applies, by codec."""
        made = {name: codec.encode(matrix) for name, codec in self.codecs.items()}
        return {name: one for name, one in made.items() if isinstance(one, Encoded)}

    def footprint(self, encoded: Encoded) -> Footprint:
        """Of the tensor's decoder."""
        key = self.target, self.compiler, key_of(encoded)
        if key not in _FOOTPRINTS:
            _FOOTPRINTS[key] = footprint_of(encoded, self.target, compiler=self.compiler)
        return _FOOTPRINTS[key]

    def option(self, encoded: Encoded, *, times: int = 1, others: int = 0) -> Option:
        """The option that an encoded tensor is.

        Args:
            times: it is decoded in one inference.
            others: cycles of its layer that are the same in all codes.
        """
        footprint = self.footprint(encoded)
        return Option(
            encoded.codec,
            encoded.weight_bytes + footprint.parameter_bytes,
            others + times * cycles_of(encoded, self.target.cpu.name),
            footprint.code,
        )
