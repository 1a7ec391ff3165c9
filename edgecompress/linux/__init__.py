"""A Linux computer as the device: a Raspberry Pi over SSH, or this very computer, with LiteRT and our C side by side."""

from edgecompress.linux.bench import bench_on_linux, require_exact

__all__ = ["bench_on_linux", "require_exact"]
