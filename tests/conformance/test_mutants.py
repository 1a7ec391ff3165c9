"""Valid models that no converter made: the suite's own with other scales, zero points, activations, weights, windows and sizes.

Their C under sanitizers, our NumPy reference and tflite-micro give the same bytes. `EDGECOMPRESS_MUTANTS=5000` makes more of
them, `EDGECOMPRESS_MUTANTS_SEED=7` others, `EDGECOMPRESS_MUTANTS_MODELS=FOLDER` makes them of the models below a folder instead.
"""

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
from fuzzing.damage import pick, unpack
from fuzzing.valid import changed
from model_cases import CASES, state
from on_host import OnHost

from edgecompress.codegen import ops
from edgecompress.codegen.features import PLAIN, SIMD, Features
from edgecompress.codegen.padding import fold_paddings
from edgecompress.codegen.program import lower
from edgecompress.errors import EdgecompressError, NotExactError
from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import FILLS, filled_input
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader

COUNT = int(os.environ.get("EDGECOMPRESS_MUTANTS", "300"))
SEED = int(os.environ.get("EDGECOMPRESS_MUTANTS_SEED", "0"))
FOLDER = os.environ.get("EDGECOMPRESS_MUTANTS_MODELS")
LARGEST_MODEL = 100_000
"""Bytes of a real model: NumPy's reference and the compiler take seconds for each mutant of larger ones."""
FAMILIES = {
    "plain": PLAIN,
    "dsp": Features(dsp=True),
    "mve": Features(mve=True),
    "single": Features(single=True),
    "simd": SIMD,
}
LARGEST_ARENA = 2**16
PARTS = 8

pytestmark = pytest.mark.slow


def made_models():
    """The conformance suite's quantized ones of one graph each."""
    known = [case for case in CASES if case.operator in ops.OPERATORS and case not in state.CASES]
    return [content for case in known if case.reference == "tflm" and _is_quantized(content := case.build())]


def real_models(folder):
    """Those of one graph that the back end accepts as they are."""
    found = []
    for path in sorted(folder.rglob("*.tflite")):
        content = path.read_bytes()
        with contextlib.suppress(EdgecompressError):
            if len(content) <= LARGEST_MODEL and len(unpack(content).subgraphs) == 1 and _is_quantized(content):
                lower(reader.read_bytes(content))
                found.append(content)
    return found


@pytest.fixture(scope="module")
def mutants(tmp_path_factory):
    """The first so many that the back end accepts, with an input for every fill."""
    generator, folder = np.random.default_rng(SEED), tmp_path_factory.mktemp("mutants")
    sources = real_models(Path(FOLDER)) if FOLDER else made_models()
    jobs = []
    while len(jobs) < COUNT:
        content = changed(pick(sources, generator), generator)
        try:
            program = lower(reader.read_bytes(content))
        except EdgecompressError:
            continue
        if program.plan.arena_bytes <= LARGEST_ARENA:
            path = folder / f"part_{len(jobs) % PARTS}-{len(jobs)}.tflite"
            path.write_bytes(content)
            graph = reader.read(path)
            jobs.append(Job(path, tuple(filled_input(graph, fill) for fill in FILLS)))
    return jobs


@pytest.fixture(scope="module")
def expected(mutants):
    return Integer().run_jobs(mutants)


def differences(jobs, ours, theirs):
    """Names of models with the first difference or error."""
    found = []
    for job, one, other in zip(jobs, ours, theirs, strict=True):
        graph = fold_paddings(reader.read(job.model))
        if one.error is not None:
            found.append((job.model.name, one.error))
        elif not (compared := compare(graph, other.outputs, one.outputs)).exact:
            found.append((job.model.name, NotExactError(str(compared.first), found=str(compared.missing))))
    return found


def test_tflm_gives_the_references_bytes_for_mutants(mutants, expected):
    if reason := Tflm().available():
        pytest.skip(reason)
    answers = Tflm().run_jobs(mutants)
    ran = [k for k, answer in enumerate(answers) if answer.error is None]
    assert len(ran) > 0.9 * len(mutants), [a.error for a in answers if a.error][:3]
    chosen = ([rows[k] for k in ran] for rows in (mutants, expected, answers))
    assert differences(*chosen) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_generated_c_of_mutants_gives_the_references_bytes_under_sanitizers(family, mutants, expected):
    answers = OnHost(FAMILIES[family]).run_jobs(mutants)
    assert differences(mutants, answers, expected) == []


def _is_quantized(content):
    """Scales are what is changed, among others; a few operators move int32 and truth values only."""
    return any(tensor.quantization for tensor in reader.read_bytes(content).tensors.values())
