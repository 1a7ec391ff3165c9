"""What is written for plain Keras: opened by Keras itself, which knows nothing of this package, it computes the same."""

from pathlib import Path
from typing import Any

import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress.models.keras_file import write_keras
from edgecompress.errors import UnsupportedError, UsageError
from edgecompress.load.runtime import keras2, keras3
from edgecompress.pipeline.compressing import check_suffix


def nested() -> Any:
    """A model that uses another one twice, with a plain layer between."""
    layers = keras2().layers
    inner = keras2().Sequential([layers.Input((6,)), layers.Dense(6, activation="relu")], name="inner")
    source = layers.Input((6,))
    return keras2().Model(source, layers.Dense(3)(inner(layers.Dense(6)(inner(source)))))


def integers() -> Any:
    """Two inputs and two outputs; what is looked up are integers."""
    layers = keras2().layers
    words, numbers = layers.Input((5,), dtype="int32"), layers.Input((4,))
    both = layers.Concatenate()([layers.Flatten()(layers.Embedding(7, 3)(words)), numbers])
    return keras2().Model([words, numbers], [layers.Dense(2)(both), layers.Dense(3)(both)])


MODELS = {**{f.__name__: f for f in examples.MODELS.values()}, "nested": nested, "integers": integers}


def answers(model: Any, seed: int = 3) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    samples = [
        generator.integers(0, 7, (5, *t.shape[1:])).astype(np.int32)
        if "int" in str(t.dtype)
        else generator.normal(0, 1, (5, *t.shape[1:])).astype(np.float32)
        for t in model.inputs
    ]
    found = model(samples if len(samples) > 1 else samples[0])
    return [np.asarray(one) for one in (found if isinstance(found, list | tuple) else [found])]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_plain_keras_opens_the_file_and_computes_the_same(name: str, suffix: str, tmp_path: Path) -> None:
    model, path = MODELS[name](), tmp_path / f"small{suffix}"
    assert write_keras(model, path) < 1e-5
    keras = keras3() if suffix == ".keras" else keras2()
    for expected, found in zip(answers(model), answers(keras.models.load_model(path, compile=False)), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_layer_that_keras_3_does_not_have_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    import tensorflow as tf

    source = keras2().layers.Input((4,))
    model = keras2().Model(source, tf.nn.relu6(source + 1.0))
    with pytest.raises(UnsupportedError, match="TFOpLambda") as error:
        write_keras(model, tmp_path / "small.keras")
    assert "small.h5" in error.value.hint
    assert not list(tmp_path.iterdir())
    write_keras(model, tmp_path / "small.h5")


def test_an_earlier_file_stays_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "small.keras"
    write_keras(examples.sequential(), path)
    before = path.read_bytes()
    source = keras2().layers.Input((4,))
    with pytest.raises(UnsupportedError):
        write_keras(keras2().Model(source, tf.nn.relu6(source)), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["small.tflite", "small", "small.pb"])
def test_other_suffixes_are_refused_before_anything_is_trained(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.keras or \.h5"):
        check_suffix(Path(name))
