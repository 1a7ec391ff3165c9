"""Instructions and cycles against an independent counter: another program, another emulator hook, the same ELF."""

import json
import subprocess
import sys

import pytest

from edgecompress import emulate
from edgecompress.codegen.features import features_of
from edgecompress.codegen.program import lower
from edgecompress.pipeline import firmware
from edgecompress.reference.inputs import random_inputs
from edgecompress.reference.integer import run_graph
from edgecompress.targets import find
from edgecompress.tflite import reader

MLPERF = {
    "ad": "mlperf_tiny/anomaly_detection/ad01_int8",
    "ic": "mlperf_tiny/image_classification/pretrainedResnet_quant",
    "kws": "mlperf_tiny/keyword_spotting/kws_ref_model",
    "vww": "mlperf_tiny/visual_wake_words/vww_96_int8",
}
SMALL = "tinymaix/mnist_valid_q"
CORES = ("cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33")


@pytest.fixture
def standalone(shared_data, tmp_path):
    """Builds the program that runs one inference, and profiles it: (profile, the ELF)."""

    def build(name, core):
        program = lower(reader.read(shared_data / "models" / f"{name}.tflite"), features_of(find(core).cpu))
        sample = random_inputs(program.graph, 1)[0]
        golden = sample, run_graph(program.graph, sample)
        image = firmware.build(program, find(core), tmp_path, golden).standalone
        layers = [f"model_layer_{layer.index}" for layer in program.layers]
        return emulate.profile(image, find(core), "model_invoke", layers), image.path

    return build


def counted(yardstick, elf, core):
    command = [sys.executable, yardstick, elf, "--function", "model_invoke", "--cpu", core, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=600).stdout)


def check(profile, theirs):
    assert profile.status == 0
    assert profile.instructions == theirs["instructions"]


def test_small_model_costs_what_the_yardstick_says(standalone, yardstick):
    profile, elf = standalone(SMALL, "cortex-m4")
    theirs = counted(yardstick, elf, "cortex-m4")
    check(profile, theirs)
    assert profile.cycles.typical == pytest.approx(theirs["cycles"]["typical"], rel=0.01)
    assert profile.cycles.min == pytest.approx(theirs["cycles"]["min"], rel=0.01)
    assert profile.cycles.max == pytest.approx(theirs["cycles"]["max"], rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_models_cost_what_the_yardstick_says_on_the_m4(standalone, yardstick, name):
    profile, elf = standalone(MLPERF[name], "cortex-m4")
    theirs = counted(yardstick, elf, "cortex-m4")
    check(profile, theirs)
    assert profile.cycles.typical == pytest.approx(theirs["cycles"]["typical"], rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_instructions_are_those_of_the_yardstick_on_every_core(standalone, yardstick, core):
    profile, elf = standalone(SMALL, core)
    check(profile, counted(yardstick, elf, core))


@pytest.mark.slow
@pytest.mark.needs("qemu-system-arm")
def test_vector_unit_of_the_m55_saves_instructions(standalone):
    profile, _ = standalone(SMALL, "cortex-m55")
    plain, _ = standalone(SMALL, "cortex-m3")
    assert profile.status == 0
    assert 0 < profile.instructions < plain.instructions  # the vector unit does several multiplications at once
