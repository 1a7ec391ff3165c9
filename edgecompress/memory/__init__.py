"""Memory planning: lifetimes, planners, bounds, a verifier of its own, and pictures."""

from edgecompress.memory.lifetimes import lifetimes
from edgecompress.memory.plan import Block, Buffer, Plan, scratch_key
from edgecompress.memory.planners import plan_buffers
from edgecompress.memory.sweep import Sweep
from edgecompress.memory.verify import PlanError, verify
from edgecompress.memory.visits import Group

__all__ = [
    "Block",
    "Buffer",
    "Group",
    "Plan",
    "PlanError",
    "Sweep",
    "lifetimes",
    "plan_buffers",
    "scratch_key",
    "verify",
]
