"""Huffman's code, canonical and with codes of limited length (L. L. Larmore, D. S. Hirschberg 1990: package-merge)."""

import numpy as np

from edgecompress.codecs.base import weights
from edgecompress.codecs.bits import padded
from edgecompress.codegen.ops.base import Array

SYMBOLS = 256
MOST_RUN = 16
"""Symbols with codes of the same length that one byte describes."""


def lengths_of(counts: np.ndarray, most: int) -> np.ndarray | None:
    """The lengths, at most `most`, of codes that take the fewest bits for symbols that occur so often.

    Args:
        counts: [symbols], at least one not 0.

    Returns:
        int64 [symbols], 0 where a count is 0; None where there are more than 2^most symbols.
    """
    used = np.flatnonzero(counts)
    if len(used) > 1 << most:
        return None
    lengths = np.zeros(len(counts), np.int64)
    lengths[used] = 1 if len(used) == 1 else _merge(counts[used], most)
    return lengths


def _merge(counts: np.ndarray, most: int) -> np.ndarray:
    """How many of the cheapest packages hold each symbol."""
    items = np.eye(len(counts), dtype=np.int64)
    held, costs = items, counts.astype(np.int64)
    for _ in range(most):
        order = np.argsort(costs, kind="stable")
        held, costs = held[order], costs[order]
        if _ == most - 1:
            break
        pairs = len(costs) // 2 * 2
        held = np.concatenate([items, held[0:pairs:2] + held[1:pairs:2]])
        costs = np.concatenate([counts, costs[0:pairs:2] + costs[1:pairs:2]])
    return held[: 2 * len(counts) - 2].sum(axis=0)


def codes_of(lengths: np.ndarray) -> np.ndarray:
    """The code of every symbol with a length, int64 [symbols]: those of one length in the order of their symbols, shorter ones
    first."""
    codes, code = np.zeros(len(lengths), np.int64), 0
    for length in range(1, int(lengths.max()) + 1):
        for symbol in np.flatnonzero(lengths == length):
            codes[symbol] = code
            code += 1
        code <<= 1
    return codes


def write_lengths(lengths: np.ndarray) -> np.ndarray:
    """Lengths up to 15 of symbols 0 and up, in runs: uint8 [bytes], 16 * (number - 1) + length."""
    result: list[int] = []
    for length in np.trim_zeros(lengths, "b").tolist():
        if result and result[-1] & 15 == length and result[-1] >> 4 < MOST_RUN - 1:
            result[-1] += 16
        else:
            result.append(length)
    return np.array(result, np.uint8)


def read_lengths(runs: np.ndarray) -> np.ndarray:
    """The inverse: int64 [symbols]."""
    return np.repeat(runs & 15, (runs >> 4).astype(np.int64) + 1).astype(np.int64)


def write_symbols(symbols: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The codes of symbols [n], one byte per bit."""
    pairs = zip(codes_of(lengths).tolist(), lengths.tolist(), strict=True)
    texts = [f"{code:0{length}b}" if length else "" for code, length in pairs]
    return np.frombuffer("".join(texts[symbol] for symbol in symbols.tolist()).encode(), np.uint8) - ord("0")


def coded(symbols: np.ndarray, lengths: np.ndarray) -> tuple[dict[str, int | Array], dict[str, int]]:
    """What decoders of this code have in common: the parameters that hold symbols [n] and their lengths, and the work of beginning."""
    bits, runs, log = write_symbols(symbols, lengths), write_lengths(lengths), int(lengths.max())
    parameters: dict[str, int | Array] = {
        "stream": weights(padded(np.packbits(bits, bitorder="little"))),
        "lengths": weights(runs),
        "end": bits.size,
        "length_bytes": runs.size,
        "log": log,
    }
    begin = {"begin": 1, "entry": 1 << log, "length": runs.size, "code": int(np.count_nonzero(lengths))}
    return parameters, begin


def read_symbols(stream: np.ndarray, count: int, lengths: np.ndarray) -> np.ndarray:
    """The first symbols of a stream of packed bits: int64 [count]."""
    symbol_of = {(int(lengths[s]), int(code)): s for s, code in enumerate(codes_of(lengths)) if lengths[s]}
    bits, symbols = iter(np.unpackbits(stream, bitorder="little").tolist()), []
    for _ in range(count):
        length = code = 0
        while (length, code) not in symbol_of:
            length, code = length + 1, 2 * code + next(bits)
        symbols.append(symbol_of[length, code])
    return np.array(symbols, np.int64)
