"""Files that the reader accepts but no converter writes: the back end builds them right, or says which rule they break."""

import sys
from pathlib import Path

import numpy as np
import pytest
from fuzzing import damage

from edgecompress.codegen import writer
from edgecompress.codegen.program import lower
from edgecompress.errors import EdgecompressError
from edgecompress.inspection import inspect
from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import Integer, run_graph
from edgecompress.tflite import reader

CHANGED = 2500
SMALL_ARENA = 2**20
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")


@pytest.fixture(scope="module")
def accepted(models):
    """Damaged files of which C was generated."""
    generator = np.random.default_rng(3)
    contents = []
    for number in range(CHANGED):
        damaging = damage.flip_bits if number % 4 == 0 else damage.change_fields
        content = damaging(damage.pick(models, generator), generator)
        try:
            program = lower(reader.read_bytes(content or b""))
        except EdgecompressError:
            continue
        writer.write(program)
        if program.plan.arena_bytes < SMALL_ARENA:
            contents.append(content)
    return contents


def test_damaged_models_are_built_or_refused_never_a_crash(accepted):
    assert CHANGED // 10 < len(accepted) < CHANGED


def test_what_is_built_can_be_run_by_the_reference(accepted):
    for content in accepted:
        graph = reader.read_bytes(content)
        outputs = run_graph(graph, random_inputs(graph, 1)[0])
        assert set(graph.outputs) <= set(outputs)


def test_damaged_models_can_be_inspected(models, tmp_path):
    generator = np.random.default_rng(4)
    path, shown = tmp_path / "model.tflite", 0
    for _ in range(200):
        path.write_bytes(damage.change_fields(damage.pick(models, generator), generator) or b"")
        try:
            inspect(path)
        except EdgecompressError:
            continue
        shown += 1
    assert shown > 20


@pytest.mark.slow
def test_generated_c_of_damaged_models_has_no_undefined_behaviour_and_the_references_bytes(accepted, tmp_path):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "conformance"))
    from on_host import OnHost

    jobs, graphs = [], []
    for number, content in enumerate(accepted):
        path = tmp_path / f"part_{number % 16}-{number}.tflite"
        path.write_bytes(content)
        graphs.append(reader.read(path))
        jobs.append(Job(path, tuple(random_inputs(graphs[-1], 2))))
    for graph, ours, theirs in zip(graphs, OnHost().run_jobs(jobs), Integer().run_jobs(jobs), strict=True):
        assert theirs.error is None
        assert ours.error is None, ours.error
        assert compare(graph, ours.outputs, theirs.outputs).exact
