"""A process of its own for everything that needs TensorFlow, or that a foreign model could bring down.

A native crash, a gigabyte of leaked memory or a screenful of log lines then stays in the child and its log file. The
child's standard output is a pipe to the parent that carries JSON lines; before anything else is imported, the child
moves that pipe to a private descriptor and points descriptors 1 and 2 at the log. This works alike on Linux, macOS
and Windows, where no other descriptor can be inherited. The child's standard input carries the job, then stays open:
its end means that the parent is gone, and the child ends as well.

Threads: TensorFlow gets one thread unless `threads` says otherwise. The same seed gives the same weights again with any
number of threads, but other weights with another number (TensorFlow's op determinism does not change that): with one,
the same seed gives the same bytes on machines with different numbers of cores. On small models two gain little (one
epoch of ResNet8: 7.8 s with one thread, 6.9 s with two).
"""

import contextlib
import faulthandler
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

from edgecompress import errors

Event = dict[str, Any]

GRACE_SECONDS = 3.0
"""How long a child that was told to stop may clean up."""

LOG_TAIL = 20

_ENVIRONMENT = {
    "TF_USE_LEGACY_KERAS": "1",  # TF-MOT works with Keras 2 only, and silently not with Keras 3
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN changes the numerics from CPU to CPU
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8",
}

_channel: IO[str] | None = None
_channel_lock = threading.Lock()


def emit(event: Event) -> None:
    """Tell the parent what is going on; outside a worker this does nothing.

    Args:
        event: `kind` is "progress" (stage, step, total, loss, metric, eta in seconds), "warning" or "note" (text).
    """
    _send({"event": event})


def progress(
    stage: str,
    step: int,
    total: int | None,
    *,
    loss: float | None = None,
    metric: float | None = None,
    eta: float | None = None,
) -> None:
    """Emit that `step` of `total` is done (total None: unknown); eta in seconds."""
    emit({"kind": "progress", "stage": stage, "step": step, "total": total, "loss": loss, "metric": metric, "eta": eta})


def warn(text: str) -> None:
    """Emit something that the user ought to know and that stands in the report."""
    emit({"kind": "warning", "text": text})


def note(text: str) -> None:
    """Emit what was decided on the way."""
    emit({"kind": "note", "text": text})


def peak_bytes() -> int | None:
    """The most memory that this process has held at once; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def suspect(what: str, seconds: float) -> Iterator[None]:
    """Within, this process's death is a file's fault: the parent then raises a ModelFileError that says `what`.

    Libraries in C can crash or loop forever on a hostile file, out of Python's reach. Outside a worker this does nothing.

    Args:
        what: one sentence that names the file.
        seconds: after which the process ends itself, with a traceback in its log.
    """
    if _channel is None:
        yield
        return
    _send({"suspect": what})
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        _send({"suspect": None})


def call(
    function: str,
    arguments: Mapping[str, Any],
    *,
    log: Path,
    on_event: Callable[[Event], None] | None = None,
    timeout: float | None = None,
    threads: int = 1,
) -> Any:
    """Run a function in a fresh process and return its result.

    Args:
        function: "module:name"; the function takes one dict and returns something JSON can hold.
        arguments: that dict.
        log: file that everything printed there is appended to.
        on_event: called in this process with every event that the child emits, in order.
        timeout: seconds after which the child is killed.
        threads: how many threads TensorFlow and LiteRT may use in the child.

    Raises:
        EdgecompressError: the very class that the function raised.
        ModelFileError: the child died over a file; see `suspect`.
        ToolError: the child crashed, was killed, raised something else or took too long.
        OutputError: the log cannot be written.
        KeyboardInterrupt: after the child has been stopped.
    """
    job = {"function": function, "arguments": dict(arguments), "path": sys.path}
    sink = _open_log(log)
    try:
        start = sink.tell()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgecompress.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=_environment(threads),
            **_own_group(),
        )
    finally:
        sink.close()
    try:
        answer = _converse(process, json.dumps(job, default=_plain), on_event, timeout)
    except TimeoutError:
        raise _failure(f"{function} took longer than {timeout:g} s and was stopped", log, start) from None
    finally:
        _stop(process)
    return _result(answer, process.returncode, function, log, start)


def _open_log(log: Path) -> IO[bytes]:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        sink = log.open("ab")
    except OSError as error:
        raise errors.OutputError(f"cannot write the log {log}", found=str(error)) from error
    sink.seek(0, os.SEEK_END)
    return sink


def _environment(threads: int) -> dict[str, str]:
    environment = os.environ | _ENVIRONMENT
    for key in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        environment[key] = str(threads)
    root = str(Path(__file__).resolve().parents[1])
    if root != sysconfig.get_path("purelib"):  # there, it would come before the standard library
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return environment


def _own_group() -> dict[str, Any]:
    """A group of its own: the terminal's Ctrl-C reaches the parent only, and the whole group can be ended."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _converse(
    process: subprocess.Popen[bytes], job: str, on_event: Callable[[Event], None] | None, timeout: float | None
) -> dict[str, Any]:
    """Send the job; hand on events until the answer; when the child ends without one, {} or what it suspected last."""
    assert process.stdin is not None
    deadline = None if timeout is None else time.monotonic() + timeout
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
    with contextlib.suppress(OSError):  # a child that died at once; its log says why
        process.stdin.write(job.encode() + b"\n")
        process.stdin.flush()
    ending: dict[str, Any] = {}
    while True:
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError
        try:
            line = lines.get(timeout=0.2)  # short: on Windows a Ctrl-C waits for it
        except queue.Empty:
            continue
        if line is None:
            return ending
        message = json.loads(line)
        if "suspect" in message:
            ending = message
        elif "event" not in message:
            return message
        elif on_event is not None:
            on_event(message["event"])


def _pump(stream: IO[bytes], lines: "queue.SimpleQueue[bytes | None]") -> None:
    with stream, contextlib.suppress(OSError):
        for line in stream:
            lines.put(line)
    lines.put(None)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the child and what it started; a child that has answered is about to end by itself."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(process)
        process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _result(answer: dict[str, Any], code: int, function: str, log: Path, start: int) -> Any:
    if "result" in answer:
        return answer["result"]
    if "error" in answer:
        error = answer["error"]
        kind = getattr(errors, error["class"], errors.EdgecompressError)
        raise kind(error["what"], found=error["found"], hint=error["hint"])
    if "exception" in answer:
        raise _failure(f"{function} failed: {answer['exception']}", log, start)
    if answer.get("suspect"):
        how = f"crashed ({_signal_name(-code)})" if code < 0 else "took too long and ended itself"
        raise errors.ModelFileError(
            answer["suspect"], found=f"the process that read it {how}", hint="copy or save it again"
        )
    if code == -9:
        what = f"the process of {function} was killed (SIGKILL)"
        raise _failure(what, log, start, hint="most often the machine ran out of memory: close programs, fewer samples")
    if code < 0:
        raise _failure(f"the process of {function} crashed ({_signal_name(-code)})", log, start)
    raise _failure(f"the process of {function} ended without a result, exit code {code}", log, start)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _failure(what: str, log: Path, start: int, hint: str = "") -> errors.ToolError:
    """The error of a child that failed, with the end of what it wrote since byte `start` of the log."""
    with log.open("rb") as stream:
        stream.seek(start)
        lines = stream.read().decode("utf-8", "replace").splitlines()[-LOG_TAIL:]
    tail = "\n".join(["the end of its log:", *(f"  {line}" for line in lines)]) if lines else "nothing in its log"
    return errors.ToolError(what, found=tail, hint=hint or f"read the whole log: {log}")


# What follows runs in the child.


class _Stopped(BaseException):
    """The parent is gone or does not want the result any more."""


def _serve() -> None:
    """Take one job from standard input and answer it."""
    global _channel
    _channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    jobs = os.fdopen(os.dup(0), "rb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    job = json.loads(jobs.readline())
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _stopped)
    threading.Thread(target=_watch, args=(jobs,), daemon=True).start()
    try:
        _send(_answer(job))
    except _Stopped:
        _leave(1)
    _leave(0)


def _leave(code: int) -> NoReturn:
    """End without TensorFlow's own destructors, which can hang."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _watch(jobs: IO[bytes]) -> None:
    """Stop when the parent closes our input: first let `finally` blocks tidy up, then for good."""
    jobs.read()
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(GRACE_SECONDS / 2)
    os._exit(1)


def _stopped(number: int, frame: object) -> None:
    raise _Stopped


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    sys.path[:] = job["path"]
    module, _, name = job["function"].partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
        return {"result": function(job["arguments"])}
    except errors.EdgecompressError as error:
        traceback.print_exc()
        kind = type(error).__name__
        return {"error": {"class": kind, "what": error.what, "found": error.found, "hint": error.hint}}
    except MemoryError:
        traceback.print_exc()
        return {"exception": "the machine ran out of memory"}
    except Exception as error:
        traceback.print_exc()
        return {"exception": f"{type(error).__name__}: {error}".splitlines()[0][:300]}


def _send(message: dict[str, Any]) -> None:
    with _channel_lock:
        if _channel is not None:
            _channel.write(json.dumps(message, default=_plain) + "\n")
            _channel.flush()


def _plain(value: object) -> object:
    """NumPy scalars and arrays, and paths, as JSON knows them."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be sent between processes")


if __name__ == "__main__":
    from edgecompress import worker

    worker._serve()
