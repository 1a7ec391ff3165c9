"""Codes of int8 weights with fewer bytes: encoders here, decoders in `codegen/runtime/kernels/ec_decode_*`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edgecompress.codecs import ans, pairs, runs
from edgecompress.codecs.base import Codec, Encoded, Refusal
from edgecompress.codecs.dense import Dense
from edgecompress.codecs.gaps import Gaps
from edgecompress.codecs.lut import Lut
from edgecompress.codecs.nm import NofM
from edgecompress.codecs.pairs import Pairs
from edgecompress.codecs.runs import Runs
from edgecompress.codecs.sparse import Sparse
from edgecompress.codecs.tans import Tans
from edgecompress.codecs.trits import Trits
from edgecompress.errors import UsageError

__all__ = ["CODECS", "Codec", "Encoded", "Refusal", "codecs_within"]

LEAST_TABLE_BYTES, MOST_TABLE_BYTES = 512, 2048
"""Of RAM that a decoder's tables may take: every codec can do with the least, none takes more than the most."""


def codecs_within(table_bytes: int) -> Mapping[str, Codec]:
    """The table of all codecs, by name, with decoders whose tables take so many bytes of RAM at most.

    Raises:
        UsageError: less than LEAST_TABLE_BYTES.
    """
    if table_bytes < LEAST_TABLE_BYTES:
        raise UsageError(
            "decoders of weights need more RAM for their tables",
            found=f"{table_bytes} bytes",
            hint=f"{LEAST_TABLE_BYTES} bytes are enough for all",
        )

    def fitting(logs: Sequence[int], entry_bytes: int) -> tuple[int, ...]:
        return tuple(log for log in logs if entry_bytes << log <= table_bytes)

    codecs = (
        Dense(),
        Lut(),
        Trits(),
        NofM(),
        Sparse(),
        Gaps(),
        Pairs(fitting(pairs.LOGS, 4)),
        Tans(fitting(ans.LOGS, 4)),
        Runs(fitting(runs.LOGS, 8)),
    )
    return MappingProxyType({codec.name: codec for codec in codecs})


CODECS = codecs_within(MOST_TABLE_BYTES)
