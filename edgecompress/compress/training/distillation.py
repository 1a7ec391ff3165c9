"""Distillation: besides the labels, the model learns what an uncompressed teacher answers.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015, https://arxiv.org/abs/1503.02531: both
sets of class probabilities are softened by a temperature T, p^(1/T) made to add up to 1 again, and compared by their
cross-entropy times T², so that its gradients stay as large as those of the labels.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgecompress.compress.training.task import Task

LEAST_PROBABILITY = 1e-7
"""Below it a probability counts as this much, as in Keras."""


def joined(targets: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """What the labels say and what the teacher answers, side by side along the last axis.

    Args:
        targets: (n, …), class numbers or as many values as there are outputs.
        answers: (n, …, outputs) of the teacher.
    """
    one = targets if targets.ndim == answers.ndim else targets[..., None]
    return np.concatenate([one, answers], axis=-1)


def distilling(task: Task, loss: Callable[[Any, Any], Any], weight: float, temperature: float) -> Callable[..., Any]:
    """The loss (1 - weight) · loss(labels) + weight · loss(teacher), on targets that `joined` made.

    Args:
        task: tells classes, which are softened, from values, which are compared by their squared difference.
        loss: of the labels, a Keras loss.
        weight: 0..1.
        temperature: above 0; 1 compares the probabilities as they are.
    """
    import tensorflow as tf

    several = task.loss in ("sparse_categorical_crossentropy", "categorical_crossentropy")

    def logarithms(outputs: Any) -> Any:
        logits = outputs if task.from_logits else tf.math.log(tf.maximum(outputs, LEAST_PROBABILITY))
        return tf.nn.log_softmax(logits / temperature, axis=-1)

    def both(targets: Any, outputs: Any) -> Any:
        count = outputs.shape[-1]
        labels, answers = targets[..., :-count], targets[..., -count:]
        if several:
            soft = tf.reduce_sum(-tf.exp(logarithms(answers)) * logarithms(outputs), axis=-1) * temperature**2
        else:
            soft = tf.reduce_mean(tf.square(answers - outputs), axis=-1)
        return (1 - weight) * loss(labels, outputs) + weight * tf.reduce_mean(soft)

    return both
