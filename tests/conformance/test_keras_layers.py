"""Every Keras layer from its .h5 file to C on this computer: TFLM's bytes, or a refusal that says which layer and why."""

import model_cases
import numpy as np
import pytest
from keras_cases import CASES, Case, model_of
from on_host import OnHost

from edgecompress.codegen.padding import fold_paddings
from edgecompress.convert import stage
from edgecompress.errors import EdgecompressError, UnsupportedError
from edgecompress.load.runtime import keras2
from edgecompress.pipeline.evidence import sequence_length
from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Answer, Job
from edgecompress.reference.inputs import FILLS, filled_input
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

UNKNOWN_TO_TFLM = {case.operator for case in model_cases.CASES if case.reference != "tflm"}
"""Operators that TFLM's interpreter may refuse: the conformance suite holds our arithmetic of them against LiteRT's."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def converted(request, tmp_path_factory) -> dict[str, Job | EdgecompressError]:
    """Of every selected case: its full-integer file with inputs, or how the conversion refused it."""
    chosen = dict.fromkeys(
        item.callspec.params["layer"] for item in request.session.items if item.module is request.module
    )
    folder = tmp_path_factory.mktemp("layers")
    return {case.id: _convert(case, folder / f"{number}.h5") for number, case in enumerate(chosen)}


def _convert(case: Case, path) -> Job | EdgecompressError:
    keras = keras2()
    model_of(case, keras).save(path)
    file = path.with_suffix(".tflite")
    try:
        job = {"model": path, "output": file, "random": True, "calibration_samples": 8, "buildable": True}
        stage.convert(job)
    except EdgecompressError as error:
        return error
    finally:
        keras.backend.clear_session()
    graph = reader.read(file)
    return Job(file, tuple(filled_input(graph, fill) for fill in FILLS), sequence_length(graph, len(FILLS)))


@pytest.fixture(scope="module")
def answers(converted) -> dict[str, dict[str, Answer]]:
    """Executor -> case -> what every operator gave."""
    jobs = {name: job for name, job in converted.items() if isinstance(job, Job)}
    executors = {"host": OnHost(), "tflm": Tflm(), "numpy": Integer()}
    return {
        name: dict(zip(jobs, executor.run_jobs(list(jobs.values())), strict=True))
        for name, executor in executors.items()
    }


@pytest.mark.parametrize("layer", CASES, ids=lambda case: case.id)
def test_a_layer_becomes_tflms_bytes_or_is_refused_by_name(layer, converted, answers):
    job = converted[layer.id]
    found = job if isinstance(job, EdgecompressError) else answers["host"][layer.id].error
    if layer.refused:
        assert isinstance(found, UnsupportedError)
        assert layer.refused in str(found)
        assert layer.layer in found.what
        return
    assert found is None, found
    graph = reader.read(job.model)
    host, theirs = answers["host"][layer.id], answers["tflm"][layer.id]
    if theirs.error is not None:
        assert UNKNOWN_TO_TFLM & {operation.opcode for operation in graph.operations}, theirs.error
        theirs = answers["numpy"][layer.id]
    assert compare(fold_paddings(graph), host.outputs, theirs.outputs).exact
    assert np.ptp([sample[graph.outputs[0]] for sample in host.outputs]), "it gives one value whatever comes in"
