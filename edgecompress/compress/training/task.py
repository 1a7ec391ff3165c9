"""What a model is trained and judged by: loss, metric and target, from the recipe or from last layer and labels.

An inference that could be wrong is an error that says what to set, never a guess.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgecompress.errors import DataError, RecipeError
from edgecompress.report import bootstrap

CROSSENTROPIES = ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy")
SAY_OUTPUT = 'set training.output to "logits" or "probabilities" in the recipe'


@dataclass(frozen=True)
class Output:
    """What the model gives for one sample.

    Attributes:
        activation: "softmax", "sigmoid", or "linear" for everything else.
        shape: of one sample's output.
        input_shape: of one sample's input.
        layer: the layer that gives it, for messages.
        parts: of a model with several outputs: these, which count as one vector, one behind the other.
    """

    activation: str
    shape: tuple[int, ...]
    input_shape: tuple[int, ...]
    layer: str = "the last layer"
    parts: tuple["Output", ...] = ()

    @property
    def classes(self) -> int:
        return self.shape[-1] if self.shape else 1

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Wishes:
    """What the recipe says; None where it says nothing.

    Attributes:
        loss, metric, output: [training] of the recipe; output is "probabilities" or "logits".
        labels: [data]: index, one-hot, values, input, anomaly or none.
    """

    loss: str | None = None
    metric: str | None = None
    output: str | None = None
    labels: str | None = None


@dataclass(frozen=True)
class Task:
    """Loss, metric and target.

    Attributes:
        loss: sparse_categorical_crossentropy, categorical_crossentropy, binary_crossentropy, mean_squared_error,
            mean_absolute_error, or kullback_leibler_divergence (between probabilities).
        metric: accuracy, binary_accuracy, mean_squared_error, mean_absolute_error, auc, or agreement: how often the
            largest output is the same as the loaded model's.
        target: what loss and metric compare with: "labels", "input" (an autoencoder) or "teacher" (distillation:
            the outputs of the model as loaded).
        from_logits: the model gives logits, not probabilities.
        why: how all this was found, for the report.
        parts: of a model with several outputs, each with its task and the shape of one sample's output. They are trained by the
            sum of their losses, and judged by the mean of those that have the metric.
    """

    loss: str
    metric: str
    target: str = "labels"
    from_logits: bool = False
    why: str = ""
    parts: tuple[tuple["Task", tuple[int, ...]], ...] = ()

    @property
    def higher_is_better(self) -> bool:
        return self.metric in ("accuracy", "binary_accuracy", "agreement", "auc")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `from_dict` reads it."""
        values = {key: value for key, value in asdict(self).items() if key != "parts"}
        parts = [{"task": task.as_dict(), "shape": list(shape)} for task, shape in self.parts]
        return {**values, "higher_is_better": self.higher_is_better, **({"parts": parts} if parts else {})}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Task":
        parts = tuple((cls.from_dict(part["task"]), tuple(part["shape"])) for part in values.get("parts", ()))
        return cls(**{key: values[key] for key in ("loss", "metric", "target", "from_logits", "why")}, parts=parts)


def infer(output: Output, labels: np.ndarray | None, wishes: Wishes = Wishes()) -> Task:
    """Loss, metric and target for a model and its labels.

    Args:
        output: of the model.
        labels: some of them, (n,), (n, 1) or (n, *output.shape); None when the data has none.
        wishes: what the recipe says.

    Raises:
        RecipeError: for wishes that contradict the model, or that are needed to decide.
        DataError: for labels that do not suit the output.
    """
    if output.parts:
        return _several(output, labels, wishes)
    if labels is not None and not np.isfinite(labels.astype(np.float64)).all():
        raise DataError("The labels hold values that are not finite.", hint="leave those samples out")
    if wishes.output == "logits" and output.activation != "linear":
        raise RecipeError(
            f'training.output is "logits", but {output.layer} ends in a {output.activation}: probabilities.',
            hint="remove training.output from the recipe",
        )
    if wishes.loss == "distillation" or (labels is None and not _is_autoencoder(output, wishes)):
        return _distillation(output, wishes, labels)
    if wishes.labels in ("input", "anomaly") or labels is None:
        return _reconstruction(output, wishes)
    task = _supervised(output, labels, wishes)
    _check_range(task, output, labels)
    return task


def score(task: Task, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The metric of every sample; the mean over a data set is the data set's (but see `auc`).

    Args:
        task: whose metric.
        outputs: (n, …), as the model gives them or dequantized.
        targets: (n, …): labels, inputs, or the teacher's outputs, as `task.target` says.

    Returns:
        (n,) float64: the fraction of right places for accuracies and agreement, else the error.
    """
    n = len(outputs)
    if task.parts:
        pairs = zip(task.parts, slices(task, outputs), slices(task, targets), strict=True)
        return np.mean([score(part, *both) for (part, _), *both in pairs if part.metric == task.metric], axis=0)
    if task.metric in ("accuracy", "agreement"):
        predicted = outputs.reshape(n, -1, outputs.shape[-1]).argmax(axis=-1)
        return (predicted == class_indices(targets, outputs.shape)).mean(axis=1)
    found, wanted = outputs.reshape(n, -1).astype(np.float64), targets.reshape(n, -1).astype(np.float64)
    if task.metric == "binary_accuracy":
        return ((found > (0.0 if task.from_logits else 0.5)) == (wanted > 0.5)).mean(axis=1)
    difference = found - wanted
    return (np.abs(difference) if task.metric == "mean_absolute_error" else difference**2).mean(axis=1)


def slices(task: Task, values: Any) -> list[Any]:
    """The outputs of a model with several, out of (n, all their values) of NumPy or TensorFlow; each (n, …)."""
    found, first = [], 0
    for _, shape in task.parts:
        last = first + int(np.prod(shape, dtype=np.int64))
        part = values[:, first:last]
        if isinstance(values, np.ndarray):
            found.append(part.reshape(len(values), *shape))
        else:
            import tensorflow as tf

            found.append(tf.reshape(part, [-1, *shape]))
        first = last
    return found


def auc(scores: np.ndarray, anomalous: np.ndarray) -> float:
    """The chance that an anomalous sample (1) scores above a normal one (0), ties half: the area under the ROC curve.

    Raises:
        DataError: when there is only one kind of sample.
    """
    positive = int(np.count_nonzero(anomalous > 0.5))
    negative = len(anomalous) - positive
    if not positive or not negative:
        raise DataError(
            "The area under the ROC curve needs normal and anomalous samples.",
            found=f"{positive} anomalous and {negative} normal samples",
            hint="put both into the validation and the test split",
        )
    return bootstrap.auc(scores, anomalous > 0.5)


def class_indices(labels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Labels as (n, places) class numbers, be they class numbers already or one value per class.

    Args:
        labels: (n,), (n, 1), (n, *places) or (n, *places, classes).
        shape: of the outputs, n first.
    """
    n, classes = len(labels), shape[-1]
    places = int(np.prod(shape[1:-1], dtype=np.int64))
    if classes > 1 and labels.size == n * places * classes:
        return labels.reshape(n, places, classes).argmax(axis=-1)
    return labels.reshape(n, places)


def _is_autoencoder(output: Output, wishes: Wishes) -> bool:
    return wishes.labels in ("input", "anomaly") or output.shape == output.input_shape


def _distillation(output: Output, wishes: Wishes, labels: np.ndarray | None) -> Task:
    if wishes.loss not in (None, "distillation"):
        raise DataError(f"training.loss is {wishes.loss}, but the data has no labels.", hint="name them: data.y")
    softmax = output.activation == "softmax"
    loss = "kullback_leibler_divergence" if softmax else "mean_squared_error"
    why = "training.loss is distillation" if wishes.loss else "no labels: the loaded model's outputs are the targets"
    if labels is not None and wishes.metric is None:
        why += "; the metric compares with them too, not with the labels"
    metric = wishes.metric or ("agreement" if softmax else "mean_squared_error")
    return Task(loss, "agreement" if metric == "accuracy" else metric, "teacher", why=why)


def _several(output: Output, labels: np.ndarray | None, wishes: Wishes) -> Task:
    """Distillation on every output: nobody says which of them labels belong to."""
    if labels is not None or wishes.labels not in (None, "none"):
        raise RecipeError(
            f"The model has {len(output.parts)} outputs, and labels are of one: what trains the others?",
            found=f"outputs of {', '.join(part.layer for part in output.parts)}",
            hint='labels = "none" in the recipe\'s [data]: what the loaded model answers is the target then',
        )
    if wishes.loss not in (None, "distillation") or wishes.metric is not None or wishes.output is not None:
        raise RecipeError(
            f"The model has {len(output.parts)} outputs, each of which is trained and judged by what the loaded model answers.",
            hint="leave training.loss, training.metric and training.output out",
        )
    parts = tuple((_distillation(part, wishes, None), part.shape) for part in output.parts)
    first = next((task for task, _ in parts if task.metric == "agreement"), parts[0][0])
    why = f"{len(parts)} outputs: what the loaded model answers is the target of each"
    return Task(first.loss, first.metric, "teacher", why=why, parts=parts)


def _reconstruction(output: Output, wishes: Wishes) -> Task:
    if output.shape != output.input_shape:
        raise RecipeError(
            f'data.labels is "{wishes.labels}": the model should give back its input, but the shapes differ.',
            found=f"an input of {output.input_shape} and an output of {output.shape}",
        )
    loss = wishes.loss or "mean_squared_error"
    if loss not in ("mean_squared_error", "mean_absolute_error", "binary_crossentropy"):
        raise RecipeError(f"training.loss {loss} does not suit a model that gives back its input.")
    why = "the output has the shape of the input and there are no labels: an autoencoder"
    if wishes.labels in ("input", "anomaly"):
        why = f'data.labels is "{wishes.labels}": an autoencoder'
    metric = wishes.metric or ("auc" if wishes.labels == "anomaly" else "mean_squared_error")
    return Task(loss, metric, "input", output.activation == "linear" and loss in CROSSENTROPIES, why)


def _supervised(output: Output, labels: np.ndarray, wishes: Wishes) -> Task:
    kind = _kind_of_labels(output, labels, wishes)
    loss, why = wishes.loss, "training.loss of the recipe"
    if loss is None:
        loss, why = _loss_for(kind, output, labels, wishes)
    logits = output.activation == "linear" and loss in CROSSENTROPIES
    if logits and wishes.output is None:
        raise RecipeError(
            f"{output.layer} is linear, and training.loss is {loss}: does it give logits or probabilities?",
            hint=SAY_OUTPUT,
        )
    if loss == "sparse_categorical_crossentropy" and kind == "one-hot":
        loss = "categorical_crossentropy"
    if loss == "categorical_crossentropy" and kind == "index":
        loss = "sparse_categorical_crossentropy"
    metric = wishes.metric or _metric_for(loss)
    if metric == "accuracy" and loss == "binary_crossentropy":
        metric = "binary_accuracy"
    return Task(loss, metric, "labels", logits and wishes.output == "logits", why)


def _kind_of_labels(output: Output, labels: np.ndarray, wishes: Wishes) -> str:
    n, classes = len(labels), output.classes
    places = output.size // classes if classes else 0
    if classes == 1 and labels.size == n * output.size:
        kind = "values"  # one output has no classes to number: 0 and 1 are its values
    elif wishes.labels in ("index", "one-hot", "values"):
        wanted = n * (places if wishes.labels == "index" else output.size)
        kind = wishes.labels if labels.size == wanted else ""
    elif classes > 1 and labels.size == n * places and np.array_equal(labels, labels.astype(np.int64)):
        kind = "index"
    elif labels.size == n * output.size:
        kind = "one-hot" if classes > 1 and _is_one_hot(labels.reshape(-1, classes)) else "values"
    else:
        kind = ""
    if not kind:
        raise DataError(
            f"The labels do not suit {output.layer}.",
            found=f"labels of shape {labels.shape[1:]} per sample, outputs of shape {output.shape}",
            hint="give class numbers, one value per class, or one value per output",
        )
    return kind


def _loss_for(kind: str, output: Output, labels: np.ndarray, wishes: Wishes) -> tuple[str, str]:
    match kind, output.activation:
        case (("index" | "one-hot"), "linear"):
            if wishes.output is None:
                what = "class numbers" if kind == "index" else "one-hot"
                raise RecipeError(
                    f"{output.layer} is linear and the labels are {what}: its outputs may be logits, or anything else.",
                    hint=f"{SAY_OUTPUT}, or training.loss",
                )
            sparse = "sparse_" if kind == "index" else ""
            return f"{sparse}categorical_crossentropy", f"training.output is {wishes.output}, {kind} labels"
        case (("index" | "one-hot"), "softmax"):
            sparse = "sparse_" if kind == "index" else ""
            return f"{sparse}categorical_crossentropy", f"a softmax and {kind} labels"
        case "index", "sigmoid":
            raise RecipeError(
                f"{output.layer} is a sigmoid of {output.classes} outputs and the labels are class numbers.",
                hint="set training.loss, or give labels of one value per output (then binary_crossentropy)",
            )
        case (("one-hot" | "values"), "sigmoid") if np.isin(labels, (0, 1)).all():
            return "binary_crossentropy", "a sigmoid and labels of 0 and 1"
        case "values", "softmax":
            if labels.min() >= 0 and np.allclose(labels.reshape(-1, output.classes).sum(axis=1), 1, atol=1e-3):
                return "categorical_crossentropy", "a softmax and labels that are probabilities"
            raise DataError(
                f"{output.layer} is a softmax, but the labels are neither class numbers nor probabilities.",
                found=f"values from {labels.min():g} to {labels.max():g}",
                hint="check which array holds the labels: data.y",
            )
        case "values", "linear" if np.isin(labels, (0, 1)).all() and wishes.labels is None:
            if wishes.output is None:
                raise RecipeError(
                    f"{output.layer} is linear and the labels are 0 and 1: a logit, or a number to predict?",
                    hint='set training.output to "logits", or data.labels to "values"',
                )
            return "binary_crossentropy", f"training.output is {wishes.output}, labels of 0 and 1"
    return "mean_squared_error", "labels of the output's shape: numbers to predict"


def _metric_for(loss: str) -> str:
    if loss == "binary_crossentropy":
        return "binary_accuracy"
    return "accuracy" if loss in CROSSENTROPIES else loss


def _check_range(task: Task, output: Output, labels: np.ndarray) -> None:
    if task.loss != "sparse_categorical_crossentropy":
        return
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= output.classes:
        raise DataError(
            f"Labels out of range for {output.layer}, which has {output.classes} classes.",
            found=f"labels from {low} to {high}",
            hint=f"number the classes from 0 to {output.classes - 1}",
        )


def _is_one_hot(rows: np.ndarray) -> bool:
    return bool(np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all())
