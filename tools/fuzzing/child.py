"""The process that fuzzes, with libFuzzer behind atheris: `python child.py SUBJECT CORPUS DEFECTS MODELS [libFuzzer's arguments]`.

Coverage is that of edgecompress's Python code. An exception that is none of ours is a defect: its input and traceback go into
a folder, once for every place where it is raised, and the search goes on.
"""

import sys
import time
import traceback
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import atheris

with atheris.instrument_imports(include=["edgecompress"]):
    from edgecompress.errors import EdgecompressError
    from edgecompress.reference.tflm import Tflm
    from fuzzing.subjects import SUBJECTS, Subject

from fuzzing.mutation import Mutator

LONGEST = 20
"""Seconds of a processor for one small file; more is a defect."""


class Watch:
    """Runs a subject and keeps what is a defect."""

    def __init__(self, subject: Subject, defects: Path) -> None:
        self._subject = subject
        self._defects = defects
        self.accepted = self.refused = 0

    def __call__(self, content: bytes) -> None:
        started = time.process_time()
        try:
            self._subject.run(content)
            self.accepted += 1
        except EdgecompressError:
            self.refused += 1
        except Exception as error:
            self._keep(content, error)
        if time.process_time() - started > LONGEST:
            self._keep(content, TimeoutError(f"{time.process_time() - started:.0f} s"))
        if (self.accepted + self.refused) % 500 == 0:
            (self._defects / "outcomes.txt").write_text(f"{self.accepted} {self.refused}", encoding="utf-8")

    def _keep(self, content: bytes, error: Exception) -> None:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "edgecompress" in f.filename]
        where = f"{Path(frames[-1].filename).stem}-{frames[-1].name}" if frames else "slow"
        name = f"{type(error).__name__}-{where}"
        if not (self._defects / f"{name}.bin").exists():
            (self._defects / f"{name}.bin").write_bytes(content)
            (self._defects / f"{name}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")


def bytewise(content: bytes, largest: int) -> bytes:
    """libFuzzer's own change; `Setup` puts the function that is meant in its place."""
    return atheris.Mutate(content, largest)


def main() -> None:
    name, corpus, defects, models, *others = sys.argv[1:]
    warnings.simplefilter("ignore")
    Tflm.available = lambda self: "a process for every input would take most of the time"  # type: ignore[method-assign]
    subject = SUBJECTS[name]
    seeds = [content for _, content in subject.seeds(Path(models) if models else None)]
    for number, content in enumerate(seeds):
        (Path(corpus) / f"seed-{number}").write_bytes(content)
    mutator = Mutator([one for one in seeds if len(one) < 5000] if name == "tflite" else [], bytewise)
    watch = Watch(subject, Path(defects))
    atheris.Setup([sys.argv[0], corpus, *others], watch, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
