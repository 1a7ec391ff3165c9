"""Files are there whole or not at all, whatever happens while they are written."""

import errno
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgecompress import files
from edgecompress.errors import OutputError

LINUX = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def names(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_file_and_its_folders_are_made(tmp_path):
    files.write_text(tmp_path / "a" / "b" / "c.txt", "ä\nb\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"\xc3\xa4\nb\n"
    assert names(tmp_path) == ["a", "b", "c.txt"]


def test_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    for content in (b"long " * 1000, b"short", b""):
        files.write_bytes(path, content)
        assert path.read_bytes() == content
    assert names(tmp_path) == ["file"]


def test_file_has_the_rights_of_any_other_new_file(tmp_path):
    files.write_bytes(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError("x")]
)
def test_what_stood_there_survives_a_writer_that_fails(tmp_path, error):
    path = tmp_path / "file.bin"
    path.write_bytes(b"before")

    def write(aside):
        aside.write_bytes(b"half")
        raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
        files.write_with(path, write)
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["file.bin"]


def test_error_names_the_file_and_the_reason(tmp_path):
    def write(aside):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError) as caught:
        files.write_with(tmp_path / "report.json", write)
    assert str(tmp_path / "report.json") in caught.value.what
    assert caught.value.found == "No space left on device"
    assert caught.value.exit_code == 13


@LINUX
def test_full_device_is_an_output_error_and_stays_a_device():
    with pytest.raises(OutputError, match="/dev/full"):
        files.write_bytes(Path("/dev/full"), b"x" * 100_000)
    assert Path("/dev/full").is_char_device()


def test_pipe_is_written_to_not_replaced(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    files.write_text(pipe, "through the pipe")
    reader.join(10)
    assert got == [b"through the pipe"]
    assert pipe.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_full_disk_leaves_nothing_behind(tmp_path):
    script = (
        "import resource, signal, sys; from pathlib import Path; from edgecompress import files, errors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: files.write_bytes(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except errors.OutputError as error: sys.exit(error.exit_code)\n"
    )
    path = tmp_path / "file"
    path.write_bytes(b"before")
    assert subprocess.run([sys.executable, "-c", script, path], timeout=60, check=False).returncode == 13
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["file"]


def test_file_where_a_folder_is_needed_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "y" / "x"):
        with pytest.raises(OutputError):
            files.write_bytes(path, b"")
        with pytest.raises(OutputError, match="folder"):
            files.make_folder(path)
    with pytest.raises(OutputError):
        files.make_folder(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


def test_folder_where_the_file_should_be_is_an_output_error(tmp_path):
    (tmp_path / "folder" / "content").mkdir(parents=True)
    with pytest.raises(OutputError):
        files.write_bytes(tmp_path / "folder", b"")
    assert names(tmp_path) == ["content", "folder"]


@NOT_ROOT
def test_folder_without_write_permission_is_an_output_error(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OutputError):
            files.write_bytes(tmp_path / "file", b"")
        with pytest.raises(OutputError):
            files.make_folder(tmp_path / "folder")
    finally:
        tmp_path.chmod(0o755)


def test_making_a_folder_that_is_there_is_no_error(tmp_path):
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(content)
    assert files.sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_hash_of_a_folder_depends_on_names_and_bytes_only(tmp_path):
    def folder(name, **contents):
        for file, text in contents.items():
            files.write_text(tmp_path / name / file, text)
        return files.sha256(tmp_path / name)

    assert folder("a", x="1", y="2") == folder("b", y="2", x="1")
    assert len({folder("c", x="1", y="2"), folder("d", x="2", y="1"), folder("e", x="12"), folder("f", xy="12")}) == 4


def test_size_is_in_bytes(tmp_path):
    files.write_bytes(tmp_path / "a", b"123")
    files.write_bytes(tmp_path / "b" / "c", b"4567")
    assert files.size(tmp_path / "a") == 3
    assert files.size(tmp_path) == 7
