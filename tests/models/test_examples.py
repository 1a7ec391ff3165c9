"""The example networks: they build, train to what their cards say, and bring recipes that can be used as they are."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgecompress import data, recipe
from edgecompress.compress import make_all
from models import digits_cnn, har_cnn

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [digits_cnn, har_cnn]


@pytest.mark.parametrize("module", EXAMPLES)
def test_the_recipe_is_valid_and_names_passes_that_exist(module):
    settings = recipe.load(module.EXAMPLE.recipe)
    assert [one.name for one in make_all(settings.passes)] == ["prune", "cluster", "qat"]
    assert settings.data.source == module.EXAMPLE.data_file


@pytest.mark.parametrize("module", EXAMPLES)
def test_the_card_tells_the_number_of_parameters(module):
    model = module.build()
    assert f"{model.count_params():,} parameters" in module.__doc__
    assert importlib.import_module(module.EXAMPLE.module) is module


def test_the_digits_serve_a_recipe_directly():
    dataset = data.open("models.digits_cnn:samples", recipe.load(digits_cnn.EXAMPLE.recipe).data)
    assert dataset.input_shapes == ((8, 8, 1),)
    assert sum(dataset.counts.values()) == 1797


@pytest.mark.slow
def test_the_digits_network_trains_in_seconds_and_reaches_97_percent(tmp_path):
    command = [sys.executable, "-m", "models.digits_cnn", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["validation"] >= 0.97
    assert {"model.h5", "model.toml", "digits.npz"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.slow
def test_the_har_network_knows_new_people(tmp_path, shared_data):
    samples = shared_data / "datasets" / "har_phone_s01-s17.npz"
    command = [sys.executable, "-m", "models.har_cnn", "--out", str(tmp_path), "--data", str(samples)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["validation"] >= 0.9
    settings = recipe.load(tmp_path / "model.toml")
    dataset = data.open(settings.source, settings.data, settings.build.seed)
    subjects = np.load(samples)["subject"]
    train = set(subjects[dataset.train.indices].tolist())
    assert not train & {12, 13, 14, 15, 16, 17}


def test_har_without_data_says_what_to_give(tmp_path):
    command = [sys.executable, "-m", "models.har_cnn", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--data FILE.npz" in done.stderr
