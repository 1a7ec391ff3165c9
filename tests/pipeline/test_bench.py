"""`bench` on models that nobody here made: exact on every core, and its evidence can be recomputed without trusting it."""

import json
import re
import resource
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from real_models import CORES, KWS, LEGACY, MLPERF, MODELS, REFUSED, STREAMING, real_samples

from edgecompress.codegen import writer
from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.emulate import open as open_device
from edgecompress.errors import ModelFileError, NotExactError, UnsupportedError
from edgecompress.pipeline import evidence, firmware
from edgecompress.pipeline.bench import bench
from edgecompress.reference.compare import compare
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.reference.integer import run_graph
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


# --- the comparison is on trial


def flip_number(array, place, change):
    """Changes the number at `place` (a fraction of the array's length) of one array of the generated C."""

    def apply(text):
        match = re.search(rf"\w+ {array}\[\d+\][^=]*= {{(.*?)}};", text, re.DOTALL)
        numbers = match.group(1).split(",")
        chosen = int(len(numbers) * place)
        numbers[chosen] = f" {change(int(numbers[chosen]))}"
        return text[: match.start(1)] + ",".join(numbers) + text[match.end(1) :]

    return apply


FLIPS = {
    "weight": (2, "weights", 0.3, lambda weight: weight ^ 4),
    "multiplier": (2, "scalings", 0.3, lambda multiplier: multiplier ^ (1 << 23)),
    "bias": (2, "scalings", 0.305, lambda bias: bias ^ (1 << 14)),
    "shift": (2, "scalings", 0.305, lambda shift: shift ^ 1),
    "depthwise weight": (3, "weights", 0.3, lambda weight: weight ^ 4),
    "depthwise bias": (3, "scalings", 0.305, lambda bias: bias ^ (1 << 14)),
    "last layer's weight": (10, "weights", 0.3, lambda weight: weight ^ 16),
    "last layer's multiplier": (10, "scalings", 0.0, lambda multiplier: multiplier ^ (1 << 24)),
}
"""What is flipped: the layer, its array, the place in it, and how. Scalings are pairs of a multiplier and a bias above a shift."""


@pytest.mark.parametrize("kind", FLIPS)
def test_one_flipped_constant_in_the_generated_c_is_seen_at_its_layer(kws, kind, monkeypatch):
    original, (number, array, place, change) = writer.write, FLIPS[kind]

    def flipped(program, prefix="model"):
        files = original(program, prefix)
        name = f"{prefix}.c"
        return {**files, name: flip_number(f"{prefix}_layer_{number}_{array}", place, change)(files[name])}

    monkeypatch.setattr(firmware.writer, "write", flipped)
    result = bench(kws, target="cortex-m4", inputs=2)
    layer = result.program.layers[number]
    assert result.comparison.differing_bytes > 0
    assert result.comparison.first.operator == layer.operation.index
    assert result.report.bit_exact.differing_bytes == result.comparison.differing_bytes
    with pytest.raises(NotExactError, match=f"operator {layer.operation.index} {layer.operation.opcode}") as caught:
        result.require_exact()
    assert caught.value.exit_code == 12


def test_one_flipped_bit_of_the_firmware_image_is_seen(kws, monkeypatch):
    original = firmware.build

    def flipped(*arguments, **options):
        built = original(*arguments, **options)
        with built.mailbox.path.open("rb") as stream:
            weights = ELFFile(stream).get_section_by_name(".weights")
            middle = weights["sh_addr"] + weights["sh_size"] // 2
        segments = []
        for segment in built.mailbox.segments:
            data = bytearray(segment.data)
            if segment.address <= middle < segment.address + len(data):
                data[middle - segment.address] ^= 0x40
            segments.append(replace(segment, data=bytes(data)))
        return replace(built, mailbox=replace(built.mailbox, segments=tuple(segments)))

    monkeypatch.setattr(firmware, "build", flipped)
    result = bench(kws, target="cortex-m4", inputs=2)
    assert not result.comparison.exact
    with pytest.raises(NotExactError):
        result.require_exact()


def test_reference_of_ours_that_differs_from_tflite_micro_is_an_error(kws, monkeypatch):
    original = evidence.Integer.run

    def wrong(self, model, inputs, *length):
        outputs = original(self, model, inputs, *length)
        last = max(outputs[0])
        outputs[0][last] = outputs[0][last] ^ 1
        return outputs

    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    monkeypatch.setattr(evidence.Integer, "run", wrong)
    with pytest.raises(NotExactError, match="our NumPy reference differs from tflite-micro"):
        bench(kws, target="cortex-m4", inputs=1)


def test_without_tflite_micro_the_report_says_whose_reference_it_is(models, monkeypatch):
    monkeypatch.setattr(evidence.Tflm, "available", lambda self: "not installed")
    report = bench(models / "tflm/hello_world_int8.tflite", inputs=1).report
    assert report.bit_exact.reference == "our NumPy reference (not installed)"
    assert report.bit_exact.differing_bytes == 0


# --- every model, every core


def inputs_of(graph, data, name, count=16):
    samples = real_samples(data, name)
    real = [] if samples is None else real_inputs(graph, samples, len(samples))
    return [*random_inputs(graph, count), *hostile_inputs(graph), *real]


@pytest.fixture(scope="module")
def expected(models, shared_data):
    """By model name: (graph, inputs, TFLM's outputs), each computed once."""
    known = {}

    def compute(name):
        if name not in known:
            path = models / f"{name}.tflite"
            graph = reader.read(path)
            inputs = inputs_of(graph, shared_data, name)
            length = evidence.sequence_length(graph, len(inputs))
            known[name] = graph, inputs, evidence.expect(path, graph, inputs, with_litert=False, length=length).outputs
        return known[name]

    return compute


def run_on(name, core, expected, folder):
    """The comparison of a model's firmware on a core with TFLM, operator by operator."""
    from edgecompress.device.mailbox import Mailbox
    from edgecompress.pipeline.execution import run_layer_by_layer

    graph, inputs, outputs = expected(name)
    target = find(core)
    program = lower(graph, features_of(target.cpu))
    built = firmware.build(program, target, folder, (inputs[0], run_graph(program.graph, inputs[0])))
    with open_device(target, built.mailbox) as port:
        length = evidence.sequence_length(graph, len(inputs))
        shown = run_layer_by_layer(program, Mailbox(port, built.mailbox), inputs, length=length)
    return compare(program.graph, shown, outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_exact_through_bench(models, shared_data, name):
    samples = real_samples(shared_data, name)
    result = bench(models / f"{name}.tflite", target="cortex-m4", inputs=16, samples=samples)
    assert result.comparison.exact, result.comparison.first
    assert result.comparison.samples == 20 + (0 if samples is None else 8)
    assert result.report.bit_exact.reference.startswith("LiteRT" if name in LEGACY else "tflite-micro")
    assert {t.tensor for t in result.comparison.tensors} == {
        i for o in result.program.graph.operations if o.opcode != "ASSIGN_VARIABLE" for i in o.outputs
    }


@pytest.mark.slow
@pytest.mark.parametrize("core", [core for core in CORES if core != "cortex-m4"])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_exact_on_every_core(name, core, expected, tmp_path):
    found = run_on(name, core, expected, tmp_path)
    assert found.exact, found.first


@pytest.mark.slow
@pytest.mark.needs("qemu-system-arm")
@pytest.mark.parametrize("name", MLPERF + STREAMING)
def test_mlperf_and_streaming_models_are_exact_on_the_m55(name, expected, tmp_path):
    found = run_on(name, "cortex-m55", expected, tmp_path)
    assert found.exact, found.first


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


def test_every_model_of_the_data_is_in_a_list(models):
    there = {path.relative_to(models).with_suffix("").as_posix() for path in models.rglob("*.tflite")}
    assert there == set(MODELS) | set(REFUSED)
    assert KWS in MODELS


@pytest.mark.parametrize("name", REFUSED)
def test_models_that_cannot_be_built_are_refused_by_name(models, name):
    with pytest.raises(UnsupportedError) as caught:
        lower(reader.read(models / f"{name}.tflite"))
    assert REFUSED[name] in caught.value.what
    assert "\n" not in caught.value.what
    assert ("the TFLite converter with int8 operators" in caught.value.hint) == (REFUSED[name] == "float")


@pytest.mark.parametrize("name", ["none.tflite", "folder"])
def test_model_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelFileError, match=name):
        bench(tmp_path / name)
