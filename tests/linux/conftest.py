"""A home with SSH keys, a server on loopback, and small models."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tools"), str(Path(__file__).resolve().parent)]

from model_cases import model_of

from edgecompress.codegen.program import Program, lower
from edgecompress.tflite import reader


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the model of a conformance case; returns its path."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(model_of(name))
        return path

    return write


@pytest.fixture
def conv(model) -> Path:
    """A model with one convolution."""
    return model("conv_2d-same")


@pytest.fixture
def conv_program(conv) -> Program:
    return lower(reader.read(conv))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A user's home with an SSH key; what the compiler has cached stays where it is."""
    asyncssh = pytest.importorskip("asyncssh")
    from edgecompress.targets.cache import cache_folder

    monkeypatch.setenv("EDGECOMPRESS_CACHE", str(cache_folder("zig").parent))
    folder = tmp_path / "user"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(folder / ".ssh" / "id_ed25519")
    key.write_public_key(folder / ".ssh" / "id_ed25519.pub")
    return folder


@pytest.fixture
def server(tmp_path, home):
    """A server that knows the user, and that the user knows."""
    import asyncssh
    from loopback import Server

    running = Server(tmp_path / "pi", user_key=asyncssh.read_private_key(home / ".ssh" / "id_ed25519"))
    (home / ".ssh" / "known_hosts").write_text(running.known_hosts)
    yield running
    running.close()


@pytest.fixture
def address(server):
    from edgecompress.linux.address import Address

    return Address("127.0.0.1", server.port, "pi")
