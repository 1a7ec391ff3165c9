"""Which Keras layer a refusal names."""

from types import SimpleNamespace

import pytest

from edgecompress.convert.naming import layer_of, layers_named
from edgecompress.errors import UnsupportedError


class Conv3D(SimpleNamespace):
    pass


class Dense(SimpleNamespace):
    pass


def model(outputs=("head",)):
    layers = [Conv3D(name="cube"), Dense(name="head")]
    return SimpleNamespace(output_names=list(outputs), _flatten_layers=lambda include_self: layers)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model/cube/Conv3D"], 'layer "cube" (Conv3D)'),
        (["model/head/cube/Conv3D"], 'layer "cube" (Conv3D)'),
        (["model/other/Mul", "model/head/MatMul"], 'layer "head" (Dense)'),
        (["StatefulPartitionedCall:0"], 'layer "head" (Dense)'),
        (["arith.constant"], ""),
    ],
)
def test_the_innermost_scope_or_the_output_says_which_layer_it_is(names, expected):
    assert layer_of(model(), names) == expected


def test_of_several_outputs_none_is_guessed():
    assert layer_of(model(("cube", "head")), ["PartitionedCall:0"]) == ""


def test_a_refusal_begins_with_the_layer_and_keeps_its_words():
    with pytest.raises(UnsupportedError) as caught, layers_named(model()):
        raise UnsupportedError("no kernel", found='operator 1 CONV_3D "model/cube/Conv3D"', hint="another")
    assert caught.value.what == 'layer "cube" (Conv3D): no kernel'
    assert (caught.value.found, caught.value.hint) == ('operator 1 CONV_3D "model/cube/Conv3D"', "another")
