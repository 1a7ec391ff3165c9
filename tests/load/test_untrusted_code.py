"""No code of a model file ever runs, unless its user says so."""

import numpy as np
import pytest
from made_models import change_h5, inputs, rewrite_archive

from edgecompress import load
from edgecompress.errors import UnsupportedError
from edgecompress.load.runtime import keras2, keras3


def lambda_model(keras):
    layers = [keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2, name="twice"), keras.layers.Dense(2)]
    return keras.Sequential(layers)


@pytest.mark.parametrize("suffix", [".h5", ".keras", ""])
def test_lambda_layers_are_refused_by_name_unless_trusted(tmp_path, suffix):
    model = lambda_model(keras2())
    path = tmp_path / f"model{suffix}"
    model.save(path)
    with pytest.raises(UnsupportedError, match=r'"twice" \(Lambda\)') as caught:
        load.load(path)
    assert "--trust-model-code" in caught.value.hint
    trusted = load.load(path, trust_model_code=True)
    np.testing.assert_array_equal(trusted(inputs((2, 4))).numpy(), model(inputs((2, 4))).numpy())


def test_lambda_layers_of_keras_3_are_refused_by_name(tmp_path):
    lambda_model(keras3()).save(tmp_path / "model.keras")
    with pytest.raises(UnsupportedError, match=r'"twice" \(Lambda\)'):
        load.load(tmp_path / "model.keras")


def test_a_lambda_inside_a_wrapper_inside_a_nested_model_is_found(tmp_path):
    keras = keras2()
    hidden = keras.layers.TimeDistributed(keras.layers.Lambda(lambda x: x + 1, name="hidden"), name="wrapper")
    inner = keras.Sequential([keras.Input((3, 4)), hidden], name="inner")
    start = keras.Input((3, 4))
    keras.Model(start, inner(start)).save(tmp_path / "model.h5")
    with pytest.raises(UnsupportedError, match="hidden"):
        load.load(tmp_path / "model.h5")


HOSTILE_ACTIVATIONS = [
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
    {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
    {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x/"}, "registered_name": "g"},
    {"module": "builtins", "class_name": "exec", "config": {}, "registered_name": None},
    {"class_name": "__lambda__", "config": {"code": "4wA=", "defaults": None, "closure": None}},
    {"module": "tests.load.evil", "class_name": "Evil", "config": {}, "registered_name": "x>Evil"},
]


@pytest.mark.parametrize("activation", HOSTILE_ACTIVATIONS, ids=lambda a: a["class_name"])
@pytest.mark.parametrize("version", [2, 3])
def test_descriptions_that_would_run_code_are_refused(small_two, small_three, tmp_path, activation, version):
    model = small_two if version == 2 else small_three
    model.save(tmp_path / "good.keras")

    def change(config):
        layer = next(one for one in config["config"]["layers"] if one["class_name"] == "Conv2D")
        layer["config"]["activation"] = activation

    path = rewrite_archive(tmp_path / "good.keras", tmp_path / "bad.keras", change)
    with pytest.raises(UnsupportedError, match="conv"):
        load.load(path)


@pytest.mark.parametrize("function", ["io.write_file", "py_function", "io.read_file", "keras.utils.get_file", None])
def test_only_plain_tensorflow_functions_may_be_named(shared_data, tmp_path, function):
    def change(config):
        layer = next(one for one in config["config"]["layers"] if one["class_name"] == "TFOpLambda")
        layer["config"]["function"] = function

    source = shared_data / "models" / "tinymaix" / "mnist_resnet.h5"
    with pytest.raises(UnsupportedError, match=r"tf\.__operators__\.add_3.*not allowed"):
        load.load(change_h5(source, tmp_path / "bad.h5", change))


def test_a_plain_tensorflow_function_is_described(shared_data):
    described = load.describe(shared_data / "models" / "tinymaix" / "mnist_resnet.h5")
    (layer,) = [one for one in described["layers"] if one["class"] == "TFOpLambda"]
    assert layer["function"] == "__operators__.add"
