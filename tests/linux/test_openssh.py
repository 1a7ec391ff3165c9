"""The same over the real OpenSSH server on loopback, where it is installed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("asyncssh")

from loopback import make_scripts

from edgecompress.errors import DeviceError
from edgecompress.linux import bench_on_linux
from edgecompress.linux.address import Address
from edgecompress.linux.ssh import KILL, PROCESS, RUN, Ssh

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(SSHD is None, reason="sshd is not installed")

# Every command goes through this one: it makes the server look like a Pi, and lets QEMU run what was sent.
WRAPPER = """#!/bin/sh
export PATH="{scripts}:$PATH" TMPDIR="{temporary}" HOME="{home}"
echo "$SSH_ORIGINAL_COMMAND" >>"{log}"
command=$(printf '%s' "$SSH_ORIGINAL_COMMAND" | sed 's# \\(/[^ ]*/program /\\)# {emulator}\\1#')
exec /bin/sh -c "$command"
"""


class OpenSsh:
    """sshd as a child of the test."""

    def __init__(self, folder: Path, home: Path, port: int) -> None:
        self.temporary, self.log = folder / "tmp", folder / "commands"
        for path in (folder, self.temporary, folder / "home"):
            path.mkdir()
        scripts = make_scripts(folder / "bin", "aarch64")
        wrapper = folder / "wrapper"
        wrapper.write_text(
            WRAPPER.format(scripts=scripts, temporary=self.temporary, home=folder / "home", log=self.log,
                           emulator="qemu-aarch64-static ")
        )  # fmt: skip
        wrapper.chmod(0o755)
        key = folder / "host_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=30)
        self.port = port
        (folder / "authorized_keys").write_text((home / ".ssh" / "id_ed25519.pub").read_text())
        (folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile {folder}/pid\nStrictModes no\n"
            f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\nForceCommand {wrapper}\n"
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=subprocess.PIPE)
        self.known_hosts = f"[127.0.0.1]:{self.port} {Path(f'{key}.pub').read_text()}"
        self._await_greeting()

    def _await_greeting(self) -> None:
        for _ in range(100):
            if self.process.poll() is not None:
                pytest.skip(f"sshd does not start: {self.process.stderr.read().decode()[-200:]}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                    if connection.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.05)
        pytest.skip("sshd does not answer")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


@pytest.fixture
def openssh(tmp_path, home, free_port):
    running = OpenSsh(tmp_path / "pi", home, free_port)
    (home / ".ssh" / "known_hosts").write_text(running.known_hosts)
    yield running
    running.close()


@pytest.fixture
def where(openssh) -> Address:
    import getpass

    return Address("127.0.0.1", openssh.port, getpass.getuser())


@pytest.mark.needs("qemu-aarch64-static")
def test_our_c_runs_bit_exactly_and_nothing_stays(openssh, where, conv):
    report = bench_on_linux(conv, f"ssh://{where}", inputs=2, runs=3)
    assert report.bit_exact.differing_bytes == 0 and report.executors[0].architecture == "aarch64"
    assert list(openssh.temporary.iterdir()) == []
    commands = openssh.log.read_text().splitlines()
    assert commands[0].startswith("env LC_ALL=C sh -c 'umask 077; mktemp -d")
    assert commands[-1].startswith("env LC_ALL=C rm -rf -- ")


def test_binary_files_and_signals_come_through(openssh, where):
    computer = Ssh(where)
    try:
        data = bytes(range(256)) * 5000
        computer.put("job", data)
        assert computer.get("job") == data
        assert computer.run(("sh", "-c", "kill -9 $$"), timeout=10).signal == "KILL"
        assert computer.run(("printf", "%s|", "a b", "$(x)"), timeout=10).output == b"a b|$(x)|"
    finally:
        assert computer.close() == ""


def alive(mark: str) -> bool:
    return any(
        mark in (path / "cmdline").read_bytes().decode("utf-8", "replace")
        for path in Path("/proc").iterdir()
        if path.name.isdecimal() and (path / "cmdline").exists()
    )


def gone(mark: str) -> bool:
    for _ in range(100):
        try:
            if not alive(mark):
                return True
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.05)
    return False


def test_a_program_that_takes_too_long_is_killed_there(openssh, where):
    computer = Ssh(where)
    try:
        with pytest.raises(DeviceError, match="had not ended"):
            computer.run(("sleep", f"86399.{os.getpid()}"), timeout=0.5)
        assert gone(f"86399.{os.getpid()}")
    finally:
        assert computer.close() == ""
    assert list(openssh.temporary.iterdir()) == []


def test_a_program_that_is_called_off_before_it_has_begun_does_not_begin(openssh, where):
    computer = Ssh(where)
    try:
        number, made = f"{computer.folder}/{PROCESS}9", f"{computer.folder}/made"
        computer._wait(computer._run((*KILL, number), 20, b""))
        late = computer._wait(computer._run((*RUN, number, "touch", made), 20, b""))
        assert late.status
        nowhere = computer._wait(computer._run((*RUN, f"{computer.folder}/gone/{PROCESS}", "touch", made), 20, b""))
        assert nowhere.status
        assert not Path(made).exists()
        assert computer.run(("touch", made), timeout=20).status == 0
        assert Path(made).exists()
    finally:
        assert computer.close() == ""


def test_ctrl_c_kills_the_program_there_and_removes_the_folder(openssh, where):
    computer = Ssh(where)
    threading.Timer(0.7, os.kill, [os.getpid(), signal.SIGINT]).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            computer.run(("sleep", f"86398.{os.getpid()}"), timeout=60)
    finally:
        assert computer.close() == ""
    assert gone(f"86398.{os.getpid()}")
    assert list(openssh.temporary.iterdir()) == []


def test_a_server_that_is_stopped_in_the_middle_is_noticed(openssh, where):
    computer = Ssh(where)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(openssh.process.pid)], capture_output=True, text=True)
    threading.Timer(0.5, lambda: [os.kill(int(pid), signal.SIGKILL) for pid in children.stdout.split()]).start()
    start = time.monotonic()
    with pytest.raises(DeviceError, match="broke"):
        computer.run(("sleep", "3"), timeout=60)
    assert time.monotonic() - start < 10
    assert computer.close() == ""  # over a new connection


def test_the_changed_key_of_a_real_server_is_refused(openssh, where, home):
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{openssh.port} {other}")
    with pytest.raises(DeviceError, match="HAS CHANGED"):
        Ssh(where)
    assert not openssh.log.exists()


def test_hashed_known_hosts_are_understood(openssh, where, home):
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", home / ".ssh" / "known_hosts"], check=True, capture_output=True)
    assert re.search(r"^\|1\|", (home / ".ssh" / "known_hosts").read_text())
    assert Ssh(where).close() == ""
