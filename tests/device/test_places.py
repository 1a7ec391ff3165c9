"""What `--on` understands, and what it refuses."""

import pytest

from edgecompress.device.opening import OPENERS, connect
from edgecompress.device.places import EMULATOR, Place, read_place
from edgecompress.errors import UsageError
from edgecompress.targets import find


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("emulator", EMULATOR),
        ("probe", Place(kind="probe", text="probe")),
        ("probe:0669FF", Place(kind="probe", text="probe:0669FF", name="0669FF")),
        ("gdb", Place(kind="gdb", text="gdb")),
        ("gdb://localhost:3333", Place(kind="gdb", text="gdb://localhost:3333", host="localhost", port=3333)),
        ("gdb://[::1]:1234", Place(kind="gdb", text="gdb://[::1]:1234", host="::1", port=1234)),
        ("serial", Place(kind="serial", text="serial")),
        ("serial:///dev/ttyACM0", Place(kind="serial", text="serial:///dev/ttyACM0", name="/dev/ttyACM0")),
        ("serial://COM3@9600", Place(kind="serial", text="serial://COM3@9600", name="COM3", baud=9600)),
        ("host", Place(kind="host", text="host")),
        ("ssh://pi@raspberrypi.local:2222", Place(kind="ssh", text="ssh://pi@raspberrypi.local:2222")),
    ],
)
def test_every_form_is_understood(text: str, place: Place) -> None:
    assert read_place(text) == place
    assert read_place(text).is_linux == (text == "host" or text.startswith("ssh"))


@pytest.mark.parametrize(
    "text",
    (
        *("", "probes", "probe:", "emulator ", "http://x", "ssh://"),
        *("gdb://", "gdb://host", "gdb://host:0", "gdb://host:70000", "gdb://a b:1"),
        *("serial://", "serial:///dev/tty@", "serial:///dev/tty@0"),
    ),
)
def test_anything_else_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="no such place") as raised:
        read_place(text)
    assert "serial:///dev/ttyACM0@115200" in raised.value.hint
    assert raised.value.exit_code == 2


def test_every_kind_of_place_has_an_opener_or_is_a_linux_computer() -> None:
    kinds = {read_place(text).kind for text in ("emulator", "gdb", "probe", "serial", "host", "ssh://pi@host")}
    assert {kind for kind in kinds if kind not in OPENERS} == {"host", "ssh"}
    with pytest.raises(UsageError, match="no firmware runs on host"):
        connect(read_place("host"), find("cortex-m4"), None)  # type: ignore[arg-type]
