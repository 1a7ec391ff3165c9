"""Runs one pass and holds everybody to their word: its own promise and every earlier one are measured on the result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgecompress.compress.base import ON_DEVICE, Context, Kind, Outcome, Pass, Promise
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.promises import Measurement, demand, held_against, measure
from edgecompress.compress.training.fine_tuning import make_deterministic
from edgecompress.compress.training.statistics import refresh_statistics


@dataclass(frozen=True, eq=False)
class Step:
    """What came of one pass.

    Attributes:
        outcome: of the pass; its promises now name their source.
        measured: the pass's own promises, then the earlier ones that stand; one about the device may be broken.
        standing: promises that hold from here on.
        ended: earlier promises whose layers this pass replaced by something else, with a sentence for each.
        seconds: wall clock of the pass and its measurements.
    """

    outcome: Outcome
    measured: tuple[Measurement, ...]
    standing: tuple[Promise, ...]
    ended: tuple[str, ...]
    seconds: float


def run_pass(compression: Pass, text: str, model: Any, context: Context) -> Step:
    """Apply a pass and measure its promise and all that stand.

    Args:
        compression: the pass.
        text: its text form: the source of its promise.
        model: is not changed.
        context: with the promises that stand before it.

    A promise about the device is read once, when its pass has ended. It is not refused here: the firmware has the last word.

    Raises:
        PromiseError: a promise, its own or an earlier one, does not hold afterwards.
    """
    started = time.monotonic()
    make_deterministic(context.settings.seed)
    outcome = compression.apply(model, context)
    settings = context.settings
    if not outcome.did_nothing_reason and not settings.frozen_norms:
        refresh_statistics(outcome.model, context.samples, settings.batch, settings.seed, settings.augmentation)
    promise, *further = (replace(one, source=text) for one in (outcome.promise, *outcome.further))
    outcome = replace(outcome, promise=promise, further=tuple(further))
    kernels = keras_kernels(outcome.model)
    earlier, ended = carry(context.standing, outcome, text)
    if outcome.added:
        known = tuple(name for name in kernels if name not in outcome.added)
        earlier = tuple(one if one.layers else replace(one, layers=known) for one in earlier)
    own = tuple(one for one in (promise, *further) if one.kind is not Kind.NONE)
    measured = tuple(measure(one, kernels) for one in (*own, *earlier))
    for measurement in measured:
        demand(measurement, text)
    measured = tuple(_read(one, outcome, context) if one.promise in own else one for one in measured)
    return Step(outcome, measured, (*earlier, *own), ended, time.monotonic() - started)


def carry(standing: Sequence[Promise], outcome: Outcome, text: str) -> tuple[tuple[Promise, ...], tuple[str, ...]]:
    """Earlier promises as they read after a pass: about its layers' successors, or ended by it.

    Returns:
        The promises that stand, and a sentence for every one that lost layers.
    """
    carried, ended = [], []
    for promise in standing:
        gone = [layer for layer in promise.layers if outcome.successors.get(layer) == ()]
        after = promise.carried(outcome.successors, outcome.rows)
        if gone:
            ended.append(f"{promise.source}: its promise for {', '.join(gone)} was ended by {text}")
        if after.layers or not promise.layers:
            carried.append(after)
    return tuple(carried), tuple(ended)


def _read(measurement: Measurement, outcome: Outcome, context: Context) -> Measurement:
    """The same of a promise about the device, read there."""
    promise = measurement.promise
    if promise.kind not in ON_DEVICE or context.gauge is None:
        return measurement
    return held_against(promise, context.gauge.read(outcome.model, promise.kind, context.samples).value)
