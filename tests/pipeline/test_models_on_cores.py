"""Every model of the data: exact on every core, or refused by name."""

import pytest
from real_models import CORES, KWS, LEGACY, MLPERF, MODELS, REFUSED, STREAMING, real_samples

from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.emulate import open as open_device
from edgecompress.errors import UnsupportedError
from edgecompress.pipeline import evidence, firmware
from edgecompress.pipeline.bench import bench
from edgecompress.reference.compare import compare
from edgecompress.reference.inputs import hostile_inputs, random_inputs, real_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find
from edgecompress.tflite import reader


def inputs_of(graph, data, name, count=16):
    samples = real_samples(data, name)
    real = [] if samples is None else real_inputs(graph, samples, len(samples))
    return [*random_inputs(graph, count), *hostile_inputs(graph), *real]


@pytest.fixture(scope="module")
def expected(models, shared_data):
    """By model name: (graph, inputs, TFLM's outputs), each computed once."""
    known = {}

    def compute(name):
        if name not in known:
            path = models / f"{name}.tflite"
            graph = reader.read(path)
            inputs = inputs_of(graph, shared_data, name)
            length = evidence.sequence_length(graph, len(inputs))
            known[name] = graph, inputs, evidence.expect(path, graph, inputs, with_litert=False, length=length).outputs
        return known[name]

    return compute


def run_on(name, core, expected, folder):
    """The comparison of a model's firmware on a core with TFLM, operator by operator."""
    from edgecompress.device.mailbox import Mailbox
    from edgecompress.pipeline.execution import run_layer_by_layer

    graph, inputs, outputs = expected(name)
    target = find(core)
    program = lower(graph, features_of(target.cpu))
    built = firmware.build(program, target, folder, (inputs[0], run_graph(program.graph, inputs[0])))
    with open_device(target, built.mailbox) as port:
        length = evidence.sequence_length(graph, len(inputs))
        shown = run_layer_by_layer(program, Mailbox(port, built.mailbox), inputs, length=length)
    return compare(program.graph, shown, outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_exact_through_bench(models, shared_data, name):
    samples = real_samples(shared_data, name)
    result = bench(models / f"{name}.tflite", target="cortex-m4", inputs=16, samples=samples)
    assert result.comparison.exact, result.comparison.first
    assert result.comparison.samples == 20 + (0 if samples is None else 8)
    assert result.report.bit_exact.reference.startswith("LiteRT" if name in LEGACY else "tflite-micro")
    assert {t.tensor for t in result.comparison.tensors} == {
        i for o in result.program.graph.operations if o.opcode != "ASSIGN_VARIABLE" for i in o.outputs
    }


@pytest.mark.slow
@pytest.mark.parametrize("core", [core for core in CORES if core != "cortex-m4"])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_exact_on_every_core(name, core, expected, tmp_path):
    found = run_on(name, core, expected, tmp_path)
    assert found.exact, found.first


@pytest.mark.slow
@pytest.mark.needs("qemu-system-arm")
@pytest.mark.parametrize("name", MLPERF + STREAMING)
def test_mlperf_and_streaming_models_are_exact_on_the_m55(name, expected, tmp_path):
    found = run_on(name, "cortex-m55", expected, tmp_path)
    assert found.exact, found.first


def test_every_model_of_the_data_is_in_a_list(models):
    there = {path.relative_to(models).with_suffix("").as_posix() for path in models.rglob("*.tflite")}
    assert there == set(MODELS) | set(REFUSED)
    assert KWS in MODELS


@pytest.mark.parametrize("name", REFUSED)
def test_models_that_cannot_be_built_are_refused_by_name(models, name):
    with pytest.raises(UnsupportedError) as caught:
        lower(reader.read(models / f"{name}.tflite"))
    assert REFUSED[name] in caught.value.what
    assert "\n" not in caught.value.what
    assert ("the TFLite converter with int8 operators" in caught.value.hint) == (REFUSED[name] == "float")
