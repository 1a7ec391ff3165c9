"""Fine-tuning as a pass: it trains, keeps promises, and says when there is nothing to train."""

from dataclasses import replace

import keras_examples as examples
import numpy as np

from edgecompress.compress.base import Context, Kind, TrainingSettings
from edgecompress.compress.driver import run_pass
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.passes.fine_tune import FineTune
from edgecompress.compress.training.fine_tuning import describe_output, evaluate, outputs_of
from edgecompress.compress.training.task import infer


def test_it_trains_for_its_epochs_and_promises_nothing():
    model = examples.trained("sequential", epochs=1)
    tuned, context, (step,) = examples.run_passes("fine_tune{epochs=6,learning_rate=0.01}", model)
    assert step.outcome.promise.kind is Kind.NONE
    assert step.standing == ()
    data = context.samples

    def loss(one):
        found = outputs_of(one)(data.x["train"])
        return float(-np.log(found[np.arange(len(found)), data.y["train"]] + 1e-9).mean())

    assert loss(tuned) < loss(model)


def test_zeros_and_shared_values_of_earlier_passes_stay():
    text = "prune{sparsity=0.6,epochs=0},cluster{clusters=6,epochs=0},fine_tune{epochs=2,learning_rate=0.01}"
    tuned, _, (_, cluster, tune) = examples.run_passes(text, examples.trained("residual"))
    assert [measured.promise.kind for measured in tune.measured] == [Kind.ZEROS, Kind.DISTINCT_VALUES]
    before, after = keras_kernels(cluster.outcome.model), keras_kernels(tuned)
    for name, kernel in after.items():
        assert np.sum(kernel.rows == 0) >= int(0.6 * kernel.rows.size)
        assert len(np.unique(kernel.rows)) <= 6
        assert not np.array_equal(kernel.rows, before[name].rows)


def test_without_epochs_it_says_that_there_is_nothing_to_do():
    _, _, (step,) = examples.run_passes("fine_tune{epochs=0}", examples.trained("functional", epochs=1))
    assert step.outcome.did_nothing_reason == "there are no epochs to train in"


def test_a_model_learns_from_a_teacher_where_there_are_no_labels():
    teacher, model = examples.trained("functional", epochs=25), examples.trained("functional", epochs=1)
    data = examples.samples(labels=False)
    context = Context(data, infer(describe_output(model), None), TrainingSettings(learning_rate=0.01), original=teacher)
    step = run_pass(FineTune(epochs=12), "fine_tune", model, context)
    task = replace(context.task, metric="mean_squared_error")
    off = [evaluate(one, data, "validation", task, teacher).value for one in (model, step.outcome.model)]
    assert off[1] < 0.5 * off[0]
