"""This computer as the Linux computer: programs end, folders go."""

import time
from pathlib import Path

import pytest

from edgecompress.errors import DeviceError
from edgecompress.linux.computer import failure, require
from edgecompress.linux.here import Here


@pytest.fixture
def here():
    computer = Here()
    yield computer
    assert computer.close() == ""
    assert not Path(computer.folder).exists()


def test_a_program_gets_its_input_and_gives_output_and_status(here):
    done = here.run(("sh", "-c", "cat; echo bad >&2; exit 3"), timeout=10, stdin=b"in\0put")
    assert (done.status, done.signal, done.output, done.errors) == (3, "", b"in\0put", b"bad\n")


def test_words_of_a_command_are_not_looked_at_by_a_shell(here):
    done = here.run(("printf", "%s|", "$(reboot)", "a b", "`x`", ";"), timeout=10)
    assert done.output == b"$(reboot)|a b|`x`|;|"


def test_a_missing_program_has_the_shells_status(here):
    assert here.run(("no-such-program",), timeout=10).status == 127


def test_a_program_that_takes_too_long_is_killed_with_its_children(here):
    start = time.monotonic()
    with pytest.raises(DeviceError, match=r"had not ended on this computer after 0\.5 s") as caught:
        here.run(("sh", "-c", f"sleep 60 & echo $! >{here.folder}/child; wait"), timeout=0.5)
    assert time.monotonic() - start < 10
    assert "--timeout" in caught.value.hint
    child = int((Path(here.folder) / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    for _ in range(100):
        if not state.exists() or " Z " in state.read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child lives on")


def test_a_killed_program_is_told_from_a_failed_one(here):
    killed = here.run(("sh", "-c", "kill -9 $$"), timeout=10)
    assert (killed.status, killed.signal) == (None, "KILL")
    with pytest.raises(DeviceError, match="the generated C was killed on this computer") as caught:
        require(killed, "the generated C", here)
    assert "memory" in caught.value.hint
    died = here.run(("sh", "-c", "echo why >&2; kill -11 $$"), timeout=10)
    assert failure(died, "LiteRT", here).found == "signal SEGV; why"


def test_files_come_back_and_only_the_owner_can_read_them(here):
    path = here.put("job", b"\0\xff")
    assert here.get("job") == b"\0\xff"
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert Path(here.put("program", b"", executable=True)).stat().st_mode & 0o777 == 0o700
    with pytest.raises(DeviceError, match="cannot be read"):
        here.get("nothing")


def test_a_full_disk_is_named(here):
    (Path(here.folder) / "full").symlink_to("/dev/full")
    with pytest.raises(DeviceError, match="no space left on this computer") as caught:
        here.put("full", b"x" * 10)
    assert caught.value.exit_code == 14
