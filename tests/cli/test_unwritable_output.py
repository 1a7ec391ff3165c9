"""Output that cannot be written, and readers that have gone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from meeting import check

LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


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
