"""Every operator, in every case, with every fill, against TensorFlow Lite Micro's interpreter, byte by byte; where that does
not know the operator, against LiteRT's reference kernels."""

import numpy as np
import pytest
from model_cases import CASES, LITERT_EXACT, LITERT_REFUSES
from recording import PROPERTY

from edgecompress.codegen import ops
from edgecompress.codegen.padding import fold_paddings
from edgecompress.errors import UnsupportedError
from edgecompress.reference.compare import compare
from edgecompress.reference.inputs import FILLS
from edgecompress.reference.litert import rounds_fully_connected_once

REFUSED = {
    "div-by_anything": "divisor",
    "div-coarse": "shift",
    "relu6-coarser": "scale",
    "relu6-finer": "scale",
    "relu6-huge_ratio": "scale",
    "relu6-tiny_ratio": "scale",
    "relu6-to_lowest_zero_point": "scale",
    "space_to_batch_nd-padded": "padding",
    "svdf-int8_zero_point": "symmetric",
}
"""Cases of our operators that the back end declines, and a word of the rule that says so."""

WITHOUT_CODE = {
    "expand_dims-rows": "computes nothing",
    "pack-of_shape": "computes nothing",
    "reshape-flatten": "computes nothing",
    "reshape-flatten_minus_one": "computes nothing",
    "reshape-of_input_is_output": "computes nothing",
    "reshape-of_shape": "computes nothing",
    "reshape-options_only": "computes nothing",
    "reshape-same": "computes nothing",
    "reshape-split": "computes nothing",
    "shape-of_shape": "computes nothing",
    "shape-rank_4": "output of the model",
    "squeeze-width": "computes nothing",
    "strided_slice-of_shape": "computes nothing",
}
"""Cases of which nothing is left to generate C from, and what the generator says of them."""


def test_back_end_gives_tflms_bytes_or_declines_with_a_rule(executor, case, answers, material, record_property):
    verdict = "declined" if case.id in REFUSED else "exact"
    record_property(
        PROPERTY, (executor, case.id, "no code" if executor != "numpy" and case.id in WITHOUT_CODE else verdict)
    )
    theirs, ours = answers(case.reference)[case.id], answers(executor)[case.id]
    if executor != "numpy" and case.id in WITHOUT_CODE:
        assert isinstance(ours.error, UnsupportedError), f"{case.id} is generated now: take it out of WITHOUT_CODE"
        assert WITHOUT_CODE[case.id] in ours.error.what
        return
    if case.id in REFUSED:
        assert isinstance(ours.error, UnsupportedError), f"{case.id} is accepted now: take it out of REFUSED"
        assert REFUSED[case.id] in ours.error.what
        return
    assert theirs.error is None
    assert ours.error is None, ours.error
    graph = material[case.id].graph if executor == "numpy" else fold_paddings(material[case.id].graph)
    found = compare(graph, theirs.outputs, ours.outputs)
    assert found.exact, where(found)


def test_tflm_runs_every_case_but_those_that_name_another_reference(case, answers, material):
    answer = answers("tflm")[case.id]
    if case.reference != "tflm":
        assert answer.error is not None, f"TFLM runs {case.id} now: it is the reference"
        return
    assert answer.error is None
    assert len(answer.outputs) == len(FILLS)
    assert not compare(material[case.id].graph, answer.outputs, answer.outputs).missing


def test_litert_differs_from_tflm_by_no_more_than_stated(case, answers, material, record_property):
    verdict = {LITERT_EXACT: "exact", LITERT_REFUSES: "declined"}.get(case.litert, "as stated")
    record_property(PROPERTY, ("litert", case.id, "reference" if case.reference == "litert" else verdict))
    theirs, other = answers(case.reference)[case.id], answers("litert")[case.id]
    if case.litert == LITERT_REFUSES:
        assert isinstance(other.error, UnsupportedError), f"LiteRT runs it now, though {case.why}"
        return
    assert other.error is None
    found = compare(material[case.id].graph, theirs.outputs, other.outputs)
    exact = case.litert == LITERT_EXACT or (case.operator == "FULLY_CONNECTED" and not rounds_fully_connected_once())
    assert not found.missing
    assert found.max_lsb <= (0 if exact else case.litert), where(found)
    assert found.exact or not exact, where(found)


def test_every_operator_of_the_back_end_has_a_case_that_it_accepts(operator):
    accepted = [case for case in CASES if case.operator == operator and case.id not in REFUSED]
    assert accepted, f"{operator} is registered in codegen/ops without a conformance case in tools/model_cases"


def test_every_case_contains_the_operator_it_is_named_after(case, material):
    assert case.operator in {operation.opcode for operation in material[case.id].graph.operations}


def test_inputs_reach_both_ends_of_the_range(case, material):
    graph, job = material[case.id].graph, material[case.id].job
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if tensor.dtype == np.int8:
            values = np.concatenate([sample[index].reshape(-1) for sample in job.inputs])
            assert {values.min(), values.max()} == {-128, 127}


def test_case_names_are_unique():
    names = [case.id for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_refused_cases_exist():
    known = {case.id: case for case in CASES}
    assert all(known[name].operator in ops.OPERATORS for name in (*REFUSED, *WITHOUT_CODE))


def test_every_stated_difference_has_a_reason():
    assert all(case.why for case in CASES if case.litert != LITERT_EXACT)


@pytest.mark.parametrize("position", range(0, len(CASES), 37))
def test_models_are_the_same_bytes_every_time(position):
    assert CASES[position].build() == CASES[position].build()


def where(found):
    """The first difference, for the failure's message."""
    return f"{found.differing_bytes} of {found.compared_bytes} bytes, first in {found.first}, missing {found.missing}"
