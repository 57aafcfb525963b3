"""Values that say where they come from: cap = { value = "25 mg/h", source = "primary", note = "…" }.

Any single value of a protocol file may be written so. The models never see it: `unwrap` takes the values out first,
and keeps what was said of them by key path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from titrate.errors import ProtocolError
from titrate.places import Path

Source = Literal["table", "text", "primary", "assumed"]
SOURCES: tuple[str, ...] = get_args(Source)
KEYS = ("value", "source", "note")
LONGEST_NOTE = 2000
DEEPEST = 20  # more than the language ever nests; what lies deeper is refused by the models


@dataclass(frozen=True)
class Stated:
    """Where a value comes from, as far as the file says it."""

    source: str | None = None
    note: str | None = None


def unwrap(
    document: Mapping[str, Any], tables: Collection[str], where: Callable[[Path], str]
) -> tuple[dict[str, Any], dict[Path, Stated]]:
    """The document with bare values, and what was said of each. Raises ProtocolError.

    tables: keys that hold tables of the language and no values; where: names a place in messages.
    """
    found: dict[Path, Stated] = {}

    def walk(given: Any, path: Path) -> Any:
        if len(path) > DEEPEST:
            return given
        if isinstance(given, list):
            return [walk(item, (*path, index)) for index, item in enumerate(given)]
        if not isinstance(given, dict):
            return given
        if "value" not in given or not path or isinstance(path[-1], int) or path[-1] in tables:
            return {key: walk(item, (*path, key)) for key, item in given.items()}
        for key in given:
            if key not in KEYS:
                raise ProtocolError(where((*path, key)), "this key", f"the keys {', '.join(KEYS)}")
        value = given["value"]
        if isinstance(value, (dict, list)):
            raise ProtocolError(where((*path, "value")), "a table or a list", "a single value")
        found[path] = Stated(_source(given, path), _note(given, path))
        return value

    def _source(given: dict[str, Any], path: Path) -> str | None:
        source = given.get("source")
        if source is not None and source not in SOURCES:
            raise ProtocolError(where((*path, "source")), source, f"one of {', '.join(SOURCES)}")
        return source

    def _note(given: dict[str, Any], path: Path) -> str | None:
        note = given.get("note")
        if note is not None and not (isinstance(note, str) and 1 <= len(note) <= LONGEST_NOTE):
            raise ProtocolError(where((*path, "note")), note, f"a text of 1 to {LONGEST_NOTE} characters")
        return note

    plain: dict[str, Any] = walk(document, ())
    return plain, found
