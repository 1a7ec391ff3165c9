"""Fine-tuning and evaluation of Keras models: the same steps, the same data and the same seed give the same weights."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgecompress.compress.base import Context
from edgecompress.compress.training.distillation import distilling, joined
from edgecompress.compress.training.guarding import guard_callback
from edgecompress.compress.training.hints import with_hints
from edgecompress.compress.training.samples import Inputs, Samples, endless, steps, targets_of
from edgecompress.compress.training.several_outputs import as_vector, with_one_output
from edgecompress.compress.training.statistics import frozen
from edgecompress.compress.training.task import Output, Task, auc, score, slices
from edgecompress.errors import DataError, RecipeError
from edgecompress.load.runtime import keras2

EVENT_SECONDS = 0.25
"""Progress events come at most this often."""
VALIDATION_BATCH = 128
"""Validation samples at once."""


@dataclass(frozen=True)
class Evaluation:
    """A model judged on a split.

    Attributes:
        metric: its name, see `Task`.
        value: 0..1 for accuracies, agreement and auc; an error otherwise.
        samples: how many samples it is over.
    """

    metric: str
    value: float
    samples: int


def make_deterministic(seed: int) -> None:
    """Same seed, same weights: seeds of Python, NumPy and TensorFlow, and TensorFlow's deterministic kernels."""
    import tensorflow as tf

    keras2().utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def describe_output(model: Any) -> Output:
    """What the model gives, from the last layers that compute."""
    parts = []
    for tensor in model.outputs:
        layer, activation = _last_activation(model, tensor)
        parts.append(Output(activation, _shape(tensor), _shape(model.inputs[0]), f"the last layer ({layer})"))
    if len(parts) == 1:
        return parts[0]
    return Output("linear", (sum(part.size for part in parts),), parts[0].input_shape, "the outputs", tuple(parts))


def fine_tune(
    model: Any,
    context: Context,
    epochs: int,
    *,
    learning_rate: float | None = None,
    callbacks: Sequence[Any] = (),
    unguarded: frozenset[str] = frozenset(),
) -> int:
    """Train a model in place with Adam, keeping the promises in `context.standing`.

    Args:
        model: is compiled and changed: a pass gives its own copy.
        context: samples, task, settings, and the promises to keep.
        epochs: over the training samples; 0 trains nothing.
        learning_rate: None takes the settings'.
        callbacks: further Keras callbacks.
        unguarded: kernels whose promises the pass looks after itself.

    Returns:
        The number of steps.

    Raises:
        RecipeError: when the loss is not finite any more.
        DataError: when there are no training samples.
    """
    keras = keras2()
    if epochs <= 0:
        return 0
    settings = context.settings
    each = steps(context.samples, settings.batch)
    if each == 0:
        raise DataError("There are no training samples.", hint="give the train split a share: data.split")
    keras.utils.set_random_seed(settings.seed)
    optimizer = _optimizer(settings.optimizer, learning_rate or settings.learning_rate, epochs * each)
    taught = _taught(model, context)
    guard = guard_callback(model, context.standing, unguarded)
    reporter = _reporter(context, epochs, each)
    with frozen(model, settings.frozen_norms):
        taught.compile(optimizer=optimizer, loss=_loss_with_teacher(context), metrics=_training_metrics(context))
        taught.fit(
            _stream(model, context),
            epochs=epochs,
            steps_per_epoch=each,
            shuffle=False,
            verbose=0,
            callbacks=[*callbacks, *([guard] if guard is not None else []), reporter],
        )
    return epochs * each


def _taught(model: Any, context: Context) -> Any:
    """The model with one output, and with hints from its teacher, where they are asked for and there is one."""
    settings = context.settings
    teacher = context.original if context.task.target == "teacher" else context.teacher
    whole = with_one_output(model)
    if not settings.hints or teacher is None:
        return whole
    return with_hints(whole, teacher, settings.hints, settings.hint_weight)


def evaluate(
    model: Any, samples: Samples, split: str, task: Task, original: Any = None, batch: int = VALIDATION_BATCH
) -> Evaluation:
    """The metric of a model over a split.

    Args:
        model: wrapped or not.
        samples: to evaluate on.
        split: "validation", as a rule.
        task: whose metric.
        original: the model as loaded, for "agreement" and "teacher".
        batch: samples at once.

    Raises:
        DataError: when the split is empty or an output is not finite.
    """
    scores, labels = [], []
    teacher = outputs_of(original) if original is not None else None
    outputs = outputs_of(model)
    for inputs, wanted in samples.batches(split, batch):
        found = outputs(inputs)
        if not np.isfinite(found).all():
            raise DataError(
                "The model gives outputs that are not finite.", hint="look for NaN or huge values in inputs and weights"
            )
        scores.append(score(task, found, targets_of(task.target, inputs, wanted, teacher)))
        if task.metric == "auc" and wanted is not None:
            labels.append(wanted.reshape(-1))
    if not scores:
        raise DataError(f"There are no {split} samples.", hint=f"give the {split} split a share: data.split")
    joined = np.concatenate(scores)
    value = auc(joined, np.concatenate(labels)) if task.metric == "auc" else float(joined.mean())
    return Evaluation(task.metric, value, len(joined))


def outputs_of(model: Any) -> Callable[[Inputs], np.ndarray]:
    """The model as a function of NumPy batches, in inference; several outputs are one vector."""
    import tensorflow as tf

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def infer(inputs: Any) -> Any:
        return as_vector(model(inputs, training=False))

    def outputs(inputs: Inputs) -> np.ndarray:
        floats = _floats(inputs)
        many = isinstance(floats, tuple)
        return np.asarray(infer([tf.constant(x) for x in floats] if many else tf.constant(floats)))

    return outputs


def loss_gradients(model: Any, context: Context, variables: Sequence[Any]) -> Iterator[list[np.ndarray]]:
    """The gradients of the loss, in inference, over one training batch after the other, without end.

    Args:
        model: is not changed.
        context: samples, at least one, task, and the batch's size in its settings.
        variables: of the model, with respect to which.
    """
    import tensorflow as tf

    loss = _loss_with_teacher(context)

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def gradients(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(targets, as_vector(model(inputs, training=False)))
        found = tape.gradient(value, list(variables), unconnected_gradients="zero")
        return [tf.convert_to_tensor(one) for one in found]

    for inputs, targets in _stream(model, context):
        yield [np.asarray(one) for one in gradients(inputs, targets)]


def validation_loss(model: Any, context: Context, most: int) -> Callable[[], float]:
    """The loss in inference on some validation samples, as a function of the weights that the model has when it is called.

    Args:
        model: to look at.
        context: samples and task; a teacher takes no part.
        most: samples at most, drawn by the seed.

    Raises:
        DataError: when there are no validation samples.
    """
    task, loss, outputs = context.task, _loss(context.task), outputs_of(model)
    original = outputs_of(context.original) if task.target == "teacher" else None
    batches: list[tuple[Inputs, np.ndarray]] = []
    for inputs, labels in context.samples.batches("validation", VALIDATION_BATCH, context.settings.seed):
        targets = targets_of(task.target, inputs, labels, original)
        batches.append((inputs, _as_outputs(np.asarray(targets, np.float32), model)))
        if VALIDATION_BATCH * len(batches) >= most:
            break
    if not batches:
        raise DataError("There are no validation samples.", hint="give the validation split a share: data.split")

    def value() -> float:
        values = [float(loss(targets, outputs(inputs))) for inputs, targets in batches]
        return float(np.average(values, weights=[len(targets) for _, targets in batches]))

    return value


def _as_outputs(targets: np.ndarray, model: Any) -> np.ndarray:
    """Labels of one number per sample as (n, 1): losses that compare element by element would broadcast (n,) to (n, n)."""
    return targets.reshape(len(targets), -1) if model.output_shape[-1] == 1 and targets.ndim == 1 else targets


def _stream(model: Any, context: Context) -> Any:
    """Training batches as a tf.data pipeline."""
    import tensorflow as tf

    task, settings = context.task, context.settings
    original = outputs_of(context.original) if task.target == "teacher" else None
    teacher = outputs_of(context.teacher) if context.teacher is not None else None
    # Without a teacher there is nobody to answer mixtures: labels go with samples as they are.
    augmentation = replace(settings.augmentation, mixup=settings.augmentation.mixup and bool(teacher or original))

    def examples() -> Iterator[tuple[Any, Any]]:
        generator = np.random.default_rng(settings.seed)
        for given, labels in endless(context.samples, settings.batch, settings.seed):
            inputs = augmentation(_floats(given), generator)
            targets = _as_outputs(np.asarray(targets_of(task.target, inputs, labels, original), np.float32), model)
            yield inputs, targets if teacher is None else joined(targets, teacher(inputs))

    inputs, targets = next(examples())
    signature = (
        tuple(_spec(x) for x in inputs) if isinstance(inputs, tuple) else _spec(inputs),
        _spec(targets),
    )
    return tf.data.Dataset.from_generator(examples, output_signature=signature)


def _floats(inputs: Inputs) -> Inputs:
    if isinstance(inputs, tuple):
        return tuple(np.asarray(x, np.float32) for x in inputs)
    return np.asarray(inputs, np.float32)


def _spec(values: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.TensorSpec((None, *values.shape[1:]), tf.float32)


def _loss_with_teacher(context: Context) -> Any:
    loss = _loss(context.task)
    if context.teacher is None:
        return loss
    return distilling(context.task, loss, context.settings.distillation, context.settings.temperature)


def _loss(task: Task) -> Any:
    if task.parts:
        parts = [_loss(part) for part, _ in task.parts]
        return lambda targets, outputs: sum(
            loss(*both) for loss, *both in zip(parts, slices(task, targets), slices(task, outputs), strict=True)
        )
    losses = keras2().losses
    match task.loss:
        case "sparse_categorical_crossentropy":
            return losses.SparseCategoricalCrossentropy(from_logits=task.from_logits)
        case "categorical_crossentropy":
            return losses.CategoricalCrossentropy(from_logits=task.from_logits)
        case "binary_crossentropy":
            return losses.BinaryCrossentropy(from_logits=task.from_logits)
        case "kullback_leibler_divergence":
            return losses.KLDivergence()
        case "mean_absolute_error":
            return losses.MeanAbsoluteError()
    return losses.MeanSquaredError()


def _training_metrics(context: Context) -> list[Any]:
    """What progress events tell; beside a teacher's answers the loss alone."""
    metrics, task = keras2().metrics, context.task
    if context.teacher is not None or task.parts:
        return []
    match task.metric, task.loss:
        case "accuracy", "sparse_categorical_crossentropy":
            return [metrics.SparseCategoricalAccuracy("metric")]
        case (("accuracy" | "agreement"), _):
            return [metrics.CategoricalAccuracy("metric")]
        case "binary_accuracy", _:
            return [metrics.BinaryAccuracy("metric", threshold=0.0 if task.from_logits else 0.5)]
    return []


def _optimizer(name: str, learning_rate: float, steps: int) -> Any:
    """An optimizer whose rate falls to a twentieth along a cosine, so that the last weights are not the noisiest."""
    optimizers = keras2().optimizers
    rate = optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.05)
    if name == "sgd":
        return optimizers.SGD(rate, momentum=0.9)
    return {"adam": optimizers.Adam, "rmsprop": optimizers.RMSprop}[name](rate)


def _reporter(context: Context, epochs: int, each: int) -> Any:
    """A Keras callback that emits progress and stops at a loss that is not finite."""
    keras = keras2()

    class Reporter(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_train_begin(self, logs: Any = None) -> None:
            self.first = self.told = time.monotonic()
            self.epoch = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            done, now = self.epoch * each + batch + 1, time.monotonic()
            if done == 1:
                self.first = now
            if now - self.told < EVENT_SECONDS and done < epochs * each:
                return
            self.told = now
            values = logs or {}
            loss = values.get("loss")
            if loss is not None and not np.isfinite(loss):
                raise RecipeError(
                    f"{context.label or 'training'}: the loss is not finite any more.",
                    found=f"after {done} of {epochs * each} steps",
                    hint="lower training.learning_rate, or the pass's own learning_rate",
                )
            context.emit(
                {
                    "kind": "progress",
                    "stage": context.label,
                    "epoch": self.epoch + 1,
                    "epochs": epochs,
                    "step": done,
                    "total": epochs * each,
                    "loss": None if loss is None else float(loss),
                    "metric": None if "metric" not in values else float(values["metric"]),
                    # The first step is mostly tracing and says nothing about the others.
                    "eta": (now - self.first) / (done - 1) * (epochs * each - done) if done > 1 else None,
                }
            )

    return Reporter()


def _shape(tensor: Any) -> tuple[int, ...]:
    return tuple(int(n) if n is not None else -1 for n in tensor.shape[1:])


_PASS_THROUGH = ("Flatten", "Reshape", "Dropout", "Permute", "QuantizeLayer")


def _last_activation(model: Any, output: Any) -> tuple[str, str]:
    """The name of the layer that gives an output of the model, and "softmax", "sigmoid" or "linear"."""
    by_name = {layer.name: layer for layer in model.layers}
    layer = by_name[output._keras_history.layer.name]  # the only way to the layer behind an output
    while type(layer).__name__ in _PASS_THROUGH:
        layer = layer._inbound_nodes[0].inbound_layers
    inner = getattr(layer, "layer", layer)
    kind = type(inner).__name__
    if kind == "Softmax":
        return inner.name, "softmax"
    activation = getattr(getattr(inner, "activation", None), "__name__", "linear")
    return inner.name, activation if activation in ("softmax", "sigmoid") else "linear"
