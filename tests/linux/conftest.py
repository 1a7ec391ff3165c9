"""A home with SSH keys, servers on loopback, and a small model."""

import asyncio
import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("asyncssh") is None:
    collect_ignore_glob = ["test_ssh*.py", "test_openssh.py"]
else:
    import asyncssh
    from loopback import Server


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A user's home with a key and nothing else; compiled objects are still kept where they always are."""
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
def user_key(home):
    return asyncssh.read_private_key(home / ".ssh" / "id_ed25519")


@pytest.fixture
def server(tmp_path, home, user_key):
    """A server that knows the user, and is known to the user."""
    running = Server(tmp_path / "pi", user_key=user_key)
    (home / ".ssh" / "known_hosts").write_text(running.known_hosts)
    yield running
    running.close()


@pytest.fixture
def address(server):
    from edgecompress.linux.address import Address

    return Address("127.0.0.1", server.port, "pi")


@pytest.fixture(autouse=True)
def no_loop_is_left():
    yield
    assert asyncio._get_running_loop() is None
