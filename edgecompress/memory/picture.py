"""The memory map over time as a picture: steps from left to right, the arena from bottom to top.

As SVG without fixed colours (the page that embeds it styles the classes `mm-…`), and as text for a terminal.
"""

from collections.abc import Sequence
from html import escape

from edgecompress.memory.plan import Block

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34
CHARACTER_WIDTH = 6.2
TONES = 6


def draw_svg(blocks: Sequence[Block], steps: Sequence[str], arena_bytes: int, bound_bytes: int | None = None) -> str:
    """An `<svg>` element.

    Args:
        blocks: what lies where and when; their names are untrusted and come out escaped.
        steps: a name for every step (the operator's).
        arena_bytes: the height of the picture.
        bound_bytes: drawn as a line where it is below the arena.
    """
    columns = max(len(steps), 1 + max((block.last for block in blocks), default=0))
    x_scale = (WIDTH - LEFT - RIGHT) / columns
    y_scale = (HEIGHT - TOP - BOTTOM) / max(arena_bytes, 1)
    label = f"Memory map: {len(blocks)} buffers in an arena of {arena_bytes} bytes over {columns} steps"
    parts = [
        f'<svg class="mm" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}"'
        ' xmlns="http://www.w3.org/2000/svg">',
        *_grid(arena_bytes, y_scale),
        *(_svg_block(i, block, x_scale, y_scale) for i, block in enumerate(_by_time(blocks)) if block.size),
        *_step_labels(steps, columns, x_scale),
    ]
    if bound_bytes is not None and 0 < bound_bytes < arena_bytes:
        y = HEIGHT - BOTTOM - bound_bytes * y_scale
        parts.append(f'<line class="mm-bound" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return "\n".join([*parts, "</svg>"])


def _by_time(blocks: Sequence[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: (block.first, block.offset, block.key))


def _svg_block(index: int, block: Block, x_scale: float, y_scale: float) -> str:
    x, width = LEFT + block.first * x_scale, (block.last - block.first + 1) * x_scale
    height = block.size * y_scale
    y = HEIGHT - BOTTOM - block.offset * y_scale - height
    tone = "mm-scratch" if block.key < 0 else f"mm-{index % TONES}"
    when = f"step {block.first}" if block.first == block.last else f"steps {block.first} to {block.last}"
    where = f"{block.size} bytes at offset {block.offset}, {when}"
    name = escape(printable(block.name))
    shape = (
        f'<rect class="{tone}" x="{x + 0.75:.1f}" y="{y:.1f}" width="{max(width - 1.5, 0.5):.1f}"'
        f' height="{max(height - 0.75, 0.5):.1f}" rx="2"><title>{name}: {where}</title></rect>'
    )
    text = f"{block.size:,}"
    if height < 14 or width < len(text) * CHARACTER_WIDTH + 6:
        return shape
    middle = f'x="{x + width / 2:.1f}" y="{y + height / 2 + 3.5:.1f}"'
    return f'{shape}<text class="mm-label" text-anchor="middle" {middle}>{text}</text>'


def _grid(arena_bytes: int, y_scale: float) -> list[str]:
    """Horizontal lines at round numbers of bytes, and one at the arena's end."""
    spacing = 1
    while arena_bytes / spacing > 5:
        spacing *= 2
    ticks = [tick for tick in range(0, arena_bytes, spacing) if arena_bytes - tick > spacing / 3] + [arena_bytes]
    lines = []
    for tick in ticks:
        y = HEIGHT - BOTTOM - tick * y_scale
        lines.append(f'<line class="mm-grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="mm-axis" text-anchor="end" x="{LEFT - 6}" y="{y + 3.5:.1f}">{tick:,}</text>')
    return lines


def _step_labels(steps: Sequence[str], columns: int, x_scale: float) -> list[str]:
    every = 1
    while every * x_scale < 22:
        every *= 2
    y = HEIGHT - BOTTOM + 14
    labels = [
        f'<text class="mm-axis" text-anchor="middle" x="{LEFT + (step + 0.5) * x_scale:.1f}" y="{y}">{step}'
        f"<title>{escape(printable(steps[step])) if step < len(steps) else step}</title></text>"
        for step in range(0, columns, every)
    ]
    middle = f'x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 4}"'
    return [*labels, f'<text class="mm-axis" text-anchor="middle" {middle}>step (operator); height in bytes</text>']


def draw_text(blocks: Sequence[Block], steps: int, arena_bytes: int, *, width: int = 78) -> str:
    """Lines of at most `width` characters: one per buffer in the order of offsets, with a bar of its steps.

    Args:
        blocks: what lies where and when.
        steps: how many there are.
        arena_bytes: printed in the last line.
        width: columns; more steps than fit share a column.
    """
    columns = max(steps, 1 + max((block.last for block in blocks), default=0))
    digits = len(f"{arena_bytes:,}")
    bar_width = max(min(columns, width - 2 * digits - 24), 8)
    lines = [f"{'offset':>{max(digits, 6)}}  {'bytes':>{max(digits, 5)}}  {'steps':<{bar_width}}  buffer"]
    for block in sorted(blocks, key=lambda block: (block.offset, block.first, block.key)):
        first = block.first * bar_width // columns
        last = max((block.last + 1) * bar_width // columns, first + 1)
        bar = "." * first + "#" * (last - first) + "." * (bar_width - last)
        line = f"{block.offset:>{max(digits, 6)},}  {block.size:>{max(digits, 5)},}  {bar:<{bar_width}}  "
        lines.append(line + shortened(printable(block.name), max(width - len(line), 8)))
    return "\n".join([*lines, f"{arena_bytes:>{max(digits, 6)},}  end of the arena"])


def printable(name: str) -> str:
    """Control and direction characters as their escapes: a name from a file must not steer a terminal or a page."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def shortened(name: str, width: int) -> str:
    """The last `width` characters with dots in front: converters put what tells tensors apart at the end."""
    return name if len(name) <= width else ".." + name[len(name) - width + 2 :]
