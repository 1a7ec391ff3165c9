"""What the commands print, write and return, for every kind of error that they can meet."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from model_cases import CASES, model_of
from model_cases.network import Network

from edgecompress.codegen import writer
from edgecompress.pipeline import benching, firmware
from edgecompress.report.schema import read_report
from edgecompress.targets import catalog, toolchain

ESCAPE = re.compile(r"\x1b\[")
LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def build_model(path, network, inputs, outputs):
    path.write_bytes(network.file(inputs, outputs))
    return path


def wide_addition(path, elements):
    """A model of three activations of this size; "x" + "y" is its output."""
    network = Network()
    tensors = [network.tensor((1, elements), 0.1, 0) for _ in range(3)]
    network.operator("ADD", tensors[:2], tensors[2:], "Add")
    return build_model(path, network, tensors[:2], tensors[2:])


def fully_connected(path, inputs, outputs):
    network = Network()
    source, result = network.tensor((1, inputs), 0.1, 0), network.tensor((1, outputs), 0.5, 0)
    generator = np.random.default_rng(0)
    weights = network.tensor((outputs, inputs), 0.01, data=generator.integers(-127, 127, (outputs, inputs)))
    network.operator("FULLY_CONNECTED", [source, weights, -1], [result], "FullyConnected", 4)
    return build_model(path, network, [source], [result])


def case(path, name):
    path.write_bytes(model_of(name))
    return path


def renamed(path, name):
    """The model with every tensor of this name."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes()))
    for tensor in model.subgraphs[0].tensors:
        tensor.name = name
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


# --- what they print and write


def test_bench_prints_and_writes_the_same_report(cli, model, tmp_path):
    ran = cli("bench", model, "--inputs", 1, "--json", tmp_path / "report.json", "--save", tmp_path / "run")
    assert (ran.code, ran.err) == (0, "")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written == json.loads((tmp_path / "run" / "report.json").read_text())
    assert written["bit_exact"]["differing_bytes"] == 0
    assert f"{written['instructions']:,}" in ran.out
    assert read_report(tmp_path / "run").instructions == written["instructions"]


@pytest.mark.parametrize("command", ["bench", "inspect", "targets", "doctor", "export"])
def test_json_on_standard_output_is_nothing_but_json(cli, model, tmp_path, command):
    if command == "export":
        assert cli("bench", model, "--inputs", 0, "--save", tmp_path / "run").code == 0
    arguments = {
        "bench": [model, "--inputs", 0],
        "inspect": [model],
        "export": [tmp_path / "run", "--out", tmp_path / "out"],
    }.get(command, [])
    plain, ran = cli(command, *arguments), cli(command, *arguments, "--json", "-")
    assert (plain.code, ran.code) == (0, 0)
    assert json.loads(ran.out)
    assert ran.err  # the table goes there
    with pytest.raises(json.JSONDecodeError):
        json.loads(plain.out)


@pytest.mark.parametrize("command", ["bench", "inspect", "targets", "doctor"])
def test_output_that_is_piped_has_no_colours_and_no_progress(cli, model, command):
    ran = cli(
        command, *([model] if command in ("bench", "inspect") else []), *(["--inputs", 0] if command == "bench" else [])
    )
    assert ran.code == 0
    assert not ESCAPE.search(ran.out + ran.err)
    assert "\r" not in ran.out + ran.err
    assert all(line == line.rstrip() for line in ran.out.splitlines())


@pytest.mark.parametrize("command", ["bench", "inspect"])
def test_more_detail_is_more_lines(cli, model, command):
    extra = ["--inputs", 0] if command == "bench" else []
    lines = [len(cli(command, model, *extra, *flags).out.splitlines()) for flags in ([], ["-v"], ["-vv"])]
    assert lines[0] <= lines[1] < lines[2]


def test_inspect_says_what_a_model_needs(cli, model):
    found = json.loads(cli("inspect", model, "--json", "-").out)
    assert [layer["op"] for layer in found["layers"]] == ["CONV_2D", "ADD", "CONV_2D", "ADD"]
    assert found["macs"] == 8640
    # two activations of 120 bytes: the sums lie on one of their operands
    assert found["arena"] == found["bound_of_schedule"] == 240
    assert found["quantization"] == "full integer"
    assert not [layer["problem"] for layer in found["layers"] if layer["problem"]]


def test_inspect_lists_what_cannot_be_built_and_succeeds(cli, tmp_path):
    ran = cli("inspect", case(tmp_path / "mul.tflite", next(c.id for c in CASES if c.operator == "MUL")), "--json", "-")
    assert ran.code == 0
    assert "no kernel" in json.loads(ran.out)["layers"][0]["problem"]


def test_targets_lists_every_target_with_its_memory(cli):
    ran = cli("targets")
    rows = json.loads(cli("targets", "--json", "-").out)
    assert {row["name"] for row in rows} == set(catalog.names())
    assert all(row["name"] in ran.out and row["flash_bytes"] > 0 and row["ram_bytes"] > 0 for row in rows)


def test_doctor_finds_what_is_installed(cli):
    checks = {check["name"]: check for check in json.loads(cli("doctor", "--json", "-").out)}
    assert checks["numpy"]["found"] == np.__version__
    assert checks["ziglang"]["required"]
    assert (checks["qemu-system-arm"]["found"] is None) == (shutil.which("qemu-system-arm") is None)


def test_bench_takes_prefix_and_board(cli, model, tmp_path):
    ran = cli(
        "bench",
        model,
        "--inputs",
        0,
        "-t",
        "nucleo-l4r5zi",
        "--prefix",
        "kws",
        "--save",
        tmp_path / "run",
        "--json",
        "-",
    )
    report = json.loads(ran.out)
    assert (report["target"], report["milliseconds"]["clock_hz"]) == ("nucleo-l4r5zi", 120_000_000)
    assert (tmp_path / "run" / "c" / "kws.h").is_file()


def test_real_samples_are_run_as_well(cli, model, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 6, 5, 4), np.int8))
    ran = cli("bench", model, "--inputs", 1, "--samples", tmp_path / "x.npz", "--sample-count", 3, "--json", "-")
    assert json.loads(ran.out)["bit_exact"]["inputs"] == 1 + 4 + 3


def test_export_of_a_saved_bench_holds_its_c(cli, model, tmp_path):
    assert cli("bench", model, "--inputs", 0, "--save", tmp_path / "run").code == 0
    ran = cli("export", tmp_path / "run", "--format", "cmake", "--out", tmp_path / "out", "-v")
    assert ran.code == 0
    assert "CMakeLists.txt" in ran.out
    assert (tmp_path / "out" / "src" / "model.c").read_text() == (tmp_path / "run" / "c" / "model.c").read_text()


def test_bench_does_not_import_tensorflow(model):
    script = (
        "import sys\nfrom edgecompress.cli.main import main\ntry: main()\nexcept SystemExit as end:\n"
        "    found = [name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'tf_keras', 'keras')]\n"
        "    print(end.code, found)"
    )
    command = [sys.executable, "-c", script, "bench", model, "--inputs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


# --- errors: one message, its exit code, nothing half-written


def check(ran, code, *words):
    assert ran.code == code, ran.err
    assert ran.err.startswith("error: ") or code == 2
    assert "Traceback" not in ran.err
    assert "a defect of edgecompress" not in ran.err
    for word in words:
        assert word in ran.err, ran.err


def test_unknown_target_names_the_nearest(cli, model):
    check(cli("bench", model, "--target", "nucleo-l4r5z"), 2, "nucleo-l4r5z", "did you mean nucleo-l4r5zi")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--inputs", "-1"], ["--inputs", "-1"]),
        (["--inputs", "many"], ["many"]),
        (["--compiler", "tcc"], ["zig", "gcc"]),
        (["--prefix", "int"], ["prefix", "'int'"]),
        (["--target", "none.toml"], ["none.toml"]),
        (["--tagret", "x"], ["--tagret"]),
        (["--on", "moon"], ["moon"]),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(cli, model, arguments, words):
    check(cli("bench", model, *arguments), 2, *words)


def test_unknown_command_and_missing_argument_are_usage_errors(cli):
    check(cli("bnech"), 2, "bnech")
    check(cli("bench"), 2, "MODEL")
    check(cli("export", "run"), 2, "--out")


@pytest.mark.parametrize("command", ["bench", "inspect"])
@pytest.mark.parametrize(
    "content", [None, b"", b"<html>", b"\x1c\x00\x00\x00TFL3"], ids=["missing", "empty", "html", "header"]
)
def test_damaged_models_are_model_file_errors(cli, tmp_path, command, content):
    path = tmp_path / "model.tflite"
    if content is not None:
        path.write_bytes(content)
    check(cli(command, path), 3, str(path))


def test_folder_without_a_model_is_a_model_file_error(cli, tmp_path):
    check(cli("bench", tmp_path), 3, "no run directory")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 6, 5, 4), np.int8), ["8 samples are wanted", "[2, 6, 5, 4]"]),
        (np.zeros((8, 6, 5, 3), np.int8), ["shape", "[6, 5, 3]"]),
        (np.full((8, 6, 5, 4), np.nan), ["finite"]),
        (np.array([None] * 8), ["x.npy"]),
    ],
    ids=["too_few", "other_shape", "nan", "pickled"],
)
def test_samples_that_do_not_suit_are_data_errors(cli, model, tmp_path, array, words):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    check(cli("bench", model, "--samples", tmp_path / "x.npy"), 4, *words)


def test_missing_and_foreign_samples_are_data_errors(cli, model, tmp_path):
    check(cli("bench", model, "--samples", tmp_path / "none.npz"), 4, "none.npz")
    (tmp_path / "text.npz").write_text("no zip")
    check(cli("bench", model, "--samples", tmp_path / "text.npz"), 4, "text.npz")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", ["not TOML"]),
        ("name = 'x'\nclok_hz = 1", ["board.toml"]),
        ("cpu = 'cortex-m9'", ["unknown cpu 'cortex-m9'", "cortex-m4"]),
        ("\x00", ["not TOML"]),
    ],
)
def test_bad_board_file_is_a_recipe_error(cli, model, tmp_path, text, words):
    (tmp_path / "board.toml").write_text(text)
    check(cli("bench", model, "--target", tmp_path / "board.toml"), 5, *words)


def test_unknown_key_of_a_board_names_the_nearest(cli, model, tmp_path):
    shipped = Path(catalog.__file__).parent / "boards" / "bluepill.toml"
    (tmp_path / "board.toml").write_text(shipped.read_text().replace("clock_hz", "clok_hz"))
    check(
        cli("bench", model, "--target", tmp_path / "board.toml"), 5, "unknown key 'clok_hz'", "did you mean 'clock_hz'?"
    )


def test_own_board_file_works(cli, model, tmp_path):
    shipped = Path(catalog.__file__).parent / "boards" / "bluepill.toml"
    (tmp_path / "board.toml").write_text(shipped.read_text().replace('"bluepill"', '"mine"'))
    ran = cli("bench", model, "--inputs", 0, "--target", tmp_path / "board.toml", "--json", "-")
    assert json.loads(ran.out)["target"] == "mine"


def test_unsupported_operator_is_named_with_its_layer(cli, tmp_path):
    path = case(tmp_path / "mul.tflite", next(c.id for c in CASES if c.operator == "MUL"))
    check(cli("bench", path), 6, 'operator 0 MUL "t2"', "no kernel")


def never_compile(monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("it was compiled")

    monkeypatch.setattr(toolchain, "compile", fail)


def test_arena_too_large_for_a_board_is_refused_before_compiling(cli, tmp_path, monkeypatch):
    never_compile(monkeypatch)
    path = wide_addition(tmp_path / "model.tflite", 150_000)
    ran = cli("bench", path, "--target", "rpi-pico", "--save", tmp_path / "run")
    check(ran, 9, "300,000 bytes are needed, 270,336 are there, 29,664 too few", '"t0" 150,000')
    assert not (tmp_path / "run").exists()


def test_an_arena_that_no_schedule_keeps_is_refused_with_the_least_there_is(cli, model, monkeypatch):
    never_compile(monkeypatch)
    ran = cli("bench", model, "--ram", "100")
    check(ran, 9, "no schedule of this model keeps its arena within 100 bytes", "the least found is")
    check(cli("bench", model, "--ram", "1k", "--optimize", "ram"), 2, "leave one of them away")


def test_weights_too_large_for_a_board_are_refused_before_compiling(cli, tmp_path, monkeypatch):
    never_compile(monkeypatch)
    path = fully_connected(tmp_path / "model.tflite", 300, 300)
    check(
        cli("bench", path, "--target", "bluepill"),
        9,
        "90,000 bytes are needed, 65,536 are there, 24,464 too few",
        '"t1" 90,000',
    )


def test_image_too_large_after_linking_is_refused_with_its_symbols(cli, tmp_path):
    path = fully_connected(tmp_path / "model.tflite", 250, 252)
    check(
        cli("bench", path, "--target", "bluepill", "--inputs", 0),
        9,
        "does not fit into the flash of bluepill",
        "model_layer_0_weights",
    )


def test_real_model_too_large_for_a_small_board_is_refused_by_name(cli, shared_data, monkeypatch):
    never_compile(monkeypatch)
    path = shared_data / "models" / "mlperf_tiny/visual_wake_words/vww_96_int8.tflite"
    ran = cli("bench", path, "--target", "bluepill")
    check(ran, 9, "does not fit the RAM of bluepill", "20,480 are there", "too few", "largest at once")


def test_missing_compiler_is_a_missing_tool(cli, model, tmp_path, monkeypatch):
    from edgecompress.targets import compilers

    compilers._find_gcc.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    check(cli("bench", model, "--compiler", "gcc"), 10, "arm-none-eabi-gcc", "install")


def test_missing_emulator_is_a_missing_tool(cli, model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    check(cli("bench", model, "--target", "cortex-m55", "--inputs", 0), 10, "QEMU", "qemu-system-arm")


def test_missing_package_is_named_by_doctor(cli, monkeypatch):
    from edgecompress import doctor

    monkeypatch.setattr(doctor, "_package", lambda name: None if name == "unicorn" else "1")
    ran = cli("doctor")
    check(ran, 10, "missing: unicorn", "pip install unicorn")
    assert "unicorn" in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_compiler_that_fails_is_a_tool_error_with_its_words(cli, model, tmp_path, monkeypatch):
    from edgecompress.targets import compilers

    compilers._find_gcc.cache_clear()
    fake = tmp_path / "arm-none-eabi-gcc"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = -dumpfullversion ] && echo 12.2.1 && exit 0\necho "internal compiler error"; exit 4\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    try:
        ran = cli("bench", model, "--compiler", "gcc", "--inputs", 0)
    finally:
        compilers._find_gcc.cache_clear()
    check(ran, 11, "arm-none-eabi-gcc failed with status 4", "internal compiler error", "the command was")


def tamper(monkeypatch, old, new):
    original = writer.write

    def changed(program, prefix="model"):
        files = original(program, prefix)
        assert old in files[f"{prefix}.c"]
        return {**files, f"{prefix}.c": files[f"{prefix}.c"].replace(old, new, 1)}

    monkeypatch.setattr(firmware.writer, "write", changed)


def test_output_that_differs_has_its_own_code_after_the_report_is_written(cli, model, tmp_path, monkeypatch):
    tamper(monkeypatch, ", 120, 3, 127);", ", 120, 4, 127);")  # the least output of ADD
    ran = cli("bench", model, "--inputs", 1, "--json", tmp_path / "report.json")
    check(ran, 12, "operator 1 ADD", "bytes")
    assert json.loads((tmp_path / "report.json").read_text())["bit_exact"]["differing_bytes"] > 0


def test_firmware_that_faults_is_a_device_error(cli, model, monkeypatch):
    tamper(monkeypatch, "    ec_add_dsp_", "    *(volatile int *)0xF0000000u = 1; ec_add_dsp_")
    check(cli("bench", model, "--inputs", 0), 14, "fault", "model_layer_1")


def test_defect_of_ours_is_70_and_asks_to_be_reported(cli, model, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("one that nobody thought of")

    monkeypatch.setattr(benching, "bench", fail)
    ran = cli("bench", model)
    assert ran.code == 70
    assert "a defect of edgecompress" in ran.err
    assert "RuntimeError: one that nobody thought of" in ran.err
    assert "EDGECOMPRESS_DEBUG=1" in ran.err


def test_interrupt_is_130_and_says_what_is_left(cli, model, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(benching, "bench", interrupt)
    ran = cli("bench", model)
    assert ran.code == 130
    assert ran.err.strip().startswith("interrupted")


def test_debug_shows_the_traceback(model, tmp_path):
    command = [sys.executable, "-m", "edgecompress", "bench", str(tmp_path / "none.tflite")]
    environment = {**os.environ, "EDGECOMPRESS_DEBUG": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert "Traceback" in done.stderr
    assert "ModelFileError" in done.stderr


# --- output that cannot be written


def test_file_in_the_way_of_the_output_folder_is_an_output_error(cli, model, tmp_path):
    (tmp_path / "file").write_text("mine")
    check(cli("bench", model, "--inputs", 0, "--save", tmp_path / "file"), 13, "file")
    check(cli("bench", model, "--inputs", 0, "--save", tmp_path / "file" / "run"), 13, "file")
    check(cli("bench", model, "--inputs", 0, "--json", tmp_path / "file" / "x.json"), 13, "x.json")
    assert (tmp_path / "file").read_text() == "mine"


def test_folder_in_the_way_of_the_json_is_an_output_error(cli, model, tmp_path):
    check(cli("inspect", model, "--json", tmp_path), 13, str(tmp_path))


@LINUX
def test_full_device_is_an_output_error(cli, model):
    check(cli("inspect", model, "--json", "/dev/full"), 13, "/dev/full", "No space left")


@LINUX
@pytest.mark.parametrize("arguments", [["targets"], ["targets", "--json", "-"]])
def test_standard_output_that_is_full_is_an_output_error(arguments):
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "edgecompress", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 13
    assert "a defect" not in done.stderr
    assert "No space left" in done.stderr


def test_reader_that_has_gone_is_no_error():
    command = [sys.executable, "-m", "edgecompress", "targets", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert b"rror" not in process.stderr.read()
        assert process.wait(60) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_write_permission_is_an_output_error(cli, model, tmp_path):
    tmp_path.chmod(0o555)
    try:
        check(cli("bench", model, "--inputs", 0, "--save", tmp_path / "run"), 13)
    finally:
        tmp_path.chmod(0o755)


# --- names from files are text


@pytest.mark.parametrize(
    "name", ["\x1b[31mred\x1b[0m", "[red]markup[/red]", "[/]", "a\nb\rc\x07", "\u202eabc", "x" * 5000]
)
def test_hostile_tensor_names_are_shown_as_text(cli, tmp_path, name):
    path = renamed(case(tmp_path / "model.tflite", "add-two_residuals"), name)
    for command in (
        ["inspect", path, "-vv"],
        ["bench", path, "--inputs", 0, "-vv"],
        ["bench", path, "--target", "bluepill", "-vv"],
    ):
        ran = cli(*command)
        assert ran.code in (0, 9), ran.err
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", ran.out + ran.err)


def test_error_about_a_hostile_path_is_one_that_a_terminal_can_show(cli, tmp_path):
    ran = cli("bench", tmp_path / "x\x1b[31m\n.tflite")
    assert ran.code == 3
    assert "\x1b" not in ran.err


# --- shrink


def with_a_dead_channel(path):
    """Two 1x1 convolutions; the second multiplies the first one's second channel by zero."""
    network = Network()
    source, hidden, end = (network.tensor((1, 2, 2, n), 0.5, -128) for n in (1, 2, 1))
    for a, b, values in ((source, hidden, [[1], [2]]), (hidden, end, [[3, 0]])):
        filters = np.array(values)[:, None, None, :]
        weights = network.tensor(filters.shape, 1.0, data=filters)
        bias = network.tensor((len(filters),), 0.5, dtype="INT32", data=np.arange(len(filters)))
        network.operator("CONV_2D", [a, weights, bias], [b], "Conv2D", 3, padding="VALID", strideH=1, strideW=1)
    return build_model(path, network, [source], [end])


def test_shrink_writes_a_smaller_model_and_says_what_went(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    done = cli("shrink", model, tmp_path / "out.tflite", "--multiple", 1, "-v", "--json", tmp_path / "out.json")
    assert done.code == 0, done.err
    assert "1 dead channels" in done.out
    assert "2 -> 1" in done.out
    record = json.loads((tmp_path / "out.json").read_text())
    assert (record["weights_before"], record["weights"], record["file"]) == (4, 2, "out.tflite")
    assert cli("shrink", tmp_path / "out.tflite", tmp_path / "again.tflite").code == 0
    assert (tmp_path / "again.tflite").read_bytes() == (tmp_path / "out.tflite").read_bytes()


def test_shrink_refuses_what_it_cannot_prove_and_writes_nothing(cli, tmp_path):
    network = Network()
    source, result = (network.tensor((1, 4), dtype="FLOAT32") for _ in range(2))
    network.operator("RELU", [source], [result])
    model = build_model(tmp_path / "float.tflite", network, [source], [result])
    done = cli("shrink", model, tmp_path / "out.tflite")
    assert done.code == 6
    assert "no 8-bit operators" in done.err
    assert not (tmp_path / "out.tflite").exists()
    assert cli("shrink", tmp_path / "none.tflite", tmp_path / "out.tflite").code == 3


def test_shrink_reports_a_rewrite_that_is_wrong(cli, tmp_path, monkeypatch):
    from edgecompress.shrink import driver

    monkeypatch.setattr(driver.Proof, "step", lambda *_: "tensor 1: 2 bytes differ")
    done = cli("shrink", with_a_dead_channel(tmp_path / "model.tflite"), tmp_path / "out.tflite", "--multiple", 1)
    assert done.code == 12
    assert "dead channels: tensor 1: 2 bytes differ" in done.err


def test_bench_shrinks_unless_told_not_to(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    for option, shrinking in (("--shrink", True), ("--no-shrink", False)):
        done = cli("bench", model, "--inputs", 1, option, "--json", tmp_path / "report.json")
        assert done.code == 0, done.err
        assert (json.loads((tmp_path / "report.json").read_text())["shrinking"] is not None) == shrinking


def test_inspect_shows_zeros_values_and_entropy(cli, tmp_path):
    model = with_a_dead_channel(tmp_path / "model.tflite")
    done = cli("inspect", model, "--json", tmp_path / "found.json")
    assert done.code == 0
    first, second = json.loads((tmp_path / "found.json").read_text())["layers"]
    assert (first["weights"], first["distinct_values"], first["zeros"], first["entropy_bits"]) == (2, 2, 0, 1.0)
    assert (second["zeros"], second["constant_channels"]) == (1, 0)
