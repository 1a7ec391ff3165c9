"""From a graph to a proven plan in one call."""

from collections.abc import Mapping, Sequence

from edgecompress.memory.bounds import bound_without_sharing
from edgecompress.memory.lifetimes import DEFAULT_ALIGNMENT, NONE, lifetimes
from edgecompress.memory.overlap import NO_SWEEPS, Sweeps, overlaps
from edgecompress.memory.plan import Plan
from edgecompress.memory.planners import NODE_LIMIT, SEED, plan_buffers
from edgecompress.memory.verify import verify
from edgecompress.memory.visits import Group
from edgecompress.tflite.graph import Graph


def arrange(
    graph: Graph,
    aliases: Mapping[int, int] = NONE,
    scratch: Mapping[int, int] = NONE,
    *,
    sweeps: Sweeps = NO_SWEEPS,
    groups: Sequence[Group] = (),
    alignment: int = DEFAULT_ALIGNMENT,
    seed: int = SEED,
    node_limit: int = NODE_LIMIT,
) -> Plan:
    """Plan the arena of a graph and prove the plan; arguments as of `lifetimes`, `overlaps` and `plan_buffers`.

    Raises:
        ModelFileError: the graph reads a tensor before it is written, or writes one twice.
        PlanError: the proof failed: a defect of edgecompress, never a property of the model.
    """
    buffers = lifetimes(graph, aliases, scratch, groups=groups, alignment=alignment)
    plan = plan_buffers(
        buffers,
        overlaps(graph, buffers, sweeps, groups),
        bound_without_sharing=bound_without_sharing(graph, scratch),
        seed=seed,
        node_limit=node_limit,
    )
    verify(graph, plan, aliases, scratch, sweeps, groups)
    return plan
