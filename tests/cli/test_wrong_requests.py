"""Targets, options, models and samples that cannot be: one message, its exit code, nothing half-written."""

import json
from pathlib import Path

import numpy as np
import pytest
from meeting import check, fully_connected, wide_addition, without_kernel

from edgecompress.targets import catalog, toolchain


def test_unknown_target_names_the_nearest(cli, model):
    check(cli("bench", model, "--target", "nucleo-l4r5z"), 2, "nucleo-l4r5z", "did you mean nucleo-l4r5zi")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--inputs", "-1"], ["--inputs", "-1"]),
        (["--inputs", "many"], ["many"]),
        (["--compiler", "tcc"], ["zig", "gcc"]),
        (["--prefix", "int"], ["prefix", "'int'"]),
        (["--target", "none.toml"], ["none.toml"]),
        (["--tagret", "x"], ["--tagret"]),
        (["--on", "moon"], ["moon"]),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(cli, model, arguments, words):
    check(cli("bench", model, *arguments), 2, *words)


def test_unknown_command_and_missing_argument_are_usage_errors(cli):
    check(cli("bnech"), 2, "bnech")
    check(cli("bench"), 2, "MODEL")
    check(cli("export", "run"), 2, "--out")


@pytest.mark.parametrize("command", ["bench", "inspect"])
@pytest.mark.parametrize(
    "content", [None, b"", b"<html>", b"\x1c\x00\x00\x00TFL3"], ids=["missing", "empty", "html", "header"]
)
def test_damaged_models_are_model_file_errors(cli, tmp_path, command, content):
    path = tmp_path / "model.tflite"
    if content is not None:
        path.write_bytes(content)
    check(cli(command, path), 3, str(path))


def test_folder_without_a_model_is_a_model_file_error(cli, tmp_path):
    check(cli("bench", tmp_path), 3, "no run directory")


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 6, 5, 4), np.int8), ["8 samples are wanted", "[2, 6, 5, 4]"]),
        (np.zeros((8, 6, 5, 3), np.int8), ["shape", "[6, 5, 3]"]),
        (np.full((8, 6, 5, 4), np.nan), ["finite"]),
        (np.array([None] * 8), ["x.npy"]),
    ],
    ids=["too_few", "other_shape", "nan", "pickled"],
)
def test_samples_that_do_not_suit_are_data_errors(cli, model, tmp_path, array, words):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    check(cli("bench", model, "--samples", tmp_path / "x.npy"), 4, *words)


def test_missing_and_foreign_samples_are_data_errors(cli, model, tmp_path):
    check(cli("bench", model, "--samples", tmp_path / "none.npz"), 4, "none.npz")
    (tmp_path / "text.npz").write_text("no zip")
    check(cli("bench", model, "--samples", tmp_path / "text.npz"), 4, "text.npz")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", ["not TOML"]),
        ("name = 'x'\nclok_hz = 1", ["board.toml"]),
        ("cpu = 'cortex-m9'", ["unknown cpu 'cortex-m9'", "cortex-m4"]),
        ("\x00", ["not TOML"]),
    ],
)
def test_bad_board_file_is_a_recipe_error(cli, model, tmp_path, text, words):
    (tmp_path / "board.toml").write_text(text)
    check(cli("bench", model, "--target", tmp_path / "board.toml"), 5, *words)


def test_unknown_key_of_a_board_names_the_nearest(cli, model, tmp_path):
    shipped = Path(catalog.__file__).parent / "boards" / "bluepill.toml"
    (tmp_path / "board.toml").write_text(shipped.read_text().replace("clock_hz", "clok_hz"))
    check(
        cli("bench", model, "--target", tmp_path / "board.toml"), 5, "unknown key 'clok_hz'", "did you mean 'clock_hz'?"
    )


def test_own_board_file_works(cli, model, tmp_path):
    shipped = Path(catalog.__file__).parent / "boards" / "bluepill.toml"
    (tmp_path / "board.toml").write_text(shipped.read_text().replace('"bluepill"', '"mine"'))
    ran = cli("bench", model, "--inputs", 0, "--target", tmp_path / "board.toml", "--json", "-")
    assert json.loads(ran.out)["target"] == "mine"


def test_unsupported_operator_is_named_with_its_layer(cli, tmp_path):
    path = without_kernel(tmp_path / "model.tflite")
    check(cli("bench", path), 6, 'operator 0 LOCAL_RESPONSE_NORMALIZATION "t1"', "no kernel")


def never_compile(monkeypatch):
    def fail(*arguments, **options):
        raise AssertionError("it was compiled")

    monkeypatch.setattr(toolchain, "compile", fail)


def test_arena_too_large_for_a_board_is_refused_before_compiling(cli, tmp_path, monkeypatch):
    never_compile(monkeypatch)
    path = wide_addition(tmp_path / "model.tflite", 150_000)
    ran = cli("bench", path, "--target", "rpi-pico", "--save", tmp_path / "run")
    check(ran, 9, "300,000 bytes are needed, 270,336 are there, 29,664 too few", '"t0" 150,000')
    assert not (tmp_path / "run").exists()


def test_an_arena_that_no_schedule_keeps_is_refused_with_the_least_there_is(cli, model, monkeypatch):
    never_compile(monkeypatch)
    ran = cli("bench", model, "--ram", "100")
    check(ran, 9, "no schedule of this model keeps its arena within 100 bytes", "the least found is")
    check(cli("bench", model, "--ram", "1k", "--optimize", "ram"), 2, "leave one of them away")


def test_weights_too_large_for_a_board_in_any_code_are_refused_by_name(cli, tmp_path):
    path = fully_connected(tmp_path / "model.tflite", 300, 300)
    check(
        cli("bench", path, "--target", "bluepill"),
        9,
        "keeps the firmware within",
        "bytes of the flash of bluepill",
        "bytes at least",
        '"t1" 90,000',
        "a board with more flash",
    )


def test_real_model_too_large_for_a_small_board_is_refused_by_name(cli, shared_data, monkeypatch):
    never_compile(monkeypatch)
    path = shared_data / "models" / "mlperf_tiny/visual_wake_words/vww_96_int8.tflite"
    ran = cli("bench", path, "--target", "bluepill")
    check(ran, 9, "does not fit the RAM of bluepill", "20,480 are there", "too few", "largest at once")
