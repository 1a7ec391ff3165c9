"""The text form of passes, `prune{sparsity=0.6},cluster{clusters=16}`, parsed and printed as exact inverses.

One spelling serves the command line, recipes and reports, so that a report's text can be pasted back.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgecompress.errors import RecipeError

Value = bool | int | float | str | tuple["Value", ...]

MAX_TEXT = 10_000
"""Characters: far above any real pipeline, so that a hostile text costs nothing."""

FILE = "model"
"""The parameter of a pass that names a model file."""

NAME = re.compile(r"[a-z][a-z0-9_-]*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)(?![\w.])")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/*+-]*")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r"}
_CONSTANTS = {"true": True, "false": False}


class Parameters(Mapping[str, Value]):
    """An immutable mapping that keeps its order, compares and hashes by content, and can be pickled."""

    __slots__ = ("_items",)

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self._items = tuple((values or {}).items())

    def __getitem__(self, key: str) -> Value:
        for name, value in self._items:
            if name == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items))

    def __repr__(self) -> str:
        return f"Parameters({dict(self._items)!r})"


@dataclass(frozen=True)
class PassSpec:
    """A pass by name, not yet checked against the pass that it names.

    Attributes:
        name: lower case, digits, '-' and '_'.
        parameters: as written; values are booleans, integers, finite floats, strings, or tuples of these.
    """

    name: str
    parameters: Mapping[str, Value] = field(default_factory=Parameters)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", Parameters(self.parameters))

    def __str__(self) -> str:
        return print_passes((self,))

    def beside(self, folder: Path) -> "PassSpec":
        """With an absolute path of the file that it names, which was relative to the folder."""
        file = self.parameters.get(FILE)
        if not isinstance(file, str) or not file:
            return self
        return PassSpec(self.name, Parameters({**self.parameters, FILE: str((folder / file).absolute())}))


def parse_passes(text: str, where: str = "passes") -> tuple[PassSpec, ...]:
    """The passes of a pipeline text; "" is none.

    Raises:
        RecipeError: with the column, the text and a caret under the place.
    """
    if len(text) > MAX_TEXT:
        raise RecipeError(f"{where}: the text is longer than {MAX_TEXT} characters", found=f"{len(text)} characters")
    return _Parser(text, where).pipeline()


def print_passes(passes: Sequence[PassSpec]) -> str:
    """The text that `parse_passes` reads back as these passes."""
    return ",".join(_print_pass(one) for one in passes)


def print_value(value: Value) -> str:
    """One parameter's value as `parse_passes` reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and value not in _CONSTANTS else _quote(value)
    return "[" + ",".join(print_value(one) for one in value) + "]"


def _print_pass(spec: PassSpec) -> str:
    if not spec.parameters:
        return spec.name
    return spec.name + "{" + ",".join(f"{key}={print_value(value)}" for key, value in spec.parameters.items()) + "}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + '"'


class _Parser:
    """Recursive descent over one text; every error shows the place."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.at = 0

    def pipeline(self) -> tuple[PassSpec, ...]:
        self._skip()
        if self.at == len(self.text):
            return ()
        passes = [self._pass()]
        while self._accept(","):
            passes.append(self._pass())
        if self.at < len(self.text):
            raise self._error("expected ',' or the end")
        return tuple(passes)

    def _pass(self) -> PassSpec:
        name = self._name("the name of a pass (lower case)")
        parameters: dict[str, Value] = {}
        if self._accept("{") and not self._accept("}"):
            self._parameter(parameters)
            while self._accept(","):
                self._parameter(parameters)
            self._expect("}", f"',' or the '}}' that closes {name}{{")
        return PassSpec(name, parameters)

    def _parameter(self, parameters: dict[str, Value]) -> None:
        self._skip()
        start = self.at
        key = self._name("the name of a parameter")
        if key in parameters:
            self.at = start
            raise self._error(f"{key!r} is given twice")
        self._expect("=", f"'=' after {key!r}")
        parameters[key] = self._value(nested=False)

    def _value(self, *, nested: bool) -> Value:
        self._skip()
        if self.text.startswith('"', self.at):
            return self._string()
        if self.text.startswith("[", self.at):
            if nested:
                raise self._error("a list cannot hold a list")
            return self._list()
        if match := _NUMBER.match(self.text, self.at):
            return self._number(match.group())
        if match := _WORD.match(self.text, self.at):
            self.at = match.end()
            return _CONSTANTS.get(match.group(), match.group())
        raise self._error('expected a value: a number, true or false, a word, "text" or [a list]')

    def _number(self, text: str) -> int | float:
        if _INTEGER.fullmatch(text):
            self.at += len(text)
            return int(text)
        value = float(text)
        if not math.isfinite(value) or text.lstrip("+-").isdigit():
            raise self._error("this number is too large")
        self.at += len(text)
        return value

    def _list(self) -> tuple[Value, ...]:
        self._expect("[", "'['")
        values: list[Value] = []
        if not self._accept("]"):
            values.append(self._value(nested=True))
            while self._accept(","):
                values.append(self._value(nested=True))
            self._expect("]", "',' or ']'")
        return tuple(values)

    def _string(self) -> str:
        start = self.at
        characters: list[str] = []
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            character = self.text[self.at]
            if character == "\\":
                self.at += 1
                escape = self.text[self.at : self.at + 1]
                if escape not in _ESCAPES:
                    raise self._error(r"expected one of \" \\ \n \t \r")
                character = _ESCAPES[escape]
            characters.append(character)
            self.at += 1
        if self.at == len(self.text):
            self.at = start
            raise self._error("this quoted text never ends")
        self.at += 1
        return "".join(characters)

    def _name(self, what: str) -> str:
        self._skip()
        match = NAME.match(self.text, self.at)
        if not match:
            raise self._error(f"expected {what}")
        self.at = match.end()
        return match.group()

    def _accept(self, character: str) -> bool:
        self._skip()
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def _expect(self, character: str, what: str) -> None:
        if not self._accept(character):
            raise self._error(f"expected {what}")

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\r\n":
            self.at += 1

    def _error(self, what: str) -> RecipeError:
        first = max(0, self.at - 60)
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : self.at + 40])
        lead = " " * len("found: ")
        return RecipeError(
            f"{self.where}: {what} at column {self.at + 1}",
            found=f"{shown}\n{lead}{' ' * (self.at - first)}^",
            hint="prune{sparsity=0.6},cluster{clusters=16},qat{epochs=3}",
        )
