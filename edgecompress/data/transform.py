"""From stored samples to what the model sees: x_model = x * scale + offset, in the declared shape and dtype."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgecompress.data.columns import not_finite
from edgecompress.errors import DataError
from edgecompress.recipe.sections import DataRecipe, InputRecipe, Numbers


@dataclass(frozen=True, eq=False)
class Transform:
    """How one input is prepared.

    Attributes:
        scale, offset: numbers, or arrays along the last axis, in the dtype of the computation: float32, or float64
            where the stored dtype does not fit float32 (int32, int64, float64).
        shape: of one sample as the model sees it.
        dtype: of the result; integers are rounded (half to even) and must be in range.
    """

    name: str
    scale: Any
    offset: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def apply(self, raw: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """(count, ...) as stored to (count, *shape) as the model sees it.

        Args:
            indices: of the samples in their part, for messages.

        Raises:
            DataError: NaN or infinity, or an integer out of range, naming the sample.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            x = raw.reshape(len(raw), *self.shape).astype(self.scale.dtype)
            x *= self.scale
            x += self.offset
            if self.dtype.kind != "f":
                self._check_range(x, indices)
                return np.asarray(np.rint(x), self.dtype)
            result = x.astype(self.dtype, copy=False)
        finite = np.isfinite(result)
        if not finite.all():
            row = int(np.argmin(finite.reshape(len(result), -1).all(axis=1)))
            raise not_finite(self.name, int(indices[row]))
        return result

    def _check_range(self, x: np.ndarray, indices: np.ndarray) -> None:
        info = np.iinfo(self.dtype)
        inside = (np.rint(x) >= info.min) & (np.rint(x) <= info.max)
        if not inside.all():
            row = int(np.argmin(inside.reshape(len(x), -1).all(axis=1)))
            raise DataError(
                f"input {self.name!r} does not fit {self.dtype} after scaling",
                found=f"values from {x[row].min():g} to {x[row].max():g} in sample {indices[row]}",
                hint="scale, offset or dtype in the recipe's [data]",
            )


def prepare(
    recipe: DataRecipe, shapes: tuple[tuple[int, ...], ...], dtypes: tuple[np.dtype[Any], ...]
) -> list[Transform]:
    """The transforms of all inputs.

    Args:
        shapes, dtypes: of one stored sample, per input.

    Raises:
        DataError: a reshape that does not fit, as many scales as there are no channels.
    """
    overrides = {one.name: one for one in recipe.input}
    return [
        _prepare(recipe, overrides.get(name, InputRecipe(name=name)), shape, dtype)
        for name, shape, dtype in zip(recipe.inputs, shapes, dtypes, strict=True)
    ]


def _prepare(recipe: DataRecipe, one: InputRecipe, stored: tuple[int, ...], dtype: np.dtype[Any]) -> Transform:
    shape = one.reshape or recipe.reshape or stored
    if np.prod(shape, dtype=np.int64) != np.prod(stored, dtype=np.int64):
        raise DataError(
            f"input {one.name!r} cannot be reshaped to {tuple(shape)}",
            found=f"samples of shape {stored}",
            hint="reshape in the recipe's [data] must keep the number of values",
        )
    wide = np.result_type(dtype, np.float32)
    scale = recipe.scale if one.scale is None else one.scale
    offset = recipe.offset if one.offset is None else one.offset
    return Transform(
        one.name,
        _numbers(scale, "scale", one.name, shape, wide),
        _numbers(offset, "offset", one.name, shape, wide),
        tuple(shape),
        np.dtype(one.dtype or recipe.dtype),
    )


def _numbers(value: Numbers, key: str, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    array = np.asarray(value, dtype)
    if array.ndim == 1 and (not shape or len(array) not in (1, shape[-1])):
        raise DataError(
            f"input {name!r} needs one {key}, or one per channel (last axis)", found=f"{len(array)} for shape {shape}"
        )
    return array
