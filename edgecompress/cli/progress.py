"""A progress bar on standard error, for terminals only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from edgecompress.cli.output import is_terminal, printable


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yields a function (what, done, total) that draws; it draws nothing where nobody looks."""
    if not is_terminal():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


@contextmanager
def events() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yields a function that shows the worker's events: a bar for progress, a line for warnings and stages done."""
    with progress() as show:
        yield lambda event: _show(event, show)


def _show(event: dict[str, Any], show: Callable[[str, int, int], None]) -> None:
    if event.get("kind") == "progress":
        label = " ".join(str(event[key]) for key in ("stage", "pass") if event.get(key))
        for key in ("loss", "metric"):
            if isinstance(event.get(key), float):
                label += f"  {key} {event[key]:.4g}"
        show(label, int(event.get("step") or 0), int(event.get("total") or 1))
    elif event.get("kind") == "warning":
        click.echo(f"warning: {printable(str(event.get('text')))}", err=True)
    elif event.get("kind") == "remark":
        remark(str(event.get("text")))


def remark(text: str) -> None:
    """A line on standard error, at once."""
    click.echo(printable(text), err=True)
