"""The C program: compiled for this computer, run on good, bad and hostile jobs."""

import platform
import struct
import subprocess

import numpy as np
import pytest

from edgecompress.codegen import writer
from edgecompress.errors import UnsupportedError
from edgecompress.linux import exchange, program
from edgecompress.linux.architectures import ARCHITECTURES, find_architecture
from edgecompress.linux.exchange import Effort
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.integer import run_graph

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the program is for Linux")


@pytest.fixture
def executable(conv_program, tmp_path):
    sources = writer.write(conv_program)
    return program.build(sources, find_architecture(platform.machine()), tmp_path / "program")


def run(executable, tmp_path, job, answer="answer"):
    (tmp_path / "job").write_bytes(job)
    return subprocess.run([executable, tmp_path / "job", tmp_path / answer], capture_output=True, text=True, timeout=60)


def test_every_output_equals_the_reference_and_times_are_there(executable, conv_program, tmp_path):
    samples = [*random_inputs(conv_program.graph, 3), *hostile_inputs(conv_program.graph)]
    taps = exchange.every_output(conv_program)
    job = exchange.write_job(conv_program, samples, taps, Effort(2, 5, 3, 30))
    done = run(executable, tmp_path, job)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answer = exchange.read_answer(conv_program, taps, job, (tmp_path / "answer").read_bytes())
    for sample, outputs in zip(samples, answer.outputs, strict=True):
        for index, expected in run_graph(conv_program.graph, sample).items():
            assert outputs[index].tobytes() == expected.tobytes()
    assert (answer.run_times > 0).all() and len(answer.run_times) == 5
    assert answer.layer_times.sum() <= 100 * answer.run_times.sum()
    assert 10_000 < answer.peak_bytes < 20_000_000


def test_the_program_needs_no_library(executable):
    from elftools.elf.elffile import ELFFile

    with executable.open("rb") as stream:
        names = [segment["p_type"] for segment in ELFFile(stream).iter_segments()]
    assert "PT_INTERP" not in names and "PT_DYNAMIC" not in names


def with_word(job, place, value):
    return job[: 4 * place] + struct.pack("<I", value) + job[4 * place + 4 :]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda job: b"", "too short"),
        (lambda job: job[:40], "too short"),
        (lambda job: job[:-1], "too short"),
        (lambda job: b"XXXX" + job[4:], "no job"),
        (lambda job: with_word(job, 1, 2), "no job"),
        (lambda job: with_word(job, 2, 0), "no job"),
        (lambda job: with_word(job, 2, 1 << 30), "too short"),
        (lambda job: with_word(job, 5, (1 << 32) - 1), "too short"),
        (lambda job: with_word(job, 8, 1000), "not for this model"),
        (lambda job: with_word(job, 9, (1 << 32) - 1), "not for this model"),
        (lambda job: with_word(job, 10, (1 << 32) - 1), "not for this model"),
    ],
)
def test_a_bad_job_ends_with_status_2_and_a_reason(executable, conv_program, tmp_path, spoil, words):
    samples = random_inputs(conv_program.graph, 2)
    job = exchange.write_job(conv_program, samples, exchange.model_outputs(conv_program), Effort(0, 1, 0, 5))
    done = run(executable, tmp_path, spoil(job))
    if done.returncode == -14:
        return  # there is memory for the times of four thousand million runs: the limit ended them
    assert done.returncode == 2 and (words in done.stderr or "memory" in done.stderr)


def test_a_full_disk_ends_with_status_3(executable, conv_program, tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    samples = random_inputs(conv_program.graph, 1)
    job = exchange.write_job(conv_program, samples, exchange.model_outputs(conv_program), Effort(limit=5))
    done = run(executable, tmp_path, job, "full")
    assert done.returncode == 3
    assert done.stderr == "the answer cannot be written: No space left on device\n"


def test_the_program_ends_itself_at_its_limit(executable, conv_program, tmp_path):
    samples = random_inputs(conv_program.graph, 1)
    job = exchange.write_job(conv_program, samples, [], Effort(runs=100_000_000, limit=1))
    done = run(executable, tmp_path, job)
    assert done.returncode == -14


def test_architectures_are_found_by_what_uname_says():
    assert find_architecture("armv7l").triple == "arm-linux-musleabihf"
    assert find_architecture("arm64") is ARCHITECTURES["aarch64"]
    with pytest.raises(UnsupportedError) as caught:
        find_architecture("riscv64")
    assert caught.value.exit_code == 6


def test_the_compiler_keeps_every_rounding():
    for architecture in ARCHITECTURES.values():
        options = program.flags(architecture)
        assert {"-static", "-ffp-contract=off"} <= set(options)
        assert options[:3] == ("-target", architecture.triple, f"-mcpu={architecture.cpu}")


def test_milliseconds_are_of_the_times_themselves():
    from edgecompress.linux.records import milliseconds

    times = np.array([5, 1, 3, 2, 4], np.uint64) * np.uint64(1_000_000)
    assert milliseconds(times) == {"min_ms": 1.0, "median_ms": 3.0, "p95_ms": 5.0, "max_ms": 5.0}
    assert milliseconds(times[:0]) == {}
