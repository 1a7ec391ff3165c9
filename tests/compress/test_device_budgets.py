"""Budgets of what only a device knows, with a device that is made up here: candidates until one meets them, promises, refusals."""

from dataclasses import dataclass, field, replace
from typing import Any

import channel_examples as channels
import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make, make_all
from edgecompress.compress.base import Context, Kind, Promise, Reading, TrainingSettings, needs_gauge
from edgecompress.compress.budgets import the_only_limit
from edgecompress.compress.channels.choice import Budget, cost_of, gone, ranked_steps
from edgecompress.compress.channels.fitting import Fitting
from edgecompress.compress.channels.rules import trace
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.kernels import kernel_variables
from edgecompress.compress.passes.filters import DEFAULT
from edgecompress.compress.training.fine_tuning import describe_output
from edgecompress.compress.training.task import infer
from edgecompress.errors import RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes, print_passes


def outputs_of_layers(model: Any) -> dict[str, int]:
    return {layer.name: int(np.prod(layer.output.shape[1:])) for layer in model.layers}


def largest_output(model: Any) -> int:
    return max(outputs_of_layers(model).values())


def all_outputs(model: Any) -> int:
    return sum(outputs_of_layers(model).values())


@dataclass
class MadeUp:
    """A device whose arena is the largest output of any layer, and whose cycles and flash are all of them together."""

    read_models: list[Any] = field(default_factory=list)
    target: str = "made-up"
    setting: str = "without anything"
    key: str = "1"

    def read(self, model: Any, kind: Kind, samples: Any) -> Reading:
        self.read_models.append(model)
        value = largest_output(model) if kind is Kind.RAM else 10 * all_outputs(model)
        outputs = outputs_of_layers(model)
        return Reading(value, max(outputs, key=lambda name: outputs[name]))


def context_of(model: Any, gauge: Any = None) -> Context:
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    return Context(data, task, TrainingSettings(epochs=0, seed=5), original=model, gauge=gauge)


def run(text: str, model: Any, gauge: Any) -> Step:
    (spec,) = parse_passes(text)
    return run_pass(make(spec), text, model, context_of(model, gauge))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("flash=0.5", 0.5), ("flash=64k", 65536), ("ram=20000", 20000), ("cycles=4M", 4e6), ("cycles=900k", 9e5)],
)
def test_a_budget_is_a_fraction_below_one_or_a_number_with_a_letter(text, amount):
    (spec,) = parse_passes(f"filters{{{text}}}")
    limit = the_only_limit("filters", spec.parameters, DEFAULT)
    assert (limit.amount, limit.text) == (amount, text)
    assert limit.of(10**7) == (5 * 10**6 if amount < 1 else amount)
    assert parse_passes(print_passes((spec,))) == (spec,)
    assert needs_gauge(make(spec))
    assert not needs_gauge(make(parse_passes("filters{macs=0.5}")[0]))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("cycles=0.5,ram=0.5", ("one budget", "cycles or ram", "filters{cycles=0.5},filters{ram=0.5}")),
        ("flash=64k,macs=0.5", ("one budget", "filters{flash=64k}")),
        ('ram="20q"', ("filters.ram must be a fraction up to 0.99, or a number", "20q", "64k")),
        ("cycles=4MiB", ("filters.cycles must be", "4M")),
        ("ram=1.5", ("filters.ram must be", "ram = 1.5")),
        ("flash=0", ("filters.flash must be", "flash = 0")),
        ("cycles=-3", ("filters.cycles must be", "-3")),
    ],
)
def test_what_is_no_budget_is_refused(text, parts):
    with pytest.raises(RecipeError) as caught:
        make_all(parse_passes(f"filters{{{text}}}"))
    for part in parts:
        assert part in str(caught.value)


def steps_of(model: Any, seed: int = 0) -> tuple[Any, list[Any]]:
    graph = trace(model)
    cost = cost_of(Kind.MACS, kernel_variables(model), graph)
    scores = np.random.default_rng(seed).random(graph.count)
    return graph, ranked_steps(graph, scores, cost, Budget(Kind.CYCLES, 0, multiple=2))


def dense(*widths: int) -> Any:
    layers = keras2().layers
    inner = [layers.Dense(width, activation="relu", name=f"d{i}") for i, width in enumerate(widths)]
    return keras2().Sequential([layers.Input((4,)), *inner, layers.Dense(2, name="last")])


@pytest.mark.parametrize("bound", range(0, 101, 7))
def test_the_fewest_steps_that_meet_a_bound_are_found_with_few_readings(bound):
    graph, steps = steps_of(dense(30, 40, 24))

    def read(removed: np.ndarray) -> Reading:
        return Reading(100 - int(removed.sum()))

    fitting = Fitting(graph, read, bound)
    found = fitting.fit(steps, spare=False)
    counted = [100 - int(gone(steps[:number], graph).sum()) for number in range(len(steps) + 1)]
    expected = next((number for number, value in enumerate(counted) if value <= bound), len(steps))
    assert found == steps[:expected]
    assert fitting.reading(found).value == counted[expected]
    assert fitting.candidates <= len(steps).bit_length() + 2


@pytest.mark.parametrize("seed", range(6))
def test_where_one_layer_holds_the_peak_only_it_loses_channels(seed):
    graph, steps = steps_of(dense(30, 40, 24), seed)
    groups = graph.given

    def read(removed: np.ndarray) -> Reading:
        return Reading(max(int((~removed[groups[name]]).sum()) for name in ("d0", "d1", "d2")))

    fitting = Fitting(graph, read, 32)
    removed = gone(fitting.fit(steps, spare=True), graph)
    left = {name: int((~removed[groups[name]]).sum()) for name in ("d0", "d1", "d2")}
    assert left == {"d0": 30, "d1": 32, "d2": 24}


@pytest.mark.parametrize("seed", range(6))
def test_where_two_layers_hold_it_together_both_lose_no_more_than_is_needed(seed):
    graph, steps = steps_of(dense(30, 40, 24), seed)
    groups = graph.given

    def read(removed: np.ndarray) -> Reading:
        left = {name: int((~removed[groups[name]]).sum()) for name in ("d0", "d1", "d2")}
        return Reading(max(left["d0"] + left["d1"], left["d1"] + left["d2"]))

    fitting = Fitting(graph, read, 50)
    chosen = fitting.fit(steps, spare=True)
    assert fitting.reading(chosen).value <= 50
    last = {step.which_set: step for step in chosen}
    for step in last.values():
        assert fitting.reading([one for one in chosen if one is not step]).value > 50


@pytest.mark.parametrize(("kind", "room"), [("cycles", 0.99), ("flash", 0.99), ("ram", 1.0)])
@pytest.mark.parametrize("name", ["residual", "mobile"])
def test_the_budget_is_met_on_the_device_and_promised_of_it(kind, room, name):
    model = channels.randomized(name)
    gauge = MadeUp()
    step = run(f"filters{{{kind}=0.7,multiple=2,epochs=0}}", model, gauge)
    whole, found = (gauge.read(one, Kind(kind), None).value for one in (model, step.outcome.model))
    (measured,) = step.measured
    assert measured.reached == found <= room * int(0.7 * whole)
    assert measured.holds
    assert measured.promise == Promise(Kind(kind), int(0.7 * whole), source=measured.promise.source, target="made-up")
    assert "on made-up" in str(measured.promise)
    assert Promise.from_dict(measured.promise.as_dict()) == measured.promise
    (note,) = [note for note in step.outcome.notes if "candidates" in note]
    assert f"{found:,} of {whole:,}" in note
    assert "without anything" in note


def test_a_number_is_the_budget_itself_and_one_that_is_met_already_leaves_nothing_to_do():
    model = channels.randomized("residual")
    whole = largest_output(model)
    step = run(f"filters{{ram={whole - 1},multiple=2,epochs=0}}", model, MadeUp())
    assert largest_output(step.outcome.model) < whole
    idle = run(f"filters{{ram={whole},epochs=0}}", model, MadeUp())
    assert idle.outcome.did_nothing_reason == f"the model takes {whole:,} bytes of arena already"
    assert idle.standing == ()


def test_rounds_meet_the_budget_step_by_step():
    model = channels.randomized("residual")
    gauge = MadeUp()
    step = run("filters{cycles=0.6,multiple=1,rounds=3,epochs=0}", model, gauge)
    assert step.measured[0].holds
    assert len([note for note in step.outcome.notes if "candidates" in note]) == 3
    kept = {name: len(rows) for name, rows in step.outcome.rows.items()}
    assert kept.items() <= {k.name: k.variable.shape[-1] for k in kernel_variables(step.outcome.model)}.items()


def test_a_budget_out_of_reach_says_what_is_left_and_what_holds_it():
    with pytest.raises(RecipeError) as caught:
        run("filters{ram=0.01,epochs=0}", channels.randomized("residual"), MadeUp())
    for part in ("ram=0.01 cannot be reached", "are left when every channel that may go is gone", "largest then: "):
        assert part in str(caught.value)


def test_without_a_device_a_budget_that_only_it_knows_is_refused():
    with pytest.raises(RecipeError, match="known on a device only") as caught:
        run("filters{flash=64k,epochs=0}", channels.randomized("residual"), None)
    assert "[build] of the recipe" in caught.value.hint


def test_a_model_that_takes_more_after_training_is_no_error_yet_but_a_broken_promise():
    """The pass has read its candidates by then; the driver reads the trained model."""

    class Growing(MadeUp):
        def read(self, model: Any, kind: Kind, samples: Any) -> Reading:
            found = super().read(model, kind, samples)
            shapes = [tuple(w.shape for w in one.get_weights()) for one in self.read_models]
            return replace(found, value=10 * found.value if shapes.count(shapes[-1]) > 1 else found.value)

    step = run("filters{cycles=0.7,multiple=2,epochs=0}", channels.randomized("residual"), Growing())
    (measured,) = step.measured
    assert not measured.holds
    assert measured.reached > measured.promise.bound


def test_only_a_pass_with_such_a_budget_runs_again_for_another_device(tmp_path):
    from edgecompress.compress.chain import Chain

    model = channels.randomized("residual")
    for text, expected in (("filters{cycles=0.8,epochs=0}", False), ("filters{macs=0.8,epochs=0}", True)):
        specs = parse_passes(text)
        for key, resumed in (("1", False), ("1", True), ("2", expected)):
            chain = Chain(tmp_path, context_of(model, MadeUp(key=key)), "model")
            (entry,) = chain.run(model, make_all(specs), [text], None)
            assert entry["resumed"] is resumed
