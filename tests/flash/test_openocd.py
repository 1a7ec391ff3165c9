"""OpenOCD: the exact command lines, what its failures mean, and that nothing of it outlives a run."""

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgecompress import targets
from edgecompress.errors import DeviceError, MissingToolError, ToolError
from edgecompress.flash import flash, openocd
from edgecompress.flash.job import Job
from edgecompress.targets import image as images

RunDir = Callable[..., Path]

PROGRAM = """#!{python}
import json, os, sys, time
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
line = " ".join(sys.argv[1:])
if "mdw" in line:
    print("Info : clock speed 4000 kHz\\n0xe000ed00: {cpuid} \\n0xe0042000: {idcode} ", file=sys.stderr)
    sys.exit(0)
{act}
"""


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[list[str]]]]:
    """`pretend(act)` puts an `openocd` into the PATH; returns a function that gives the command lines it was called with."""
    import json

    def make(act: str = "", cpuid: str = "410fc241", idcode: str = "10006470") -> Callable[[], list[list[str]]]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        log = tmp_path / "calls"
        log.unlink(missing_ok=True)
        file = folder / "openocd"
        file.write_text(PROGRAM.format(python=sys.executable, log=str(log), act=act, cpuid=cpuid, idcode=idcode))
        file.chmod(file.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return make


@pytest.fixture
def elf(run_dir: RunDir, tmp_path: Path) -> Path:
    """Without vectors beside it."""
    import shutil

    shutil.copy(run_dir("nucleo-l4r5zi") / "firmware.elf", tmp_path / "a.elf")
    return tmp_path / "a.elf"


def put(elf: Path, **options: object) -> object:
    return flash(elf, target="nucleo-l4r5zi", via="openocd", **options)  # type: ignore[arg-type]


def test_command_lines_are_exact(pretend: Callable[..., Callable[[], list[list[str]]]], elf: Path) -> None:
    calls = pretend()
    put(elf, probe="066B-12")
    files = ["-f", "interface/stlink.cfg", "-f", "target/stm32l4x.cfg", "-c", "adapter serial 066B-12"]
    silent = ["-c", "gdb_port disabled", "-c", "tcl_port disabled", "-c", "telnet_port disabled"]
    show = ["-c", "mdw 0xe000ed00", "-c", "mdw 0xe0042000", "-c", "shutdown"]
    assert calls() == [
        [*files, *silent, "-c", "init", "-c", "reset halt", *show],
        [*files, *silent, "-c", f"program {{{elf}}} verify reset exit"],
    ]
    put(elf, verify=False)
    assert calls()[-1] == [*files[:4], *silent, "-c", f"program {{{elf}}} reset exit"]


def test_wrong_chip_is_refused_before_programming(
    pretend: Callable[..., Callable[[], list[list[str]]]], elf: Path
) -> None:
    calls = pretend(idcode="10006421")
    with pytest.raises(DeviceError, match="checking the chip: the chip is no STM32L4R"):
        put(elf)
    assert len(calls()) == 1


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("Error: libusb_open() failed with LIBUSB_ERROR_ACCESS", "the debug probe cannot be opened"),
        ("Error: open failed", "no debug probe is connected"),
        ("Error: unable to find a matching CMSIS-DAP device", "no debug probe is connected"),
        ("Error: stm32l4x: device is in readout protection", "the chip is locked"),
        ("Error: init mode failed (unable to connect to the target)", "the chip does not answer"),
        ("** Verify Failed **\nError: checksum mismatch", "the flash holds other bytes"),
    ],
)
def test_failures_are_explained(
    pretend: Callable[..., Callable[[], list[list[str]]]], elf: Path, output: str, what: str
) -> None:
    pretend(f"print({output!r}, file=sys.stderr); sys.exit(1)")
    with pytest.raises(DeviceError, match=f"erasing and writing: {what}") as raised:
        put(elf)
    assert "run the same command again" in raised.value.hint
    assert output.split("\n")[0] in raised.value.found


def test_unknown_failure_is_a_tool_error_with_its_last_words(
    pretend: Callable[..., Callable[[], list[list[str]]]], elf: Path
) -> None:
    pretend("print('Error: a wombat', file=sys.stderr); sys.exit(3)")
    with pytest.raises(ToolError, match="erasing and writing: openocd failed with status 3") as raised:
        put(elf)
    assert raised.value.exit_code == 11
    assert "a wombat" in raised.value.found


def test_openocd_that_hangs_is_ended(pretend: Callable[..., Callable[[], list[list[str]]]], elf: Path) -> None:
    pretend("time.sleep(60)")
    with pytest.raises(DeviceError, match="OpenOCD does not come to an end"):
        put(elf, seconds=1)


def test_openocd_that_is_not_installed_is_named(elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingToolError, match="connecting: OpenOCD is not installed"):
        put(elf)


def test_server_that_does_not_start_is_an_error_and_ended(
    pretend: Callable[..., Callable[[], list[list[str]]]], run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openocd, "SERVER_SECONDS", 0.5)
    calls = pretend("if 'init' in sys.argv: time.sleep(60)")
    with pytest.raises(DeviceError, match="self-test: OpenOCD's debug server does not start"):
        flash(run_dir("nucleo-l4r5zi"), via="openocd")
    line = calls()[-1]
    assert line[:4] == ["-f", "interface/stlink.cfg", "-f", "target/stm32l4x.cfg"]
    assert line[5].startswith("gdb_port ")
    assert line[-3:] == ["init", "-c", "reset halt"]


def test_nothing_of_a_users_can_become_a_command_of_openocds(elf: Path) -> None:
    job = Job(image=images.read(elf), target=targets.find("nucleo-l4r5zi"))
    with pytest.raises(DeviceError, match="serial number"):
        openocd.command(replace(job, probe="1; shutdown"))
    for name in ("a}.elf", "a\\.elf", "a{.elf"):
        with pytest.raises(DeviceError, match="cannot be given this path"):
            openocd.program_actions(replace(job, image=replace(job.image, path=Path("/tmp") / name)))
    with pytest.raises(DeviceError, match="names no OpenOCD files"):
        openocd.command(replace(job, target=targets.find("cortex-m4")))
