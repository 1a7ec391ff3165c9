"""LiteRT on a computer: where it is looked for, when it is installed, and what its answers may be."""

import json

import numpy as np
import pytest

from edgecompress.errors import DeviceError, MissingToolError, ToolError
from edgecompress.linux import litert
from edgecompress.linux.computer import Finished
from edgecompress.linux.exchange import Effort
from edgecompress.linux.here import Here

PROBED = {
    "python": "3.11.2",
    "machine": "aarch64",
    "package": "ai-edge-litert",
    "module": "ai_edge_litert",
    "version": "2.1.2",
}
NOTHING = {"python": "3.11.2", "machine": "aarch64", "package": None, "problem": "No module named 'ai_edge_litert'"}


class Pi:
    """Answers commands from a table: the first entry that is contained in the command."""

    name, folder = "pi@pi", "/tmp/edgecompress.12345678"

    def __init__(self, *table):
        self.table, self.commands, self.files = table, [], {}

    def run(self, command, *, timeout, stdin=b""):
        line = " ".join(command)
        self.commands.append(line)
        for key, status, output in self.table:
            if key in line:
                text = json.dumps(output).encode() if isinstance(output, dict) else output
                return Finished(tuple(command), status, "", text, b"" if status == 0 else text)
        return Finished(tuple(command), 127, "", b"", b"not found")

    def put(self, name, content, *, executable=False):
        self.files[name] = content
        return f"{self.folder}/{name}"

    def get(self, name):
        return self.files[name]


HOME = ('printf "%s" "$HOME"', 0, b"/home/user")
VENV = "/home/user/.cache/edgecompress/litert"
PROBE = f"-I {Pi.folder}/litert_program.py probe"


def test_our_own_venv_comes_before_the_systems_python():
    pi = Pi(HOME, (f"{VENV}/bin/python -I", 0, PROBED))
    assert litert.find(pi) == litert.Python((f"{VENV}/bin/python",), "ai-edge-litert", "2.1.2", "aarch64")
    assert pi.commands == ['sh -c printf "%s" "$HOME"', f"{VENV}/bin/python {PROBE}"]


def test_the_systems_python_is_asked_when_there_is_no_venv():
    pi = Pi(HOME, (f"{VENV}/bin/python", 127, b""), ("python3 -I", 0, {**PROBED, "package": "tflite-runtime"}))
    assert litert.find(pi).package == "tflite-runtime"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (("python3", 127, b"sh: python3: not found"), "there is no python3"),
        (("python3", 0, NOTHING), "No module named"),
        (("python3", 0, b"not json"), "did not answer"),
        (("python3", 1, b"Traceback: broken"), "broken"),
    ],
)
def test_what_is_missing_is_said(entry, words):
    assert words in litert.find(Pi(HOME, entry))


def test_nothing_is_installed_without_being_asked():
    pi = Pi(HOME, ("python3 -I", 0, NOTHING))
    litert.find(pi)
    assert not [command for command in pi.commands if "pip" in command or "venv" in command]


def test_installing_makes_a_venv_and_asks_pip():
    pi = Pi(HOME, ("-m venv", 0, b""), ("pip install", 0, b""), (f"{VENV}/bin/python -I", 0, PROBED))
    assert litert.install(pi).command == (f"{VENV}/bin/python",)
    pip = f"{VENV}/bin/python -m pip install --no-input --disable-pip-version-check"
    assert [c for c in pi.commands if "venv" in c or "pip" in c] == [
        f"python3 -m venv --clear {VENV}", f"{pip} ai-edge-litert>=1.2,<2.4",
    ]  # fmt: skip


def test_the_older_package_is_tried_where_the_newer_has_no_wheel():
    pi = Pi(
        HOME, ("-m venv", 0, b""), ("ai-edge-litert", 1, b"No matching distribution"), ("tflite-runtime", 0, b""),
        (f"{VENV}/bin/python -I", 0, {**PROBED, "package": "tflite-runtime"}),
    )  # fmt: skip
    assert litert.install(pi).package == "tflite-runtime"
    assert pi.commands[-4].endswith("tflite-runtime>=2.14 numpy<2") or "numpy<2" in " ".join(pi.commands)


def test_a_venv_in_which_nothing_can_be_installed_is_removed():
    pi = Pi(HOME, ("-m venv", 0, b""), ("pip install", 1, b"No matching distribution"), ("rm -rf", 0, b""))
    with pytest.raises(ToolError, match="LiteRT could not be installed on pi@pi") as caught:
        litert.install(pi)
    assert "No matching distribution" in caught.value.found and caught.value.exit_code == 11
    assert pi.commands[-1] == f"rm -rf -- {VENV}"


@pytest.mark.parametrize(
    ("status", "output", "words"),
    [
        (127, b"sh: 1: python3: not found", "there is no Python on pi@pi"),
        (1, b"ensurepip is missing", "no venv can be made"),
    ],
)
def test_installing_without_python_says_what_to_install(status, output, words):
    with pytest.raises(MissingToolError, match=words) as caught:
        litert.install(Pi(HOME, ("-m venv", status, output)))
    assert "python3-venv" in caught.value.hint and caught.value.exit_code == 10


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"times": [1], "kernels": "x"}', b'{"times": "x"}'])
def test_an_answer_that_cannot_be_read_is_an_error(answer):
    pi = Pi(HOME, ("run", 0, b""))
    pi.files |= {"answer.json": answer, "outputs.npz": b"PK no zip", "operators.npz": b""}
    python = litert.Python(("python3",), "ai-edge-litert", "2.1.2", "aarch64")
    samples = [{0: np.zeros((1, 4), np.int8)}]
    with pytest.raises(DeviceError, match="LiteRT's answer cannot be read"):
        litert.run(pi, python, b"", samples, Effort(), threads=1, timeout=5, operators=True)


def test_litert_that_dies_is_an_error_with_its_last_words():
    pi = Pi(HOME, ("run", 139, b"Segmentation fault"))
    python = litert.Python(("python3",), "ai-edge-litert", "2.3.0", "aarch64")
    with pytest.raises(DeviceError, match="LiteRT failed on pi@pi with status 139"):
        litert.run(pi, python, b"", [{0: np.zeros(1, np.int8)}], Effort(), threads=1, timeout=5, operators=True)


def test_litert_here_gives_outputs_and_every_operators_output(conv, conv_program):
    pytest.importorskip("ai_edge_litert")
    from edgecompress.reference.inputs import random_inputs

    computer = Here()
    try:
        python = litert.find(computer)
        samples = random_inputs(conv_program.graph, 3)
        answer = litert.run(
            computer, python, conv.read_bytes(), samples, Effort(1, 4), threads=2, timeout=60, operators=True
        )
    finally:
        computer.close()
    assert len(answer.times) == 4 and (answer.times > 0).all()
    assert len(answer.outputs) == len(answer.operators) == 3
    (index,) = conv_program.graph.outputs
    assert answer.outputs[0][index].shape == conv_program.graph.tensors[index].shape
    assert answer.kernels in ("XNNPACK", "built-in") and answer.peak_bytes > 10_000_000
