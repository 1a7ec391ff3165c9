"""The executors that run generated C are on trial: they must see a kernel that strays, and one that computes wrongly."""

from functools import partial

import generated_c
import pytest
from model_cases import model_of
from on_core import OnCore
from on_host import OnHost

from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.integer import Integer
from edgecompress.tflite import reader

NAMES = ("relu-same_quantization", "add-channel_vector", "softmax-ten")
EXECUTORS = {"host": OnHost, "cortex-m4": partial(OnCore, "cortex-m4")}


@pytest.fixture
def jobs(tmp_path):
    return _jobs(tmp_path, NAMES)


def _jobs(tmp_path, names):
    made = []
    for name in names:
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(model_of(name))
        graph = reader.read(path)
        made.append(Job(path, tuple(random_inputs(graph, 2) + hostile_inputs(graph))))
    return made


@pytest.fixture
def tamper(monkeypatch):
    """Replaces a piece of C in the program that the executors build."""

    def replace(file, old, new):
        original = generated_c.program_of

        def changed(cases):
            files = original(cases)
            assert old in files[file]
            return {**files, file: files[file].replace(old, new, 1)}

        monkeypatch.setattr(generated_c, "program_of", changed)

    return replace


def verdicts(executor, jobs):
    """Per job: whether every byte equals the reference's; None after an error."""
    graphs = [reader.read(job.model) for job in jobs]
    answers = zip(graphs, executor.run_jobs(jobs), Integer().run_jobs(jobs), strict=True)
    return [
        None if ours.error else compare(graph, ours.outputs, theirs.outputs).exact for graph, ours, theirs in answers
    ]


@pytest.mark.parametrize("name", EXECUTORS)
def test_sound_kernels_are_exact(jobs, name):
    assert verdicts(EXECUTORS[name](), jobs) == [True, True, True]


@pytest.mark.parametrize("name", EXECUTORS)
@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("ec_lookup.c", "from[i]", "(uint8_t)(from[i] + (from[i] == 127))", [False, True, True]),
        ("ec_add.c", "20 }", "19 }", [True, False, True]),
        ("ec_exponential.h", "1302514674", "1200000000", [True, True, False]),
    ],
)
def test_slightly_wrong_kernel_is_seen_in_its_model_only(jobs, name, tamper, file, old, new, expected):
    tamper(file, old, new)
    assert verdicts(EXECUTORS[name](), jobs) == expected


def test_kernel_that_reads_what_nothing_has_written_is_seen(tmp_path, tamper):
    """A transposition: its output does not lie on its input, so nothing has been written there."""
    tamper(
        "ec_strided_copy.c",
        "to[i] = from[i * stride];",
        f"to[i] = to[i] == {generated_c.GARBAGE} ? 0 : from[i * stride];",
    )
    assert verdicts(OnHost(), _jobs(tmp_path, ["transpose-0231"]))[0] is not True


@pytest.mark.needs("gcc")
def test_kernel_that_leaves_the_arena_ends_its_own_case_only(jobs, tamper):
    tamper("ec_lookup.c", "i < p->elements", "i <= p->elements")
    answers = OnHost().run_jobs(jobs)
    assert [answer.error is None for answer in answers] == [False, True, True]
    assert "ERROR: AddressSanitizer" in answers[0].error.found
    assert "ec_lookup" in answers[0].error.found


def test_undefined_behaviour_ends_its_own_case_only(jobs, tamper):
    tamper("ec_add.c", "a + p->offset_a", "a + p->offset_a + INT32_MAX")
    answers = OnHost().run_jobs(jobs)
    assert [answer.error is None for answer in answers] == [True, False, True]
