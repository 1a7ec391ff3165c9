"""What a pass may leave of a model: a fraction of what it takes, or so much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgecompress.compress.base import Kind
from edgecompress.errors import RecipeError, UsageError
from edgecompress.recipe.quantities import read_bytes, read_count

MOST = 0.99
"""Of what there is: a larger fraction would hardly be compression."""


@dataclass(frozen=True)
class Limit:
    """A budget as a recipe gives it.

    Attributes:
        kind: of what.
        amount: below 1 a fraction, else the number itself.
        text: as it was written: "flash=60k".
    """

    kind: Kind
    amount: float
    text: str

    def of(self, whole: int) -> int:
        """The largest number that may be left of so much."""
        return int(self.amount * whole) if self.amount < 1 else int(self.amount)


def the_only_limit(name: str, budgets: Mapping[str, float | str | None], default: Limit) -> Limit:
    """The budget that is given.

    Args:
        name: of the pass.
        budgets: by the names of their kinds; None: not given. Text is a number with a letter.
        default: where none is given.

    Raises:
        RecipeError: several are given, or one that is neither a fraction below 1 nor a number.
    """
    given = {key: value for key, value in budgets.items() if value is not None}
    if len(given) > 1:
        raise RecipeError(
            f"{name}: one budget at a time, {' or '.join(given)}.",
            hint=",".join(f"{name}{{{_written(key, value)}}}" for key, value in given.items()),
        )
    for key, value in given.items():
        return Limit(Kind(key), _amount(name, key, value), _written(key, value))
    return default


def _written(key: str, value: Any) -> str:
    return f"{key}={value}" if isinstance(value, str) else f"{key}={value:g}"


def _amount(name: str, key: str, value: float | str) -> float:
    wanted = f"{name}.{key} must be a fraction up to {MOST}, or a number such as "
    wanted += "4000000 or 4M" if key == Kind.CYCLES else "65536 or 64k"
    if isinstance(value, str):
        try:
            value = read_count(value) if key == Kind.CYCLES else read_bytes(value)
        except UsageError as error:
            raise RecipeError(wanted, found=f"{key} = {error.found}") from error
    if not 0 < value <= MOST and (value < 1 or value != int(value)):
        raise RecipeError(wanted, found=f"{key} = {value:g}")
    return value
