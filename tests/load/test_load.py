"""Loading real model files, of Keras 2 and 3, in every container: what comes out computes the same."""

import json
import shutil

import numpy as np
import pytest
from made_models import change_h5, inputs

from edgecompress import load
from edgecompress.errors import ModelFileError, UnsupportedError
from edgecompress.load.runtime import keras2, keras3

LOADABLE = {
    "mlperf_tiny/anomaly_detection/ad01.h5": (269992, 264192),
    "mlperf_tiny/image_classification/pretrainedResnet.h5": (78666, 12501632),
    "mlperf_tiny/visual_wake_words/vww_96.h5": (221794, 7489664),
    "mlperf_tiny/keyword_spotting/kws_ref_model": (24908, 2656768),
    "tinymaix/mnist_valid.h5": (1786, None),
    "tinymaix/mnist_dw.h5": (1546, None),
    "tinymaix/mnist_resnet.h5": (22930, None),
    "tinymaix/cifar10.h5": (90090, None),
    "mltk/audio_example1.h5": (7186, None),
    "mltk/image_example1.h5": (8443, None),
    "mltk/autoencoder_example.h5": (10484, None),
    "mltk/tflite_micro_speech.h5": (16684, None),
    "mltk/tflite_micro_magic_wand.h5": (4300, None),
    "mltk/keyword_spotting_on_off.h5": (6628, None),
}


@pytest.mark.parametrize("name", LOADABLE)
def test_real_models_load(shared_data, name):
    described = load.describe(shared_data / "models" / name)
    parameters, macs = LOADABLE[name]
    assert described["parameters"] == parameters
    assert macs is None or described["macs"] == macs
    json.dumps(described, allow_nan=False)


@pytest.mark.parametrize(
    ("keras_file", "lite_file", "shape"),
    [
        ("mlperf_tiny/image_classification/pretrainedResnet.h5", "pretrainedResnet.tflite", (1, 32, 32, 3)),
        ("tinymaix/mnist_resnet.h5", "mnist_resnet_f.tflite", (1, 28, 28, 1)),
        ("mltk/autoencoder_example.h5", "autoencoder_example.float32.tflite", (1, 140)),
    ],
)
def test_a_loaded_model_computes_what_its_published_tflite_does(shared_data, keras_file, lite_file, shape):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    path = shared_data / "models" / keras_file
    interpreter = litert.Interpreter(str(path.parent / lite_file))
    interpreter.allocate_tensors()
    sample = inputs(shape)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(load.load(path)(sample).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["AD03_model_ToyCar.h5", "RN06_model_best.h5"])
def test_qkeras_is_refused_in_one_sentence(shared_data, name):
    with pytest.raises(UnsupportedError, match="is a QKeras model") as caught:
        load.load(shared_data / "models" / "hls4ml_qkeras" / name)
    assert "QDense" in caught.value.found or "QConv2DBatchnorm" in caught.value.found
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("suffix", [".h5", ".keras", ""])
def test_keras_2_models_survive_every_container(small_two, tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    small_two.save(path)
    np.testing.assert_array_equal(load.load(path)(inputs()).numpy(), small_two(inputs()).numpy())


def test_a_keras_3_archive_is_bridged_to_equal_outputs(small_three, tmp_path):
    small_three.save(tmp_path / "model.keras")
    model = load.load(tmp_path / "model.keras")
    assert isinstance(model, keras2().Model)
    np.testing.assert_allclose(model(inputs()).numpy(), np.asarray(small_three(inputs())), atol=1e-5)
    np.testing.assert_allclose(
        model.get_layer("conv").losses[0].numpy(), np.asarray(small_three.get_layer("conv").losses[0]), rtol=1e-5
    )


def test_a_keras_3_h5_is_bridged_too(tmp_path):
    keras = keras3()
    model = keras.Sequential(
        [keras.Input((6, 4)), keras.layers.Conv1D(3, 2), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.save(tmp_path / "model.h5")
    x = inputs((2, 6, 4))
    np.testing.assert_allclose(load.load(tmp_path / "model.h5")(x).numpy(), np.asarray(model(x)), atol=1e-5)


def test_keras_3_models_with_two_inputs_shared_layers_and_two_outputs_are_bridged(tmp_path):
    keras = keras3()
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    shared = keras.layers.Dense(3, name="shared")
    both = keras.layers.Concatenate()([shared(a), shared(b), shared(keras.layers.subtract([a, b]))])
    model = keras.Model([a, b], [keras.layers.Dense(2)(both), both])
    model.save(tmp_path / "model.keras")
    samples = [inputs((3, 5)), inputs((3, 5)) * 2]
    for actual, expected in zip(load.load(tmp_path / "model.keras")(samples), model(samples), strict=True):
        np.testing.assert_allclose(actual.numpy(), np.asarray(expected), atol=1e-5)


def test_mixed_precision_is_rebuilt_in_float32(tmp_path):
    keras = keras2()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, dtype="mixed_float16")])
    model.save(tmp_path / "model.h5")
    assert load.load(tmp_path / "model.h5")(inputs((2, 4))).dtype.name == "float32"


def test_keras_3_functions_that_mean_something_else_in_keras_2_are_caught(tmp_path):
    keras = keras3()
    layers = [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Activation("hard_sigmoid", name="odd")]
    keras.Sequential(layers).save(tmp_path / "model.keras")
    with pytest.raises(UnsupportedError, match="computes something else") as caught:
        load.load(tmp_path / "model.keras")
    assert '"odd"' in caught.value.found


def test_layers_of_keras_3_only_are_named(tmp_path):
    keras = keras3()
    model = keras.Sequential([keras.Input((4,)), keras.layers.RMSNormalization(name="rms")])
    model.save(tmp_path / "model.keras")
    with pytest.raises(UnsupportedError, match=r'"rms" \(RMSNormalization\)'):
        load.load(tmp_path / "model.keras")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_named(tmp_path, value):
    keras = keras2()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="first"), keras.layers.Dense(2, name="second")]
    )
    weights = model.get_weights()
    weights[2][1, 1] = value
    model.set_weights(weights)
    model.save(tmp_path / "model.h5")
    with pytest.raises(ModelFileError, match=r'layer "second": weight "second/kernel:0"') as caught:
        load.load(tmp_path / "model.h5")
    assert "1 of 6" in caught.value.found


def test_open_dimensions_are_refused_with_what_to_set(tmp_path):
    keras = keras2()
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalAveragePooling2D()]
    )
    model.save(tmp_path / "model.h5")
    with pytest.raises(UnsupportedError, match="no fixed size") as caught:
        load.load(tmp_path / "model.h5")
    assert caught.value.found == "(?, ?, 3)"
    assert "shape=(96, 96, 3)" in caught.value.hint


def test_a_model_whose_input_size_is_known_from_its_first_call_only_is_loaded(tmp_path):
    keras = keras2()
    model = keras.Sequential([keras.layers.Dense(2)])
    expected = model(inputs((3, 4))).numpy()
    model.save(tmp_path / "model.h5")
    np.testing.assert_array_equal(load.load(tmp_path / "model.h5")(inputs((3, 4))).numpy(), expected)


def test_a_model_without_input_size_is_refused(tmp_path):
    keras = keras2()
    model = keras.Sequential([keras.layers.Dense(2)])
    model(inputs((3, 4)))
    model.save(tmp_path / "good.h5")

    def forget(config):
        config["config"]["layers"] = [one for one in config["config"]["layers"] if one["class_name"] != "InputLayer"]
        config["config"]["layers"][0]["config"].pop("batch_input_shape", None)

    with pytest.raises(UnsupportedError, match="how large its input is"):
        load.load(change_h5(tmp_path / "good.h5", tmp_path / "bad.h5", forget))


def test_saved_models_without_keras_are_refused(tmp_path):
    import tensorflow as tf

    class Plain(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 2))])
        def __call__(self, x):
            return x

    tf.saved_model.save(Plain(), str(tmp_path / "plain"))
    with pytest.raises(UnsupportedError, match="without Keras's description"):
        load.load(tmp_path / "plain")


def test_subclassed_models_are_refused(tmp_path):
    keras = keras2()

    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(inputs((1, 4)))
    model.save(tmp_path / "mine", save_format="tf")
    with pytest.raises(UnsupportedError, match=r"subclassed|not a layer of Keras"):
        load.load(tmp_path / "mine")


def test_saved_models_with_missing_or_damaged_parts_are_refused(shared_data, tmp_path):
    source = shared_data / "models" / "mlperf_tiny" / "keyword_spotting" / "kws_ref_model"
    shutil.copytree(source, tmp_path / "a")
    (tmp_path / "a" / "variables" / "variables.data-00000-of-00001").write_bytes(b"short")
    with pytest.raises(ModelFileError, match="variables"):
        load.load(tmp_path / "a")
    shutil.rmtree(tmp_path / "a" / "variables")
    with pytest.raises(ModelFileError, match="variables"):
        load.load(tmp_path / "a")
    content = (source / "saved_model.pb").read_bytes()
    (tmp_path / "a" / "saved_model.pb").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match="damaged"):
        load.load(tmp_path / "a")


def test_a_clone_shares_nothing(small_two):
    copy = load.clone(small_two)
    np.testing.assert_array_equal(copy(inputs()).numpy(), small_two(inputs()).numpy())
    before = small_two(inputs()).numpy()
    copy.set_weights([w * 0 for w in copy.get_weights()])
    np.testing.assert_array_equal(small_two(inputs()).numpy(), before)
    assert not {id(one) for one in copy._flatten_layers()} & {id(one) for one in small_two._flatten_layers()}


def test_a_description_counts_by_hand(small_two, tmp_path):
    small_two.save(tmp_path / "model.h5")
    described = load.describe(tmp_path / "model.h5")
    macs = {layer["name"]: layer["macs"] for layer in described["layers"] if layer["macs"]}
    assert macs == {"conv": 64 * 9 * 3 * 4, "depthwise": 64 * 9 * 4, "head/inner_dense": 256 * 5}
    assert described["macs"] == sum(macs.values())
    assert described["bytes_float32"] == 4 * small_two.count_params()
    assert described["bytes_int8"] == (108 + 16) + (36 + 16) + (1280 + 20)
    assert [layer["name"] for layer in described["layers"]][:3] == ["image", "conv", "norm"]
    assert described["inputs"] == [{"name": "image", "shape": [1, 8, 8, 3], "dtype": "float32"}]
