"""A run directory for a board, and a fake board that pyOCD finds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_board import Board, FakeProbe

from edgecompress import emulate, targets
from edgecompress.codegen.runtime import program_defines, program_sources
from edgecompress.device.mailbox import Mailbox
from edgecompress.flash import probe
from edgecompress.targets import image as images
from edgecompress.targets import toolchain

TOY = Path(__file__).parent.parent / "targets" / "toy"
BOARD = "nrf52840-dk"

RunDir = Callable[..., Path]


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """`run_dir(target="nrf52840-dk")` -> a folder with firmware.elf, report.json and vectors that the emulator gave."""
    made: dict[str, Path] = {}

    def make(target: str = BOARD) -> Path:
        if target not in made:
            made[target] = _make(tmp_path_factory.mktemp("run"), target)
        return made[target]

    return make


def _make(folder: Path, name: str) -> Path:
    model = {path.name: path.read_text() for path in sorted(TOY.iterdir())}
    target = targets.find(name)
    image = toolchain.compile(
        {**program_sources("firmware"), **model}, target, folder / "firmware.elf", defines=program_defines()
    )
    random = np.random.default_rng(3)
    with emulate.open(target, image) as port:
        mailbox = Mailbox(port, image)
        inputs = [random.integers(-128, 128, (5, slot.bytes)).astype(np.int8) for slot in mailbox.inputs]
        runs = [mailbox.run([array[i].tobytes() for array in inputs]) for i in range(5)]
    outputs = [np.stack([np.frombuffer(run[n], np.int8) for run in runs]) for n in range(len(runs[0]))]
    np.savez(folder / "inputs.npz", **{f"input_{n}": array for n, array in enumerate(inputs)})
    np.savez(folder / "outputs.npz", **{f"output_{n}": array for n, array in enumerate(outputs)})
    (folder / "report.json").write_text(json.dumps({"target": name}))
    return folder


@pytest.fixture(scope="session")
def image(run_dir: RunDir) -> images.Image:
    return images.read(run_dir() / "firmware.elf")


@pytest.fixture
def boards(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Board]]:
    """The fake boards that are connected, by the ID of their probe; none at first. No real probe is looked for."""
    probe.pyocd()
    from pyocd.probe import aggregator

    connected: dict[str, Board] = {}
    monkeypatch.setattr(FakeProbe, "boards", connected)
    monkeypatch.setattr(aggregator, "PROBE_CLASSES", {"fake": FakeProbe})
    yield connected


@pytest.fixture
def board(boards: dict[str, Board]) -> Board:
    """One connected nRF52840."""
    boards["0123456789"] = Board()
    return boards["0123456789"]
