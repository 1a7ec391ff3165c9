"""The choice of codecs against all choices there are."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.codecs.choice import SLACK, Option, choose, union
from edgecompress.errors import DoesNotFitError

FUNCTIONS = {"dense": (), "lut": ("lut",), "huffman": ("huffman", "low bits"), "tans": ("tans", "low bits", "table")}
SIZES = st.fixed_dictionaries({name: st.integers(1, 60) for name in ("lut", "huffman", "tans", "table", "low bits")})


@st.composite
def made_tensors(draw) -> list[list[Option]]:
    sizes = draw(SIZES)

    def option(codec: str) -> Option:
        code = {name: sizes[name] for name in FUNCTIONS[codec]}
        return Option(codec, draw(st.integers(1, 100)), draw(st.integers(1, 100)), code)

    subsets = st.sets(st.sampled_from(sorted(FUNCTIONS)), min_size=1)
    return [[option(codec) for codec in sorted(draw(subsets))] for _ in range(draw(st.integers(1, 5)))]


def totals(options: tuple[Option, ...]) -> tuple[int, int]:
    code = {name: size for option in options for name, size in option.code.items()}
    return sum(o.bytes for o in options) + sum(code.values()), sum(o.cycles for o in options)


def all_choices(tensors: list[list[Option]]) -> list[tuple[int, int]]:
    return [totals(options) for options in product(*tensors)]


def check(choice, tensors) -> tuple[int, int]:
    """The choice is one, and its sums are right."""
    assert all(option in options for option, options in zip(choice.options, tensors, strict=True))
    assert (choice.bytes, choice.cycles) == totals(choice.options)
    return choice.bytes, choice.cycles


@given(tensors=made_tensors())
def test_size_is_the_fewest_bytes_and_speed_the_fewest_cycles(tensors):
    everything = all_choices(tensors)
    assert check(choose(tensors, "size"), tensors) == min(everything)
    assert check(choose(tensors, "speed"), tensors)[::-1] == min((cycles, size) for size, cycles in everything)


@given(tensors=made_tensors())
def test_balanced_is_the_fewest_bytes_near_the_fewest_cycles(tensors):
    everything = all_choices(tensors)
    most = int(min(cycles for _, cycles in everything) * (1 + SLACK))
    assert check(choose(tensors, "balanced"), tensors) == min(one for one in everything if one[1] <= most)


@given(tensors=made_tensors(), flash=st.integers(1, 500))
def test_flash_is_filled_by_the_fastest_choice_that_fits(tensors, flash):
    fitting = [(cycles, size) for size, cycles in all_choices(tensors) if size <= flash]
    if fitting:
        assert check(choose(tensors, "size", flash=flash), tensors)[::-1] == min(fitting)
    else:
        fewest = min(size for size, _ in all_choices(tensors))
        with pytest.raises(DoesNotFitError, match=rf"(?s){flash:,} bytes.*{fewest:,} bytes at least"):
            choose(tensors, "size", flash=flash)


@given(tensors=made_tensors(), most=st.integers(1, 500))
def test_size_may_have_a_limit_of_cycles(tensors, most):
    fitting = [one for one in all_choices(tensors) if one[1] <= most]
    if fitting:
        assert check(choose(tensors, "size", most_cycles=most), tensors) == min(fitting)
    else:
        with pytest.raises(DoesNotFitError, match=f"within {most:,} cycles"):
            choose(tensors, "size", most_cycles=most)


@given(tensors=made_tensors(), price=st.integers(0, 20), most=st.integers(1, 500))
def test_a_byte_less_may_have_its_price_in_cycles(tensors, price, most):
    def cost(one: tuple[int, int]) -> int:
        return price * one[0] + one[1]

    everything = all_choices(tensors)
    size, cycles = check(choose(tensors, "size", cycles_a_byte=price), tensors)
    assert cost((size, cycles)) == min(map(cost, everything))
    fitting = [one for one in everything if one[1] <= most]
    if fitting:
        found = check(choose(tensors, "size", cycles_a_byte=price, most_cycles=most), tensors)
        assert found == ((size, cycles) if cycles <= most else min(fitting))


def test_a_decoder_that_saves_less_than_its_code_is_not_taken():
    dense = Option("dense", 100, 1, {})
    lut = Option("lut", 60, 5, {"lut": 70})
    assert choose([[dense, lut]], "size").options == (dense,)
    assert choose([[dense, lut]] * 2, "size").options == (lut, lut)


def test_functions_that_decoders_share_count_once():
    assert union([{"a": 1, "b": 2}, {"b": 2, "c": 4}]) == {"a": 1, "b": 2, "c": 4}
