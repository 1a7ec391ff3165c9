"""Lossless rewrites of the integer graph: what training made superfluous is taken out, and every step is proven.

The table below is all there is; the driver (`driver.py`) repeats it until nothing changes. A new rewrite needs a row here.
"""

from edgecompress.shrink.base import Rewrite
from edgecompress.shrink.clamps import Clamps
from edgecompress.shrink.constant_channels import ConstantChannels
from edgecompress.shrink.dead_channels import DeadChannels
from edgecompress.shrink.duplicate_channels import DuplicateChannels
from edgecompress.shrink.identities import Identities
from edgecompress.shrink.known_results import KnownResults
from edgecompress.shrink.paddings import Paddings
from edgecompress.shrink.requantizations import Requantizations

REWRITES: tuple[Rewrite, ...] = (
    KnownResults(),
    Identities(),
    Requantizations(),
    Paddings(),
    DeadChannels(),
    ConstantChannels(),
    DuplicateChannels(),
    Clamps(),
)
"""In the order in which they are tried: operators first, then what they hold."""
