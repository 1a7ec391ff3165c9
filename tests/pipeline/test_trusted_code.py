"""Models with code of their own go through passes once their author is trusted, and not before."""

import numpy as np
import pytest

import edgecompress
from edgecompress.errors import UnsupportedError
from edgecompress.load.runtime import keras2

pytestmark = pytest.mark.slow

PASSES = "prune{sparsity=0.5,epochs=1},qat{epochs=1}"


@pytest.fixture(scope="module")
def with_code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("with_code")
    keras = keras2()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    start = keras.Input((8,))
    hidden = layers.Lambda(lambda values: values * 2, name="code")(layers.Dense(16, activation="relu")(start))
    keras.Model(start, layers.Dense(3, activation="softmax")(hidden)).save(folder / "model.h5")
    samples = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    np.savez(folder / "data.npz", x=samples, y=np.arange(200) % 3)
    return folder


def test_every_pass_loads_what_the_one_before_it_left(with_code, tmp_path):
    built = edgecompress.build(
        with_code / "model.h5", data=str(with_code / "data.npz"), passes=PASSES, out=tmp_path, trust_model_code=True
    )
    assert [entry.status for entry in built.report.passes if entry.promise] == ["kept"]
    assert built.report.bit_exact.differing_bytes == 0
    assert not any("TF-MOT cannot" in note for note in built.report.notes)


def test_without_trust_the_layer_is_named_and_nothing_runs(with_code, tmp_path):
    with pytest.raises(UnsupportedError) as caught:
        edgecompress.build(with_code / "model.h5", data=str(with_code / "data.npz"), passes=PASSES, out=tmp_path)
    assert "code (Lambda)" in str(caught.value)
    assert "--trust-model-code" in caught.value.hint
