"""Where the numbers of a protocol come from, and which of them no study states: what its sources and notes say."""

from collections.abc import Iterator

from pydantic import BaseModel

from titrate.phases import Table
from titrate.places import Path, key_path
from titrate.protocol import Protocol
from titrate.quantities import Quantity
from titrate.stated import Stated


def entries(protocol: Protocol) -> Iterator[tuple[Path, Stated]]:
    """Every place of the file that names a source or has a note, tables before the values in them."""
    said = dict(protocol.stated)
    for name in Protocol.model_fields:
        yield from _of(getattr(protocol, name), (name,), said)


def sources(protocol: Protocol) -> Iterator[str]:
    """The citation, then a line for each entry."""
    header = protocol.protocol
    yield from (text for text in (header.citation, header.doi and f"doi:{header.doi}") if text)
    for path, said in entries(protocol):
        yield ": ".join(text for text in (key_path(path), said.source, said.note) if text)


def assumptions(protocol: Protocol, of_subject: bool) -> list[tuple[Path, str]]:
    """(key path, note) of what no study states; of_subject: whether the file's subject is the one planned for."""
    assumed = [(path, said.note or "") for path, said in entries(protocol) if said.source == "assumed"]
    return [(path, note) for path, note in assumed if of_subject or path[0] != "subject"]


def source_of(protocol: Protocol, phase: Table, path: Path) -> str | None:
    """The sources of a phase's own values, each once, as "table, assumed"; not those of its bounds."""
    said = _of(phase, path, dict(protocol.stated))
    found = [
        entry.source
        for place, entry in said
        if entry.source and place[len(path) :][:1] not in (("phase",), ("bounds",))
    ]
    return ", ".join(dict.fromkeys(found)) or None


def value_at(protocol: Protocol, path: Path) -> str | None:
    """The single value at a key path as it is written; None for a table."""
    place: object = protocol
    for key in path:
        if isinstance(key, int):
            assert isinstance(place, list)
            place = place[key]
        else:
            fields = type(place).model_fields if isinstance(place, BaseModel) else {}
            place = getattr(place, next(name for name, field in fields.items() if key in (name, field.alias)))
    if isinstance(place, (Table, list)):
        return None
    return place.text if isinstance(place, Quantity) else str(place)


def _of(given: object, path: Path, said: dict[Path, Stated]) -> Iterator[tuple[Path, Stated]]:
    if isinstance(given, list):
        for index, item in enumerate(given):
            yield from _of(item, (*path, index), said)
    elif isinstance(given, Table):
        if given.source or given.note:
            yield path, Stated(given.source, given.note)
        for name, field in type(given).model_fields.items():
            yield from _of(getattr(given, name), (*path, field.alias or name), said)
    elif path in said and (said[path].source or said[path].note):
        yield path, said[path]
