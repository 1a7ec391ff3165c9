"""Do samples and labels suit a model's inputs and outputs: every mismatch named, with what to declare."""

import math
from collections.abc import Sequence

from edgecompress.data.labels import Labels
from edgecompress.errors import DataError
from edgecompress.recipe import DataRecipe

Shape = Sequence[int | None]


def check_fit(
    recipe: DataRecipe,
    labels: Labels,
    samples: Sequence[tuple[int, ...]],
    value_shape: tuple[int, ...],
    input_shapes: Sequence[Shape],
    output_shape: Shape,
) -> None:
    """See Dataset.check_against.

    Args:
        samples: shapes of one sample per input, without batch.
        value_shape: of one label.
    """
    if len(samples) != len(input_shapes):
        raise DataError(
            "the data must have as many inputs as the model",
            found=f"{len(samples)} ({', '.join(recipe.inputs)}) for {len(input_shapes)}",
            hint='x = ["first", "second"] in the recipe\'s [data]',
        )
    for name, sample, shape in zip(recipe.inputs, samples, input_shapes, strict=True):
        if not _same(sample, shape[1:]):
            raise DataError(
                f"samples of input {name!r} do not have the shape of the model's input",
                found=f"{_text(sample)} instead of {_text(shape[1:])}",
                hint=_reshape(sample, shape[1:]),
            )
    _check_labels(labels, samples, value_shape, tuple(output_shape[1:]))


def _check_labels(labels: Labels, samples: Sequence[Shape], value_shape: tuple[int, ...], output: Shape) -> None:
    if labels.kind == "none":
        return
    if labels.kind in ("input", "anomaly"):
        if not _same(output, samples[0]):
            raise DataError(
                f"labels = {labels.kind!r} means that the model's target is its input",
                found=f"output {_text(output)} and input {_text(samples[0])}",
            )
    elif labels.kind == "index":
        width = output[-1] if output else 1
        limit = 2 if width == 1 else width
        if limit is not None and labels.width > limit:
            raise DataError(
                f"label {labels.width - 1} is out of range for the model's {limit} classes",
                found=f"labels up to {labels.width - 1}, output {_text(output)}",
                hint='labels = "values" in the recipe\'s [data] if they are no classes',
            )
    elif not _same(value_shape, output) and not (value_shape == () and tuple(output) == (1,)):
        raise DataError(
            f"{labels.kind} labels do not have the shape of the model's output",
            found=f"{_text(value_shape)} instead of {_text(output)}",
        )


def _same(sample: Shape, shape: Shape) -> bool:
    return len(sample) == len(shape) and all(a == b or None in (a, b) for a, b in zip(sample, shape, strict=True))


def _reshape(sample: Shape, shape: Shape) -> str:
    known = [one for one in shape if one is not None]
    count = math.prod(one for one in sample if one is not None)
    if len(known) == len(shape) and math.prod(known) == count:
        return f"reshape = [{', '.join(map(str, known))}] in the recipe's [data] (the number of values fits)"
    return "other data, or another model: the number of values differs"


def _text(shape: Shape) -> str:
    return "(" + ", ".join("any" if one is None else str(one) for one in shape) + ")"
