"""Where to run: what is understood, and what is refused before anything is sent."""

import pytest

from edgecompress.errors import UsageError
from edgecompress.linux.address import Address, parse


def test_host_is_this_computer():
    assert parse("host") is None


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("ssh://pi@raspberrypi", Address("raspberrypi", None, "pi"), "pi@raspberrypi"),
        ("ssh://pi@10.0.0.7:2222/", Address("10.0.0.7", 2222, "pi"), "pi@10.0.0.7:2222"),
        ("ssh://pi5", Address("pi5"), "pi5"),
        ("ssh://pi@[fe80::1]:22", Address("fe80::1", 22, "pi"), "pi@fe80::1:22"),
    ],
)
def test_an_ssh_address_has_user_host_and_port(text, address, shown):
    assert parse(text) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    "text",
    ["", "pi@host", "http://pi", "ssh://", "ssh://pi@/x", "ssh://host/path", "ssh://h:99999", "ssh://-oProxyCommand=x",
     "ssh://pi;reboot@host", "ssh://pi@$(reboot)", "ssh://a b", "ssh://pi@h?x=1", "ssh://[::1"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert "ssh://[user@]host[:port]" in caught.value.hint


def test_a_password_is_refused_and_not_repeated():
    with pytest.raises(UsageError) as caught:
        parse("ssh://pi:raspberry@host")
    assert "raspberry" not in str(caught.value)
