"""Where in a TOML file a value stands: the key path as people write it, and the line. Knows nothing of protocols.

tomllib tells no positions, so a small scanner walks the text once more. It is only asked about texts that tomllib has
taken, and judges nothing: where it does not understand a text, it stops, and the nearest place before is named.
"""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress

Path = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*(\.?)""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''',
    re.S,
)
_BARE = re.compile(r"[^,\]}\n#]+")


def key_path(path: Sequence[str | int]) -> str:
    """("phase", 0, "for") as "phase[0].for"; the index counts from 0."""
    text = ""
    for item in path:
        text += f"[{item}]" if isinstance(item, int) else f".{item}" if text else item
    return text


def where(file: str, text: str, path: Sequence[str | int]) -> str:
    """File, line and key path of a value."""
    place = f"{file} line {line_of(text, path)}"
    return ", ".join(part for part in (place, key_path(path)) if part)


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Line, from 1, of a key path, or of the nearest table around it that has a line of its own; 1 if none has."""
    lines = lines_of(text)
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return 1


def lines_of(text: str) -> dict[Path, int]:
    """Line, from 1, of every table, key and element in a TOML text."""
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):
        scanner.scan()
    return scanner.lines


class _Lost(Exception):
    """The scanner does not understand what stands here."""


class _Scanner:
    """Goes through a text once. lines: what it has found so far."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._counts: dict[Path, int] = {}  # index of the newest element of each array of tables

    def scan(self) -> None:
        table: Path = ()
        while self._next():
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _next(self) -> str:
        """The next character that is neither space nor comment; empty at the end."""
        self._take(_GAP)
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: "re.Pattern[str]") -> "re.Match[str]":
        found = pattern.match(self._text, self._at)
        if found is None:
            raise _Lost
        self._at = found.end()
        return found

    def _expect(self, mark: str) -> None:
        if not self._text.startswith(mark, self._at):
            raise _Lost
        self._at += len(mark)

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, bisect_right(self._ends, self._at - 1) + 1)

    def _names(self) -> list[str]:
        """The names of a dotted key."""
        names = []
        dot = "."
        while dot:
            found = self._take(_NAME)
            name, dot = found[1], found[2]
            names.append(next(iter(tomllib.loads(f"{name} = 0"))) if name[0] in "\"'" else name)
        return names

    def _header(self) -> Path:
        """[table] or [[array of tables]]; the key path of what follows."""
        begin = self._at
        is_array = self._text.startswith("[[", self._at)
        self._expect("[[" if is_array else "[")
        names = self._names()
        end, self._at = self._at, begin  # a header's line is that of its bracket
        path: Path = ()
        for place, name in enumerate(names):
            path = (*path, name)
            self._note(path)
            if is_array and place == len(names) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self._note(path)
        self._at = end
        self._expect("]]" if is_array else "]")
        return path

    def _pair(self, table: Path) -> None:
        begin = self._at
        names = self._names()
        end, self._at = self._at, begin
        for length in range(1, len(names) + 1):
            self._note((*table, *names[:length]))
        self._at = end
        self._expect("=")
        self._value((*table, *names))

    def _value(self, path: Path) -> None:
        first = self._next()
        self._note(path)
        if first == "[":
            self._expect("[")
            index = 0
            while self._next() != "]":
                self._value((*path, index))
                index += 1
                if self._next() == ",":
                    self._expect(",")
            self._expect("]")
        elif first == "{":
            self._expect("{")
            while self._next() != "}":
                self._pair(path)
                if self._next() == ",":
                    self._expect(",")
            self._expect("}")
        else:
            self._take(_STRING if first in ("'", '"') else _BARE)
