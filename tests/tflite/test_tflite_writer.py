"""The writer's files are read back as the same Graph, and interpreters run them as they ran the originals."""

from dataclasses import replace
from types import MappingProxyType

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from model_cases import CASES, recurrent, state

from edgecompress.errors import EdgecompressError, ModelFileError, UnsupportedError
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import hostile_inputs, random_inputs
from edgecompress.reference.litert import Litert
from edgecompress.reference.tflm import Tflm
from edgecompress.tflite import reader, writer
from edgecompress.tflite.graph import Signature

SOME = tuple(
    case
    for place, case in enumerate(CASES)
    # LiteRT takes an int8 state for int16 and reads whatever lies behind it.
    if place % 12 == 0 and case not in state.CASES and case.why != recurrent.READS_INT16
)


def facts(graph):
    """Everything that a Graph holds, comparable."""
    tensors = {
        i: (
            t.name,
            t.shape,
            t.dtype,
            t.quantization,
            t.type_name,
            t.is_variable,
            None if t.data is None else t.data.tobytes(),
        )
        for i, t in graph.tensors.items()
    }
    operations = [
        (o.index, o.opcode, o.inputs, o.outputs, dict(o.options), o.version, o.options_type) for o in graph.operations
    ]
    return tensors, operations, graph.inputs, graph.outputs, graph.description, graph.signatures


def test_every_conformance_model_is_read_back_as_it_was():
    count = 0
    for case in CASES:
        graph = reader.read_bytes(case.build())
        try:
            content = writer.write(graph)
        except UnsupportedError:
            continue
        again = reader.read_bytes(content)
        assert facts(again) == facts(graph), case.id
        assert writer.write(again) == content, case.id
        count += 1
    assert count > 0.9 * len(CASES)


def test_real_models_are_read_back_as_they_were(shared_data):
    count = 0
    for path in sorted((shared_data / "models").rglob("*.tflite")):
        graph = reader.read(path)
        try:
            content = writer.write(graph)
        except UnsupportedError:
            continue
        assert facts(reader.read_bytes(content)) == facts(graph), path
        count += 1
    assert count > 20


@pytest.mark.parametrize("executor", [Tflm(), Litert()], ids=lambda executor: executor.name)
def test_interpreters_find_no_difference(executor, tmp_path):
    if reason := executor.available():
        pytest.skip(reason)
    jobs = []
    for place, case in enumerate(SOME):
        content = case.build()
        graph = reader.read_bytes(content)
        inputs = tuple(random_inputs(graph, 2) + hostile_inputs(graph))
        for name, data in (("a", content), ("b", writer.write(graph))):
            path = tmp_path / f"{place}{name}.tflite"
            path.write_bytes(data)
            jobs.append(Job(path, inputs))
    answers = executor.run_jobs(jobs)
    ran = 0
    for case, one, other in zip(SOME, answers[::2], answers[1::2], strict=True):
        assert (one.error is None) == (other.error is None), case.id
        for a, b in zip(one.outputs, other.outputs, strict=True):
            assert a.keys() == b.keys(), case.id
            assert all(a[i].tobytes() == b[i].tobytes() for i in a), case.id
        ran += one.error is None
    assert ran > len(SOME) // 2


def test_constants_are_aligned_as_the_schema_asks(residual):
    content = writer.write(reader.read_bytes(residual))
    model = schema.Model.GetRootAs(content, 0)
    places = []
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if buffer.DataLength():
            places.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    assert len(places) > 3
    assert not [place for place in places if place % 16]


def test_tensors_that_are_missing_leave_no_gap(residual):
    graph = reader.read_bytes(residual)
    moved = {index * 3 + 5: replace(tensor, index=index * 3 + 5) for index, tensor in graph.tensors.items()}
    operations = tuple(
        replace(o, inputs=tuple(3 * i + 5 for i in o.inputs), outputs=tuple(3 * i + 5 for i in o.outputs))
        for o in graph.operations
    )
    ends = {name: tuple(3 * i + 5 for i in getattr(graph, name)) for name in ("inputs", "outputs")}
    sparse = replace(graph, tensors=MappingProxyType(moved), operations=operations, **ends)
    assert writer.write(sparse) == writer.write(graph)
    assert writer.numbering(sparse) == {3 * i + 5: i for i in graph.tensors}


def test_constants_with_the_same_bytes_are_written_once(residual):
    graph = reader.read_bytes(residual)
    index = max(graph.tensors) + 1
    large = np.arange(10_000, dtype=np.int32)
    one = replace(graph.tensors[0], index=index, shape=large.shape, dtype=large.dtype, type_name="INT32", data=large)
    once = replace(graph, tensors=MappingProxyType({**graph.tensors, index: one}))
    twice = replace(graph, tensors=MappingProxyType({**once.tensors, index + 1: replace(one, index=index + 1)}))
    assert len(writer.write(twice)) < len(writer.write(once)) + 1000


@pytest.mark.parametrize("opcode", ["CUSTOM:ethos-u", "STABLEHLO_ADD", "UNKNOWN_999"])
def test_operators_with_data_of_their_own_are_refused(residual, opcode):
    graph = reader.read_bytes(residual)
    first = replace(graph.operations[0], opcode=opcode)
    with pytest.raises(UnsupportedError, match="cannot be written"):
        writer.write(replace(graph, operations=(first, *graph.operations[1:])))


def test_operators_that_call_other_subgraphs_are_refused(residual):
    graph = reader.read_bytes(residual)
    options = MappingProxyType({"init_subgraph_index": 1})
    first = replace(graph.operations[0], opcode="CALL_ONCE", options=options, options_type="CallOnceOptions")
    with pytest.raises(UnsupportedError, match="cannot be written") as caught:
        writer.write(replace(graph, operations=(first, *graph.operations[1:])))
    assert isinstance(caught.value, EdgecompressError)
    assert "subgraph" in caught.value.found


def with_signature(residual, tensors):
    graph = reader.read_bytes(residual)
    names = tuple((f"x{index}", index) for index in tensors)
    return replace(graph, signatures=(Signature("serving_default", names, (("y", graph.outputs[0]),)),))


def test_signatures_are_kept_as_litert_knows_them(residual):
    graph = with_signature(residual, reader.read_bytes(residual).inputs)
    content = writer.write(graph)
    assert reader.read_bytes(content).signatures == graph.signatures
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=content)
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": [f"x{graph.inputs[0]}"], "outputs": ["y"]}
    }


def test_a_signature_of_a_tensor_that_is_gone_is_left_out(residual):
    graph = with_signature(residual, [10_000])
    assert reader.read_bytes(writer.write(graph)).signatures == ()


def test_a_signature_that_names_no_tensor_is_refused(residual):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(writer.write(with_signature(residual, [0]))))
    model.signatureDefs[0].inputs[0].tensorIndex = 99_999
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ModelFileError, match="signature 0"):
        reader.read_bytes(bytes(builder.Output()))
