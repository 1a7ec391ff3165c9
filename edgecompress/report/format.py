"""How numbers are written, decided once: KiB are 1024 bytes (as flash and RAM are sold), thousands have commas.

Unknown is written as a word or a dash, never as 0.
"""

from edgecompress.memory.picture import printable

UNKNOWN = "unknown"
BLANK = "-"


def size(count: int | None) -> str:
    """Bytes with three significant digits: 512 B, 52.1 KiB, 1.25 MiB, 2.4 GiB."""
    if count is None:
        return UNKNOWN
    if abs(count) < 1024:
        return f"{count} B"
    power = next((power for power in (1, 2) if abs(count) < 1024 ** (power + 1)), 3)
    return f"{_three_digits(count / 1024**power)} {('KiB', 'MiB', 'GiB')[power - 1]}"


def number(count: int | None) -> str:
    """Every digit: 1,234,567."""
    return BLANK if count is None else f"{count:,}"


def magnitude(count: float | None) -> str:
    """Three significant digits: 950, 12.5 k, 2.66 M, 1.20 G."""
    if count is None:
        return UNKNOWN
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(count) >= limit:
            return f"{_three_digits(count / (1e3 if unit == 'k' else limit))} {unit}"
    return f"{count:,.0f}"


def milliseconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{_three_digits(value)} ms" if abs(value) >= 0.0005 or not value else f"{value * 1000:.3g} us"


def bare_milliseconds(value: float | None) -> str:
    """For a column whose title has the unit."""
    if value is None:
        return BLANK
    return f"{value:.4f}" if abs(value) < 1 else _three_digits(value)


def seconds(value: float | None) -> str:
    if value is None:
        return BLANK
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"


def clock(hertz: int | None) -> str:
    return UNKNOWN if hertz is None else f"{hertz / 1e6:g} MHz"


def percent(fraction: float | None, digits: int = 1) -> str:
    return BLANK if fraction is None else f"{100 * fraction:.{digits}f} %"


def ratio(value: float | None) -> str:
    """Cycles per MAC and the like."""
    return BLANK if value is None else _three_digits(value)


def metric(value: float | None, unit: str | None) -> str:
    """An accuracy in percent where its unit is "fraction", else with four significant digits."""
    if value is None:
        return UNKNOWN
    return percent(value, 2) if unit == "fraction" else f"{value:.4g}"


def difference(value: float | None, unit: str | None) -> str:
    """A difference of two metrics, with its sign; of percentages in points."""
    if value is None:
        return UNKNOWN
    return f"{100 * value:+.2f} points" if unit == "fraction" else f"{value:+.4g}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shape(dimensions: tuple[int, ...] | None) -> str:
    return BLANK if dimensions is None else "x".join(str(d) for d in dimensions) or "scalar"


def text(name: str) -> str:
    """Text from a file, with control and direction characters as their escapes."""
    return printable(name)


def sentence(words: str) -> str:
    """With a capital letter at its beginning."""
    return words[:1].upper() + words[1:]


def layer_name(name: str) -> str:
    """The first of the names that the converter joined with semicolons when it fused operators."""
    return printable(name.split(";")[0])


def _three_digits(value: float) -> str:
    """At least three significant digits, never an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.3g}"
