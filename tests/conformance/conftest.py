"""The conformance suite's material: every case's model and inputs, and every executor's outputs, each made once.

To add an executor: a row in `OURS`. Its `run_jobs` gets all cases that were selected, in one call.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from model_cases import CASES, Case

from edgecompress.codegen import ops
from edgecompress.reference.executor import Answer, Executor, Job
from edgecompress.reference.inputs import FILLS, filled_input
from edgecompress.reference.integer import Integer
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader
from edgecompress.tflite.graph import Graph

OURS: dict[str, Callable[[], Executor]] = {"numpy": Integer}
"""What must equal TFLM byte for byte."""

OTHERS: dict[str, Callable[[], Executor]] = {"tflm": Tflm, "litert": Litert}


@dataclass(frozen=True)
class Material:
    """A case, ready to run: one input per fill, in the order of `FILLS`."""

    case: Case
    graph: Graph
    job: Job


def require(executor: Executor) -> None:
    """Skip where the executor is missing; fail where EDGECOMPRESS_REQUIRE names it."""
    reason = executor.available()
    if reason is not None:
        if executor.name in os.environ.get("EDGECOMPRESS_REQUIRE", "").split(","):
            pytest.fail(f"{reason}, but EDGECOMPRESS_REQUIRE names it")
        pytest.skip(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"executor", "case"} <= set(metafunc.fixturenames):
        # Operators that the back end does not have are run by the other executors only.
        pairs = [(name, case) for name in OURS for case in CASES if case.operator in ops.OPERATORS]
        metafunc.parametrize(("executor", "case"), pairs, ids=[f"{name}-{case.id}" for name, case in pairs])
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=[case.id for case in CASES])
    elif "operator" in metafunc.fixturenames:
        metafunc.parametrize("operator", sorted(ops.OPERATORS))


@pytest.fixture(scope="session")
def material(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Material]:
    """By case id: the cases that the selected tests ask for."""
    asked = {item.callspec.params["case"].id for item in request.session.items if "case" in getattr(item, "fixturenames", ())}
    folder = tmp_path_factory.mktemp("models")
    made = {}
    for case in CASES:
        if case.id in asked:
            path = folder / f"{case.id}.tflite"
            path.write_bytes(case.build())
            graph = reader.read(path)
            job = Job(path, tuple(filled_input(graph, fill) for fill in FILLS))
            made[case.id] = Material(case, graph, job)
    return made


@pytest.fixture(scope="session")
def answers(material: dict[str, Material]) -> Callable[[str], dict[str, Answer]]:
    """An executor's answers by case id; all cases are run when its first is asked for."""
    known: dict[str, dict[str, Answer]] = {}

    def run(name: str) -> dict[str, Answer]:
        if name not in known:
            executor = {**OURS, **OTHERS}[name]()
            require(executor)
            chosen = [m for m in material.values() if name not in OURS or m.case.operator in ops.OPERATORS]
            made = executor.run_jobs([m.job for m in chosen])
            known[name] = dict(zip((m.case.id for m in chosen), made, strict=True))
        return known[name]

    return run
