"""Executor: the generated C on an emulated core, all cases in one firmware."""

import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import generated_c
from generated_c import Written

from edgecompress import emulate
from edgecompress.codegen.features import features_of
from edgecompress.codegen.runtime import program_sources
from edgecompress.device.port import Port
from edgecompress.emulate.qemu import find_qemu
from edgecompress.errors import EdgecompressError, MissingToolError
from edgecompress.reference.executor import Answer, Job
from edgecompress.targets import Target, find, toolchain
from edgecompress.targets.compilers import Name, find_compiler
from edgecompress.targets.image import Image

MAIN = """\
#include "program.h"

#include "cases.h"

uint8_t ec_arena[ARENA_BYTES] __attribute__((section(".bss.arena"), aligned(16)));

volatile struct {
    int32_t which;
    int32_t first;
    int32_t count;
    int32_t status;
} ec_request;

__attribute__((naked, noinline, used)) static void ec_mailbox_stop(void) {
    __asm__ volatile("bkpt #0xEC\\n\\tbx lr");
}

int main(void) {
    for (;;) {
        ec_mailbox_stop();
        ec_request.status = ec_run_case(&ec_cases[ec_request.which], ec_arena, ec_request.first, ec_request.count);
    }
}
"""


@dataclass(frozen=True)
class OnCore:
    """See `Executor`.

    Attributes:
        name: of the target.
        compiler: that makes the firmware.
        number: which candidate computes every layer; the plain kernel where there are fewer.
        spends_flash: as of `Features`.
    """

    name: str
    compiler: Name = "zig"
    number: int = 0
    spends_flash: bool = False

    def available(self) -> str | None:
        """None, or which program is missing."""
        try:
            find_compiler(self.compiler)
            if find(self.name).cpu.runner == "qemu":
                find_qemu(find(self.name))
        except MissingToolError as error:
            return error.what
        return None

    def run_jobs(self, jobs: Sequence[Job]) -> list[Answer]:
        """See `Executor.run_jobs`."""
        target = find(self.name)
        features = replace(features_of(target.cpu), spends_flash=self.spends_flash)
        made = generated_c.write(jobs, features, self.number)
        cases = [one for one in made if isinstance(one, Written)]
        with tempfile.TemporaryDirectory() as folder:
            image = self.build(cases, target, Path(folder))
            with emulate.open(target, image) as port:
                core = Core(port, image)
                return [
                    Answer(error=one) if isinstance(one, EdgecompressError) else generated_c.answer(one, core)
                    for one in made
                ]

    def build(self, cases: Sequence[Written], target: Target, folder: Path) -> Image:
        start_up = {name: text for name, text in program_sources("standalone").items() if name != "standalone.c"}
        sources = {**generated_c.program_of(cases), **start_up, "main.c": MAIN}
        arena = max(case.program.plan.arena_bytes for case in cases)
        return toolchain.compile(
            sources, target, folder / "cases.elf", defines={"ARENA_BYTES": str(arena)}, compiler=self.compiler
        )


class Core:
    """A `Device`."""

    def __init__(self, port: Port, image: Image) -> None:
        self._port = port
        self._arena, self._request = image.symbol("ec_arena").address, image.symbol("ec_request").address
        self._stop = image.symbol("ec_mailbox_stop").address
        self._continue()

    def load(self, case: Written, arena: bytes) -> None:
        self._number = case.number
        self._port.write_memory(self._arena, arena)

    def run(self, first: int, count: int) -> int:
        self._port.write_memory(self._request, struct.pack("<3i", self._number, first, count))
        self._continue()
        return int.from_bytes(self._port.read_memory(self._request + 12, 4), "little", signed=True)

    def read(self, offset: int, size: int) -> bytes:
        return self._port.read_memory(self._arena + offset, size) if size else b""

    def _continue(self) -> None:
        stop = self._port.run()
        assert (stop.reason, stop.pc) == ("breakpoint", self._stop), stop
