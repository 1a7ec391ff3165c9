"""Counts: exact, equal between hooks, emulators and the yardstick; layers that add up."""

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from edgecompress import emulate, targets
from edgecompress.emulate import counter
from edgecompress.emulate.profile import Profile, profile_on_unicorn
from edgecompress.errors import DeviceError, MissingToolError, ToolError
from edgecompress.targets.image import Image

LAYERS = ("model_layer_0", "model_layer_1", "model_layer_2")
Toy = Callable[..., Image]
UNICORN_CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")


def check_sums(profile: Profile) -> None:
    parts = (profile.prologue, *profile.layers)
    assert sum(part.instructions for part in parts) == profile.instructions
    for level in ("min", "typical", "max"):
        assert sum(getattr(part.cycles, level) for part in parts) == getattr(profile.cycles, level)


@pytest.mark.parametrize("cpu", UNICORN_CPUS)
def test_layers_and_prologue_add_up(toy: Toy, cpu: str) -> None:
    profile = emulate.profile(toy("standalone", cpu), targets.find(cpu), "model_invoke", LAYERS)
    check_sums(profile)
    assert profile.status == 0
    assert all(layer.instructions > 64 for layer in profile.layers)
    assert 0 < profile.prologue.instructions < 40
    assert profile.stack_bytes is not None
    assert 16 <= profile.stack_bytes <= 400


@pytest.mark.parametrize("cpu", UNICORN_CPUS)
def test_python_hook_counts_the_same_as_the_c_hook(toy: Toy, cpu: str) -> None:
    image, target = toy("standalone", cpu), targets.find(cpu)
    slow = profile_on_unicorn(image, target, "model_invoke", LAYERS, native=False)
    assert profile_on_unicorn(image, target, "model_invoke", LAYERS, native=True) == slow


def test_missing_host_compiler_falls_back_and_says_so(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing() -> None:
        raise MissingToolError("the C compiler is not installed")

    image, target = toy("standalone", "cortex-m4"), targets.find("cortex-m4")
    fast = emulate.profile(image, target, "model_invoke", LAYERS)
    monkeypatch.setattr(counter, "_hook_library", missing)
    assert emulate.profile(image, target, "model_invoke", LAYERS) == fast
    assert "counted in Python" in caplog.text


def test_failed_self_test_is_the_status(toy: Toy) -> None:
    image = toy("standalone", "cortex-m4", TOY_FIRST_OUTPUT="77")
    assert emulate.profile(image, targets.find("cortex-m4"), "model_invoke", LAYERS).status == 1


def test_missing_symbols_and_functions_that_never_run_are_errors(toy: Toy) -> None:
    image, target = toy("standalone", "cortex-m4"), targets.find("cortex-m4")
    with pytest.raises(ToolError, match="no symbol 'model_layer_9'"):
        emulate.profile(image, target, "model_invoke", ("model_layer_9",))
    with pytest.raises(DeviceError, match="ec_fault_record was never called"):
        emulate.profile(image, target, "ec_fault_record")


def test_fault_names_the_function_in_which_it_happened(toy: Toy) -> None:
    image = toy("standalone", "cortex-m4", trouble="*(volatile int *)0x60000000 = 1")
    with pytest.raises(DeviceError, match=r"stopped in model_layer_2(\+0x\w+)? at .*fault") as raised:
        emulate.profile(image, targets.find("cortex-m4"), "model_invoke", LAYERS)
    assert "write to no memory at 0x60000000" in raised.value.found


def test_deep_stack_is_seen(toy: Toy) -> None:
    deep = "volatile uint8_t pit[3000]; for (int i = 0; i < 3000; ++i) pit[i] = 1; (void)pit[5]"
    profile = emulate.profile(toy("standalone", "cortex-m4", trouble=deep), targets.find("cortex-m4"), "model_invoke")
    assert profile.stack_bytes is not None
    assert 3000 <= profile.stack_bytes < 3500


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("yardstick", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("compiler", ["zig", pytest.param("gcc", marks=pytest.mark.needs("arm-none-eabi-gcc"))])
@pytest.mark.parametrize("cpu", UNICORN_CPUS)
def test_counts_equal_the_yardstick(toy: Toy, yardstick: Path, cpu: str, compiler: str) -> None:
    tool = load(yardstick)
    image = toy("standalone", cpu, compiler=compiler)
    theirs = tool.figures(*tool.run(str(image.path), cpu, "model_invoke"))
    ours = emulate.profile(image, targets.find(cpu), "model_invoke", LAYERS)
    assert ours.instructions == theirs["instructions"]
    if cpu == "cortex-m4":
        assert (ours.cycles.min, ours.cycles.typical, ours.cycles.max) == tuple(theirs["cycles"].values())


def test_millions_of_instructions_take_a_fraction_of_a_second(toy: Toy) -> None:
    busy = 'for (int i = 0; i < 6000000; ++i) __asm__ volatile("nop")'
    image, target = toy("standalone", "cortex-m4", trouble=busy), targets.find("cortex-m4")
    emulate.profile(image, target, "model_invoke", LAYERS)
    start = time.process_time()
    profile = emulate.profile(image, target, "model_invoke", LAYERS)
    assert profile.instructions > 18_000_000
    assert time.process_time() - start < 1.0
