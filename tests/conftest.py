"""Fixtures and markers that all tests share."""

import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent))

import recording

# a shell ignores Ctrl-C for what it starts in the background, and tests that press it would wait for ever
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
REQUIRED = frozenset(filter(None, os.environ.get("EDGECOMPRESS_REQUIRE", "").split(",")))
"""Names whose absence fails a test instead of skipping it: "data", or programs and packages."""


def skip_or_fail(name: str, reason: str) -> None:
    """Skips the running test, or fails it where EDGECOMPRESS_REQUIRE names what is missing."""
    if name in REQUIRED:
        pytest.fail(f"{reason}, but EDGECOMPRESS_REQUIRE names it")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real models and data sets beside the checkout; skips where there is none."""
    if not (SHARED / "data").is_dir():
        skip_or_fail("data", "no folder ../shared/data")
    return SHARED / "data"


@pytest.fixture(scope="session")
def yardstick() -> Path:
    """The independent cycle counter beside the checkout; skips where there is none."""
    path = SHARED / "tools" / "cortexm_cycles.py"
    if not path.is_file():
        skip_or_fail("data", "no file ../shared/tools/cortexm_cycles.py")
    return path


@pytest.fixture
def free_port() -> Iterator[int]:
    """A TCP port of 127.0.0.1 where nobody listens. It stays bound, so that no other test is given it; a server that sets
    SO_REUSEADDR, as QEMU and sshd do, may listen on it all the same."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for program in marker.args:
            if shutil.which(program) is None:
                skip_or_fail(program, f"{program} is not installed")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    recording.note(report)


def pytest_sessionfinish(session: pytest.Session) -> None:
    recording.write(session.config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from units import arrange

        arrange(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from units import ByUnit

    return ByUnit(config, log)
