"""Asymmetric numeral systems by table (tANS; J. Duda 2013, arXiv 1311.2540): the code of `ec_tans.h`.

A state is one of 2^log. Each symbol owns a share of the states; the table says of each state whose it is, how many bits to read
and what to add to them for the next state. On average a symbol with share f takes log - log2 f bits.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgecompress.codecs.bits import BitReader, BitWriter

MOST_BITS = 7
"""Of a symbol: `EC_TANS_MOST_BITS`."""
LOGS = (5, 6, 7, 8)
"""Of the number of states that are tried; a table takes 4 * 2^log bytes of RAM."""
SYMBOLS = 256


def least_share(log: int) -> int:
    """Of the states, of a symbol that occurs: below it would take more than MOST_BITS."""
    return 1 << max(0, log - MOST_BITS)


def shares_of(counts: np.ndarray, log: int) -> np.ndarray | None:
    """The shares of 2^log states that take the fewest bits for symbols that occur so often.

    Args:
        counts: [symbols], not all zero.

    Returns:
        int64 [symbols], 0 where a count is 0; None where the symbols are too many, or where the only one's share does not fit a
        byte.
    """
    size, least = 1 << log, least_share(log)
    used = np.flatnonzero(counts)
    if len(used) * least > size or (len(used) == 1 and size > 255):
        return None
    often = counts[used].astype(float)
    shares = np.maximum(least, np.floor(often / often.sum() * size)).astype(np.int64)
    _balance(shares, often, size, least)
    result = np.zeros(len(counts), np.int64)
    result[used] = shares
    return result


def _balance(shares: np.ndarray, often: np.ndarray, size: int, least: int) -> None:
    """Add to or take from the shares, where it gains most or costs least bits, until they are all states."""
    step = 1 if shares.sum() < size else -1

    def cost(i: int) -> float:  # bits that a step costs
        after = shares[i] + step
        return float(often[i] * np.log2(shares[i] / after)) if after >= least else np.inf

    queue = [(cost(i), i) for i in range(len(shares))]
    heapq.heapify(queue)
    for _ in range(abs(size - int(shares.sum()))):
        _, i = heapq.heappop(queue)
        shares[i] += step
        heapq.heappush(queue, (cost(i), i))


def bits_of(counts: np.ndarray, shares: np.ndarray, log: int) -> float:
    """That symbols which occur so often take with these shares, but for rounding the states."""
    used = counts > 0
    return float((counts[used] * (log - np.log2(shares[used]))).sum())


def write_histogram(shares: np.ndarray) -> np.ndarray:
    """As `ec_tans_table` reads it: the first symbol, then shares, with 0 and a number for symbols that are left out.

    Args:
        shares: int64 [SYMBOLS].
    """
    used = np.flatnonzero(shares).tolist()
    result = [used[0]]
    for before, symbol in zip([used[0] - 1, *used], used, strict=False):
        missing = symbol - before - 1
        result += [0, missing] if missing else []
        result.append(int(shares[symbol]))
    return np.array(result, np.uint8)


def read_histogram(histogram: np.ndarray) -> dict[int, int]:
    """The share of every symbol."""
    symbol, *rest = histogram.tolist()
    shares, numbers = {}, iter(rest)
    for share in numbers:
        if share == 0:
            symbol += next(numbers)
        else:
            shares[symbol] = share
            symbol += 1
    return shares


@dataclass(frozen=True)
class Table:
    """The states of every symbol, in the order of the histogram, as `ec_tans_table` deals them out.

    Attributes:
        log: of the number of states.
        shares: by symbol.
    """

    log: int
    shares: dict[int, int]

    @property
    def size(self) -> int:
        return 1 << self.log

    @cached_property
    def states(self) -> dict[int, list[int]]:
        """By symbol, in ascending order: the first is reached with the fewest occurrences left, which is the share itself."""
        step = (self.size >> 1) + (self.size >> 3) + 3
        order = [i * step % self.size for i in range(self.size)]
        result, begin = {}, 0
        for symbol, share in self.shares.items():
            result[symbol] = sorted(order[begin : begin + share])
            begin += share
        return result

    @cached_property
    def entries(self) -> list[tuple[int, int, int]]:
        """By state: the symbol, the number of bits to read, and what to add to them for the next state."""
        result = [(0, 0, 0)] * self.size
        for symbol, states in self.states.items():
            for number, state in enumerate(states, len(states)):
                bits = self.log + 1 - number.bit_length()
                result[state] = symbol, bits, (number << bits) - self.size
        return result

    def put(self, symbol: int, state: int, writer: BitWriter) -> int:
        """Write a symbol in front of those that follow from `state`; the state to begin with then."""
        states = self.states[symbol]
        number = state + self.size
        bits = 0
        while number >> bits >= 2 * len(states):
            bits += 1
        writer.put(number & ((1 << bits) - 1), bits)
        return states[(number >> bits) - len(states)]

    def take(self, state: int, reader: BitReader) -> tuple[int, int]:
        """A symbol and the state behind it."""
        symbol, bits, base = self.entries[state]
        return symbol, base + reader.take(bits)


def table_of(histogram: np.ndarray, log: int) -> Table:
    return Table(log, read_histogram(histogram))


def histogram_of(symbols: np.ndarray, log: int) -> tuple[np.ndarray, float] | None:
    """The best histogram of symbols 0 to 255, and the bits that it and they take; None where they are too many."""
    counts = np.bincount(symbols, minlength=SYMBOLS)
    shares = shares_of(counts, log)
    if shares is None:
        return None
    histogram = write_histogram(shares)
    return histogram, bits_of(counts, shares, log) + 8 * histogram.size
