"""What `--only` takes."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from compressing import recipes, rows
from compressing.peer import peer
from compressing.rows import Figure, Setting

GROUPS: Mapping[str, Callable[[Setting], Iterator[Figure]]] = MappingProxyType(
    {
        "vww": rows.vww,
        "ad": rows.ad,
        "har": rows.har,
        "resnet8": rows.resnet8,
        "kws": rows.kws,
        "few": rows.few,
        "low_rank": rows.low_rank,
        **{name: partial(rows.lenet, name) for name in recipes.LENETS},
        "peer": peer,
    }
)
