"""The passes of a pipeline one after the other, each saved with a fingerprint of all that it depends on.

A run that was stopped continues behind the last pass that is whole; a changed model, recipe, seed or data set changes
the fingerprints, and the work is done again from there on.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgecompress import load
from edgecompress.compress.base import Context, Kind, Pass, Promise, epochs_of, files_of, needs_gauge
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.cloning import copy_model, is_wrapped
from edgecompress.compress.models.saved import load_json, save_json, save_model, sha256_of
from edgecompress.compress.training.fine_tuning import evaluate, fine_tune, make_deterministic
from edgecompress.compress.training.statistics import refresh_statistics
from edgecompress.files import make_folder
from edgecompress.load.runtime import keras2

_FORMAT = 4
"""Raised when the same inputs would give other weights than an earlier version of this code gave."""


class Chain:
    """Runs passes into a folder.

    Attributes:
        model: after the passes so far.
        standing: promises that hold now.
        ended: sentences about promises that a later pass ended.
        earlier: folders of other chains, whose baseline is taken over where it was trained the same way.
        trust_model_code: of the model's Lambda and custom layers, which its copies still hold.
    """

    def __init__(
        self,
        out: Path,
        context: Context,
        model_sha256: str,
        earlier: Sequence[Path] = (),
        *,
        trust_model_code: bool = False,
    ) -> None:
        import tensorflow

        self.out, self.earlier, self.trust_model_code = out, tuple(earlier), trust_model_code
        settings = context.settings
        self._teacher = settings.teacher if settings.distillation else ""
        if self._teacher == "original":
            context = replace(context, teacher=context.original)
        self.context = context
        self.model: Any = None
        self.standing: tuple[Promise, ...] = ()
        self.ended: tuple[str, ...] = ()
        versions = (_FORMAT, tensorflow.__version__, keras2().__version__)
        base = (versions, model_sha256, context.samples.fingerprint, context.task.as_dict(), asdict(settings))
        self._start = hashlib.sha256(json.dumps(base, sort_keys=True).encode()).hexdigest()

    def judge(self, model: Any) -> float | None:
        """The metric on the validation split; None without one."""
        context = self.context
        if not context.samples.count("validation"):
            return None
        return evaluate(model, context.samples, "validation", context.task, context.original).value

    def baseline(self, model: Any, passes: Sequence[Pass]) -> dict[str, Any]:
        """The model trained as the passes train theirs, without compression: baseline.h5. It teaches them where it is to.

        Returns:
            path, steps, seconds, accuracy on validation; the original's own with no epochs in any pass.
        """
        phases = [(epochs_of(one, self.context.settings), one.learning_rate) for one in passes]
        fingerprint = _chained(self._start, "baseline", phases)
        path = self.out / "baseline.h5"
        found = self._known_baseline(fingerprint)
        if found is None:
            entry = self._train_baseline(model, phases, path)
            found = {"fingerprint": fingerprint, "sha256": sha256_of(path), "entry": entry}
            save_json(found, self.out / "baseline.json")
        if self._teacher == "baseline":
            self._start = fingerprint
            self.context = replace(self.context, teacher=self._load(path))
        return found["entry"]  # type: ignore[no-any-return]

    def _known_baseline(self, fingerprint: str) -> dict[str, Any] | None:
        """Of this folder or an earlier one, from which it is copied; None when it has to be trained."""
        for folder in (self.out, *self.earlier):
            found = load_json(folder / "baseline.json")
            if not _is_whole(found, fingerprint, folder / "baseline.h5"):
                continue
            if folder != self.out:
                make_folder(self.out)
                for name in ("baseline.h5", "baseline.json"):
                    shutil.copyfile(folder / name, self.out / name)
            return found
        return None

    def _train_baseline(self, model: Any, phases: Sequence[tuple[int, float | None]], path: Path) -> dict[str, Any]:
        started = time.monotonic()
        keras2().backend.clear_session()
        make_deterministic(self.context.settings.seed)
        trained = copy_model(model)
        steps = 0
        for number, (epochs, learning_rate) in enumerate(phases, 1):
            label = f"baseline, {number} of {len(phases)}"
            context = replace(self.context, standing=(), label=label)
            steps += fine_tune(trained, context, epochs, learning_rate=learning_rate)
        settings = self.context.settings
        if steps and not settings.frozen_norms:
            refresh_statistics(trained, self.context.samples, settings.batch, settings.seed, settings.augmentation)
        entry = {
            "path": path.name,
            "steps": steps,
            "accuracy": self.judge(trained),
            "seconds": round(time.monotonic() - started, 3),
        }
        save_model(trained, path)
        return entry

    def run(
        self, model: Any, passes: Sequence[Pass], texts: Sequence[str], accuracy: float | None
    ) -> list[dict[str, Any]]:
        """Run or resume all passes; `model` and its `accuracy` are those of the original.

        Returns:
            An entry for the report per pass.

        Raises:
            PromiseError: a pass did not keep its promise or broke an earlier one.
        """
        self.model, self.standing, self.ended = model, (), ()
        entries: list[dict[str, Any]] = []
        fingerprint = self._start
        for number, (compression, text) in enumerate(zip(passes, texts, strict=True), 1):
            files = [sha256_of(file) for file in files_of(compression)]
            device = [self.context.gauge.key] if self.context.gauge and needs_gauge(compression) else []
            fingerprint = _chained(fingerprint, text, epochs_of(compression, self.context.settings), *files, *device)
            folder = self.out / "passes" / f"{number}-{compression.name}"
            entry = self._resume(folder, fingerprint) or self._apply(compression, text, folder, fingerprint, accuracy)
            accuracy = entry["accuracy_after"]
            entries.append(entry)
        return entries

    def _apply(
        self, compression: Pass, text: str, folder: Path, fingerprint: str, accuracy: float | None
    ) -> dict[str, Any]:
        # Names that Keras makes up ("quantize_layer_1") end up in the .tflite file: they start from the same count
        # whether the passes before ran in this process or in an earlier one.
        keras2().backend.clear_session()
        context = replace(self.context, standing=self.standing, label=text)
        step = run_pass(compression, text, self.model, context)
        after = self.judge(step.outcome.model)
        entry = _entry(compression, text, step, accuracy, after)
        self.ended = (*self.ended, *step.ended)
        self.standing = step.standing
        path = folder / "model.h5"
        save_model(step.outcome.model, path)
        self.model = self._load(path, quantized=is_wrapped(step.outcome.model))
        saved = {
            "fingerprint": fingerprint,
            "sha256": sha256_of(path),
            "quantized": is_wrapped(self.model),
            "standing": [promise.as_dict() for promise in self.standing],
            "ended": list(self.ended),
            "entry": entry,
        }
        save_json(saved, folder / "result.json")
        return entry

    def _resume(self, folder: Path, fingerprint: str) -> dict[str, Any] | None:
        """The entry of a finished pass, with its model and promises taken up; None when it has to run."""
        found = load_json(folder / "result.json")
        path = folder / "model.h5"
        if not _is_whole(found, fingerprint, path):
            return None
        assert found is not None
        self.model = self._load(path, quantized=found["quantized"])
        self.standing = tuple(Promise.from_dict(one) for one in found["standing"])
        self.ended = tuple(found["ended"])
        return {**found["entry"], "resumed": True}

    def _load(self, path: Path, *, quantized: bool = False) -> Any:
        return load.load_stage(path, quantized=quantized, trust_model_code=self.trust_model_code)


def _entry(compression: Pass, text: str, step: Step, before: float | None, after: float | None) -> dict[str, Any]:
    promise = step.outcome.promise
    own = step.measured[0] if promise.kind is not Kind.NONE else None
    further = [
        f"also promised: {one.promise}; reached {one.reached:,.0f}"
        for one in step.measured[1 : 1 + len(step.outcome.further)]
    ]
    return {
        "name": compression.name,
        "text": text,
        "promise": None if own is None else str(promise),
        "kind": promise.kind.value,
        "reached": None if own is None else own.reached,
        "holds": None if own is None else own.holds,
        "per_tensor": None if own is None else own.per_tensor,
        "seconds": round(step.seconds, 3),
        "accuracy_before": before,
        "accuracy_after": after,
        "did_nothing": step.outcome.did_nothing_reason,
        "notes": [*step.outcome.notes, *(f"{compression.name}: {one}" for one in further)],
        "measured": [measurement.as_dict() for measurement in step.measured],
        "resumed": False,
    }


def _chained(fingerprint: str, *values: Any) -> str:
    return hashlib.sha256(json.dumps([fingerprint, *values]).encode()).hexdigest()


def _is_whole(found: dict[str, Any] | None, fingerprint: str, path: Path) -> bool:
    """The saved result is of the same inputs, and its model has not been touched."""
    if found is None or found.get("fingerprint") != fingerprint or not path.is_file():
        return False
    return found.get("sha256") == sha256_of(path)
