"""QEMU as a device: the same counts as Unicorn, the vector unit, faults, limits, and no process left behind."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecompress import emulate, targets
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.port import Limit
from edgecompress.emulate.qemu import Qemu
from edgecompress.emulate.qemu_profile import profile_on_qemu
from edgecompress.errors import DeviceError, MissingToolError
from edgecompress.targets.image import Image

LAYERS = ("model_layer_0", "model_layer_1", "model_layer_2")
Toy = Callable[..., Image]
pytestmark = pytest.mark.needs("qemu-system-arm")
SPIN = 'for (;;) __asm__ volatile("nop")'


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7"])
def test_counts_equal_unicorn(toy: Toy, cpu: str) -> None:
    image, target = toy("standalone", cpu), targets.find(cpu)
    here, there = (
        emulate.profile(image, target, "model_invoke", LAYERS),
        profile_on_qemu(image, target, "model_invoke", LAYERS),
    )
    assert there.instructions == here.instructions
    assert [layer.instructions for layer in there.layers] == [layer.instructions for layer in here.layers]
    assert there.stack_bytes == here.stack_bytes
    assert there.status == here.status == 0


def test_cortex_m33_runs_on_its_own_machine(toy: Toy) -> None:
    target = targets.find("cortex-m33").on_qemu()
    profile = profile_on_qemu(toy("standalone", target), target, "model_invoke", LAYERS)
    other = emulate.profile(toy("standalone", "cortex-m33"), targets.find("cortex-m33"), "model_invoke", LAYERS)
    assert profile.instructions == other.instructions


def test_cortex_m55_is_profiled_and_passes_its_self_test(toy: Toy) -> None:
    target = targets.find("cortex-m55")
    profile = emulate.profile(toy("standalone", target), target, "model_invoke", LAYERS)
    assert profile.status == 0
    assert profile.confidence == "rough"
    assert sum(part.instructions for part in (profile.prologue, *profile.layers)) == profile.instructions
    assert profile.cycles.min <= profile.cycles.typical <= profile.cycles.max


def test_failed_self_test_is_the_status(toy: Toy) -> None:
    target = targets.find("cortex-m55")
    image = toy("standalone", target, TOY_FIRST_OUTPUT="77")
    assert emulate.profile(image, target, "model_invoke", LAYERS).status == 1


def test_fault_is_caught_by_the_firmware_and_located(toy: Toy) -> None:
    target = targets.find("cortex-m55")
    image = toy("firmware", target, trouble="*(volatile int *)0x1F000000 = 1")
    with emulate.open(target, image) as port:
        mailbox = Mailbox(port, image)
        with pytest.raises(DeviceError, match=r"faulted in model_layer_2") as raised:
            mailbox.run([bytes(64)])
    assert "exception 3" in raised.value.found


def test_overflowing_stack_is_caught_although_nothing_can_be_stacked(toy: Toy) -> None:
    target = targets.find("cortex-m55")
    overflow = '__asm__ volatile("sub sp, #4000\\n sub sp, #4000\\n sub sp, #4000\\n push {r0}")'
    image = toy("firmware", target, trouble=overflow)
    with emulate.open(target, image) as port:
        mailbox = Mailbox(port, image)
        with pytest.raises(DeviceError, match="faulted") as raised:
            mailbox.run([bytes(64)])
    assert "had left the stack" in raised.value.found


def test_endless_loop_ends_at_the_limit_and_leaves_no_process(toy: Toy) -> None:
    target = targets.find("cortex-m55")
    image = toy("firmware", target, trouble=SPIN)
    port = Qemu(target, image)
    process = port._process
    with port, pytest.raises(DeviceError, match=r"did not come to an end in model_layer_2"):
        Mailbox(port, image, limit=Limit(seconds=1)).run([bytes(64)])
    assert process.poll() is not None
    with pytest.raises(DeviceError, match="did not come to"):
        profile_on_qemu(toy("standalone", target, trouble=SPIN), target, "model_invoke", LAYERS, limit=Limit(seconds=1))


def test_systick_measures_when_nothing_better_is_there(toy: Toy) -> None:
    """The layer itself waits for three wraps of the 24-bit counter; the total must know of them."""
    wait = (
        "uint32_t wraps = 0, before = *(volatile uint32_t *)0xE000E018; while (wraps < 3) "
        '{ for (int i = 0; i < 100000; ++i) __asm__ volatile("nop"); '  # polling all the time would starve QEMU's timers
        "uint32_t now = *(volatile uint32_t *)0xE000E018; wraps += now > before; before = now; }"
    )
    target = targets.find("cortex-m4")
    image = toy("firmware", target, trouble=wait)
    with Qemu(target, image, timers_count=True) as port:
        port.counts_cycles = True  # for this test: QEMU's SysTick does count, only not cycles
        mailbox = Mailbox(port, image, limit=Limit(seconds=30))
        mailbox.run([bytes(64)])
        assert mailbox.counter == "systick"
        cycles = mailbox.cycles()
        assert cycles is not None
        assert 3 << 24 < cycles < (3 << 24) + (1 << 18)  # three wraps, and the loop in which the third was seen


def test_missing_qemu_is_a_missing_tool(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    target = targets.find("cortex-m55")
    image = toy("firmware", target)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingToolError, match="qemu-system-arm"):
        emulate.open(target, image)


def test_qemu_that_dies_at_once_is_reported_with_its_words(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "qemu-system-arm"
    fake.write_text("#!/bin/sh\necho no such machine >&2\nexit 1\n")
    fake.chmod(0o755)
    image = toy("firmware", "cortex-m55")
    monkeypatch.setattr(shutil, "which", lambda _: str(fake))
    with pytest.raises(DeviceError, match="does not start") as raised:
        emulate.open(targets.find("cortex-m55"), image)
    assert "no such machine" in raised.value.found


@pytest.mark.parametrize(("cpu", "machine"), [("cortex-m4", "mps2-an386"), ("cortex-m55", "mps3-an547")])
def test_standalone_program_runs_on_plain_qemu(toy: Toy, cpu: str, machine: str) -> None:
    for first, status in (("30", 0), ("31", 1)):
        image = toy("standalone", cpu, TOY_FIRST_OUTPUT=first)
        command = ["qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none"]
        command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(image.path)]
        assert subprocess.run(command, timeout=20, check=False).returncode == status
