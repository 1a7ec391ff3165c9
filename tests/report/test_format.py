"""How numbers are written."""

import pytest

from edgecompress.report import format as fmt


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"), (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (53_356, "52.1 KiB"),
        (655_360, "640 KiB"), (1_048_576, "1.00 MiB"), (2_097_152, "2.00 MiB"), (-2048, "-2.00 KiB"),
    ],
)  # fmt: skip
def test_sizes_are_in_units_of_1024_with_three_digits(count, text):
    assert fmt.size(count) == text


def test_counts_have_all_their_digits():
    assert fmt.number(12_345_678) == "12,345,678"
    assert (fmt.number(0), fmt.number(None)) == ("0", "-")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.0, "0.00 ms"), (731.2, "731 ms"), (43.21, "43.2 ms"), (4.051, "4.05 ms"),
     (0.05, "0.05 ms"), (0.0001234, "0.123 us"), (12_345.6, "12,346 ms")],
)  # fmt: skip
def test_milliseconds_have_three_digits_and_no_exponent(value, text):
    assert fmt.milliseconds(value) == text


def test_seconds_grow_into_minutes():
    assert [fmt.seconds(s) for s in (None, 1.25, 59.9, 61.0, 3599.6)] == [
        "-",
        "1.2 s",
        "59.9 s",
        "1 min 01 s",
        "60 min 00 s",
    ]


def test_a_fraction_is_shown_in_percent_and_its_difference_in_points():
    assert fmt.metric(0.8681, "fraction") == "86.81 %"
    assert fmt.difference(-0.0053, "fraction") == "-0.53 points"
    assert fmt.metric(3.14159, None) == "3.142"
    assert fmt.difference(0.5, None) == "+0.5"
    assert fmt.metric(None, "fraction") == fmt.difference(None, None) == "unknown"


def test_clock_shape_and_nouns():
    assert (fmt.clock(120_000_000), fmt.clock(None)) == ("120 MHz", "unknown")
    assert (fmt.shape((1, 32, 32, 3)), fmt.shape(()), fmt.shape(None)) == ("1x32x32x3", "scalar", "-")
    assert (fmt.plural(1, "input"), fmt.plural(0, "input")) == ("1 input", "0 inputs")


def test_fused_names_show_their_first_part_and_control_characters_their_escapes():
    assert fmt.layer_name("model/conv/Relu;model/bn/Add;x") == "model/conv/Relu"
    assert fmt.text("a\x1b[31m\u202eb\n") == "a\\x1b[31m\\u202eb\\n"
