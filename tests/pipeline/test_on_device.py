"""The same firmware.elf on the emulator, behind a debug probe and behind QEMU's debug server: one report, the same bytes."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

for folder in ("tests/device", "tools"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / folder))
pytest.importorskip("pyocd")

from fake_probe import FakeCore, FakeProbe
from model_cases import CASES

from edgecompress import calibration, emulate, targets
from edgecompress.cli.main import cli
from edgecompress.emulate.qemu_profile import profile_on_qemu
from edgecompress.errors import DataError, DeviceError, NotExactError, UnsupportedError, UsageError
from edgecompress.flash import probe as probes
from edgecompress.pipeline.benching import bench_anywhere
from edgecompress.report.records import Report
from edgecompress.report.schema import read_report
from edgecompress.targets import image as images

ACR = 0x4002_3C00
BOARD = """
name = "test-board"
description = "a Cortex-M4 with QEMU's memory map"
cpu = "cortex-m4"
clock_hz = 100_000_000
flash = { name = "flash", origin = 0x0000_0000, bytes = 0x40_0000 }
ram = [{ name = "ram", origin = 0x2000_0000, bytes = 0x40_0000 }]
register_writes = [{ address = 0x4002_3C00, value = 0x705, mask = 0x70F, comment = "FLASH_ACR" }]
[flashing]
ways = ["pyocd"]
pyocd = "cortex_m"
"""
Plug = Callable[..., FakeProbe]


@pytest.fixture(autouse=True)
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own board, in the user's own folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = targets.user_folder()
    folder.mkdir(parents=True)
    (folder / "test-board.toml").write_text(BOARD)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "residual.tflite"
    path.write_bytes(next(case for case in CASES if case.id == "add-residual").build())
    return path


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Path:
    """A run directory for the board."""
    folder = tmp_path / "run"
    bench_anywhere(model, target="test-board", inputs=1, save=folder)
    return folder


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """`plug(elf)`: that program is in the flash of the board on the only probe."""

    def connect(elf: Path, *, counts: bool = True) -> FakeProbe:
        core = FakeCore(targets.find("test-board"), images.read(elf), counts=counts)
        core.registers[ACR] = 0
        probe = FakeProbe(core)
        monkeypatch.setattr(probes, "the_probe", lambda name: probe)
        return probe

    return connect


@contextmanager
def qemu(elf: Path, number: int) -> Iterator[str]:
    """QEMU's own debug server with the program, on this port."""
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none", "-S"]
    process = subprocess.Popen([*command, "-gdb", f"tcp:127.0.0.1:{number}", "-kernel", str(elf)])
    try:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", number), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"gdb://127.0.0.1:{number}"
    finally:
        process.kill()
        process.wait()


def outputs(folder: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name in ("inputs", "outputs", "layers"):
        with np.load(folder / f"{name}.npz") as arrays:
            found |= {f"{name}/{key}": arrays[key] for key in arrays.files}
    return found


@pytest.mark.needs("qemu-system-arm")
def test_one_elf_gives_the_same_bytes_and_one_report_everywhere(
    run: Path, plug: Plug, tmp_path: Path, free_port: int
) -> None:
    plug(run / "firmware.elf")
    results: dict[str, Report] = {}
    with qemu(run / "firmware.elf", free_port) as server:
        for name, where in (("emulator", "emulator"), ("probe", "probe"), ("gdb", server)):
            result = bench_anywhere(run, where=where, inputs=2, runs=3, save=tmp_path / name)
            result.require_exact()
            results[name] = result.report
    first = outputs(tmp_path / "emulator")
    for name, report in results.items():
        found = outputs(tmp_path / name)
        assert found.keys() == first.keys()
        assert all(np.array_equal(found[key], first[key]) for key in first)
        assert report.hashes["firmware.elf"] == results["emulator"].hashes["firmware.elf"]
        assert report.bit_exact == results["emulator"].bit_exact
        assert report.instructions == results["emulator"].instructions
        assert [layer.instructions for layer in report.layers] == [
            layer.instructions for layer in results["emulator"].layers
        ]
        assert read_report(tmp_path / name) == report
        assert (tmp_path / name / "firmware.elf").read_bytes() == (run / "firmware.elf").read_bytes()
    assert {name: report.cycles.kind for name, report in results.items()} == {
        "emulator": "modelled",
        "probe": "measured",
        "gdb": "modelled",
    }
    assert results["gdb"].board.runner.startswith("QEMU at ")
    assert any("measured no cycles (it is an emulator)" in note for note in results["gdb"].notes)
    # what can count exactly, counts the same: Unicorn's blocks and QEMU's plugin
    image, target = images.read(run / "standalone.elf"), targets.find("test-board")
    layers = [f"model_layer_{k}" for k in range(len(results["gdb"].layers))]
    there = profile_on_qemu(image, target, "model_invoke", layers)
    assert (
        there.instructions == results["gdb"].instructions == emulate.profile(image, target, layers=layers).instructions
    )


def test_cycles_are_measured_per_layer_over_runs_and_stand_beside_the_model(run: Path, plug: Plug) -> None:
    probe = plug(run / "firmware.elf")
    report = bench_anywhere(run, where="probe:FAKE", inputs=0, runs=5).report
    assert (report.cycles.kind, report.cycles.confidence) == ("measured", None)
    assert report.cycles.min <= report.cycles.typical <= report.cycles.max
    assert (report.run.place, report.run.counter, report.run.runs, report.run.register_writes) == (
        "probe:FAKE",
        "dwt",
        5,
        1,
    )
    assert report.modelled.kind == "modelled"
    assert report.modelled.typical == read_report(run).cycles.typical
    for layer, before in zip(report.layers, read_report(run).layers, strict=True):
        assert layer.modelled_cycles == before.cycles
        assert layer.cycles_min <= layer.cycles <= layer.cycles_max
    overhead = sum(layer.cycles for layer in report.layers) - report.cycles.typical
    assert 0 < overhead < 400 * len(report.layers)
    assert probe.core.written == [(ACR, 0x705, 4)]
    assert report.milliseconds.clock_hz == 100_000_000
    assert report.milliseconds.typical == round(report.cycles.typical / 100_000, 4)
    assert report.board.runner == "probe Fake CMSIS-DAP FAKE0001"


def test_without_register_writes_no_milliseconds_are_claimed(model: Path, plug: Plug, tmp_path: Path) -> None:
    file = targets.user_folder() / "test-board.toml"
    file.write_text("\n".join(line for line in BOARD.splitlines() if not line.startswith("register_writes")))
    bench_anywhere(model, target="test-board", inputs=0, save=tmp_path / "run")
    plug(tmp_path / "run" / "firmware.elf")
    report = bench_anywhere(tmp_path / "run", where="probe", inputs=0, runs=2).report
    assert report.cycles.kind == "measured"
    assert report.milliseconds.typical is None
    assert any("no milliseconds: no register writes are known for test-board" in note for note in report.notes)


def test_counter_that_stands_still_leaves_modelled_cycles(run: Path, plug: Plug) -> None:
    plug(run / "firmware.elf", counts=False)
    report = bench_anywhere(run, where="probe", inputs=0).report
    assert report.cycles.kind == "modelled"
    assert report.run.counter is None
    assert any("its cycle counter does not count" in note for note in report.notes)


def test_counter_that_counts_something_else_is_not_believed(run: Path, plug: Plug) -> None:
    """An emulator behind a probe or a serial line: fewer cycles than instructions."""
    probe = plug(run / "firmware.elf")
    probe.core.cycles_per_halfword = 0.01
    report = bench_anywhere(run, where="probe", inputs=0).report
    assert report.cycles.kind == "modelled"
    assert report.milliseconds == read_report(run).milliseconds
    assert any("as no cortex-m4 can: an emulator?" in note for note in report.notes)


def test_device_that_computes_wrongly_is_not_exact(run: Path, plug: Plug) -> None:
    probe = plug(run / "firmware.elf")
    image = images.read(run / "firmware.elf")

    def fall_over(number: int) -> None:
        if number == 3:  # between the first two layers
            arena = image.symbol("ec_arena")
            data = probe.core.machine.read_memory(arena.address, arena.size)
            probe.core.machine.write_memory(arena.address, bytes(byte ^ 0x40 for byte in data))

    probe.core.before_run = fall_over
    result = bench_anywhere(run, where="probe", inputs=1, runs=1)
    assert result.report.bit_exact.differing_bytes > 0
    with pytest.raises(NotExactError, match="the device differs from the reference"):
        result.require_exact()


def data_for(model: Path, folder: Path, count: int = 30) -> Path:
    """Samples for the model, labelled as the model itself answers, but for every fifth."""
    from edgecompress.reference.inputs import random_inputs
    from edgecompress.reference.integer import run_graph
    from edgecompress.tflite import reader

    graph = reader.read(model)
    inputs = random_inputs(graph, count, 3)
    answers = [int(np.argmax(run_graph(graph, one)[graph.outputs[0]])) for one in inputs]
    labels = np.array([a if i % 5 else (a + 1) % 120 for i, a in enumerate(answers)])
    tensor = graph.tensors[graph.inputs[0]]
    quantized = np.stack([one[graph.inputs[0]][0] for one in inputs]).astype(np.float32)
    x = (quantized - tensor.quantization.zero_point) * np.float32(tensor.quantization.scale)
    np.savez(folder / "data.npz", x_train=x, y_train=labels, x_test=x, y_test=labels)
    return folder / "data.npz"


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """A run directory of a model whose output is a vector of scores."""
    path = tmp_path / "scores.tflite"
    path.write_bytes(next(case for case in CASES if case.operator == "FULLY_CONNECTED").build())
    folder = tmp_path / "classifier"
    bench_anywhere(path, target="test-board", inputs=0, save=folder)
    return folder


def test_accuracy_on_the_device_is_that_of_the_streamed_samples(classifier: Path, plug: Plug, tmp_path: Path) -> None:
    probe = plug(classifier / "firmware.elf")
    data, recipe = data_for(classifier / "model.tflite", tmp_path), tmp_path / "recipe.toml"
    recipe.write_text('[training]\noutput = "logits"\n')
    options = {"where": "probe", "inputs": 0, "runs": 1, "data": str(data), "samples": "20", "recipe": recipe}
    result = bench_anywhere(classifier, **options)
    accuracy = result.report.accuracy
    assert (accuracy.samples, accuracy.device_samples, accuracy.device_differing_bytes) == (30, 20, 0)
    assert accuracy.metric == "accuracy"
    assert accuracy.int8 == pytest.approx(24 / 30)
    assert accuracy.device is not None
    result.require_exact()

    arena = images.read(classifier / "firmware.elf").symbol("ec_arena")
    last = probe.core.runs

    def spoil(number: int) -> None:
        if number == 2 * last - 3:  # one of the last samples
            probe.core.machine.write_memory(arena.address, b"\x55" * arena.size)

    probe.core.before_run = spoil
    result = bench_anywhere(classifier, **options)
    assert result.report.accuracy.device_differing_bytes > 0
    with pytest.raises(NotExactError, match="other bytes on probe Fake"):
        result.require_exact()


def test_samples_without_data_are_refused(classifier: Path, plug: Plug) -> None:
    plug(classifier / "firmware.elf")
    with pytest.raises(DataError, match="accuracy on the device needs test samples"):
        bench_anywhere(classifier, where="probe", samples="20")


def test_calibration_is_kept_for_the_board_and_shown_later(run: Path, plug: Plug, tmp_path: Path) -> None:
    plug(run / "firmware.elf")
    done = CliRunner().invoke(cli, ["calibrate", str(run), "--on", "probe", "--runs", "3"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "measured / modelled on test-board: " in done.output
    kept = calibration.find("test-board")
    assert kept is not None
    assert kept.ratio == pytest.approx(kept.measured / kept.modelled)
    later = bench_anywhere(run, inputs=0).report
    assert later.calibration.ratio == pytest.approx(kept.ratio, abs=1e-4)
    assert later.calibration.same_model
    assert later.cycles == read_report(run).cycles, "modelled cycles stay what they are"
    for layer in later.layers:
        assert layer.expected_ratio == pytest.approx(kept.layers[layer.index].ratio, abs=1e-4)
    shown = CliRunner().invoke(cli, ["bench", str(run), "--inputs", "0"], catch_exceptions=False).output
    assert "measured/modelled on this board, with this model" in shown
    assert "/modelled" in shown.split("layers (")[1]
    other = tmp_path / "other.tflite"
    other.write_bytes(next(case for case in CASES if case.id == "add-two_residuals").build())
    report = bench_anywhere(other, target="test-board", inputs=0).report
    assert not report.calibration.same_model
    adds = [layer for layer in report.layers if layer.op == "ADD"]
    assert {layer.expected_ratio for layer in adds} == {round(kept.of_operator("ADD"), 4)}


def test_an_emulator_cannot_calibrate_anything(run: Path) -> None:
    result = CliRunner().invoke(cli, ["calibrate", str(run), "--on", "emulator"])
    assert isinstance(result.exception, DeviceError)
    assert "no measured cycles to calibrate with" in str(result.exception)
    assert calibration.find("test-board") is None


def test_damaged_calibration_says_so(run: Path) -> None:
    path = calibration.path_of("test-board")
    path.parent.mkdir(parents=True)
    for text in ("{", "[]", "{}", json.dumps({"format": calibration.FORMAT, "target": "other"})):
        path.write_text(text)
        with pytest.raises(UsageError, match="cannot be read") as raised:
            bench_anywhere(run, inputs=0)
        assert "delete it" in raised.value.hint


def test_run_directory_of_another_target_or_version_is_refused(run: Path, plug: Plug) -> None:
    plug(run / "firmware.elf")
    with pytest.raises(UsageError, match="built for another target"):
        bench_anywhere(run, where="probe", target="nrf52840-dk")
    source = run / "c" / "model.c"
    source.write_text(source.read_text().replace("0x", "0X", 1) + "\n")
    with pytest.raises(UsageError, match="is not what this version makes") as raised:
        bench_anywhere(run, where="probe")
    assert "model.c" in raised.value.found


def test_board_without_a_uart_has_no_serial_line(run: Path) -> None:
    with pytest.raises(UnsupportedError, match="no UART"):
        bench_anywhere(run, where="serial:///dev/null")


def test_places_that_take_no_target_say_so(run: Path) -> None:
    with pytest.raises(UsageError, match="it has no --target"):
        bench_anywhere(run, where="host", target="test-board")


@pytest.mark.parametrize(
    ("where", "code", "words"),
    [
        ("probe", 14, "no debug probe is connected"),
        ("gdb://127.0.0.1:1", 14, "no debug server answers"),
        ("serial:///dev/nothing", 6, "no UART"),
        ("proobe", 2, "no such place"),
    ],
)
def test_failures_come_with_their_exit_code(
    run: Path, monkeypatch: pytest.MonkeyPatch, where: str, code: int, words: str
) -> None:
    monkeypatch.setattr(probes, "find_probes", lambda name=None: [])
    result = CliRunner().invoke(cli, ["bench", str(run), "--on", where])
    assert words in str(result.exception)
    assert result.exception.exit_code == code
