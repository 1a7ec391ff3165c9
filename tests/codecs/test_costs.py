"""What decoding is said to cost against decoders that run on emulated cores, and what their code takes against the program's."""

from dataclasses import replace

import pytest
from matrices import SUITABLE

from edgecompress.codecs import CODECS
from edgecompress.codecs.costs import BEGIN, cycles_of, key_of, known_cpus, known_keys
from edgecompress.codecs.measure import Footprint, footprint_of, measure
from edgecompress.codecs.options import Catalogue
from edgecompress.errors import UnsupportedError
from edgecompress.targets import find, names

TOLERANCE = 0.2
"""Share of the cycles that the costs, fitted to other tensors, may be off."""


def tensors_of(codec) -> list:
    """The suitable matrix in other sizes and with other numbers."""
    recipe = SUITABLE[codec.name]
    others = [replace(recipe, rows=rows, taps=taps, seed=recipe.seed + rows) for rows, taps in ((7, 100), (20, 72))]
    return [codec.encode(one.matrix()) for one in others]


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m4", "cortex-m7"])
def test_cycles_are_about_those_of_the_emulated_core(decoding_codec, cpu):
    encoded = tensors_of(decoding_codec)
    for one, measured in zip(encoded, measure(encoded, find(cpu)), strict=True):
        real = measured.begin.cycles.typical + measured.rows.cycles.typical
        assert cycles_of(one, cpu) == pytest.approx(real, rel=TOLERANCE)


def test_every_cpu_has_costs_of_the_same_decoders():
    assert set(known_cpus()) == {find(name).cpu.name for name in names()}
    assert len({tuple(known_keys(cpu)) for cpu in known_cpus()}) == 1


def test_every_codec_has_costs(decoding_codec):
    encoded = decoding_codec.encode(SUITABLE[decoding_codec.name].matrix())
    assert key_of(encoded) in known_keys("cortex-m4")
    assert BEGIN & set(encoded.work)
    assert set(encoded.work) - BEGIN


def test_reading_in_place_costs_nothing_more():
    encoded = CODECS["dense"].encode(SUITABLE["dense"].matrix())
    assert cycles_of(encoded, "cortex-m4") == 0
    assert footprint_of(encoded, find("cortex-m4")) == Footprint({}, 0, 0)


def test_unknown_cpu_is_an_error_that_names_the_known_ones():
    encoded = CODECS["lut"].encode(SUITABLE["lut"].matrix())
    with pytest.raises(UnsupportedError, match=r"(?s)cortex-m85.*cortex-m4"):
        cycles_of(encoded, "cortex-m85")


def test_decoders_share_functions_of_the_same_name_and_size():
    codes = {
        name: footprint_of(codec.encode(SUITABLE[name].matrix()), find("cortex-m4")).code
        for name, codec in CODECS.items()
        if codec.decoder
    }
    for name, code in codes.items():
        assert any(function.startswith(f"ec_decode_{CODECS[name].decoder}_row") for function in code)
        for other in codes.values():
            assert all(code[function] == other[function] for function in code.keys() & other.keys())
    assert "ec_tans_table" in codes["tans"].keys() & codes["runs"].keys()
    assert not codes["lut"].keys() & codes["tans"].keys()


def test_options_have_the_bytes_of_the_compiled_program_and_the_cycles_of_every_decoding():
    catalogue = Catalogue(find("cortex-m4"))
    made = catalogue.encode(SUITABLE["lut"].matrix())
    once, thrice = (catalogue.option(made["lut"], times=times, others=1000) for times in (1, 3))
    assert once.bytes == made["lut"].weight_bytes + catalogue.footprint(made["lut"]).parameter_bytes
    assert once.cycles == 1000 + cycles_of(made["lut"], "cortex-m4")
    assert thrice.cycles - once.cycles == 2 * (once.cycles - 1000)
    assert set(once.code) >= {"ec_decode_lut_begin", "ec_decode_lut_row"}
    dense = catalogue.option(made["dense"], others=1000)
    assert (dense.bytes, dense.cycles, dense.code) == (SUITABLE["lut"].matrix().size, 1000, {})
