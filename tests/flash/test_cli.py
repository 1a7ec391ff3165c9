"""What a user of `flash` and `probes` reads, and the exit codes."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_board import Board

from edgecompress.cli.main import main

RunDir = Callable[..., Path]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`call("flash", ...)` -> exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgecompress", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out, out.err

    return run


Call = Callable[..., tuple[int, str, str]]


def test_user_sees_every_step_and_the_selftest(call: Call, board: Board, run_dir: RunDir) -> None:
    code, out, _ = call("flash", run_dir())
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("firmware.elf onto nrf52840-dk: ")
    assert "  way: pyocd (found Fake CMSIS-DAP 0123456789)" in lines
    assert "  checking the chip: done (nRF52840, cortex-m4)" in lines
    assert "  self-test: done (4 known inputs, every output byte as expected)" in lines
    assert lines[-1].startswith("self-test passed, ")


def test_json_holds_the_same(call: Call, board: Board, run_dir: RunDir) -> None:
    code, out, err = call("flash", run_dir(), "--json", "-")
    values = json.loads(out)
    assert code == 0
    assert (values["via"], values["selftest"], values["vectors"]) == ("pyocd", "passed", 4)
    assert values["steps"][0]["name"] == "connecting"
    assert "self-test passed" in err


def test_dry_run_prints_regions_and_steps(call: Call, board: Board, run_dir: RunDir) -> None:
    code, out, _ = call("flash", run_dir(), "--dry-run")
    assert code == 0
    assert "0x00000000         64 bytes" in out
    assert out.rstrip().endswith("nothing was touched (--dry-run)")
    assert board.transfers == 0


def test_exit_codes_tell_failures_apart(
    call: Call, boards: dict[str, Board], run_dir: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, _, err = call("flash", run_dir())
    assert code == 14
    assert "no board is connected" in err
    assert "edgecompress probes" in err
    boards["1"] = Board(part=0x52833)
    assert call("flash", run_dir())[0] == 14
    assert call("flash", run_dir(), "--target", "nucleo-l4r5zi")[0] == 9
    assert call("flash", run_dir("nucleo-l4r5zi"))[0] == 10
    assert call("flash", run_dir(), "--target", "nucleo")[0] == 2
    assert call("flash", tmp_path / "none")[0] == 2
    assert call("flash", tmp_path)[0] == 2
    assert call("flash", run_dir(), "--via", "jtag")[0] == 2
    (tmp_path / "a.elf").write_bytes(b"no elf")
    assert call("flash", tmp_path / "a.elf", "--target", "nrf52840-dk")[0] == 11


def test_interrupt_while_writing_exits_with_130_and_says_that_it_is_incomplete(
    call: Call, board: Board, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgecompress.flash.pyocd_flash._program", interrupt)
    code, _, err = call("flash", run_dir())
    assert code == 130
    assert "erasing and writing: interrupted" in err
    assert "run the same command again" in err


def test_probes_lists_or_says_what_to_try(call: Call, boards: dict[str, Board]) -> None:
    code, out, _ = call("probes")
    assert code == 0
    assert "nothing is connected" in out
    boards["42"] = Board()
    code, out, _ = call("probes", "--json", "-")
    assert json.loads(out) == [{"kind": "probe", "id": "42", "description": "Fake CMSIS-DAP"}]
