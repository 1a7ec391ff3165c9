"""What a model keeps is carried on through sequences of inferences on the device, and reset where it is said to be."""

import numpy as np
import pytest
from model_cases import model_of

from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.device.mailbox import Mailbox
from edgecompress.emulate import open as open_device
from edgecompress.errors import DeviceError
from edgecompress.memory.choice import Wish
from edgecompress.pipeline import evidence, firmware
from edgecompress.pipeline.bench import bench
from edgecompress.pipeline.execution import raw_inputs, run_layer_by_layer, run_outputs
from edgecompress.pipeline.host import run_on_host
from edgecompress.reference.compare import compare
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find
from edgecompress.tflite import reader

LENGTH = 3


@pytest.fixture(scope="module")
def stateful(tmp_path_factory):
    """(path, program, inputs, firmware) of two variables that change places, on a Cortex-M4."""
    folder = tmp_path_factory.mktemp("stateful")
    path = folder / "model.tflite"
    path.write_bytes(model_of("assign_variable-exchanged"))
    target = find("cortex-m4")
    program = lower(reader.read(path), features_of(target.cpu))
    inputs = random_inputs(program.graph, 2 * LENGTH)
    golden = inputs[0], run_graph(program.graph, inputs[0])
    return path, program, inputs, firmware.build(program, target, folder, golden)


@pytest.fixture
def mailbox(stateful):
    with open_device(find("cortex-m4"), stateful[3].mailbox) as port:
        yield Mailbox(port, stateful[3].mailbox)


def test_sequences_on_the_device_are_those_of_the_reference(stateful, mailbox):
    path, program, inputs, _ = stateful
    expected = evidence.expect(path, program.graph, inputs, length=LENGTH)
    assert expected.reference.startswith("tflite-micro") and expected.ours.exact and expected.litert.exact
    shown = run_layer_by_layer(program, mailbox, inputs, length=LENGTH)
    assert compare(program.graph, shown, expected.outputs).exact
    otherwise = run_layer_by_layer(program, mailbox, inputs, length=1)
    assert not compare(program.graph, otherwise, expected.outputs).exact


def test_samples_that_are_judged_begin_with_a_fresh_state_everywhere(stateful, mailbox, tmp_path):
    _, program, inputs, built = stateful
    (source,) = program.graph.inputs
    hosted = run_on_host(program, built.sources, tmp_path, [np.stack([sample[source] for sample in inputs])])
    on_device = run_outputs(program, mailbox, [raw_inputs(program, sample) for sample in inputs])
    for number, sample in enumerate(inputs):
        fresh = run_graph(program.graph, sample)
        for place, index in enumerate(program.graph.outputs):
            assert np.array_equal(hosted[place][number].reshape(fresh[index].shape), fresh[index])
            assert np.array_equal(on_device[number][place], fresh[index])


def test_the_golden_vector_is_that_of_a_fresh_state_however_often_it_is_run(stateful, tmp_path):
    found = bench(stateful[0], target="cortex-m4", inputs=4, save=tmp_path / "run")
    assert found.report.warnings == () and found.comparison.exact
    assert found.report.ram.state == 24 <= found.report.ram.arena
    assert found.report.shrinking is None or "keeps a state" in (found.report.shrinking.reason or "")


def test_models_without_state_do_not_know_how_to_be_reset(tmp_path):
    program = lower(reader.read_bytes(model_of("add-two_residuals")))
    sample = random_inputs(program.graph, 1)[0]
    built = firmware.build(program, find("cortex-m4"), tmp_path, (sample, run_graph(program.graph, sample)))
    with open_device(find("cortex-m4"), built.mailbox) as port, pytest.raises(DeviceError, match="resetting"):
        Mailbox(port, built.mailbox).reset()


@pytest.mark.parametrize(
    ("name", "count", "length"), [("add-two_residuals", 20, 1), ("assign_variable-chained", 21, 11)]
)
def test_models_that_keep_a_state_are_run_in_two_sequences(name, count, length):
    assert evidence.sequence_length(reader.read_bytes(model_of(name)), count) == length


@pytest.mark.slow
def test_coded_weights_leave_the_state_alone(shared_data, tmp_path):
    """A wake word model with most of its weights taken out, so that codes pay."""
    path = shared_data / "models" / "mww" / "v2_hey_jarvis.tflite"
    content, generator = path.read_bytes(), np.random.default_rng(7)
    for tensor in reader.read(path).tensors.values():
        if tensor.data is not None and tensor.dtype == np.int8 and tensor.elements > 1000:
            sparse = np.where(generator.random(tensor.shape) < 0.9, 0, tensor.data).astype(np.int8)
            content = content.replace(tensor.data.tobytes(), sparse.tobytes())
    pruned = tmp_path / "pruned.tflite"
    pruned.write_bytes(content)
    found = bench(pruned, target="cortex-m4", inputs=26, wish=Wish("size"))
    assert any(layer.call.code for layer in found.program.layers)
    assert found.comparison.exact and found.comparison.samples == 30
