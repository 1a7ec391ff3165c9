"""Which tests stay in one process where they run on several cores: those that share what is costly to make.

These are a file's. Where a file is too much for one process, the ids of its parameters end in `@` and a group, and the
groups go to different processes. (pytest-xdist's own groups do nothing under pytest 9.2: they rely on a private attribute.)
"""

import re
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

_GROUP = re.compile(r"@([^@\]]+)\]$")


def unit_of(nodeid: str) -> str:
    """The name of the tests that go to the same process as this one."""
    file = nodeid.partition("::")[0]
    group = _GROUP.search(nodeid)
    return f"{file}@{group[1]}" if group else file


def arrange(items: list[pytest.Item]) -> None:
    """Puts groups first, then large files: what comes last should not leave other processes idle for long."""
    tests = Counter(unit_of(item.nodeid) for item in items)
    items.sort(key=lambda item: ("@" not in unit_of(item.nodeid), -tests[unit_of(item.nodeid)]))


class ByUnit(LoadScopeScheduling):
    """Hands out one unit after the other, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
