"""pyOCD's real flash algorithm on an emulated nRF52840: what is written, what is left alone, and every way to fail."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_board import FLASH_BYTES, PAGE, Board

from edgecompress import targets
from edgecompress.device import probe_port
from edgecompress.errors import DeviceError, DoesNotFitError, MissingToolError, NotExactError, UsageError
from edgecompress.flash import Flashed, flash, probe, probes
from edgecompress.flash.job import FlashInterruptedError
from edgecompress.targets.image import Image

RunDir = Callable[..., Path]


def steps(result: Flashed) -> dict[str, str]:
    return {step.name: step.detail for step in result.steps if step.done}


def test_flash_verify_reset_and_selftest_end_to_end(board: Board, run_dir: RunDir, image: Image) -> None:
    shown: list[tuple[str, int, int]] = []
    result = flash(run_dir(), via="pyocd", on_progress=lambda *event: shown.append(event))
    for segment in image.segments:
        assert board.flash(segment.address, len(segment.data)) == segment.data
    assert result.selftest == "passed"
    assert result.vectors == 4
    assert list(steps(result)) == [
        "connecting",
        "checking the chip",
        "erasing and writing",
        "keeping the debug port open",
        "verifying",
        "resetting",
        "self-test",
    ]
    assert steps(result)["checking the chip"] == "nRF52840, cortex-m4"
    assert board.dirty == []
    assert {what for what, _, _ in shown} >= {"connecting", "erasing", "writing", "verifying", "self-test"}
    assert all(0 <= done <= total for _, done, total in shown)


def test_only_pages_that_differ_are_erased_and_what_is_beside_them_is_kept(
    board: Board, run_dir: RunDir, image: Image
) -> None:
    neighbour = bytes(range(256))
    board.uc.mem_write(0x800_00, neighbour)
    last = max(segment.address + len(segment.data) for segment in image.segments)
    kept = -(-last // 4) * 4 + 64
    board.uc.mem_write(kept, b"kept")
    flash(run_dir(), via="pyocd")
    pages = -(-last // PAGE)
    assert sorted(set(board.erased)) == [PAGE * n for n in range(pages)]
    assert board.flash(0x800_00, 256) == neighbour
    assert board.flash(kept, 4) == b"kept"
    board.erased.clear()
    again = flash(run_dir(), via="pyocd")
    assert board.erased == []
    assert steps(again)["erasing and writing"].startswith("0 bytes programmed")
    board.uc.mem_write(0x40, b"\x00")
    flash(run_dir(), via="pyocd")
    assert board.erased == [0]


def test_hardened_chip_is_kept_open_and_an_older_one_is_left_alone(boards: dict[str, Board], run_dir: RunDir) -> None:
    boards["new"] = new = Board(variant=b"0FAA")
    flash(run_dir(), via="pyocd")
    assert new.peek(0x1000_1208) == 0x5A
    writes = [write for write in new.written_registers if write[0] == 0x4001_E504]
    assert writes == [(0x4001_E504, 1), (0x4001_E504, 0)]
    again = flash(run_dir(), via="pyocd")
    assert "keeping the debug port open" not in steps(again)
    boards.clear()
    boards["old"] = old = Board(variant=b"0DAA")
    flash(run_dir(), via="pyocd")
    assert old.peek(0x1000_1208) == 0xFFFF_FFFF  # any other value would lock an old chip


def test_no_probe_is_a_device_error_that_says_what_to_try(boards: dict[str, Board], run_dir: RunDir) -> None:
    for via in ("pyocd", "auto"):
        with pytest.raises(DeviceError, match=r"no (debug probe|board) is connected") as raised:
            flash(run_dir(), via=via)
        assert raised.value.exit_code == 14
        assert "connect the board's debug USB port" in raised.value.hint


def test_probe_is_chosen_by_a_part_of_its_id(boards: dict[str, Board], run_dir: RunDir) -> None:
    boards["AAA1"], boards["BBB2"] = Board(), Board()
    with pytest.raises(UsageError, match="more than one debug probe"):
        flash(run_dir(), via="pyocd")
    assert flash(run_dir(), via="pyocd", probe="bbb").device == "Fake CMSIS-DAP BBB2"
    assert boards["AAA1"].erased == boards["AAA1"].programmed == []
    with pytest.raises(DeviceError, match="connecting: no debug probe with 'CCC'") as raised:
        flash(run_dir(), via="pyocd", probe="CCC")
    assert "AAA1" in raised.value.found


def test_wrong_chip_and_wrong_core_are_refused_before_anything_is_written(
    boards: dict[str, Board], run_dir: RunDir
) -> None:
    for wrong, message in (
        (Board(part=0x52833), "checking the chip: the chip is no nRF52840"),
        (Board(cpuid=0x410C_C601), "checking the chip: the processor is no cortex-m4"),
    ):
        boards["x"] = wrong
        with pytest.raises(DeviceError, match=message) as raised:
            flash(run_dir(), via="pyocd")
        assert "--target" in raised.value.hint
        assert wrong.erased == wrong.programmed == []


def test_image_of_another_board_is_refused_before_connecting(board: Board, run_dir: RunDir) -> None:
    with pytest.raises(DoesNotFitError, match=r"firmware\.elf does not lie in the memory of nucleo-l4r5zi"):
        flash(run_dir(), via="pyocd", target="nucleo-l4r5zi")
    assert board.transfers == 0


def test_locked_chip_is_named_and_opened_only_on_demand(board: Board, run_dir: RunDir) -> None:
    board.uc.mem_write(0x8000, b"mine")
    board.locked = True
    with pytest.raises(DeviceError, match="connecting: the chip is locked") as raised:
        flash(run_dir(), via="pyocd")
    assert "--unlock erases ALL" in raised.value.hint
    assert board.flash(0x8000, 4) == b"mine"
    assert flash(run_dir(), via="pyocd", unlock=True).selftest == "passed"
    assert board.flash(0x8000, 4) == b"\xff\xff\xff\xff"


@pytest.mark.slow
def test_unplugged_at_any_moment_says_the_step_and_can_be_repeated(board: Board, run_dir: RunDir) -> None:
    flash(run_dir(), via="pyocd")
    whole = board.transfers
    steps = set()
    for moment in range(1, whole - 20, max(1, whole // 25)):  # the last few only say goodbye
        board.uc.mem_write(0, b"\xff" * FLASH_BYTES)
        board.transfers, board.unplug_at = 0, moment
        with pytest.raises(DeviceError) as raised:
            flash(run_dir(), via="pyocd")
        step = raised.value.what.split(":")[0]
        steps.add(step)
        assert "the debug probe is gone" in raised.value.what or "no debug probe" in raised.value.what, raised.value
        assert ("run the same command again" in raised.value.hint) == (step in ("erasing and writing", "verifying"))
    assert steps >= {"connecting", "checking the chip", "erasing and writing", "self-test"}
    board.unplug_at = None
    assert flash(run_dir(), via="pyocd").selftest == "passed"


def test_bit_that_cannot_be_programmed_fails_the_verification(board: Board, run_dir: RunDir, image: Image) -> None:
    even = next(i for i, byte in enumerate(image.segments[0].data) if byte % 2 == 0)
    board.stuck = image.segments[0].address + even
    with pytest.raises(DeviceError, match="verifying: what the flash holds is not what was written") as raised:
        flash(run_dir(), via="pyocd")
    assert f"the first at {board.stuck:#010x}" in raised.value.found
    assert "1 of" in raised.value.found


def test_flash_algorithm_that_never_ends_is_given_up(
    board: Board, run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "TIMEOUTS", dict.fromkeys(probe.TIMEOUTS, 0.1))
    board.endless = True
    with pytest.raises(DeviceError, match="erasing and writing: the flash refused") as raised:
        flash(run_dir(), via="pyocd")
    assert "flash init timed out" in raised.value.found


def test_writing_that_takes_too_long_is_given_up(board: Board, run_dir: RunDir) -> None:
    with pytest.raises(DeviceError, match="erasing and writing: not done after 0 s") as raised:
        flash(run_dir(), via="pyocd", seconds=0)
    assert "run the same command again" in raised.value.hint


def test_interrupted_writing_says_that_the_device_is_incomplete(board: Board, run_dir: RunDir) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what == "erasing":
            raise KeyboardInterrupt

    with pytest.raises(FlashInterruptedError, match="interrupted") as raised:
        flash(run_dir(), via="pyocd", on_progress=interrupt)
    assert raised.value.exit_code == 130
    assert "incomplete: run the same command again" in raised.value.hint
    assert flash(run_dir(), via="pyocd").selftest == "passed"


def test_device_that_computes_other_bytes_fails_the_selftest(board: Board, run_dir: RunDir, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_dir(), folder)
    with np.load(folder / "outputs.npz") as file:
        outputs = {name: file[name].copy() for name in file.files}
    outputs["output_0"][2] ^= 1
    np.savez(folder / "outputs.npz", **outputs)
    with pytest.raises(NotExactError, match="self-test: the device computes other bytes") as raised:
        flash(folder, via="pyocd")
    assert raised.value.found.startswith("input 2: ")
    assert raised.value.exit_code == 12


def test_elf_alone_is_verified_and_says_that_there_is_no_selftest(
    board: Board, run_dir: RunDir, tmp_path: Path
) -> None:
    elf = tmp_path / "mine.elf"
    shutil.copy(run_dir() / "firmware.elf", elf)
    with pytest.raises(UsageError, match="for which board"):
        flash(elf, via="pyocd")
    result = flash(elf, via="pyocd", target="nrf52840-dk")
    assert "verifying" in steps(result)
    assert result.selftest.startswith("not done: no known inputs and outputs")


def test_verification_can_be_left_out(board: Board, run_dir: RunDir) -> None:
    assert "verifying" not in steps(flash(run_dir(), via="pyocd", verify=False))


def test_dry_run_says_what_would_be_done_and_touches_nothing(board: Board, run_dir: RunDir, image: Image) -> None:
    result = flash(run_dir(), via="pyocd", dry_run=True)
    assert board.transfers == 0
    assert "pyOCD, target nrf52840; probe: Fake CMSIS-DAP 0123456789" in result.plan
    assert result.regions == tuple((segment.address, len(segment.data)) for segment in image.segments)
    assert result.plan[-1].startswith("self-test: known inputs")
    assert result.steps == ()


def test_auto_takes_the_first_way_of_the_board_that_is_there_and_says_so(board: Board, run_dir: RunDir) -> None:
    result = flash(run_dir(), dry_run=True)
    assert (result.via, result.why) == ("pyocd", "found Fake CMSIS-DAP 0123456789")


def test_probes_lists_what_is_connected(boards: dict[str, Board]) -> None:
    assert probes() == ()
    boards["77"] = Board()
    (found,) = probes()
    assert (found.kind, found.id, found.description) == ("probe", "77", "Fake CMSIS-DAP")


def test_selftest_waits_for_the_boot_rom_where_there_is_one(
    board: Board, run_dir: RunDir, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """External flash cannot be read before; here a stand-in for the boot ROM makes that so."""
    boot_rom = replace(targets.find("nrf52840-dk"), boot="rp2040")
    monkeypatch.setattr("edgecompress.flash.find", lambda _: boot_rom)
    halts: list[list[int]] = []
    go = Board._go

    def watch(self: Board, steps: int = 0) -> None:
        halts.append(self.comparators())
        go(self, steps)

    monkeypatch.setattr(Board, "_go", watch)
    assert flash(run_dir(), via="pyocd").selftest == "passed"
    assert [image.symbol("Reset_Handler").address] in halts
    assert board.comparators() == []
    monkeypatch.setattr(probe_port, "BOOT_SECONDS", 0.1)
    monkeypatch.setattr(Board, "comparators", lambda _: [])  # it never comes there
    with pytest.raises(DeviceError, match="self-test: the chip's boot ROM does not start the program"):
        flash(run_dir(), via="pyocd")


def test_chip_that_needs_a_pack_names_the_command_that_installs_it(board: Board, run_dir: RunDir) -> None:
    with pytest.raises(MissingToolError, match="connecting: pyOCD needs the CMSIS pack of nucleo-l4r5zi") as raised:
        flash(run_dir("nucleo-l4r5zi"), via="pyocd")
    assert "pyocd pack install stm32l4r5zitx" in raised.value.hint


def test_every_boards_name_for_pyocd_is_built_in_or_marked_as_a_pack() -> None:
    from pyocd.target import TARGET

    for name in targets.names():
        flashing = targets.find(name).flashing
        if flashing.pyocd:
            assert (flashing.pyocd in TARGET) != flashing.pyocd_pack, name
