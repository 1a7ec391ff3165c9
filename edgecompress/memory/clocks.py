"""The verifier's own view of a sweep: it walks over every tap and notes, byte by byte, when what is read and written."""

import numpy as np

from edgecompress.memory.sweep import Sweep

UNREAD = -1


def clocks(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """The step of the last reading of every input byte (UNREAD where nothing reads it), and that of writing every output
    byte; a step's readings come before its writings.
    """
    w = sweep.window
    if sweep.apart:
        sizes = w.in_height * w.in_width * sweep.in_bytes, w.out_height * w.out_width * sweep.out_bytes
        return np.ones(sizes[0], int), np.zeros(sizes[1], int)
    written = _writing(sweep)
    needed = _needing(sweep, written).reshape(w.out_height, w.out_width, sweep.in_bytes)
    read = np.full((w.in_height, w.in_width, sweep.in_bytes), UNREAD)
    for ky in range(w.filter_height):
        rows = np.arange(w.out_height) * w.stride_height - w.pad_top + ky * w.dilation_height
        for kx in range(w.filter_width):
            columns = np.arange(w.out_width) * w.stride_width - w.pad_left + kx * w.dilation_width
            y = np.flatnonzero((rows >= 0) & (rows < w.in_height))
            x = np.flatnonzero((columns >= 0) & (columns < w.in_width))
            under_tap = np.ix_(rows[y], columns[x])
            now, before = needed[np.ix_(y, x)], read[under_tap]
            earliest = np.where(before == UNREAD, now, np.minimum(before, now))
            read[under_tap] = earliest if sweep.reads_once else np.maximum(before, now)
    return read.reshape(-1), written.reshape(-1)


def _writing(sweep: Sweep) -> np.ndarray:
    """The step in which every byte of every output position is written: [positions, bytes]."""
    count = sweep.window.out_height * sweep.window.out_width
    visit = np.arange(count) // sweep.positions
    number = np.arange(sweep.out_bytes) // sweep.part_bytes
    if sweep.channels_first:
        return number[None, :] * (visit[-1] + 1) + visit[:, None]
    return visit[:, None] * (number[-1] + 1) + number[None, :]


def _needing(sweep: Sweep, written: np.ndarray) -> np.ndarray:
    """The last step in which an output position needs every byte of an input position: [positions, input bytes]."""
    if sweep.own_channels:
        return written.reshape(len(written), sweep.in_bytes, -1).max(axis=2)
    return np.repeat(written.max(axis=1)[:, None], sweep.in_bytes, axis=1)
