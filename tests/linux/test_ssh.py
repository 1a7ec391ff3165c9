"""SSH against a server in this process: the exact commands, the folder that goes, and everything that can go wrong."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("asyncssh")

import asyncssh
from loopback import Server

from edgecompress.errors import DeviceError
from edgecompress.linux import ssh
from edgecompress.linux.address import Address
from edgecompress.linux.computer import require
from edgecompress.linux.ssh import Ssh
from edgecompress.linux.ssh_errors import connection_error

MAKE = "env LC_ALL=C sh -c 'umask 077; mktemp -d \"${TMPDIR:-/tmp}/edgecompress.XXXXXXXX\"'"


@pytest.fixture
def pi(address):
    computer = Ssh(address)
    yield computer
    computer.close()


def test_the_commands_are_these(server, pi):
    folder = pi.folder
    pi.put("job", b"\0\xff\n")
    pi.put("program", b"#!/bin/sh\necho run\n", executable=True)
    assert pi.get("job") == b"\0\xff\n"
    assert pi.run((f"{folder}/program",), timeout=10).output == b"run\n"
    assert pi.close() == ""
    assert server.commands == [
        MAKE,
        f"env LC_ALL=C sh -c 'umask 077; cat >\"$1\"' sh {folder}/job",
        f'env LC_ALL=C sh -c \'umask 077; cat >"$1" && chmod 700 "$1"\' sh {folder}/program',
        f"env LC_ALL=C cat -- {folder}/job",
        f'env LC_ALL=C sh -c \'echo $$ >"$0" && [ ! -e "$0.stop" ] && exec "$@"\' {folder}/pid0 {folder}/program',
        f"env LC_ALL=C rm -rf -- {folder}",
    ]
    assert server.left_behind() == []


def test_words_are_quoted(pi):
    words = ("$(reboot)", "a b", "`x`", ";", "'", '"', "\\", "*", "-n", "é")
    assert pi.run(("printf", "%s|", *words), timeout=10).output.decode() == "|".join(words) + "|"


def test_files_are_the_owners_only(server, pi):
    path = Path(pi.put("program", b"x", executable=True))
    assert path.stat().st_mode & 0o777 == 0o700
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert Path(pi.put("job", b"x")).stat().st_mode & 0o777 == 0o600


def test_much_data_comes_through(pi):
    data = bytes(range(256)) * 40_000
    pi.put("job", data)
    assert pi.get("job") == data


def test_status_signal_and_errors_come_back(pi):
    done = pi.run(("sh", "-c", "echo no >&2; exit 5"), timeout=10)
    assert (done.status, done.signal, done.words) == (5, "", "no")
    assert pi.run(("sh", "-c", "kill -9 $$"), timeout=10).signal == "KILL"
    assert pi.run(("no-such-program",), timeout=10).status == 127


def test_closing_twice_is_closing_once(server, address):
    pi = Ssh(address)
    assert (pi.close(), pi.close()) == ("", "")
    assert sum("rm -rf" in command for command in server.commands) == 1


def refused(address) -> DeviceError:
    start = time.monotonic()
    with pytest.raises(DeviceError) as caught:
        Ssh(address)
    assert time.monotonic() - start < 20
    assert caught.value.exit_code == 14
    assert not [thread for thread in threading.enumerate() if thread.name == "ssh"]
    return caught.value


def test_a_refused_connection_says_so(home, free_port):
    error = refused(Address("127.0.0.1", free_port, "pi"))
    assert error.what == f"pi@127.0.0.1:{free_port} refuses the connection"
    assert "systemctl enable --now ssh" in error.hint


def test_a_name_that_nobody_has_says_so(home):
    error = refused(Address("no-such-host.invalid"))
    assert error.what == "there is no computer called no-such-host.invalid"


def test_a_dead_host_says_so_in_time(home, monkeypatch):
    monkeypatch.setattr(ssh, "LOGIN_SECONDS", 1.0)
    with socket.socket() as silent:  # takes connections and never says a word
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = refused(Address("127.0.0.1", silent.getsockname()[1], "pi"))
    assert "does not answer" in error.what
    assert "ping 127.0.0.1" in error.hint


@pytest.mark.parametrize(
    ("error", "what", "hint"),
    [
        (TimeoutError(), "pi@pi does not answer", "ping pi"),
        (OSError(113, "No route to host"), "pi@pi cannot be reached", "`ssh pi@pi`; it must work first"),
        (asyncssh.ConnectionLost("Login timeout expired"), "pi@pi does not answer", "ping pi"),
        (
            asyncssh.KeyExchangeFailed("No matching cipher"),
            "pi@pi and this computer have no SSH algorithm in common",
            "",
        ),
        (asyncssh.ConnectionLost("Connection lost"), "pi@pi cannot be reached", "`ssh pi@pi`"),
    ],
)
def test_whatever_goes_wrong_has_its_words(error, what, hint):
    found = connection_error(error, Address("pi", None, "pi"), None)
    assert found.what == what and hint in found.hint


def test_an_unknown_host_key_says_what_to_run(server, address, home):
    (home / ".ssh" / "known_hosts").write_text("")
    error = refused(address)
    assert error.what == f"the host key of {address} is not known"
    assert error.found == f"ssh-ed25519 {server.host_key.get_fingerprint()}"
    assert f"ssh -p {server.port} pi@127.0.0.1" in error.hint
    assert server.commands == []


@pytest.mark.parametrize("is_known", [False, True])
def test_a_server_that_hangs_up_is_asked_for_its_key(server, address, home, is_known, monkeypatch):
    """It may do so before it has said that it has no key of the kind in known_hosts."""

    async def hung_up(**_):
        raise asyncssh.ConnectionLost("Connection lost")

    monkeypatch.setattr(asyncssh, "connect", hung_up)
    key = server.host_key if is_known else asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {key.export_public_key().decode()}")
    assert ("HAS CHANGED" in refused(address).what) is not is_known


def test_without_any_known_hosts_nothing_is_trusted(server, address, home):
    (home / ".ssh" / "known_hosts").unlink()
    assert "is not known" in refused(address).what


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_a_changed_host_key_is_not_accepted(server, address, home, kind):
    other = asyncssh.generate_private_key(kind).export_public_key().decode()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other}")
    error = refused(address)
    assert error.what.startswith(f"the host key of {address} HAS CHANGED")
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in error.hint
    assert server.commands == []


def test_a_revoked_host_key_is_not_accepted(server, address, home):
    (home / ".ssh" / "known_hosts").write_text(f"@revoked {server.known_hosts}")
    assert "host key" in refused(address).what
    assert server.commands == []


@pytest.mark.parametrize("option", ["UserKnownHostsFile none", "StrictHostKeyChecking no"])
def test_the_users_configuration_cannot_switch_the_check_off(server, address, home, option):
    (home / ".ssh" / "config").write_text(f"Host *\n  {option}\n")
    (home / ".ssh" / "known_hosts").write_text("")
    assert "is not known" in refused(address).what
    assert server.commands == []


def test_a_user_whose_key_is_not_known_there_is_told_to_copy_it(server, address, home):
    server.user_key = asyncssh.generate_private_key("ssh-ed25519")
    error = refused(address)
    assert error.what == f"{address} does not let you in"
    assert f"ssh-copy-id -p {server.port} pi@127.0.0.1" in error.hint and "ssh-add" in error.hint


@pytest.mark.needs("ssh-keygen")
def test_a_key_with_a_passphrase_is_not_asked_for(server, address, home):
    path = home / ".ssh" / "id_ed25519"
    path.unlink()
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", path]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=30)
    server.user_key = None
    assert "does not let you in" in refused(address).what


def test_names_of_the_users_configuration_are_understood(server, home):
    text = f"Host kitchen\n  HostName 127.0.0.1\n  Port {server.port}\n  User pi\n"
    (home / ".ssh" / "config").write_text(text)
    computer = Ssh(Address("kitchen"))
    assert computer.close() == ""
    assert server.commands[0] == MAKE


def test_a_configuration_that_cannot_be_read_says_so(server, address, home):
    (home / ".ssh" / "config").write_text("Host *\n  Port many\n")
    assert "SSH configuration" in refused(Address("127.0.0.1")).what


def test_a_shell_that_chats_is_told_from_an_answer(server, address):
    server.rewrite = lambda command: f"echo Welcome to my Pi; {command}"
    error = refused(address)
    assert server.left_behind() == []
    assert "does not answer as a shell does" in error.what
    assert "start-up file" in error.hint


def test_a_full_disk_says_so(server, pi):
    server.rewrite = lambda command: command.replace('>"$1"', ">/dev/full")
    with pytest.raises(DeviceError, match="there is no space left on pi@127") as caught:
        pi.put("program", b"x" * 100_000, executable=True)
    assert "No space left on device" in caught.value.found and "df -h" in caught.value.hint
    server.rewrite = lambda command: command
    assert pi.close() == ""
    assert server.left_behind() == []


def test_a_program_killed_there_says_so(server, pi):
    server.answers = {"/program": ("KILL", "")}
    with pytest.raises(DeviceError, match="the generated C was killed on pi@127"):
        require(pi.run((f"{pi.folder}/program",), timeout=10), "the generated C", pi)
    server.answers = {"/program": (137, "Killed")}
    with pytest.raises(DeviceError, match="the generated C was killed on pi@127"):
        require(pi.run((f"{pi.folder}/program",), timeout=10), "the generated C", pi)


def test_a_program_that_takes_too_long_is_stopped_and_forgotten(server, pi):
    server.stall = re.compile("/program")
    start = time.monotonic()
    with pytest.raises(DeviceError, match=r"program had not ended on pi@127.0.0.1:\d+ after 0.5 s"):
        pi.run((f"{pi.folder}/program",), timeout=0.5)
    assert time.monotonic() - start < 5
    assert pi.close() == ""
    assert server.left_behind() == []


def test_a_connection_that_is_cut_says_so_and_the_folder_still_goes(server, pi):
    server.drop = re.compile("/program")
    with pytest.raises(DeviceError, match=r"the connection to pi@127.* broke") as caught:
        pi.run((f"{pi.folder}/program",), timeout=30)
    assert "can be repeated" in caught.value.hint
    assert pi.close() == ""  # over a new connection
    assert server.left_behind() == []


def test_what_cannot_be_removed_is_said(server, pi):
    server.drop = re.compile("/program|rm -rf")
    with pytest.raises(DeviceError):
        pi.run((f"{pi.folder}/program",), timeout=30)
    assert pi.close() == f"{pi.folder} may still be on {pi.name}"


def test_a_host_that_dies_in_the_middle_does_not_hang(server, address, monkeypatch):
    monkeypatch.setattr(ssh, "KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr(ssh, "KEEPALIVES", 1)
    monkeypatch.setattr(ssh, "SHORT_SECONDS", 2.0)
    pi = Ssh(address)
    stalled = threading.Event()
    server.stall = re.compile("/program")
    server._loop.call_soon_threadsafe(
        lambda: server._loop.call_later(0.5, lambda: stalled.wait(15))
    )  # deaf from now on
    start = time.monotonic()
    with pytest.raises(DeviceError, match="broke"):
        pi.run((f"{pi.folder}/program",), timeout=60)
    assert time.monotonic() - start < 10
    stalled.set()
    pi.close()


def test_ctrl_c_ends_the_wait_and_the_folder_goes(server, pi):
    server.stall = re.compile("/program")
    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        pi.run((f"{pi.folder}/program",), timeout=60)
    assert time.monotonic() - start < 10
    assert pi.close() == ""
    assert server.left_behind() == []
    assert "rm -rf" in server.commands[-1]


def test_two_at_once_have_folders_of_their_own(server, address):
    first, second = Ssh(address), Ssh(address)
    assert first.folder != second.folder
    first.close()
    assert len(server.left_behind()) == 1
    second.close()
    assert server.left_behind() == []


def test_servers_are_what_they_seem(tmp_path, home):
    server = Server(tmp_path / "other")
    assert server.port and server.left_behind() == []
    server.close()
