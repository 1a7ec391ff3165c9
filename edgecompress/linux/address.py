"""Where to run: "host", or an ssh:// address."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from edgecompress.errors import UsageError

HOST = "host"


@dataclass(frozen=True)
class Address:
    """A computer that SSH reaches.

    Attributes:
        host: its name, its address, or a name of ~/.ssh/config.
        port, user: None: what ~/.ssh/config says, else 22 and the user's own name.
    """

    host: str
    port: int | None = None
    user: str | None = None

    def __str__(self) -> str:
        return (f"{self.user}@" if self.user else "") + self.host + (f":{self.port}" if self.port else "")


def parse(where: str) -> Address | None:
    """None for "host", else the address.

    Raises:
        UsageError: it is neither.
    """
    if where == HOST:
        return None
    try:
        parts = urlsplit(where)
        port, host, user = parts.port, parts.hostname, parts.username
    except ValueError as error:
        raise _refuse(where, str(error)) from None
    if parts.scheme != "ssh" or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise _refuse(where)
    if parts.password is not None:
        raise _refuse(f"ssh://{user}:…@{host}", "a password; keys are used, and what they need stands in ~/.ssh/config")
    if any(not c.isprintable() or c.isspace() or c in "'\"`$\\;&|<>" for c in f"{host}{user or ''}") or host.startswith(
        "-"
    ):
        raise _refuse(where, "characters that no name has")
    return Address(host, port, user or None)


def _refuse(where: str, found: str = "") -> UsageError:
    return UsageError(f"{where!r} is no place to run on", found=found, hint='"host", or ssh://[user@]host[:port]')
