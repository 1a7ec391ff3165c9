"""`bench` on models that nobody here made: exact on every core, and its evidence can be recomputed without trusting it."""

import json
import re
import resource
import subprocess
import sys

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from edgecompress.emulate import open as open_device
from edgecompress.errors import ModelFileError
from edgecompress.pipeline.bench import bench
from edgecompress.report.schema import to_json
from edgecompress.targets import find
from edgecompress.targets import image as images
from edgecompress.tflite import reader

CONTRACT = {
    "schema": None,
    "model": {"path", "sha256"},
    "target": None,
    "macs": None,
    "accuracy": {"metric", "samples", "float", "int8", "device"},
    "bit_exact": {"inputs", "tensors", "differing_bytes", "reference"},
    "flash": {"code", "constants", "weights", "total"},
    "ram": {"arena", "bound_without_sharing", "bound_of_schedule", "static", "stack", "total"},
    "instructions": None,
    "cycles": {"kind", "min", "typical", "max", "confidence"},
    "milliseconds": {"min", "typical", "max", "clock_hz"},
    "layers": {"index", "op", "name", "macs", "weight_bytes", "instructions", "cycles"},
    "passes": None,
}
"""The keys of report.json that its readers rely on."""


def test_keyword_spotting_is_exact_on_the_emulated_m4(saved):
    result, _ = saved
    assert result.comparison.exact
    assert result.comparison.samples == 4 + 4 + 2
    assert result.report.bit_exact.differing_bytes == 0
    assert result.report.bit_exact.inputs == 10
    assert result.report.bit_exact.tensors == 13
    assert re.match(r"tflite-micro 0\.dev\d+, and our NumPy reference", result.report.bit_exact.reference)
    result.require_exact()


def test_outputs_are_not_constant(saved):
    result, _ = saved
    for index in result.outputs[0]:
        values = np.concatenate([sample[index].reshape(-1) for sample in result.outputs])
        assert len(np.unique(values)) > 1


def test_report_has_the_keys_of_the_contract(saved):
    result, folder = saved
    report = json.loads((folder / "report.json").read_text())
    assert report == json.loads(to_json(result.report))
    for key, parts in CONTRACT.items():
        assert key in report
        entries = report[key] if isinstance(report[key], list) else [report[key]]
        assert parts is None or all(parts <= set(entry) for entry in entries)
    assert len(report["layers"]) == 13


def test_unknown_values_are_null_not_zero(saved):
    report = json.loads(to_json(saved[0].report))
    assert report["accuracy"]["metric"] is None
    assert report["accuracy"]["int8"] is None
    assert report["milliseconds"] == {
        **report["milliseconds"],
        "min": None,
        "typical": None,
        "max": None,
        "clock_hz": None,
    }


def test_milliseconds_are_cycles_at_the_boards_clock(models):
    report = bench(models / "tflm/hello_world_int8.tflite", target="nucleo-l4r5zi", inputs=1).report
    assert report.milliseconds.clock_hz == 120_000_000
    for level in ("min", "typical", "max"):
        expected = getattr(report.cycles, level) / 120_000
        assert getattr(report.milliseconds, level) == pytest.approx(expected, abs=1e-4)


def test_layers_add_up_to_the_whole(saved):
    report = saved[0].report
    assert report.macs == sum(layer.macs for layer in report.layers) == 2_656_768
    inside = sum(layer.instructions for layer in report.layers)
    assert 0.999 * report.instructions < inside <= report.instructions
    assert sum(layer.cycles for layer in report.layers) <= report.cycles.typical
    assert report.cycles.min < report.cycles.typical < report.cycles.max
    assert report.cycles.kind == "modelled"
    assert report.flash.weights == sum(layer.weight_bytes for layer in report.layers)


# --- recomputed from what was saved


def interpreter(kws):
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="tflite-micro is not installed")
    keep = runtime.InterpreterConfig.kPreserveAllTensors
    return runtime.Interpreter.from_file(str(kws), intrepreter_config=keep, arena_size=1 << 20)


def test_saved_outputs_are_those_of_tflite_micro(saved, kws):
    _, folder = saved
    inputs, outputs = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    assert (inputs.files, outputs.files) == (["input_0"], ["output_0"])
    assert inputs["input_0"].dtype == outputs["output_0"].dtype == np.int8
    assert len(inputs["input_0"]) == len(outputs["output_0"]) == 10
    tflm = interpreter(kws)
    for given, expected in zip(inputs["input_0"], outputs["output_0"], strict=True):
        tflm.set_input(given, 0)
        tflm.invoke()
        assert tflm.get_output(0).tobytes() == expected.tobytes()


def test_saved_layers_are_those_of_tflite_micro(saved, kws):
    result, folder = saved
    tflm, layers = interpreter(kws), np.load(folder / "layers.npz")
    tflm.set_input(np.load(folder / "inputs.npz")["input_0"][0], 0)
    tflm.invoke()
    named = {f"operator_{o.index}_tensor_{i}": i for o in result.program.graph.operations for i in o.outputs}
    assert set(layers.files) == set(named)
    for name, index in named.items():
        assert layers[name].tobytes() == tflm.GetTensor(index, 0)["tensor_data"].tobytes(), name


def test_saved_real_samples_are_the_data(saved, shared_data):
    samples = np.load(shared_data / "eval" / "kws01_mfcc.npz")["x"][:2]
    assert np.array_equal(np.load(saved[1] / "inputs.npz")["input_0"][-2:].reshape(samples.shape), samples)


def sections(elf):
    """name -> (bytes, is code, is in the file), of what occupies memory."""
    with elf.open("rb") as stream:
        found = [s for s in ELFFile(stream).iter_sections() if s["sh_flags"] & 2]
        return {s.name: (s["sh_size"], bool(s["sh_flags"] & 4), s["sh_type"] != "SHT_NOBITS") for s in found}


def symbols(elf):
    with elf.open("rb") as stream:
        return {s.name: s["st_size"] for s in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}


def test_flash_and_ram_are_those_of_the_elf(saved):
    result, folder = saved
    found = sections(folder / "firmware.elf")
    loaded = {name: size for name, (size, _, in_file) in found.items() if in_file}
    flash = result.report.flash
    assert flash.weights == loaded.pop(".weights")
    assert flash.code == loaded.pop(".vectors") + loaded.pop(".text")
    assert flash.constants == sum(loaded.values())
    assert flash.total == flash.code + flash.constants + flash.weights
    assert result.report.ram.arena == symbols(folder / "firmware.elf")["ec_arena"] == found[".arena"][0]
    assert result.report.ram.static == found[".bss"][0] + found.get(".data", (0,))[0]
    assert 0 < result.report.ram.stack <= found[".stack"][0]


def test_weights_take_hardly_more_than_their_bytes(saved, kws):
    graph = reader.read(kws)
    constants = {i for o in graph.operations for i in o.inputs if i >= 0 and graph.tensors[i].is_constant}
    bytes_of_the_model = sum(graph.tensors[i].nbytes for i in constants if graph.tensors[i].dtype == np.int8)
    assert saved[0].report.flash.weights <= 1.02 * bytes_of_the_model  # some kernels pad rows


def test_bounds_of_the_arena_hold(saved):
    ram = saved[0].report.ram
    assert ram.bound_of_schedule <= ram.arena
    assert ram.bound_of_schedule <= ram.bound_without_sharing
    assert ram.total == ram.arena + ram.static + ram.stack


def test_memory_map_names_every_symbol_of_the_elf(saved):
    _, folder = saved
    for program in ("firmware", "standalone"):
        text = (folder / f"{program}.map").read_text()
        named = {line.split()[-1]: int(line.split()[1]) for line in text.splitlines()[1:]}
        assert {"ec_arena", "model_layer_0", "model_layer_11", "Reset_Handler"} <= set(named)
        assert all(named[name] == size for name, size in symbols(folder / f"{program}.elf").items() if name in named)


def test_standalone_program_ends_with_its_selftest(saved):
    image = images.read(saved[1] / "standalone.elf")
    with open_device(find("cortex-m4"), image) as port:
        stop = port.run()
    assert (stop.reason, stop.status) == ("exit", 0)


def test_saved_folder_is_a_run_directory_that_can_be_benched_again(saved, tmp_path):
    first, folder = saved
    again = bench(folder, target="cortex-m4", inputs=4, save=tmp_path / "again")
    assert again.comparison.exact
    assert again.report.instructions == first.report.instructions
    for name in ("firmware.elf", "standalone.elf", "model.tflite"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_nothing_half_written_is_left_beside_what_was_saved(saved):
    names = {path.name for path in saved[1].rglob("*")}
    assert not [name for name in names if name.startswith(".")]
    wanted = {
        "inputs.npz",
        "outputs.npz",
        "layers.npz",
        "firmware.elf",
        "standalone.elf",
        "firmware.map",
        "report.json",
    }
    assert wanted <= names


@pytest.mark.slow
def test_keyword_spotting_takes_less_than_five_seconds(kws, saved):
    """Of processor time, which other work on the machine changes little."""
    seconds = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "edgecompress", "bench", kws]
        assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 5


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc")
def test_keyword_spotting_is_exact_with_the_other_compiler(kws):
    assert bench(kws, target="cortex-m4", inputs=4, compiler="gcc").comparison.exact


@pytest.mark.parametrize("name", ["none.tflite", "folder"])
def test_model_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=name):
        bench(tmp_path / name)
