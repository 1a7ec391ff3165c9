"""Executor: the generated C on this computer, under gcc's address and undefined-behaviour sanitizers where gcc is."""

import platform
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import generated_c
from generated_c import Written

from edgecompress.codegen.features import PLAIN, Features
from edgecompress.errors import EdgecompressError, ToolError
from edgecompress.reference.executor import Answer, Job
from edgecompress.targets import host

MAIN = """\
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"

/* {case, first layer, layers, bytes of a new arena or 0} and the arena come in; the status and the arena go out. */
int main(void) {
    int32_t request[4];
    uint8_t *arena = 0;
    while (fread(request, sizeof(request), 1, stdin) == 1) {
        const struct ec_case *c = &ec_cases[request[0]];
        if (request[3]) {
            free(arena);
            arena = malloc((size_t)request[3]); /* exactly: the sanitizer watches its ends */
            if (!arena || fread(arena, (size_t)request[3], 1, stdin) != 1) {
                return 1;
            }
        }
        const int32_t status = ec_run_case(c, arena, request[1], request[2]);
        fwrite(&status, sizeof(status), 1, stdout);
        fwrite(arena, (size_t)c->arena_bytes, 1, stdout);
        fflush(stdout);
    }
    free(arena);
    return 0;
}
"""


class OnHost:
    """See `Executor`: zig's trapping sanitizer stands in where there is neither gcc nor clang.

    Args:
        name: of this executor.
        features: the processor that the kernels are chosen for; this computer runs their twins in plain C.
        number: which candidate computes every layer; the plain kernel where there are fewer.
        table: which of `ec_simd.h`'s tables is run; "" for the one that is chosen at run time.
    """

    def __init__(self, features: Features = PLAIN, number: int = 0, name: str = "host", table: str = "") -> None:
        self.name = name
        self._features = features
        self._number = number
        self._table = table

    def available(self) -> str | None:
        """None, since the compiler is a dependency; or which vectors the processor lacks."""
        if self._table in ("", "plain"):
            return None
        flags = Path("/proc/cpuinfo").read_text() if platform.machine() == "x86_64" else ""
        return None if self._table in flags else f"this computer's processor has no {self._table}"

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        made = generated_c.write(jobs, self._features, self._number)
        cases = [one for one in made if isinstance(one, Written)]
        sanitizer: host.Sanitizer = "address" if shutil.which("gcc") or shutil.which("clang") else "undefined"
        with tempfile.TemporaryDirectory() as folder:
            sources = {**generated_c.program_of(cases), "main.c": MAIN}
            defines = {"EC_SIMD": self._table} if self._table else {}
            program = host.build(
                sources, Path(folder) / "cases", sanitizer=sanitizer, optimization="-O1", defines=defines
            )
            with Process(program) as process:
                return [
                    Answer(error=one) if isinstance(one, EdgecompressError) else process.answer(one) for one in made
                ]


class Process:
    """A `Device`: the program in a process that is started again when a sanitizer has ended it."""

    def __init__(self, program: Path, launcher: Sequence[str] = ()) -> None:
        self._command = (*launcher, program)
        self._log = program.with_name("log.txt")
        self._process: subprocess.Popen[bytes] | None = None

    def answer(self, case: Written) -> Answer:
        try:
            return generated_c.answer(case, self)
        except (BrokenPipeError, EOFError):
            return Answer(error=self.ending())

    def ending(self) -> ToolError:
        """How the process ended, and what a sanitizer said of it."""
        assert self._process is not None
        status, self._process = self._process.wait(), None
        words = [
            line
            for line in self._log.read_text(errors="replace").splitlines()
            if "ERROR" in line or "runtime error" in line or " #" in line
        ]
        return ToolError(f"the program ended with status {status}", found="\n".join(words[:6]))

    def load(self, case: Written, arena: bytes) -> None:
        self._case, self._arena, self._after = case, arena, arena

    def run(self, first: int, count: int) -> int:
        if self._process is None:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
                )
        sent, received = self._process.stdin, self._process.stdout
        assert sent is not None and received is not None
        fresh, self._arena = self._arena, b""
        sent.write(struct.pack("4i", self._case.number, first, count, len(fresh)) + fresh)
        sent.flush()
        data = received.read(4 + self._case.program.plan.arena_bytes)
        if len(data) < 4 + self._case.program.plan.arena_bytes:
            raise EOFError
        self._after = data[4:]
        return int.from_bytes(data[:4], "little", signed=True)

    def read(self, offset: int, size: int) -> bytes:
        return self._after[offset : offset + size]

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
