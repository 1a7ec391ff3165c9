"""Why an SSH connection could not be made, in words, and what to do about it."""

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgecompress.errors import DeviceError
from edgecompress.linux.address import Address

if TYPE_CHECKING:
    import asyncssh

DEFAULT_PORT = 22


class HostKeys:
    """What the computer showed as its key, and what known_hosts holds for it; it never accepts a key itself.

    Args:
        host: its name as known_hosts knows it.
        known_hosts: the files; empty: the default one.
    """

    def __init__(self, host: str, port: int, known_hosts: Sequence[str]) -> None:
        self.host, self.port, self.known_hosts = host, port, list(known_hosts)
        self.shown: asyncssh.SSHKey | None = None
        self.address = ""

    @property
    def alias(self) -> str:
        """The name in known_hosts."""
        return self.host if self.port == DEFAULT_PORT else f"[{self.host}]:{self.port}"

    def client(self) -> "asyncssh.SSHClient":
        """The client that is asked about keys which known_hosts does not hold."""
        import asyncssh

        seen = self

        class Client(asyncssh.SSHClient):
            def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
                seen.shown, seen.address = key, addr
                return False

        return Client()

    def are_known(self) -> bool:
        """Whether known_hosts holds any key of this computer."""
        return bool(self._known())

    def hold(self, key: "asyncssh.SSHKey") -> bool:
        """Whether known_hosts holds this key."""
        return key.public_data in [known.public_data for known in self._known()]

    def _known(self) -> "Sequence[asyncssh.SSHKey]":
        from pathlib import Path

        import asyncssh

        files = self.known_hosts or [str(Path("~/.ssh/known_hosts").expanduser())]
        port = None if self.port == DEFAULT_PORT else self.port
        try:
            return asyncssh.match_known_hosts(files, self.host, self.address, port)[0]
        except (OSError, ValueError):
            return ()


def connection_error(error: Exception, address: Address, keys: HostKeys | None) -> DeviceError:
    """The error for the user; `keys` is None when it did not come so far."""
    import asyncssh

    found = str(error) or type(error).__name__
    if keys is not None and isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _host_key(found, address, keys)
    if keys is not None and keys.shown is not None and keys.are_known() and not keys.hold(keys.shown):
        return _key_exchange(f"no host key in common; {found}", address, keys)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return _key_exchange(found, address, keys)
    if isinstance(error, asyncssh.PermissionDenied):
        return DeviceError(
            f"{address} does not let you in",
            found=f"{found}; only keys are used, no password is asked for",
            hint=f"`ssh-copy-id {_destination(address)}`; a key with a passphrase needs `ssh-add` first",
        )
    if isinstance(error, socket.gaierror):
        return DeviceError(
            f"there is no computer called {address.host}",
            found=found,
            hint="check the name, or give its IP address; `raspberrypi.local` needs mDNS",
        )
    if isinstance(error, ConnectionRefusedError):
        return DeviceError(
            f"{address} refuses the connection",
            found=found,
            hint="is SSH switched on there (`sudo systemctl enable --now ssh`), and the port right?",
        )
    if isinstance(error, TimeoutError) or "Login timeout" in found:
        return DeviceError(
            f"{address} does not answer",
            found="no answer in time" if isinstance(error, TimeoutError) else found,
            hint=f"is it on and in the same network? `ping {address.host}`",
        )
    if isinstance(error, asyncssh.ConfigParseError | asyncssh.KeyImportError | ValueError):
        return DeviceError(
            "your SSH configuration cannot be used", found=found, hint=f"try `ssh {_destination(address)}`"
        )
    return DeviceError(
        f"{address} cannot be reached", found=found, hint=f"try `ssh {_destination(address)}`; it must work first"
    )


def _host_key(found: str, address: Address, keys: HostKeys) -> DeviceError:
    shown = f"{keys.shown.get_algorithm()} {keys.shown.get_fingerprint()}" if keys.shown else found
    if keys.shown is None:
        return DeviceError(f"the host key of {address} is refused", found=found, hint="see ~/.ssh/known_hosts")
    if keys.are_known():
        return _changed(f"it shows {shown}, known_hosts has another one", address, keys)
    return DeviceError(
        f"the host key of {address} is not known",
        found=shown,
        hint=f"run `ssh {_destination(address)}` once and compare the fingerprint before you answer yes; on the computer "
        "itself `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints it",
    )


def _key_exchange(found: str, address: Address, keys: HostKeys | None) -> DeviceError:
    if keys is not None and "host key" in found and keys.are_known():
        return _changed("it has no key of the kind that known_hosts holds", address, keys)
    return DeviceError(f"{address} and this computer have no SSH algorithm in common", found=found)


def _changed(found: str, address: Address, keys: HostKeys) -> DeviceError:
    return DeviceError(
        f"the host key of {address} HAS CHANGED: another computer may be answering in its place",
        found=found,
        hint=f"only if you know why (a new SD card, a reinstalled system): `ssh-keygen -R '{keys.alias}'`, "
        f"then `ssh {_destination(address)}`",
    )


def _destination(address: Address) -> str:
    port = f"-p {address.port} " if address.port else ""
    return port + (f"{address.user}@" if address.user else "") + address.host
