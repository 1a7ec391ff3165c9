"""Every codec of the table, and its C decoder on this computer, compiled once."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from decoders_on_host import Decoder

from edgecompress.codecs import CODECS, Encoded


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "codec" in metafunc.fixturenames:
        metafunc.parametrize("codec", CODECS.values(), ids=list(CODECS))
    if "decoding_codec" in metafunc.fixturenames:
        chosen = {name: codec for name, codec in CODECS.items() if codec.decoder}
        metafunc.parametrize("decoding_codec", chosen.values(), ids=list(chosen))


@pytest.fixture(scope="session")
def on_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Encoded], Decoder]]:
    """The decoder of a tensor's codec, under gcc's or clang's sanitizers where there is one, else under zig's."""
    folder, made = tmp_path_factory.mktemp("decoders"), {}
    sanitizer = "address" if shutil.which("gcc") or shutil.which("clang") else "undefined"

    def decoder_of(encoded: Encoded) -> Decoder:
        key = encoded.codec, encoded.writes
        if key not in made:
            made[key] = Decoder(encoded, folder, sanitizer)
        return made[key]

    yield decoder_of
    for one in made.values():
        one.close()
