"""Pruning of weights: the least important ones become zero, step by step, while the others learn on.

Zhu and Gupta, "To prune, or not to prune", 2017, https://arxiv.org/abs/1710.01878: the sparsity rises from 0 to its
end value along a cubic polynomial. The schedules are TF-MOT's; its wrappers give every kernel of a layer the same
sparsity and know no depthwise kernels, so masks are kept here (`sparsity`). What is least important is said by a score
(`weight_scores`), how many zeros a kernel gets by `allocation`, or by a scan of all of them (`sensitivity`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from edgecompress.compress.base import Context, Kind, Outcome, Promise, epochs_of
from edgecompress.compress.models.cloning import copy_model
from edgecompress.compress.models.kernels import KernelVariable, kernel_variables, to_rows
from edgecompress.compress.training.fine_tuning import fine_tune
from edgecompress.compress.training.samples import steps
from edgecompress.compress.weights.allocation import THRESHOLDS, whole
from edgecompress.compress.weights.pruning import Pruner
from edgecompress.compress.weights.selection import select
from edgecompress.compress.weights.sparsity import Blocks, NofM, Single, Structure
from edgecompress.compress.weights.weight_scores import BY_GRADIENTS, SCORES
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import limits

UPDATES = 50
"""Of the masks, where nothing else is asked for."""
UPDATES_BY_GRADIENTS = 10
"""The same for scores whose every update looks at samples."""
DEFAULT_SPARSITY = 0.5


@dataclass(frozen=True)
class Prune:
    """Set the least important weights to zero, depthwise kernels included.

    Attributes:
        sparsity: fraction of zeros, 0..1; half where nothing is said.
        threshold: "layer": that fraction of each kernel; "global": of all kernels together, more where more can be spared;
            "sensitivity": the same, by what validation samples lose when one kernel is pruned by itself.
        score: what is least important: "magnitude", "taylor", "second_order" or "random" (see `weight_scores`).
        n_of_m: [2, 4]: at most two of four consecutive weights of a channel stay, instead of a sparsity. They are
            neighbouring input channels where there is a multiple of four of them.
        block_size: [4, 1]: zeros come in blocks of four output channels and one weight.
        block_pooling: a block's score is the "average" or the "max" of its weights' scores.
        rounds: how often a part is taken and the rest fine-tuned, with the learning rate's course from its start; the epochs are
            shared out, and each round takes the same share of what is left.
        l1: strength of a penalty on the sum of absolute weights, while not all zeros are there yet.
        epochs: of fine-tuning, None as the recipe says; with 0 the weights are cut at once and nothing learns.
        schedule: "polynomial" raises the sparsity step by step; "constant" cuts at `begin` and lets the rest recover.
        begin, end: where in the training, or in each round, the schedule starts and reaches its sparsity, as fractions of
            its steps.
        frequency: steps between two updates of the masks; None takes about fifty updates, ten with scores by gradients.
        exclude: layers to leave alone, by name or pattern ("block_*").
        learning_rate: None takes the recipe's.
    """

    name: ClassVar[str] = "prune"
    final: ClassVar[bool] = False
    least_epochs: ClassVar[int] = 0

    sparsity: float | None = field(default=None, metadata=limits(above=0, high=0.99))
    threshold: str = field(default="layer", metadata=limits(choices=THRESHOLDS))
    score: str = field(default="magnitude", metadata=limits(choices=tuple(SCORES)))
    n_of_m: tuple[int, ...] = field(default=(), metadata=limits(low=1, high=64))
    block_size: tuple[int, ...] = field(default=(), metadata=limits(low=1, high=64))
    block_pooling: str = field(default="average", metadata=limits(choices=("average", "max")))
    rounds: int = field(default=1, metadata=limits(low=1, high=100))
    l1: float = field(default=0.0, metadata=limits(low=0, high=1))
    epochs: int | None = field(default=None, metadata=limits(low=0, high=100_000))
    schedule: str = field(default="polynomial", metadata=limits(choices=("polynomial", "constant")))
    begin: float = field(default=0.0, metadata=limits(low=0, high=0.95))
    end: float = field(default=0.7, metadata=limits(above=0, high=1))
    frequency: int | None = field(default=None, metadata=limits(low=1))
    exclude: tuple[str, ...] = ()
    learning_rate: float | None = field(default=None, metadata=limits(above=0, high=100))

    def __post_init__(self) -> None:
        if self.n_of_m and (len(self.n_of_m) != 2 or self.n_of_m[0] >= self.n_of_m[1]):
            raise RecipeError(
                "prune: n_of_m is two numbers, the first one smaller.",
                found=str(list(self.n_of_m)),
                hint="n_of_m=[2,4]",
            )
        if self.block_size and (len(self.block_size) != 2 or self.block_size == (1, 1)):
            raise RecipeError(
                "prune: block_size is two numbers, output channels and weights of each.",
                found=str(list(self.block_size)),
                hint="block_size=[4,1]",
            )
        if self.n_of_m and (self.sparsity is not None or self.block_size or self.threshold != "layer"):
            raise RecipeError(
                "prune: n_of_m says by itself how many weights of every kernel become zero, and which.",
                hint="leave out sparsity, threshold and block_size",
            )
        if self.schedule == "polynomial" and self.begin >= self.end:
            raise RecipeError(
                "prune: the schedule ends before it begins.",
                found=f"begin={self.begin:g},end={self.end:g}",
                hint="begin below end, or schedule=constant, which cuts at begin",
            )
        never = self.epochs == 0 or (self.schedule == "constant" and self.begin == 0 and self.rounds == 1)
        if self.l1 and never:
            raise RecipeError(
                "prune: l1 acts while not all zeros are there yet, and here they are from the start.",
                hint="epochs to train in, and schedule=polynomial, or begin=0.6",
            )

    def apply(self, model: Any, context: Context) -> Outcome:
        chosen, notes = select(model, self.name, self.exclude, self._reason_against)
        if not chosen:
            return Outcome(copy_model(model), notes=notes, did_nothing_reason="there is no kernel to prune")
        names = frozenset(kernel.name for kernel in chosen)
        pruned = copy_model(model)
        kernels = [kernel for kernel in kernel_variables(pruned) if kernel.name in names]
        pruner = Pruner(pruned, kernels, self.structure, self.score, self.threshold, context)
        notes += pruner.aim(self.share)
        epochs = epochs_of(self, context.settings)
        if self.l1 and epochs:
            pruner.penalize(self.l1)
        for first, last, some in self._rounds(epochs):
            self._round(pruned, pruner, context, (first, last), some)
            pruner.cut(last)
        result = copy_model(pruned) if self.l1 else pruned
        return Outcome(result, self._promise(tuple(kernel.name for kernel in chosen)), notes=notes)

    def sparsity_at(self, step: int, total: int, first: float = 0.0, last: float | None = None) -> float | None:
        """The share that the schedule sets behind step 0, 1, … of `total`; None where the masks stay.

        Args:
            step, total: of the training, or of a round.
            first, last: the share before and after it; None is that of the end.
        """
        last = self.share if last is None else last
        begin = min(int(self.begin * total), total - 1)
        span = max(int(self.end * total) - begin, 1)
        updates = UPDATES_BY_GRADIENTS if self.score in BY_GRADIENTS else UPDATES
        frequency = min(self.frequency or max(span // updates, 1), span)
        if step < begin or (step - begin) % frequency:
            return None
        if self.schedule == "constant" or step - begin >= span:
            return last
        return first + (last - first) * (1 - (1 - (step - begin) / span) ** 3)

    @property
    def share(self) -> float:
        """Of what may become zero, that does: of all weights or blocks, or of those that are too many among m."""
        if self.n_of_m:
            return 1.0
        return DEFAULT_SPARSITY if self.sparsity is None else self.sparsity

    @property
    def structure(self) -> Structure:
        """What becomes zero as one."""
        if self.n_of_m:
            return NofM(*self.n_of_m)
        if self.block_size:
            height, width = self.block_size
            return Blocks(height, width, self.block_pooling)
        return Single()

    def _rounds(self, epochs: int) -> Iterator[tuple[float, float, int]]:
        """The share before and after each round, and its epochs."""
        kept = self.n_of_m[0] / self.n_of_m[1] if self.n_of_m else 1 - self.share
        first = 0.0
        for number in range(1, self.rounds + 1):
            last = (
                self.share * (1 - kept ** (number / self.rounds)) / (1 - kept) if number < self.rounds else self.share
            )
            yield first, last, epochs // self.rounds + (number > self.rounds - epochs % self.rounds)
            first = last

    def _round(self, model: Any, pruner: Pruner, context: Context, shares: tuple[float, float], epochs: int) -> None:
        total = epochs * steps(context.samples, context.settings.batch)
        fine_tune(
            model,
            context,
            epochs,
            learning_rate=self.learning_rate,
            callbacks=[pruner.callback(lambda step: self.sparsity_at(step, total, *shares))],
            unguarded=frozenset(kernel.name for kernel in pruner.kernels),
        )

    def _promise(self, layers: tuple[str, ...]) -> Promise:
        if self.n_of_m:
            return Promise(Kind.N_OF_M, tuple(float(number) for number in self.n_of_m), layers=layers)
        where = "tensor" if self.threshold == "layer" else "model"
        if self.block_size:
            bound = (self.share, *(float(number) for number in self.block_size))
            return Promise(Kind.ZERO_BLOCKS, bound, where, where, layers)
        return Promise(Kind.ZEROS, self.share, where, where, layers)

    def _reason_against(self, kernel: KernelVariable) -> str:
        rows = to_rows(kernel.variable.numpy(), kernel.kind)
        count = self.structure.count((rows.shape[0], rows.shape[1]))
        if self.n_of_m:
            return "" if count else f"its channels have no more than {self.n_of_m[0]} weights"
        if self.threshold != "layer" or whole(self.share, count):
            return ""
        return f"{self.share:g} of its {count} {'blocks' if self.block_size else 'weights'} is less than one"
