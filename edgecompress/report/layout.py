"""Tables and lists of facts for a terminal that never cut a number.

A terminal too narrow for all columns loses whole columns, the least needed first, and long names lose their beginning.
A pipe or a file gets every column and every name in full, on lines as long as they must be.
Control characters come out as their escapes: much of the text is from files that nobody vouches for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgecompress.memory.picture import printable, shortened
from edgecompress.report.summary import BAD, GOOD, NEUTRAL, WARN, Fact

WIDE_GUTTER, NARROW_GUTTER = 2, 1
TONES = {GOOD: "bold green", BAD: "bold red", WARN: "bold yellow", NEUTRAL: "bold"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its lines.
        cells: one per row.
        right: right-aligned, as numbers are.
        style: of the cells, in rich's words.
        least: names may be shortened to this many characters; 0: never.
        keep_end: shortened text loses its beginning, as suits paths and names, not sentences.
        drop: columns with the highest value go first where space is short; 0: never.
        screen_only: left out of pipes and files.
    """

    title: str
    cells: tuple[str, ...]
    right: bool = True
    style: str = ""
    least: int = 0
    keep_end: bool = True
    drop: int = 0
    screen_only: bool = False

    @property
    def width(self) -> int:
        return max((cell_len(line) for line in (*self.title.split("\n"), *self.cells)), default=0)


def print_table(console: Console, columns: Sequence[Column]) -> None:
    """Print rows under their titles, as wide as the terminal allows."""
    columns = [replace(column, cells=tuple(map(printable, column.cells))) for column in columns]
    gutter = WIDE_GUTTER
    if console.is_terminal:
        columns, gutter = fit(columns, console.width)
    else:
        columns = [column for column in columns if not column.screen_only]
    titles = [column.title.split("\n") for column in columns]
    for line in range(max(map(len, titles), default=0)):
        heads = [_bottom(title, line, max(map(len, titles))) for title in titles]
        _print_row(console, columns, heads, gutter, "bold")
    if console.is_terminal:
        rule = "─" if _speaks_unicode(console) else "-"
        _print_row(console, columns, [rule * column.width for column in columns], gutter, "dim")
    for row in zip(*(column.cells for column in columns), strict=True):
        _print_row(console, columns, row, gutter, None)


def fit(columns: Sequence[Column], width: int) -> tuple[list[Column], int]:
    """The columns that fit `width` characters, names shortened as little as needed, and the gutter between them."""
    kept = list(columns)
    gutter = WIDE_GUTTER
    while True:
        least = sum(min(column.width, column.least or column.width) for column in kept) + gutter * (len(kept) - 1)
        droppable = [column for column in kept if column.drop]
        if least <= width or (gutter == NARROW_GUTTER and not droppable):
            break
        if gutter == WIDE_GUTTER:
            gutter = NARROW_GUTTER
        else:
            kept.remove(max(droppable, key=lambda column: column.drop))
    excess = sum(column.width for column in kept) + gutter * (len(kept) - 1) - width
    for i, column in enumerate(kept):
        if excess > 0 and column.least:
            target = max(column.width - excess, column.least)
            excess -= max(column.width - target, 0)
            kept[i] = replace(column, cells=tuple(_cut(cell, target, column.keep_end) for cell in column.cells))
    return kept, gutter


def _cut(cell: str, width: int, keep_end: bool) -> str:
    if keep_end or len(cell) <= width:
        return shortened(cell, width)
    return cell[: width - 2] + ".."


def bar(fraction: float, width: int, console: Console) -> str:
    """A bar of at most `width` characters."""
    fraction = min(max(fraction, 0.0), 1.0)
    if not _speaks_unicode(console):
        return "#" * round(fraction * width)
    eighths = round(fraction * width * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def print_facts(console: Console, facts: Sequence[Fact]) -> None:
    """Print label, value and remark in three columns; remarks are wrapped, on a terminal only."""
    labels = max((len(fact.label) for fact in facts), default=0)
    if not console.is_terminal:
        for fact in facts:
            print_line(console, f"{fact.label:<{labels}}  {fact.value}" + (f"  ({fact.remark})" if fact.remark else ""))
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for fact in facts:
        remark = Text(printable(fact.remark), style="dim")
        label, value = Text(printable(fact.label), style="dim"), Text(printable(fact.value), style=TONES[fact.tone])
        grid.add_row(label, value, remark)
    console.print(grid)


def print_line(console: Console, line: str = "", style: str = "") -> None:
    """One line of plain text, whatever it holds; as long as it is where nobody has to read it on a screen."""
    console.print(Text(printable(line)), style=style or None, highlight=False, soft_wrap=not console.is_terminal)


def _print_row(
    console: Console, columns: Sequence[Column], cells: Sequence[str], gutter: int, style: str | None
) -> None:
    line = Text()
    for i, (column, cell) in enumerate(zip(columns, cells, strict=True)):
        padding = " " * (column.width - cell_len(cell))
        line.append(padding + cell if column.right else cell + padding, style=column.style if style is None else style)
        line.append(" " * gutter if i < len(columns) - 1 else "")
    line.rstrip()
    console.print(line, highlight=False, soft_wrap=True)


def _bottom(lines: Sequence[str], line: int, height: int) -> str:
    """Titles of fewer lines stand on the lowest ones."""
    index = line - (height - len(lines))
    return lines[index] if index >= 0 else ""


def _speaks_unicode(console: Console) -> bool:
    return console.encoding.lower().replace("-", "").startswith("utf")
