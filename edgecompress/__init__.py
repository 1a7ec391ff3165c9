"""From a trained Keras model to a measured, bit-exact inference on a microcontroller.

    import edgecompress
    result = edgecompress.build("model.h5", data="data.npz", target="nucleo-l4r5zi")
    print(result.report.cycles)

The names here are the public API; everything else may change. They are imported when first used, so that importing
edgecompress costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgecompress.export import export
    from edgecompress.inspection import inspect
    from edgecompress.pipeline.bench import Benchmark, bench
    from edgecompress.pipeline.build import Build, build
    from edgecompress.report.records import Report
    from edgecompress.report.schema import read_report

__all__ = ["Benchmark", "Build", "Report", "bench", "build", "export", "inspect", "read_report"]

_PLACES = {
    "Benchmark": "edgecompress.pipeline.bench",
    "Build": "edgecompress.pipeline.build",
    "Report": "edgecompress.report.records",
    "bench": "edgecompress.pipeline.bench",
    "build": "edgecompress.pipeline.build",
    "export": "edgecompress.export",
    "inspect": "edgecompress.inspection",
    "read_report": "edgecompress.report.schema",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'edgecompress' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
