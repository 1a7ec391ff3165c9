"""What is missing, fails or interrupts while a command works, and defects: one message and its exit code."""

import json
import os
import subprocess
import sys

import pytest
from meeting import check

from edgecompress.codegen import writer
from edgecompress.pipeline import benching, firmware


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
