"""`bench --on host` and `bench --on ssh://…`: signature first, see below."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecompress.report.records import Report

if TYPE_CHECKING:
    from edgecompress.compress.task import Task
    from edgecompress.pipeline.accuracy import TestSet

Progress = Callable[[str, int, int], None]


def bench_on_linux(
    model: Path,
    where: str,
    *,
    inputs: int = 16,
    samples: np.ndarray | None = None,
    tests: "TestSet | None" = None,
    task: "Task | None" = None,
    warm_up: int = 5,
    runs: int = 50,
    threads: int = 1,
    seed: int = 0,
    prefix: str = "model",
    save: Path | None = None,
    with_litert: bool = True,
    install_litert: bool = False,
    architecture: str | None = None,
    timeout: float = 600.0,
    command: str | None = None,
    on_progress: Progress | None = None,
) -> Report:
    """Runs a full-integer .tflite on a Linux computer in two ways: our generated C as a static program, and LiteRT.

    Args:
        model: a .tflite file, or a run directory with one.
        where: "host" for this computer, or "ssh://[user@]host[:port]"; `host` may be a name of ~/.ssh/config.
        inputs: how many random inputs, beside four hostile ones, every operator's output is compared on.
        samples: real samples to compare on as well: as the model's input takes them, or real numbers.
        tests, task: labelled test samples (`pipeline.accuracy.read_test_set`) and how they are scored
            (`Task.from_dict(judge_tflite(...)["task"])`): both or none. All samples in `tests` are run; slice before.
        warm_up, runs: untimed and timed inferences of each executor.
        threads: of LiteRT; our C always has one.
        seed: of the random inputs.
        prefix: of the generated C.
        save: a folder for the program, its C, the model, inputs, outputs and report.json.
        with_litert: False: only our C.
        install_litert: consent to put LiteRT into a venv below ~/.cache/edgecompress on a remote computer.
        architecture: "aarch64", "armv7", "armv6" or "x86_64" instead of what the computer says it is; one that is not
            this computer's is emulated with `qemu-<architecture>-static` where that is installed (only with "host").
        timeout: seconds for each program run on the computer.
        command: as the user typed it, for the report.
        on_progress: called with (what is being done, steps done, steps in all).

    Returns:
        The report: `machine`, `executors` (both, with their times), `layers` with milliseconds, `bit_exact` of our C. It does
        not raise when bytes differ: see `require_exact`.

    Raises:
        UsageError: `where` is neither "host" nor an ssh:// address. (exit code 2)
        ModelFileError, UnsupportedError, DataError, ToolError: as in `pipeline.bench.bench`. (3, 6, 4, 11)
        MissingToolError: `install_litert` without Python there; qemu or asyncssh missing here. (10)
        DeviceError: no connection, a host key that is unknown or has changed, keys refused, no space, a program that was
            killed or took too long. (14)
    """
    raise NotImplementedError


def require_exact(report: Report) -> None:
    """Raises NotExactError (exit code 12) when the report of `bench_on_linux` counts differing bytes of our C."""
