"""What bounds a Keras file: how much of everything it may ask for, and what reading it may take of memory and time."""

import contextlib
import functools
import math
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from edgecompress.errors import ModelFileError

MOST_BYTES = 2**30
"""Of a file, and of its weights unpacked: 250 million parameters."""

SMALL = 2**24
MOST_RATIO = 500
"""Bytes beyond which weights may not be so many times as large as they lie in the file; deflate reaches 1032."""

MOST_DESCRIPTION = 2**23
"""Bytes of a model's description in JSON: that of a thousand layers has one million."""

MOST_GRAPH = 2**27
"""Bytes of a file of a SavedModel folder that is parsed as a whole."""

MOST_DEPTH = 200
"""Objects within objects, in a description."""

MOST_MEMBERS = 50_000
"""Groups and arrays of an HDF5 file."""

MOST_LAYERS = 2000
MOST_USES = 10_000
"""Layers that Keras walks through when every use of a nested model is opened."""

LONGEST_NAME = 1000
"""Characters."""

MOST_ELEMENTS = 2**23
MOST_TOGETHER = 2**27
"""Of a layer's output for one sample, and of all outputs."""

SPARE_VALUES = 2**16
"""Weights beyond those in the file: counters and states of random generators are not always saved."""

MOST_MEMORY = 2**30
"""Bytes that reading a file may take, above what the process has."""

MOST_SECONDS = 300
"""Of a processor, from the description to the model."""

READING_SECONDS = 60
BUILDING_SECONDS = 3600
"""By the clock, after which the process is ended: HDF5's and TensorFlow's own code cannot be interrupted otherwise."""


@contextlib.contextmanager
def memory() -> Iterator[None]:
    """Within, an allocation that goes too far raises MemoryError; where the system cannot do that (not Linux), nothing."""
    try:
        import resource

        status = Path("/proc/self/status").read_text(encoding="ascii")
        used = 1024 * int(status.split("VmData:")[1].split()[0])
        old = resource.getrlimit(resource.RLIMIT_DATA)
        unlimited = old[0] == resource.RLIM_INFINITY
        wanted = used + MOST_MEMORY if unlimited else min(old[0], used + MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, old[1]))
    except (ImportError, OSError, IndexError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, old)


@contextlib.contextmanager
def time(file: str) -> Iterator[None]:
    """Within, Python code that goes on for too long ends in a ModelFileError; only in a main thread, and not on Windows."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(number: int, frame: FrameType | None) -> None:
        raise ModelFileError(f"{file}: the model takes too long to rebuild", found=f"more than {MOST_SECONDS} s")

    old = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, old)


@contextlib.contextmanager
def weights(layer_class: Any, values: int, file: str) -> Iterator[None]:
    """Within, layers get no more weights than the file holds: their sizes stand in the description, which may lie.

    Args:
        layer_class: Keras's base class of all layers.
        values: how many numbers the file holds.

    Raises:
        ModelFileError: a layer asks for more, before they are made.
    """
    original: Callable[..., Any] = layer_class.add_weight
    left = values + SPARE_VALUES

    @functools.wraps(original)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal left
        shape = _shape(kwargs.get("shape"), *args[:2])  # Keras 3 has it first, Keras 2 behind the name
        left -= math.prod(shape)
        if left < 0:
            raise ModelFileError(
                f'{file}: layer "{self.name}" has more weights than the file holds',
                found=f"shape {shape}; {values} numbers in the file",
            )
        return original(self, *args, **kwargs)

    layer_class.add_weight = counted
    try:
        yield
    finally:
        layer_class.add_weight = original


def _shape(*candidates: Any) -> tuple[int, ...]:
    """The first that is one; Keras itself refuses sizes that are no numbers."""
    for one in candidates:
        if one is not None and not isinstance(one, str):
            sizes = (one,) if isinstance(one, int) else tuple(one)
            return tuple(size for size in sizes if isinstance(size, int) and size > 0)
    return ()
