"""The run directory: what lies where, which stages are done, and whose folder it is."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgecompress.errors import OutputError
from edgecompress.files import make_folder, write_text

STATE = "run.json"
FORMAT = 1


class RunFolder:
    """A folder that a build owns.

    Args:
        path: new, empty, or an earlier run's.
        resume: keep what finished stages of an earlier run left; else they are done again.

    Raises:
        OutputError: the folder holds something else, or cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self._is_new = not path.exists()
        make_folder(path)
        self._stages: dict[str, Any] = {}
        state = path / STATE
        if state.exists():
            if resume:
                self._stages = _read(state)
            else:
                shutil.rmtree(path / "compress", ignore_errors=True)
                shutil.rmtree(path / "test", ignore_errors=True)
        elif any(p.name != "log.txt" for p in path.iterdir()):
            raise OutputError(
                f"{path} is not empty and no earlier run",
                found=", ".join(sorted(p.name for p in path.iterdir())[:4]),
                hint="give a new --out",
            )
        self._write()

    @property
    def log(self) -> Path:
        """What the worker processes print."""
        return self.path / "log.txt"

    @property
    def model(self) -> Path:
        """The integer model."""
        return self.path / "model.tflite"

    def result(self, stage: str, fingerprint: str) -> Any | None:
        """What a finished stage returned, when its inputs were the same; else None."""
        entry = self._stages.get(stage)
        return entry["result"] if entry and entry["fingerprint"] == fingerprint else None

    def finish(self, stage: str, fingerprint: str, result: Any) -> None:
        """Remembers that a stage is done."""
        self._stages[stage] = {"fingerprint": fingerprint, "result": result}
        self._write()

    def forget_if_bare(self) -> None:
        """Removes what a run that failed at once has left: its state and its log, and the folder if it is new."""
        if self._is_new and {p.name for p in self.path.iterdir()} <= {STATE, self.log.name}:
            shutil.rmtree(self.path, ignore_errors=True)

    def _write(self) -> None:
        write_text(
            self.path / STATE, json.dumps({"format": FORMAT, "stages": self._stages}, indent=1, sort_keys=True) + "\n"
        )


def fingerprint(parts: Mapping[str, Any]) -> str:
    """SHA-256 of all that a stage's result depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        return dict(state["stages"]) if state["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a damaged state only means that stages are done again
