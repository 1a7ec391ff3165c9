"""Fine-tuning by itself: the model learns on with the recipe's loss, and stays as large and as precise as it is.

With a teacher, hints or mixtures of samples it is distillation without compression (Hinton et al., 2015,
https://arxiv.org/abs/1503.02531); behind another pass it goes on with another rate, or for longer.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from edgecompress.compress.base import Context, Outcome, epochs_of
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.training.fine_tuning import fine_tune
from edgecompress.recipe.schema import limits


@dataclass(frozen=True)
class FineTune:
    """Train, keep what was promised before, promise nothing.

    Attributes:
        epochs: of training, None as the recipe says.
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "fine_tune"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def apply(self, model: Any, context: Context) -> Outcome:
        tuned = copy_model(model)
        if not tuned.trainable_weights:
            return Outcome(tuned, did_nothing_reason="there is no weight that learns")
        if not fine_tune(tuned, context, epochs_of(self, context.settings), learning_rate=self.learning_rate):
            return Outcome(tuned, did_nothing_reason="there are no epochs to train in")
        return Outcome(tuned)
