"""What the commands print and write, and their names, which come from files."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from meeting import case, renamed, without_kernel

from edgecompress.report.schema import read_report
from edgecompress.targets import catalog

ESCAPE = re.compile(r"\x1b\[")


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
    ran = cli("inspect", without_kernel(tmp_path / "model.tflite"), "--json", "-")
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
