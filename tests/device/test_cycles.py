"""The firmware's cycle counters where they wrap: DWT at 2^32, SysTick at 2^24 with an interrupt that may be late."""

from collections.abc import Callable

import pytest

from edgecompress import targets
from edgecompress.device.mailbox import Mailbox
from edgecompress.emulate.machine import Machine
from edgecompress.targets.image import Image

Firmware = Callable[..., Image]
CYCCNT, CVR, ICSR = 0xE0001004, 0xE000E018, 0xE000ED04
PENDING = 1 << 26


def watch(machine: Machine, address: int, value: Callable[[], int]) -> None:
    """Every read of a word finds what `value` says then."""
    import unicorn

    def look(uc: object, access: int, place: int, size: int, old: int, _: object) -> None:
        uc.mem_write(address, value().to_bytes(4, "little"))  # type: ignore[attr-defined]

    machine._uc.hook_add(unicorn.UC_HOOK_MEM_READ, look, begin=address, end=address + 3)


def test_dwt_may_wrap_within_a_run(firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    machine = Machine(targets.find("cortex-m4"), image)
    machine.counts_cycles = True
    time = [0xFFFF_FFFF - 3000]

    def now() -> int:
        time[0] += 1000
        return time[0] & 0xFFFF_FFFF

    watch(machine, CYCCNT, now)
    mailbox = Mailbox(machine, image)
    assert mailbox.counter == "dwt"
    for _ in range(4):  # one of them holds the wrap
        mailbox.run([bytes(64)])
        assert mailbox.cycles() == 1000
    mailbox.write_inputs([bytes(64)])
    mailbox.run_layers(0, 3)
    assert mailbox.layer_cycles() == (1000, 1000, 1000)
    assert mailbox.cycles() == 3000


class SysTick:
    """Counts down from 2^24 - 1; its interrupt is pending for `late` looks before it is taken."""

    def __init__(self, machine: Machine, image: Image, step: int, late: int) -> None:
        self.machine, self.wraps, self.step, self.late = machine, image.symbol("wraps").address, step, late
        self.time, self.taken, self.waiting = 0, 0, 0
        watch(machine, CVR, self.value)
        watch(machine, ICSR, self.pending)

    def value(self) -> int:
        self.time += self.step
        return 0xFFFFFF - self.time % (1 << 24)

    def pending(self) -> int:
        behind = (self.time >> 24) > self.taken
        if behind and self.waiting >= self.late:  # now the handler runs
            self.taken, self.waiting = self.time >> 24, 0
            self.machine.write_memory(self.wraps, self.taken.to_bytes(4, "little"))
            return 0
        self.waiting += behind
        return PENDING if behind else 0


@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("step", [1_000_003, 2_999_999, 4_999_999])
def test_systick_counts_further_than_24_bits(firmware: Firmware, step: int, late: int) -> None:
    image = firmware("cortex-m0plus")
    machine = Machine(targets.find("cortex-m0plus"), image)
    machine.counts_cycles = True
    systick = SysTick(machine, image, step, late)
    mailbox = Mailbox(machine, image)
    assert mailbox.counter == "systick"
    for _ in range(40):
        before = systick.time
        mailbox.run([bytes(64)])
        cycles, passed = mailbox.cycles(), systick.time - before
        assert cycles is not None
        assert 0 < cycles <= passed  # a lost wrap would be 2^24 off, and so would one counted twice
        assert cycles >= passed - 3 * step
    assert systick.time > 1 << 25
