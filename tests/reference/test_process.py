"""The child process: what becomes of models that kill it, files that are none, and inputs that do not fit."""

import subprocess
import sys

import numpy as np
import pytest
from model_cases import CASES
from model_cases.single import Operand, Single

from edgecompress.errors import DataError, MissingToolError, ModelFileError, ToolError, UnsupportedError
from edgecompress.reference import contract, process
from edgecompress.reference.executor import Executor, Job
from edgecompress.reference.inputs import filled_input, random_inputs
from edgecompress.reference.integer import Integer
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader


@pytest.fixture
def deadly(tmp_path):
    """A job that aborts TFLM: a softmax over 1000 equal values."""
    path = tmp_path / "deadly.tflite"
    result = Operand((1, 1000), 1 / 256, -128)
    path.write_bytes(Single("SOFTMAX", (Operand((1, 1000)),), (result,), "Softmax", {"beta": 1.0})())
    return Job(path, (filled_input(reader.read(path), "lowest"),))


@pytest.fixture
def harmless(model):
    path = model("conv_2d-same")
    return Job(path, tuple(random_inputs(reader.read(path), 2)))


def test_death_of_the_interpreter_is_an_error_and_the_other_jobs_are_done(tflm, deadly, harmless):
    answers = tflm.run_jobs([harmless, deadly, deadly, harmless])
    assert [type(answer.error) for answer in answers] == [type(None), ToolError, ToolError, type(None)]
    assert "deadly.tflite" in answers[1].error.what
    assert "SIGABRT" in answers[1].error.what
    assert len(answers[3].outputs) == 2


@pytest.mark.parametrize("executor", [Tflm, Litert])
def test_no_executor_lets_an_interpreter_take_this_process_along(executor, deadly, harmless):
    """Both are alive afterwards: this process, which has imported neither interpreter, and the job behind the deadly one."""
    if reason := executor().available():
        pytest.skip(reason)
    dead, alive = executor().run_jobs([deadly, harmless])
    assert isinstance(dead.error, ToolError)
    assert "died of signal" in dead.error.what
    assert alive.error is None


def test_only_the_child_process_imports_an_interpreter(harmless):
    """Nothing that runs before a child is started loads a foreign library that could bring the process down."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from edgecompress.reference.executor import Job\n"
        "from edgecompress.reference.inputs import random_inputs\n"
        "from edgecompress.reference import integer, litert, tflm\n"
        "from edgecompress.tflite import reader\n"
        "path = Path(sys.argv[1])\n"
        "job = Job(path, tuple(random_inputs(reader.read(path), 1)))\n"
        "for one in (integer.Integer(), litert.Litert(), tflm.Tflm()):\n"
        "    print(one.name, one.available() or one.run_jobs([job])[0].error)\n"
        "loaded = [n for n in sys.modules if n.startswith(('tflite_micro', 'tflite_runtime', 'ai_edge_litert.interp'))]\n"
        "sys.exit(str(loaded) if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, harmless.model], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_run_raises_what_became_of_the_only_job(tflm, deadly):
    with pytest.raises(ToolError, match="died of signal"):
        tflm.run(deadly.model, deadly.inputs)


@pytest.mark.parametrize("executor", [Tflm, Litert])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x1c\0\0\0TFL3" + b"\xff" * 200, b"\x1c\0\0\0TFLX" + b"\0" * 200])
def test_foreign_bytes_are_refused_without_harm(executor, content, tmp_path, harmless):
    if reason := executor().available():
        pytest.skip(reason)
    path = tmp_path / "foreign.tflite"
    path.write_bytes(content)
    bad, good = executor().run_jobs([Job(path, harmless.inputs), harmless])
    assert isinstance(bad.error, (ModelFileError, UnsupportedError, ToolError))
    assert "foreign.tflite" in bad.error.what
    assert good.error is None


@pytest.mark.parametrize("executor", [Tflm, Litert])
def test_truncated_model_is_refused_without_harm(executor, tmp_path, harmless):
    if reason := executor().available():
        pytest.skip(reason)
    content = harmless.model.read_bytes()
    jobs = []
    for length in range(16, len(content), len(content) // 5):
        path = tmp_path / f"first_{length}.tflite"
        path.write_bytes(content[:length])
        jobs.append(Job(path, harmless.inputs))
    assert all(answer.error is not None for answer in executor().run_jobs(jobs))


def test_missing_file_is_named(tflm, tmp_path, harmless):
    with pytest.raises(ModelFileError, match=r"nowhere\.tflite"):
        tflm.run(tmp_path / "nowhere.tflite", harmless.inputs)


@pytest.mark.parametrize("executor", [Tflm, Litert, Integer])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda sample: {i: v[:, :4] for i, v in sample.items()},
        lambda sample: {i: v.astype(np.uint8) for i, v in sample.items()},
        lambda sample: {i + 1: v for i, v in sample.items()},
    ],
    ids=["shape", "dtype", "tensor"],
)
def test_inputs_that_do_not_suit_the_model_are_a_data_error(executor, spoil, harmless):
    if reason := executor().available():
        pytest.skip(reason)
    with pytest.raises(DataError):
        executor().run(harmless.model, [spoil(sample) for sample in harmless.inputs])


def test_samples_that_differ_in_shape_are_a_data_error(tflm, harmless):
    index = next(iter(harmless.inputs[0]))
    with pytest.raises(DataError, match="input 1 differs"):
        tflm.run(harmless.model, [harmless.inputs[0], {index: np.zeros((1, 2), np.int8)}])


def test_no_inputs_are_a_data_error(tflm, harmless):
    with pytest.raises(DataError, match="no inputs"):
        tflm.run(harmless.model, [])


def test_arrays_of_objects_never_reach_a_file(tflm, harmless):
    index = next(iter(harmless.inputs[0]))
    with pytest.raises(DataError, match="numbers"):
        tflm.run(harmless.model, [{index: np.array([object()])}])


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script as a program")
def test_a_child_that_takes_too_long_is_stopped(harmless, tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    with pytest.raises(ToolError, match=r"was stopped after 0\.2 s"):
        process.run_jobs("tflm", "tflite-micro", [harmless], timeout=0.2)


def test_an_interpreter_that_cannot_be_loaded_is_one_error_for_all_jobs(harmless):
    with pytest.raises(ToolError, match="cannot be started") as caught:
        process.run_jobs("nonsense", "nonsense", [harmless] * 50, timeout=60)
    assert "no interpreter called 'nonsense'" in caught.value.found


def test_no_jobs_give_no_answers(tflm):
    assert tflm.run_jobs([]) == []


def test_operator_without_kernel_is_unsupported_with_the_interpreters_own_words(tflm, tmp_path):
    path = tmp_path / "odd.tflite"
    path.write_bytes(Single("GELU", (Operand((1, 4)),), (Operand((1, 4)),))())
    with pytest.raises(UnsupportedError) as caught:
        tflm.run(path, [{0: np.zeros((1, 4), np.int8)}])
    assert "GELU" in caught.value.found


@pytest.mark.parametrize("executor", [Tflm, Litert])
def test_missing_package_is_said_with_what_to_install(executor, harmless, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install" in executor().available()
    with pytest.raises(MissingToolError):
        executor().run(harmless.model, harmless.inputs)


def test_contract_is_tflm_and_numpy_where_tflm_is_missing(monkeypatch):
    monkeypatch.setattr(Tflm, "available", lambda self: None)
    assert contract().name == "tflite-micro"
    monkeypatch.setattr(Tflm, "available", lambda self: "not installed")
    assert contract().name == "numpy"


@pytest.mark.parametrize("executor", [Tflm, Litert, Integer])
def test_executors_keep_to_the_protocol(executor):
    assert isinstance(executor(), Executor)


def test_samples_do_not_influence_one_another(tflm, model):
    path = model("add-two_residuals")
    samples = random_inputs(reader.read(path), 4)
    together = tflm.run(path, samples)
    alone = tflm.run(path, samples[3:])
    assert all(np.array_equal(together[3][i], alone[0][i]) for i in alone[0])


def test_tensorflow_is_never_imported():
    modules = "tflm, litert, integer, compare, inputs, process, child"
    code = f"import sys; from edgecompress.reference import {modules}; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_operators_output_is_returned(tflm, model):
    for case in [case for case in CASES if case.id in ("add-diamond", "reshape-in_a_row", "shape-of_shape")]:
        path = model(case.id)
        graph = reader.read(path)
        (outputs,) = tflm.run(path, random_inputs(graph, 1))
        assert set(outputs) == {i for operation in graph.operations for i in operation.outputs}
