"""`bench_on_linux` from end to end: this computer, emulated processors, a Pi behind SSH, and what happens when it fails."""

import json
import os
import platform
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecompress.errors import DeviceError, MissingToolError, NotExactError, UnsupportedError, UsageError
from edgecompress.linux import bench_on_linux, execution, require_exact
from edgecompress.linux.instructions import MARKS, between_marks
from edgecompress.report import from_json, to_json
from edgecompress.report.records import Report

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="written for an x86-64 Linux computer")


def small(path: Path, where: str, **options) -> Report:
    return bench_on_linux(path, where, inputs=2, **({"runs": 4, "warm_up": 1} | options))


def test_both_executors_run_on_this_computer(conv, tmp_path):
    pytest.importorskip("ai_edge_litert")
    steps = []
    report = small(
        conv, "host", save=tmp_path / "run", command="edgecompress bench", on_progress=lambda *s: steps.append(s)
    )
    ours, theirs = report.executors
    assert (ours.name, theirs.name) == ("generated C", "LiteRT")
    for record in report.executors:
        assert record.kind == "measured" and record.runs == 4 and record.warm_up == 1
        assert 0 < record.min_ms <= record.median_ms <= record.p95_ms <= record.max_ms
        assert record.peak_bytes > 0 and record.compared_bytes > 0
    assert (ours.differing_bytes, report.bit_exact.differing_bytes, report.bit_exact.inputs) == (0, 0, 6)
    assert theirs.note and report.litert is not None
    assert all(layer.milliseconds for layer in report.layers)
    assert report.machine.architecture == "x86_64" and report.machine.emulator is None
    assert (report.cycles.typical, report.milliseconds.typical, report.instructions) == (None, None, None)
    assert from_json(to_json(report)) == report
    assert steps and all(done <= of for _, done, of in steps)
    require_exact(report)
    saved = {str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert {
        "program",
        "model.tflite",
        "inputs.npz",
        "outputs.npz",
        "report.json",
        "c/linux_main.c",
        "c/model.c",
    } <= saved
    assert json.loads((tmp_path / "run" / "report.json").read_text())["target"] == "host"


def test_the_memory_is_the_programs_own_not_that_of_who_started_it(conv):
    ballast = np.ones(100_000_000, np.uint8)
    assert small(conv, "host", with_litert=False).executors[0].peak_bytes < 10_000_000
    assert ballast.all()


@pytest.mark.needs("qemu-aarch64-static")
@pytest.mark.parametrize("name", ["conv_2d-same", "softmax-ten", "mean-finer_result", "add-relu", "dequantize-int8"])
def test_aarch64_gives_the_references_bytes(model, name):
    report = small(model(name), "host", architecture="aarch64", with_litert=False)
    assert report.bit_exact.differing_bytes == 0 and report.executors[0].compared_bytes > 0
    assert report.executors[0].kind == "emulated" and report.machine.emulator.startswith("qemu-aarch64-static ")
    assert report.executors[0].peak_bytes is None


@pytest.mark.needs("qemu-aarch64-static")
@pytest.mark.needs("qemu-aarch64")
def test_a_processor_with_dot_products_is_found_at_run_time_and_needs_fewer_instructions(model):
    path = model("conv_2d-vectors_2")
    old, new = (
        small(path, "host", architecture="aarch64", emulated_cpu=cpu, with_litert=False)
        for cpu in ("cortex-a72", "cortex-a76")
    )
    assert new.machine.emulator.endswith(" as a cortex-a76")
    assert (old.bit_exact.differing_bytes, new.bit_exact.differing_bytes) == (0, 0)
    assert new.instructions < 0.7 * old.instructions


@pytest.mark.needs("qemu-arm-static")
@pytest.mark.parametrize("architecture", ["armv7", "armv6"])
@pytest.mark.slow
def test_32_bit_arm_gives_the_references_bytes(model, architecture):
    report = small(model("conv_2d-same"), "host", architecture=architecture, with_litert=False)
    assert report.bit_exact.differing_bytes == 0


@pytest.mark.needs("qemu-aarch64-static")
@pytest.mark.needs("qemu-aarch64")
def test_instructions_are_counted_per_layer(conv, tmp_path):
    """Against QEMU's own trace of single instructions."""
    import subprocess

    from elftools.elf.elffile import ELFFile

    from edgecompress.codegen.features import SIMD
    from edgecompress.codegen.program import lower
    from edgecompress.linux import exchange
    from edgecompress.reference.inputs import random_inputs
    from edgecompress.tflite import reader

    report = small(conv, "host", architecture="aarch64", with_litert=False, save=tmp_path / "run")
    program = lower(reader.read(conv), SIMD)
    job = exchange.write_job(
        program, random_inputs(program.graph, 2), exchange.model_outputs(program), exchange.Effort(runs=1)
    )
    (tmp_path / "job").write_bytes(job)
    command = [
        "qemu-aarch64",
        "-cpu",
        "cortex-a72",
        "-singlestep",
        "-d",
        "exec,nochain",
        "-D",
        tmp_path / "trace",
        tmp_path / "run" / "program",
    ]
    subprocess.run([*command, tmp_path / "job", tmp_path / "answer"], check=True, timeout=120)
    with (tmp_path / "run" / "program").open("rb") as stream:
        symbols = {s.name: s["st_value"] for s in ELFFile(stream).get_section_by_name(".symtab").iter_symbols()}
    steps = [int(m, 16) for m in re.findall(r"\[[0-9a-f]+/([0-9a-f]+)/", (tmp_path / "trace").read_text())]
    start = steps.index(symbols["model_invoke"])
    assert report.instructions == steps.index(symbols["ec_now"], start) - start
    assert sum(layer.instructions for layer in report.layers) == report.instructions


@pytest.mark.needs("qemu-aarch64-static")
@pytest.mark.needs("qemu-aarch64")
@pytest.mark.skipif("EDGECOMPRESS_EMULATED_ROOT" not in os.environ, reason="no unpacked arm64 system")
@pytest.mark.slow
def test_litert_is_emulated_and_counted_as_well(conv):
    ours, theirs = small(conv, "host", architecture="aarch64").executors
    assert (theirs.architecture, theirs.kind) == ("aarch64", "emulated")
    assert 100 < theirs.instructions < 10 * ours.instructions


def test_instructions_between_marks_are_without_what_python_needs():
    outside, idle, busy = 700, 300, 10_300
    counts = [idle, outside] * MARKS + [busy, outside] * MARKS
    text = "between " + " ".join(map(str, counts[:-1])) + " \n"
    assert between_marks(text) == 10_000
    assert between_marks(text.replace("between 300", "between")) is None
    assert between_marks("") is None and between_marks("between \n") is None


def test_a_missing_emulator_says_what_to_install(conv, monkeypatch):
    monkeypatch.setattr(execution.shutil, "which", lambda name: None)
    with pytest.raises(MissingToolError, match="needs an emulator") as caught:
        small(conv, "host", architecture="aarch64")
    assert "qemu-user-static" in caught.value.hint


def test_places_and_architectures_that_are_none_are_refused(conv):
    with pytest.raises(UsageError):
        small(conv, "raspberrypi")
    with pytest.raises(UnsupportedError):
        small(conv, "host", architecture="z80")
    with pytest.raises(UsageError, match="go together"):
        small(conv, "host", task=object())


def test_bytes_that_differ_are_an_error_of_their_own(conv):
    report = small(conv, "host", with_litert=False)
    spoilt = replace(report, bit_exact=replace(report.bit_exact, differing_bytes=3))
    with pytest.raises(NotExactError) as caught:
        require_exact(spoilt)
    assert caught.value.exit_code == 12


def test_real_samples_are_compared_as_well(conv, conv_program):
    tensor = conv_program.graph.tensors[conv_program.graph.inputs[0]]
    samples = np.zeros((3, *tensor.shape[1:]), tensor.dtype)
    assert small(conv, "host", samples=samples, with_litert=False).bit_exact.inputs == 9


def test_labelled_samples_give_accuracy_and_are_compared(model):
    from edgecompress.compress.training.task import Task
    from edgecompress.pipeline.accuracy import TestSet

    path = model("softmax-ten")
    from edgecompress.reference.integer import run_graph
    from edgecompress.tflite import reader

    graph = reader.read(path)
    tensor, (out,) = graph.tensors[graph.inputs[0]], graph.outputs
    values = np.random.default_rng(1).integers(-128, 128, (40, *tensor.shape[1:])).astype(tensor.dtype)
    answers = [run_graph(graph, {tensor.index: v.reshape(tensor.shape)})[out].reshape(-1, 10)[0] for v in values]
    labels = np.array([a.argmax() for a in answers])
    labels[:10] = (labels[:10] + 1) % 10
    if graph.tensors[out].shape[0] != 1:
        pytest.skip("the case has a batch")
    task = Task("sparse_categorical_crossentropy", "accuracy")
    report = small(path, "host", tests=TestSet((values,), labels, None, {}), task=task)
    assert report.accuracy.device == report.executors[0].accuracy == 0.75
    assert report.executors[0].samples == 40 and report.executors[0].differing_bytes == 0
    assert report.executors[0].compared_bytes == graph.tensors[out].nbytes * (6 + 40)


def python_of_this_test(server):
    """LiteRT is this computer's."""
    script = server.scripts / "python3"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)


@pytest.mark.needs("qemu-aarch64-static")
def test_a_pi_behind_ssh_runs_both(server, conv):
    pytest.importorskip("ai_edge_litert")
    from loopback import through

    server.rewrite = through("qemu-aarch64-static")
    python_of_this_test(server)
    report = small(conv, f"ssh://pi@127.0.0.1:{server.port}")
    ours, theirs = report.executors
    assert (ours.architecture, ours.kind, ours.differing_bytes) == ("aarch64", "emulated", 0)
    assert theirs.architecture == "x86_64" and "no ratio" in theirs.note
    assert report.machine.before.throttling == ("under-voltage since start", "throttled since start")
    assert "slowed down" in report.warnings[0]
    assert server.left_behind() == []
    folder = re.search(r"/\S+/edgecompress\.\w{8}", server.commands[3])[0]
    assert server.commands[3:7] == [
        f'env LC_ALL=C sh -c \'umask 077; cat >"$1" && chmod 700 "$1"\' sh {folder}/program',
        f"env LC_ALL=C sh -c 'umask 077; cat >\"$1\"' sh {folder}/job",
        f'env LC_ALL=C sh -c \'echo $$ >"$0" && [ ! -e "$0.stop" ] && exec "$@"\' {folder}/pid2 '
        f"{folder}/program {folder}/job {folder}/answer",
        f"env LC_ALL=C cat -- {folder}/answer",
    ]


@pytest.mark.needs("qemu-aarch64-static")
def test_a_pi_without_litert_still_runs_our_c(server, conv):
    from loopback import through

    server.rewrite = through("qemu-aarch64-static")
    server.answers = {"python": (127, "sh: python3: not found")}
    report = small(conv, f"ssh://pi@127.0.0.1:{server.port}")
    assert len(report.executors) == 1 and report.bit_exact.differing_bytes == 0
    assert "there is no python3" in report.warnings[0] and "--install-litert" in report.warnings[0]


@pytest.mark.needs("qemu-aarch64-static")
def test_installing_where_there_is_no_python_is_an_error(server, conv):
    from loopback import through

    server.rewrite = through("qemu-aarch64-static")
    server.answers = {"python": (127, "sh: python3: not found"), "rm -rf -- /.*litert": (0, "")}
    with pytest.raises(MissingToolError, match="there is no Python on pi@127"):
        small(conv, f"ssh://pi@127.0.0.1:{server.port}", install_litert=True)
    assert server.left_behind() == []


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ({"answers": {"/program /": ("KILL", "")}}, "the generated C was killed"),
        ({"answers": {"/program /": ("SEGV", "")}}, "the generated C died"),
        (
            {"answers": {"/program /": (3, "the answer cannot be written: No space left on device")}},
            "there is no space left",
        ),
        ({"answers": {"/program /": (126, "Permission denied")}}, "the generated C failed"),
        ({"answers": {"cat -- ": (0, "")}}, "answer is damaged"),
        ({"drop": re.compile("/program /")}, "the connection to pi@127.0.0.1"),
        ({"stall": re.compile("/program /")}, "had not ended"),
    ],
)
def test_what_fails_on_the_pi_is_named_and_nothing_is_left(server, conv, failure, words):
    for name, value in failure.items():
        setattr(server, name, value)
    server.scripts.joinpath("uname").write_text('#!/bin/sh\n[ "$1" = -m ] && echo x86_64 || echo Linux 6\n')
    with pytest.raises(DeviceError, match=words) as caught:
        small(conv, f"ssh://pi@127.0.0.1:{server.port}", timeout=1.0)
    assert caught.value.exit_code == 14
    assert server.left_behind() == []


def test_a_disk_that_is_full_when_the_program_writes_is_named(server, conv):
    server.scripts.joinpath("uname").write_text('#!/bin/sh\n[ "$1" = -m ] && echo x86_64 || echo Linux 6\n')
    server.rewrite = lambda command: re.sub(r"\S+/answer", "/dev/full", command)
    with pytest.raises(DeviceError, match="there is no space left on pi@127") as caught:
        small(conv, f"ssh://pi@127.0.0.1:{server.port}")
    assert caught.value.found == "the answer cannot be written: No space left on device"
    assert server.left_behind() == []


def test_a_processor_that_nobody_compiles_for_is_unsupported(server, conv):
    server.scripts.joinpath("uname").write_text('#!/bin/sh\n[ "$1" = -m ] && echo riscv64 || echo Linux 6\n')
    with pytest.raises(UnsupportedError, match="no program can be made") as caught:
        small(conv, f"ssh://pi@127.0.0.1:{server.port}")
    assert "riscv64" in caught.value.found
    assert server.left_behind() == []
