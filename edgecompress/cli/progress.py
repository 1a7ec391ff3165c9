"""A progress bar on standard error, for terminals only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from edgecompress.cli.output import is_terminal


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a function (what, done, total) that draws; it draws nothing where nobody looks."""
    if not is_terminal():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)
