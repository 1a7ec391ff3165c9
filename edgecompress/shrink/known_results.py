"""Operators whose result is known before any input is: shapes, and what is computed from constants."""

from edgecompress.codegen.folding import fold_constants
from edgecompress.errors import UnsupportedError
from edgecompress.shrink.base import Facts, Outcome, Rewrite, item
from edgecompress.shrink.surgery import swept


class KnownResults(Rewrite):
    name = "known results"

    def apply(self, facts: Facts) -> Outcome:
        try:
            graph = fold_constants(facts.graph)
        except UnsupportedError:  # an operand that the back end does not accept: no rewrite's business
            return Outcome(facts.graph)
        graph = swept(graph)
        if len(graph.operations) == len(facts.graph.operations):
            return Outcome(facts.graph)
        there = {operation.index for operation in graph.operations}
        gone = [operation for operation in facts.graph.operations if operation.index not in there]
        return Outcome(
            graph, done=tuple(item(facts.graph, one, 1, "its result is known, or never read") for one in gone)
        )
