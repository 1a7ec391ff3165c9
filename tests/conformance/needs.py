"""What executors need besides the project's dependencies, and what happens where it is missing."""

import os

import pytest

from edgecompress.reference.executor import Executor

NEEDS = {
    "cortex-m55": ("qemu-system-arm",),
    "cortex-m4-gcc": ("arm-none-eabi-gcc",),
    "cortex-m55-gcc": ("arm-none-eabi-gcc", "qemu-system-arm"),
    "cortex-a7": ("qemu-arm-static",),
    "cortex-a72": ("qemu-aarch64-static",),
    "cortex-a76": ("qemu-aarch64-static",),
}
"""The programs that an executor needs besides the project's dependencies."""


def require(executor: Executor) -> None:
    """Skip where the executor is missing; fail where EDGECOMPRESS_REQUIRE names it."""
    reason = executor.available()
    if reason is not None:
        if executor.name in os.environ.get("EDGECOMPRESS_REQUIRE", "").split(","):
            pytest.fail(f"{reason}, but EDGECOMPRESS_REQUIRE names it")
        pytest.skip(reason)
