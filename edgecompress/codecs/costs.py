"""Modelled cycles of decoding: what a tensor's decoder does, times what each of that costs on a CPU.

The costs (`costs.json`) were fitted to cycles of decoders that ran on emulated cores (`tools/codec_costs.py`), compiled with the
default compiler; they are as far to be trusted as `edgecompress.emulate.cycles` is.
"""

import functools
import json
from collections.abc import Mapping
from importlib import resources

from edgecompress.codecs.base import Encoded
from edgecompress.errors import UnsupportedError

BEGIN = frozenset({"begin", "state", "entry", "length", "code"})
"""The work of a decoder's start; all other is that of its rows."""


def cycles_of(encoded: Encoded, cpu: str) -> int:
    """Typical cycles of decoding all rows once, on a CPU by its name.

    Raises:
        UnsupportedError: there are no costs for this CPU.
    """
    if not encoded.decoder:
        return 0
    if cpu not in _costs():
        raise UnsupportedError(
            f"there are no costs of decoding for {cpu}", hint="known: " + ", ".join(sorted(_costs()))
        )
    units = _costs()[cpu][key_of(encoded)]
    return round(sum(units[name] * times for name, times in encoded.work.items()))


def key_of(encoded: Encoded) -> str:
    """The costs' name: decoder and form."""
    forms = [encoded.form, "lists" if encoded.writes == "lists" else ""]
    return ", ".join([encoded.decoder, *filter(None, forms)])


def known_cpus() -> list[str]:
    return sorted(_costs())


def known_keys(cpu: str) -> list[str]:
    return sorted(_costs()[cpu])


@functools.cache
def _costs() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """By CPU and key: cycles of each kind of work."""
    text = (resources.files("edgecompress.codecs") / "costs.json").read_text(encoding="utf-8")
    return json.loads(text)
