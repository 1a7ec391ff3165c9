"""The worker process: results, events, errors, crashes, hanging and Ctrl-C, with toy functions and no TensorFlow."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from edgecompress import errors, worker

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A module `toys` that the child can import because this process can."""

    def write(source: str) -> None:
        (tmp_path / "toys.py").write_text("from edgecompress import worker, errors\n" + textwrap.dedent(source))

    monkeypatch.syspath_prepend(str(tmp_path))
    return write


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def wait_until(condition, seconds=10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_the_result_and_the_events_come_back_in_order(toys, tmp_path):
    toys("""
        import numpy as np
        def double(job):
            worker.progress("train", 1, 2, loss=np.float32(0.5), eta=3)
            worker.warn("careful")
            worker.note("chose A")
            return {"twice": [2 * x for x in job["values"]], "numpy": np.int64(7)}
    """)
    events = []
    result = worker.call("toys:double", {"values": [1, 2]}, log=tmp_path / "log.txt", on_event=events.append)
    assert result == {"twice": [2, 4], "numpy": 7}
    assert [e["kind"] for e in events] == ["progress", "warning", "note"]
    assert events[0] == {
        "kind": "progress", "stage": "train", "step": 1, "total": 2, "loss": 0.5, "metric": None, "eta": 3,
    }  # fmt: skip


def test_everything_printed_goes_to_the_log_and_not_to_the_answer(toys, tmp_path, capfd):
    toys("""
        import os, subprocess, sys
        def chatter(job):
            print("from print")
            os.write(1, b"from descriptor 1\\n")
            os.write(2, b"from descriptor 2\\n")
            subprocess.run([sys.executable, "-c", "print('from a grandchild')"], check=True)
            return sys.stdin.read()
    """)
    assert worker.call("toys:chatter", {}, log=tmp_path / "logs" / "log.txt") == ""
    text = (tmp_path / "logs" / "log.txt").read_text()
    for line in ("from print", "from descriptor 1", "from descriptor 2", "from a grandchild"):
        assert line in text
    assert capfd.readouterr() == ("", "")


def test_the_log_of_an_earlier_call_is_kept_but_not_quoted(toys, tmp_path):
    toys("""
        def say(job):
            print(job["text"])
            if job["fail"]:
                raise RuntimeError("boom")
    """)
    worker.call("toys:say", {"text": "first words", "fail": False}, log=tmp_path / "log.txt")
    with pytest.raises(errors.ToolError) as caught:
        worker.call("toys:say", {"text": "second words", "fail": True}, log=tmp_path / "log.txt")
    assert "second words" in caught.value.found
    assert "first words" not in caught.value.found
    assert "first words" in (tmp_path / "log.txt").read_text()


def test_an_error_of_ours_arrives_as_the_same_class(toys, tmp_path):
    toys("""
        def refuse(job):
            raise errors.PromiseError("layer a lost its zeros", found="0.3", hint="prune last")
    """)
    with pytest.raises(errors.PromiseError) as caught:
        worker.call("toys:refuse", {}, log=tmp_path / "log.txt")
    assert (caught.value.what, caught.value.found, caught.value.hint) == ("layer a lost its zeros", "0.3", "prune last")
    assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise ZeroDivisionError('no')", "ZeroDivisionError: no"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os; os._exit(4)", "exit code 4"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import os; os.abort()", "SIGABRT"),
        ("raise MemoryError", "out of memory"),
        ("return object()", "cannot be sent"),
    ],
)
def test_a_crash_is_a_tool_error_with_the_end_of_the_log(toys, tmp_path, body, expected):
    toys(f"""
        def crash(job):
            for i in range(50):
                print("line", i, flush=True)
            {body}
    """)
    with pytest.raises(errors.ToolError) as caught:
        worker.call("toys:crash", {}, log=tmp_path / "log.txt")
    assert expected in str(caught.value)
    assert "line 0\n" not in caught.value.found
    assert len(caught.value.found.splitlines()) <= worker.LOG_TAIL + 1
    if "line" in caught.value.found:
        assert str(tmp_path / "log.txt") in str(caught.value) or caught.value.hint


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import ctypes; ctypes.string_at(0)", "crashed (SIGSEGV)"),
        ("import time; time.sleep(60)", "took too long"),
    ],
)
def test_a_death_over_a_file_is_the_files_fault(toys, tmp_path, body, expected):
    toys(
        f"""

        def read(job):
            with worker.suspect("bad.h5 cannot be read", 1.0):
                {body}
        """
    )
    with pytest.raises(errors.ModelFileError, match=r"bad\.h5 cannot be read") as caught:
        worker.call("toys:read", {}, log=tmp_path / "log.txt")
    assert expected in caught.value.found


def test_a_death_after_a_file_was_read_is_not(toys, tmp_path):
    toys(
        """
        import os

        def read(job):
            with worker.suspect("good.h5 cannot be read", 60.0):
                pass
            os.abort()
        """
    )
    with pytest.raises(errors.ToolError, match="SIGABRT"):
        worker.call("toys:read", {}, log=tmp_path / "log.txt")


def test_a_function_that_does_not_exist_is_a_tool_error(tmp_path):
    with pytest.raises(errors.ToolError, match="no_such_module"):
        worker.call("no_such_module:f", {}, log=tmp_path / "log.txt")


def test_a_hung_child_is_killed_with_what_it_started(toys, tmp_path):
    toys("""
        import os, subprocess, sys, time
        def hang(job):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            worker.note(f"{os.getpid()} {child.pid}")
            while True:
                time.sleep(1)
    """)
    pids = []
    begin = time.monotonic()
    with pytest.raises(errors.ToolError, match="longer than 2 s"):
        worker.call(
            "toys:hang", {}, log=tmp_path / "log.txt", timeout=2, on_event=lambda e: pids.extend(e["text"].split())
        )
    assert time.monotonic() - begin < 10
    assert len(pids) == 2
    assert wait_until(lambda: not any(alive(int(pid)) for pid in pids))


def test_a_child_that_ignores_everything_is_killed(toys, tmp_path):
    toys("""
        import os, signal, time
        def stubborn(job):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            worker.note(str(os.getpid()))
            while True:
                time.sleep(1)
    """)
    pids = []
    with pytest.raises(errors.ToolError, match="longer than 1 s"):
        worker.call("toys:stubborn", {}, log=tmp_path / "log", timeout=1, on_event=lambda e: pids.append(e["text"]))
    assert wait_until(lambda: not alive(int(pids[0])))


def test_a_stopped_child_tidies_up(toys, tmp_path):
    toys("""
        import pathlib, time
        def work(job):
            part = pathlib.Path(job["part"])
            part.write_text("half")
            try:
                worker.note("started")
                time.sleep(600)
            finally:
                part.unlink()
    """)

    def interrupt(event):
        raise KeyboardInterrupt

    part = tmp_path / "part"
    with pytest.raises(KeyboardInterrupt):
        worker.call("toys:work", {"part": part}, log=tmp_path / "log.txt", on_event=interrupt)
    assert not part.exists()


PARENT = """
import sys
from pathlib import Path
from edgecompress import worker
sys.path.insert(0, sys.argv[1])
worker.call("toys:sleep", {}, log=Path(sys.argv[1]) / "log.txt", on_event=lambda e: print(e["text"], flush=True))
"""


def start_parent(folder: Path) -> tuple[subprocess.Popen, int]:
    root = Path(worker.__file__).resolve().parents[1]
    (folder / "toys.py").write_text(
        "import os, time\nfrom edgecompress import worker\n"
        "def sleep(job):\n    worker.note(str(os.getpid()))\n    time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    return parent, int(parent.stdout.readline())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_a_parent_that_was_interrupted_or_killed(tmp_path, number):
    parent, pid = start_parent(tmp_path)
    with contextlib.closing(parent.stdout), contextlib.closing(parent.stderr):
        assert alive(pid)
        parent.send_signal(number)
        parent.wait(timeout=10)
        message = parent.stderr.read()
    assert wait_until(lambda: not alive(pid))
    if number == signal.SIGINT:
        assert message.strip().endswith("KeyboardInterrupt")


def test_an_unwritable_log_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OutputError, match="log"):
        worker.call("json:loads", {}, log=tmp_path / "file" / "log.txt")


def test_the_child_does_not_see_the_current_folder(toys, tmp_path, monkeypatch):
    toys("def f(job):\n    import json\n    return json.__file__\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "json.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    assert "elsewhere" not in worker.call("toys:f", {}, log=tmp_path / "log.txt")


def test_quiet_and_deterministic_settings_reach_the_child(toys, tmp_path):
    toys("""
        import os
        def settings(job):
            return {k: v for k, v in os.environ.items() if k.startswith(("TF_", "CUDA", "KERAS", "PYTHONHASH"))}
    """)
    found = worker.call("toys:settings", {}, log=tmp_path / "log.txt", threads=2)
    assert found["TF_USE_LEGACY_KERAS"] == "1"
    assert found["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert found["CUDA_VISIBLE_DEVICES"] == "-1"
    assert found["TF_NUM_INTRAOP_THREADS"] == "2"
    assert found["PYTHONHASHSEED"] == "0"


def test_emit_outside_a_worker_does_nothing():
    worker.emit({"kind": "note", "text": "nobody listens"})


def test_importing_the_worker_imports_no_tensorflow():
    code = "import sys, edgecompress.worker; sys.exit(any(m in sys.modules for m in ('tensorflow', 'numpy')))"
    root = Path(worker.__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
