"""Compression: passes over Keras models, the promises they make, and the driver that holds them to these.

Passes are named in one table and imported when used; nothing here imports TensorFlow before a pass runs.
"""

import difflib
import importlib
from collections.abc import Sequence

from edgecompress.compress.base import Pass
from edgecompress.errors import RecipeError
from edgecompress.recipe.schema import build
from edgecompress.recipe.text import PassSpec

PASSES = {
    "cluster": "edgecompress.compress.passes.cluster:Cluster",
    "codes": "edgecompress.compress.passes.codes:Codes",
    "filters": "edgecompress.compress.passes.filters:Filters",
    "fine_tune": "edgecompress.compress.passes.fine_tune:FineTune",
    "low_rank": "edgecompress.compress.passes.low_rank:LowRank",
    "prune": "edgecompress.compress.passes.prune:Prune",
    "qat": "edgecompress.compress.passes.qat:Qat",
    "student": "edgecompress.compress.passes.student:Student",
}
"""Name in recipes → module:class."""


def pass_class(name: str) -> type[Pass]:
    """The class of a pass.

    Raises:
        RecipeError: for an unknown name, with the nearest known one.
    """
    if name not in PASSES:
        near = difflib.get_close_matches(name, PASSES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(PASSES))}"
        raise RecipeError(f"There is no pass {name}.", hint=hint)
    module, _, attribute = PASSES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def make(spec: PassSpec) -> Pass:
    """The pass that a recipe or the command line asks for.

    Raises:
        RecipeError: for a pass or a parameter that does not exist, or a value out of range.
    """
    return build(pass_class(spec.name), dict(spec.parameters), "passes", spec.name)


def make_all(specs: Sequence[PassSpec]) -> tuple[Pass, ...]:
    """All passes of a pipeline, in order.

    Raises:
        RecipeError: as `make`, and for a pass behind one that has to be the last.
    """
    passes = tuple(make(spec) for spec in specs)
    for index, compression in enumerate(passes[:-1]):
        if compression.final:
            raise RecipeError(
                f"No pass can follow {compression.name}.",
                found=f"{passes[index + 1].name} behind it",
                hint=f"put {compression.name} at the end",
            )
    return passes
