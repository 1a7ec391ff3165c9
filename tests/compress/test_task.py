"""Loss and metric from last layer and labels: what is certain is inferred, what is not is an error that says what to set."""

import json

import numpy as np
import pytest

from edgecompress.compress.training.task import Output, Task, Wishes, auc, infer, score, slices
from edgecompress.errors import DataError, RecipeError

INDEX = np.array([0, 1, 2, 3, 1], np.int32)
ONE_HOT = np.eye(4, dtype=np.float32)[INDEX]


SIGMOID = Output("sigmoid", (1,), (9,))


def softmax(classes: int = 4) -> Output:
    return Output("softmax", (classes,), (8, 8, 1))


def linear(size: int = 4) -> Output:
    return Output("linear", (size,), (8, 8, 1))


@pytest.mark.parametrize(
    ("output", "labels", "wishes", "loss", "metric", "target"),
    [
        (softmax(), INDEX, Wishes(), "sparse_categorical_crossentropy", "accuracy", "labels"),
        (softmax(), INDEX[:, None], Wishes(), "sparse_categorical_crossentropy", "accuracy", "labels"),
        (softmax(), ONE_HOT, Wishes(), "categorical_crossentropy", "accuracy", "labels"),
        (softmax(), np.full((3, 4), 0.25), Wishes(), "categorical_crossentropy", "accuracy", "labels"),
        (softmax(), None, Wishes(), "kullback_leibler_divergence", "agreement", "teacher"),
        (softmax(), INDEX, Wishes(loss="distillation"), "kullback_leibler_divergence", "agreement", "teacher"),
        (
            softmax(),
            ONE_HOT,
            Wishes(loss="sparse_categorical_crossentropy"),
            "categorical_crossentropy",
            "accuracy",
            "labels",
        ),
        (linear(), INDEX, Wishes(output="logits"), "sparse_categorical_crossentropy", "accuracy", "labels"),
        (
            linear(),
            np.random.default_rng(0).normal(size=(5, 4)),
            Wishes(),
            "mean_squared_error",
            "mean_squared_error",
            "labels",
        ),
        (
            linear(1),
            np.array([0.0, 1, 1]),
            Wishes(labels="values"),
            "mean_squared_error",
            "mean_squared_error",
            "labels",
        ),
        (linear(1), np.array([0, 1, 1]), Wishes(output="logits"), "binary_crossentropy", "binary_accuracy", "labels"),
        (SIGMOID, np.array([0, 1]), Wishes(labels="index"), "binary_crossentropy", "binary_accuracy", "labels"),
        (linear(), None, Wishes(), "mean_squared_error", "mean_squared_error", "teacher"),
        (
            Output("sigmoid", (1,), (9,)),
            np.array([0, 1, 1]),
            Wishes(),
            "binary_crossentropy",
            "binary_accuracy",
            "labels",
        ),
        (
            Output("sigmoid", (3,), (9,)),
            np.array([[0, 1, 1]]),
            Wishes(),
            "binary_crossentropy",
            "binary_accuracy",
            "labels",
        ),
        (Output("linear", (9,), (9,)), None, Wishes(), "mean_squared_error", "mean_squared_error", "input"),
        (Output("linear", (9,), (9,)), INDEX, Wishes(labels="anomaly"), "mean_squared_error", "auc", "input"),
        (
            Output("softmax", (5, 4), (5, 3)),
            np.zeros((2, 5), int),
            Wishes(),
            "sparse_categorical_crossentropy",
            "accuracy",
            "labels",
        ),
    ],
)
def test_what_is_certain_is_inferred(output, labels, wishes, loss, metric, target):
    task = infer(output, labels, wishes)
    assert (task.loss, task.metric, task.target) == (loss, metric, target)
    assert task.why


@pytest.mark.parametrize(
    ("output", "labels", "wishes", "error", "part"),
    [
        (linear(), INDEX, Wishes(), RecipeError, "training.output"),
        (linear(), ONE_HOT, Wishes(), RecipeError, "training.output"),
        (linear(), INDEX, Wishes(loss="sparse_categorical_crossentropy"), RecipeError, "training.output"),
        (linear(1), np.array([0, 1, 1]), Wishes(), RecipeError, "training.output"),
        (softmax(), INDEX, Wishes(output="logits"), RecipeError, "remove training.output"),
        (softmax(3), INDEX, Wishes(), DataError, "labels from 0 to 3"),
        (softmax(), INDEX - 1, Wishes(), DataError, "labels from -1 to 2"),
        (softmax(), np.array([[1.0, -3, 0.5, 2]]), Wishes(), DataError, "neither class numbers nor probabilities"),
        (softmax(), np.zeros((5, 7)), Wishes(), DataError, "labels of shape (7,)"),
        (softmax(), np.array([0.0, np.nan]), Wishes(), DataError, "not finite"),
        (Output("sigmoid", (4,), (9,)), INDEX, Wishes(), RecipeError, "training.loss"),
        (softmax(), None, Wishes(labels="input"), RecipeError, "shapes differ"),
        (softmax(), None, Wishes(loss="binary_crossentropy"), DataError, "no labels"),
    ],
)
def test_what_is_doubtful_or_wrong_is_an_error_that_says_what_to_set(output, labels, wishes, error, part):
    with pytest.raises(error) as caught:
        infer(output, labels, wishes)
    assert part in str(caught.value)


def test_accuracy_is_one_or_zero_per_sample_for_index_and_one_hot_labels():
    outputs = np.eye(4)[[0, 1, 2, 2, 1]]
    task = Task("sparse_categorical_crossentropy", "accuracy")
    assert score(task, outputs, INDEX).tolist() == [1, 1, 1, 0, 1]
    assert score(task, outputs, INDEX[:, None]).tolist() == [1, 1, 1, 0, 1]
    assert score(task, outputs, ONE_HOT).tolist() == [1, 1, 1, 0, 1]


def test_a_segmentation_scores_the_fraction_of_right_places():
    outputs = np.eye(3)[[[0, 1, 2, 0]]]
    assert score(Task("sparse_categorical_crossentropy", "accuracy"), outputs, np.array([[0, 1, 1, 1]])).tolist() == [
        0.5
    ]


def test_binary_accuracy_splits_logits_at_zero_and_probabilities_at_a_half():
    outputs = np.array([[0.3], [0.7], [-0.2]])
    labels = np.array([1, 1, 0])
    assert score(Task("binary_crossentropy", "binary_accuracy", from_logits=True), outputs, labels).tolist() == [
        1,
        1,
        1,
    ]
    assert score(Task("binary_crossentropy", "binary_accuracy"), outputs, labels).tolist() == [0, 1, 1]


def test_errors_are_means_over_the_outputs_of_a_sample():
    outputs, wanted = np.array([[1.0, 3.0]]), np.array([[0.0, 1.0]])
    assert score(Task("mean_squared_error", "mean_squared_error"), outputs, wanted).tolist() == [2.5]
    assert score(Task("mean_absolute_error", "mean_absolute_error"), outputs, wanted).tolist() == [1.5]


def test_auc_equals_the_share_of_well_ordered_pairs():
    generator = np.random.default_rng(2)
    scores, labels = generator.integers(0, 9, 60).astype(float), generator.integers(0, 2, 60)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels == 1] for n in scores[labels == 0]]
    assert auc(scores, labels) == pytest.approx(np.mean(pairs))
    with pytest.raises(DataError, match="normal and anomalous"):
        auc(scores, np.ones(60))


def two_outputs() -> Output:
    parts = (Output("softmax", (3,), (4,), "a"), Output("linear", (2, 2), (4,), "b"))
    return Output("linear", (7,), (4,), "the outputs", parts)


def test_several_outputs_are_judged_each_by_what_the_loaded_model_answers():
    task = infer(two_outputs(), None)
    assert (task.target, task.metric) == ("teacher", "agreement")
    assert [part.metric for part, _ in task.parts] == ["agreement", "mean_squared_error"]
    found = np.array([[0.1, 0.8, 0.1, 1, 2, 3, 4], [0.7, 0.2, 0.1, 0, 0, 0, 0]])
    wanted = np.array([[0.2, 0.6, 0.2, 1, 2, 3, 4], [0.2, 0.6, 0.2, 0, 0, 0, 2]])
    np.testing.assert_array_equal(score(task, found, wanted), [1, 0])
    numbers, _ = task.parts[1]
    np.testing.assert_array_equal(score(numbers, slices(task, found)[1], slices(task, wanted)[1]), [0, 1])
    assert Task.from_dict(json.loads(json.dumps(task.as_dict()))) == task


def test_labels_of_one_of_several_outputs_are_refused():
    with pytest.raises(RecipeError, match="2 outputs"):
        infer(two_outputs(), np.zeros(5, np.int32))
