"""The conformance suite's material: every case's model and inputs, and every executor's outputs, each made once.

To add an executor: a row in `OURS`. Its `run_jobs` gets all cases that were selected, in one call; the fast tests run
those of `FAST`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

from model_cases import CASES, ONE_OPERATOR, PLAIN, Case
from needs import NEEDS, require
from on_core import OnCore
from on_emulated import OnEmulated
from on_host import OnHost

from edgecompress.codegen import ops, variants
from edgecompress.codegen.features import SIMD, Features
from edgecompress.codegen.legacy import as_signed, signed
from edgecompress.errors import EdgecompressError
from edgecompress.pipeline.evidence import sequence_length
from edgecompress.reference.executor import Answer, Executor, Job
from edgecompress.reference.inputs import FILLS, filled_input
from edgecompress.reference.integer import Integer
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph

OURS: dict[str, Callable[[], Executor]] = {
    "numpy": Integer,
    "host": OnHost,
    "host-dsp": partial(OnHost, Features(dsp=True), name="host-dsp"),
    "host-dsp-second": partial(OnHost, Features(dsp=True), 1, "host-dsp-second"),
    "host-dsp-flash": partial(OnHost, Features(dsp=True, spends_flash=True), name="host-dsp-flash"),
    "host-mve": partial(OnHost, Features(mve=True), name="host-mve"),
    "host-single": partial(OnHost, Features(single=True), name="host-single"),
    "host-simd": partial(OnHost, SIMD, name="host-simd"),
    "host-simd-plain": partial(OnHost, SIMD, name="host-simd-plain", table="plain"),
    "host-simd-avx2": partial(OnHost, SIMD, name="host-simd-avx2", table="avx2"),
    "cortex-a7": partial(OnEmulated, "armv7", "cortex-a7"),
    **{name: partial(OnEmulated, "aarch64", name) for name in ("cortex-a72", "cortex-a76")},
    **{
        name: partial(OnCore, name)
        for name in ("cortex-m4", "cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33", "cortex-m55")
    },
    "cortex-m4-gcc": partial(OnCore, "cortex-m4", "gcc"),
    "cortex-m55-gcc": partial(OnCore, "cortex-m55", "gcc"),
    "cortex-m4-second": partial(OnCore, "cortex-m4", number=1),
    "cortex-m4-flash": partial(OnCore, "cortex-m4", spends_flash=True),
}
"""What must equal TFLM byte for byte: our NumPy operators, and the generated C wherever it runs."""

FAST = ("numpy", "host", "host-dsp", "host-mve", "host-simd", "cortex-m4")
ONE_OF_EACH = ("numpy", "host", "cortex-m4", "cortex-m4-gcc", "cortex-m0plus", "cortex-m55", "cortex-a72")
"""Of compilers and instruction sets: enough for a single operator that has one kernel for all processors."""
VARIED = {variant.opcode for variant in variants.VARIANTS}
"""Operators that have other kernels on some processors."""
OTHERS: dict[str, Callable[[], Executor]] = {"tflm": Tflm, "litert": Litert}


@dataclass(frozen=True)
class Material:
    """A case, ready to run: one input per fill, in the order of `FILLS`."""

    case: Case
    graph: Graph
    job: Job


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"executor", "case"} <= set(metafunc.fixturenames):
        rows = [
            pytest.param(name, case, marks=marks_of(name), id=f"{case.id}@{name}")
            for name in OURS
            for case in CASES
            if runs(name, case)
        ]
        metafunc.parametrize(("executor", "case"), rows)
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=[case.id for case in CASES])
    elif "operator" in metafunc.fixturenames:
        metafunc.parametrize("operator", sorted(ops.OPERATORS))


def runs(executor: str, case: Case) -> bool:
    """Operators that the back end does not have are run by the other executors only."""
    if executor not in OURS:
        return True
    is_alone = case.id in PLAIN or (case.id in ONE_OPERATOR and case.operator not in VARIED)
    return case.operator in ops.OPERATORS and (executor in ONE_OF_EACH or not is_alone)


def marks_of(executor: str) -> list[pytest.MarkDecorator]:
    """Slow or not, and the programs it needs."""
    slow = [] if executor in FAST else [pytest.mark.slow]
    return slow + ([pytest.mark.needs(*NEEDS[executor])] if executor in NEEDS else [])


@pytest.fixture(scope="session")
def material(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Material]:
    """By case id: the cases that the selected tests ask for."""
    asked = {
        item.callspec.params["case"].id for item in request.session.items if "case" in getattr(item, "fixturenames", ())
    }
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for case in CASES:
        if case.id in asked:
            path = folder / f"{case.id}.tflite"
            path.write_bytes(case.build())
            graph = signed(reader.read(path))
            fills = tuple(filled_input(graph, fill) for fill in FILLS)
            job = Job(path, fills, sequence_length(graph, len(fills)))
            made[case.id] = Material(case, graph, job)
    return made


def in_int8(material: Material, answer: Answer) -> Answer:
    """What an interpreter says of a legacy model, as our executors say it."""
    return replace(
        answer, outputs=tuple(as_signed(material.graph, answer.outputs, material.job.inputs[: len(answer.outputs)]))
    )


@pytest.fixture(scope="session")
def answers(material: dict[str, Material]) -> Callable[[str], dict[str, Answer]]:
    """An executor's answers by case id; all cases are run when its first is asked for."""
    known: dict[str, dict[str, Answer]] = {}

    def run(name: str) -> dict[str, Answer]:
        if name not in known:
            executor = {**OURS, **OTHERS}[name]()
            require(executor)
            chosen = [m for m in material.values() if runs(name, m.case)]
            try:
                made = executor.run_jobs([m.job for m in chosen])
            except EdgecompressError as error:  # once, not again for every case
                made = [Answer(error=error)] * len(chosen)
            if name in OTHERS:
                made = [in_int8(m, answer) for m, answer in zip(chosen, made, strict=True)]
            known[name] = dict(zip((m.case.id for m in chosen), made, strict=True))
        return known[name]

    return run
