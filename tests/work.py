"""Which tests run in the same process, and in which order the processes get them, where tests run on several cores.

A file's tests stay together, since they share what its fixtures made. Where a file is too much for one process its
tests name groups themselves, by `xdist_group`.
"""

from xdist.scheduler import LoadGroupScheduling


class ByWork(LoadGroupScheduling):
    """Hands out files, and the groups that tests name."""

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        return nodeid.split("::", 1)[0] if group == nodeid else group
