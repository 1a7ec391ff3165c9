"""Keras takes any text as an input's name; the converter sees one that it does not change."""

import numpy as np
import pytest

from edgecompress.convert import lite
from edgecompress.load.runtime import keras2

NAMES = ("self", "1st", "_hidden", "é", "my input", "lambda", "a" * 500, '*/"\n')


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_converted_whatever_its_input_is_called(name):
    keras = keras2()
    model = keras.Sequential([keras.Input((4,), name=name), keras.layers.Dense(2)])
    sample = (np.ones((1, 4), np.float32),)
    assert lite.to_integer(model, lambda: iter([sample]))[4:8] == b"TFL3"


def test_an_ordinary_name_stays_what_it_is():
    keras = keras2()
    model = keras.Sequential([keras.Input((4,), name="image_1"), keras.layers.Dense(2)])
    assert lite._input_names(model) == ["image_1"]
