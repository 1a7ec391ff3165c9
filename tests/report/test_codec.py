"""Dataclasses to JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.report.codec import FormatError, dumps, from_data, json_schema, to_data


@dataclass(frozen=True)
class Inner:
    """An inner value."""

    name: str
    size: int | None = None


@dataclass(frozen=True)
class Outer:
    """An outer value."""

    items: tuple[Inner, ...] = ()
    one: Inner | None = None
    share: float | None = None
    ready: bool | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    from_: str | None = field(default=None, metadata={"json": "from"})


INNERS = st.builds(Inner, st.text(), st.none() | st.integers())
OUTERS = st.builds(
    Outer,
    st.lists(INNERS).map(tuple),
    st.none() | INNERS,
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.booleans(),
    st.dictionaries(st.text(), st.text()),
    st.none() | st.text(),
)


@given(OUTERS)
def test_reading_is_the_inverse_of_writing(value):
    assert from_data(Outer, to_data(value)) == value


def test_a_field_may_have_another_name_in_json():
    assert to_data(Outer(from_="here"))["from"] == "here"


def test_unknown_is_null_and_zero_stays_zero():
    assert to_data(Inner("x")) == {"name": "x", "size": None}
    assert to_data(Inner("x", 0)) == {"name": "x", "size": 0}


def test_numpy_numbers_become_plain_ones():
    assert dumps(Outer(items=(Inner("x", np.int64(7)),), share=np.float32(0.5))).count("7") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_nan_is_refused_with_its_place(value):
    with pytest.raises(FormatError, match=r"report\.share is (nan|inf)"):
        dumps(Outer(share=value))


def test_what_json_cannot_hold_is_refused_with_its_place():
    with pytest.raises(FormatError, match=r"report\.items\[0\]\.name is a object"):
        dumps(Outer(items=(Inner(object()),)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"itmes": []}, "report has the unknown key 'itmes'"),
        ({"items": [{"size": 1}]}, r"report\.items\[0\] lacks the key 'name'"),
        ({"items": [{"name": "x", "size": 1.5}]}, r"report\.items\[0\]\.size is 1\.5, expected integer"),
        ({"items": [{"name": "x", "size": True}]}, r"size is true, expected integer"),
        ({"items": {}}, r"report\.items is \{\}, expected array"),
        ({"one": [1]}, r"report\.one is \[1\], expected object"),
        ({"share": "0.5"}, r"report\.share is \"0\.5\", expected number"),
        ({"ready": 1}, r"report\.ready is 1, expected boolean"),
        ({"texts": {"a": 1}}, r"report\.texts\.a is 1, expected string"),
        ({"from": None, "share": "x" * 99}, r"share is \"x+\.\.\., expected"),
    ],
)
def test_data_of_another_shape_are_refused_with_their_place(data, message):
    with pytest.raises(FormatError, match=message):
        from_data(Outer, data)


def test_the_schema_requires_every_key_and_allows_no_other():
    schema = json_schema(Outer, "outer")
    outer = schema["$defs"]["Outer"]
    assert outer["required"] == ["items", "one", "share", "ready", "texts", "from"]
    assert outer["additionalProperties"] is False
    assert outer["properties"]["share"] == {"type": ["number", "null"]}
    assert outer["properties"]["one"] == {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}]}
    assert outer["description"] == "An outer value."
