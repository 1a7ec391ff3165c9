"""SUPPORTED_LAYERS.md: as the cases say, and no layer of Keras is forgotten."""

import pytest
import supported_layers
from keras_cases import CASES

from edgecompress.load.runtime import keras2


def test_the_file_is_what_the_cases_say():
    assert supported_layers.FILE.read_text(encoding="utf-8") == supported_layers.page(), "run tools/supported_layers.py"


def test_every_refusal_says_what_to_do_instead():
    assert [case.id for case in CASES if bool(case.refused) != bool(case.remedy)] == []
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.slow
def test_every_layer_of_keras_has_a_case_or_says_why_not():
    layers = keras2().layers
    classes = {one for one in vars(layers).values() if isinstance(one, type) and issubclass(one, layers.Layer)}
    named = {case.layer for case in CASES}
    left_out = {name for names in supported_layers.WITHOUT_CASES.values() for name in names}
    assert not named & left_out
    assert {one.__name__ for one in classes} == named | left_out
