"""Reports: the schema of report.json, the terminal, the page, and comparing two of them.

Rendering is imported where it is used (`report.terminal`, `report.html`, `report.compare`), so that reading or writing
a report costs neither rich nor jinja2.
"""

from edgecompress.report.records import Report
from edgecompress.report.schema import from_json, read_report, to_json

__all__ = ["Report", "from_json", "read_report", "to_json"]
