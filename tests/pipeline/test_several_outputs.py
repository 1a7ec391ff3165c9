"""Models with several outputs, from Keras to the emulated core: each output is judged by its own."""

import numpy as np
import pytest

import edgecompress
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def two_outputs(tmp_path_factory):
    """Classes and values; the converter by itself would list the values first."""
    folder = tmp_path_factory.mktemp("two_outputs")
    keras = keras2()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    start = keras.Input((8, 8, 1))
    features = layers.Conv2D(8, 3, activation="relu")(layers.Conv2D(8, 3, activation="relu")(start))
    classes = layers.Dense(3, activation="softmax", name="classes")(layers.GlobalAveragePooling2D()(features))
    values = layers.Dense(4, name="a_few_values")(layers.Flatten()(features))
    keras.Model(start, [classes, values]).save(folder / "model.h5")
    samples = np.random.default_rng(0).normal(size=(500, 8, 8, 1)).astype(np.float32)
    arrays = {"x_train": samples[:300], "x_val": samples[300:400], "x_test": samples[400:]}
    np.savez(folder / "unlabelled.npz", **arrays)
    labels = {f"y_{split[2:]}": np.arange(len(x)) % 3 for split, x in arrays.items()}
    np.savez(folder / "labelled.npz", **arrays, **labels)
    return folder


def test_both_are_compressed_and_judged_by_what_the_loaded_model_answers(two_outputs, tmp_path):
    built = edgecompress.build(
        two_outputs / "model.h5",
        data=str(two_outputs / "unlabelled.npz"),
        passes="prune{sparsity=0.5,epochs=2}",
        out=tmp_path,
    )
    accuracy = built.report.accuracy
    assert accuracy.metric == "agreement"
    assert accuracy.int8 > 0.9
    (sentence,) = (note for note in built.report.notes if note.startswith("against the original float model"))
    assert "output 0: agreement" in sentence
    assert "output 1: mean squared error" in sentence
    assert [output.shape[1] for output in built.report.outputs] == [3, 4]


def test_labels_are_refused_with_the_way_to_train_without(two_outputs, tmp_path):
    with pytest.raises(RecipeError) as caught:
        edgecompress.build(
            two_outputs / "model.h5", data=str(two_outputs / "labelled.npz"), passes="prune{sparsity=0.5}", out=tmp_path
        )
    assert "2 outputs" in str(caught.value)
    assert 'labels = "none"' in caught.value.hint
