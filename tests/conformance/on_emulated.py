"""Executor: the generated C for vectors as a static Linux program of another architecture, under QEMU's user mode."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import generated_c
from generated_c import Written
from on_host import MAIN, Process

from edgecompress.codegen.features import SIMD
from edgecompress.errors import EdgecompressError
from edgecompress.linux import program as programs
from edgecompress.linux.architectures import find_architecture
from edgecompress.reference.executor import Answer, Job
from edgecompress.targets.compilers import find_zig
from edgecompress.targets.process import run
from edgecompress.targets.toolchain import write_sources

SECONDS = 900
TRAPS = ("-fsanitize=undefined", "-fsanitize-trap=undefined")


class OnEmulated:
    """See `Executor`: undefined behaviour ends the program.

    Args:
        architecture: of the program.
        cpu: that QEMU is: which vectors it has is found at run time.
    """

    def __init__(self, architecture: str, cpu: str) -> None:
        self.name = cpu
        self._architecture, self._cpu = find_architecture(architecture), cpu

    def available(self) -> str | None:
        """None, or which program is missing."""
        name = f"{self._architecture.qemu}-static"
        return None if shutil.which(name) else f"{name} is missing (Debian: qemu-user-static)"

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        made = generated_c.write(jobs, SIMD)
        cases = [one for one in made if isinstance(one, Written)]
        with tempfile.TemporaryDirectory() as name:
            program = self._build(cases, Path(name))
            launcher = (f"{self._architecture.qemu}-static", "-cpu", self._cpu)
            with Process(program, launcher) as process:
                return [
                    Answer(error=one) if isinstance(one, EdgecompressError) else process.answer(one) for one in made
                ]

    def _build(self, cases: Sequence[Written], folder: Path) -> Path:
        sources = {**generated_c.program_of(cases), "main.c": MAIN}
        write_sources(sources, folder)
        zig, units = find_zig(), sorted(name for name in sources if name.endswith(".c"))
        command = (zig.program, "cc", *programs.flags(self._architecture), *TRAPS, "-I.", *units, "-o", "cases")
        run(command, folder=folder, environment=zig.environment, timeout=SECONDS)
        return folder / "cases"
