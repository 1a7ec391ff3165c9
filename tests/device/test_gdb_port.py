"""A debug server as a port: the packets, another program, and servers that die, fall silent, or talk nonsense."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from gdb_stub import Stub, packet

from edgecompress import targets
from edgecompress.device import gdb_port, gdb_remote
from edgecompress.device.gdb_port import open_gdb
from edgecompress.device.mailbox import Mailbox
from edgecompress.device.opening import connect
from edgecompress.device.places import read_place
from edgecompress.device.port import Limit
from edgecompress.errors import DeviceError
from edgecompress.targets.image import Image
from edgecompress.targets.silicon import RegisterWrite

Firmware = Callable[..., Image]
INPUT = bytes(range(3, 67))
ACR = 0x4002_3C00
TARGET = replace(
    targets.find("cortex-m4"), register_writes=(RegisterWrite(ACR, 0x705, mask=0x70F, comment="FLASH_ACR"),)
)


@pytest.fixture
def stub(firmware: Firmware, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(gdb_remote.GdbRemote.__init__, "__kwdefaults__", {"answer_seconds": 0.5})
    server = Stub(TARGET, firmware("cortex-m4"))
    server.registers[ACR] = 0
    yield server
    server.close()


def test_board_behind_a_server_is_reset_checked_set_up_and_run(stub: Stub, firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with connect(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, image) as connection:
        assert connection.is_silicon
        assert connection.port.counts_cycles
        assert connection.writes == TARGET.register_writes
        commands = list(stub.commands)
        assert commands[3:6] == ["qqemu.sstepbits", "?", "qRcmd," + b"reset halt".hex()]
        assert commands[-2:] == [f"m{ACR:x},4", f"M{ACR:x},4:05070000"]
        assert not any(command[0] in "cZ" for command in commands)
        mailbox = Mailbox(connection.port, image)
        stop = image.symbol("ec_mailbox_stop").address
        assert mailbox.run([INPUT])[0][:2] == bytes([12, 19])
        assert f"Pf={(stop + 2).to_bytes(4, 'little').hex()}" in stub.commands  # a BKPT is stepped over by hand
    assert f"debug server at 127.0.0.1:{stub.port}" == connection.runner


def test_server_without_a_reset_is_refused(stub: Stub, firmware: Firmware) -> None:
    stub.monitor_answer = packet("O" + b"no such command".hex()) + packet("E01")
    with pytest.raises(DeviceError, match="cannot reset the core") as raised:
        open_gdb(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, firmware("cortex-m4"))
    assert raised.value.found == "no such command"
    assert [c for c in stub.commands if c.startswith("qRcmd")] == [
        "qRcmd," + b"reset halt".hex(),
        "qRcmd," + b"reset".hex(),
    ]


def test_another_program_on_the_board_is_noticed_and_never_overwritten(stub: Stub, firmware: Firmware) -> None:
    with pytest.raises(DeviceError, match="the device holds another program") as raised:
        open_gdb(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, firmware("cortex-m4", "arena[0] = 7"))
    assert "edgecompress flash" in raised.value.hint
    assert not any(command.startswith("M") for command in stub.commands)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"close", "running the model: the debug server closed the connection"),
        (b"$T05#00", "running the model: the debug server sent a damaged packet"),
        (packet("E01") + packet("T05"), None),
        (b"\x00\xff garbage " + packet("T05"), None),
    ],
)
def test_trouble_while_the_model_runs_names_the_step(
    stub: Stub, firmware: Firmware, answer: bytes, message: str | None
) -> None:
    image = firmware("cortex-m4")
    with open_gdb(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, image) as connection:
        mailbox = Mailbox(connection.port, image)

        def spoil(command: str) -> bytes | None:
            return answer if command == "c" else None

        stub.spoil = spoil
        if message:
            with pytest.raises(DeviceError, match=message):
                mailbox.run([INPUT])
        else:  # noise is passed over; a server that stops where it stood has run nothing
            with pytest.raises(DeviceError, match="stopped unexpectedly"):
                mailbox.run([INPUT])


def test_silent_server_is_given_up_and_halted_in_vain(
    stub: Stub, firmware: Firmware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gdb_port, "HALT_SECONDS", 0.2)
    image = firmware("cortex-m4")
    with open_gdb(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, image) as connection:
        mailbox = Mailbox(connection.port, image, limit=Limit(seconds=0.2))
        stub.spoil = lambda command: b"" if command == "c" else None
        started = time.monotonic()
        with pytest.raises(DeviceError, match="running the model: the debug server does not stop the program"):
            mailbox.run([INPUT])
        assert time.monotonic() - started < 5


def test_dead_server_while_reading_is_told_with_what_to_try(stub: Stub, firmware: Firmware) -> None:
    image = firmware("cortex-m4")
    with open_gdb(read_place(f"gdb://127.0.0.1:{stub.port}"), TARGET, image) as connection:
        mailbox = Mailbox(connection.port, image)
        stub.spoil = lambda command: b"" if command[0] in "mM" else None
        with pytest.raises(DeviceError, match="writing input 0: the debug server does not answer 'M") as raised:
            mailbox.run([INPUT])
        assert "start the debug server again" in raised.value.hint


def test_nothing_that_listens_says_how_to_start_a_server(
    firmware: Firmware, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    number = free_port
    with pytest.raises(DeviceError, match="no debug server answers") as raised:
        open_gdb(read_place(f"gdb://127.0.0.1:{number}"), TARGET, firmware("cortex-m4"))
    assert f"127.0.0.1:{number}" in raised.value.found
    assert "openocd -f" in raised.value.hint
    monkeypatch.setattr(gdb_port, "USUAL", ((number, "a"), (number, "b")))
    with pytest.raises(DeviceError, match="no debug server answers") as raised:
        open_gdb(read_place("gdb"), TARGET, firmware("cortex-m4"))
    assert raised.value.found.count(f"localhost:{number}") == 2


@pytest.mark.needs("qemu-system-arm")
def test_qemus_own_server_is_known_loaded_and_counts_no_cycles(firmware: Firmware, free_port: int) -> None:
    """It was started with another program."""
    image, other, number = firmware("cortex-m4"), firmware("cortex-m4", "arena[0] = 7"), free_port
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]
    process = subprocess.Popen([*command, "-S", "-gdb", f"tcp:127.0.0.1:{number}", "-kernel", str(other.path)])
    try:
        end = time.monotonic() + 20
        while True:
            try:
                connection = connect(read_place(f"gdb://127.0.0.1:{number}"), TARGET, image)
                break
            except DeviceError:
                assert time.monotonic() < end
                time.sleep(0.05)
        with connection:
            assert (connection.is_silicon, connection.writes) == (False, ())
            assert connection.runner == f"QEMU at 127.0.0.1:{number}"
            mailbox = Mailbox(connection.port, image)
            assert mailbox.counter == "none"
            assert mailbox.run([INPUT])[0][:2] == bytes([12, 19])
            process.kill()
            with pytest.raises(DeviceError, match=r"the debug server (is gone|closed the connection)"):
                mailbox.run([INPUT])
    finally:
        process.kill()
        process.wait()
