"""From a Protocol back to the text of a file. What is read from it is the same protocol; comments are not kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from titrate.phases import Table
from titrate.places import Path
from titrate.protocol import Protocol
from titrate.quantities import Quantity

SAID = ("source", "note")  # stand last in a table


def text_of(protocol: Protocol) -> str:
    """The protocol as TOML, in the order of the models' fields."""
    lines: list[str] = []
    for name in Protocol.model_fields:
        given = getattr(protocol, name)
        if name == "phase":
            for index, phase in enumerate(given):
                lines += _phase(protocol, phase, (name, index), depth=0)
        elif given is not None and given.model_fields_set:
            lines += [f"[{name}]", *_pairs(protocol, given, (name,)), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _phase(protocol: Protocol, phase: Table, path: Path, depth: int) -> Iterator[str]:
    """One [[phase]] and the phases within it."""
    indent = "    " * depth
    yield f"{indent}[[{'.'.join(item for item in path if isinstance(item, str))}]]"
    yield from (indent + line for line in _pairs(protocol, phase, path))
    yield ""
    for index, inner in enumerate(getattr(phase, "phase", ())):
        yield from _phase(protocol, inner, (*path, "phase", index), depth + 1)


def _pairs(protocol: Protocol, table: Table, path: Path) -> Iterator[str]:
    """`key = value` of everything that a table says, but for phases within it."""
    names = [name for name in type(table).model_fields if name not in (*SAID, "phase")] + list(SAID)
    for name in names:
        given = getattr(table, name)
        if given is None or given == []:
            continue
        key = type(table).model_fields[name].alias or name
        yield f"{key} = {_value(protocol, given, (*path, key))}"


def _value(protocol: Protocol, given: Any, path: Path) -> str:
    if isinstance(given, Table):
        return f"{{ {', '.join(_pairs(protocol, given, path))} }}"
    if isinstance(given, list):
        return "[\n" + "".join(f"    {_value(protocol, item, (*path, i))},\n" for i, item in enumerate(given)) + "]"
    text = str(given) if isinstance(given, int) else _quoted(given.text if isinstance(given, Quantity) else given)
    said = protocol.stated.get(path)
    if said is None:
        return text
    parts = [f"{key} = {_quoted(value)}" for key in SAID if (value := getattr(said, key)) is not None]
    return f"{{ {', '.join([f'value = {text}', *parts])} }}"


def _quoted(text: str) -> str:
    """A basic string of TOML. JSON escapes the same characters the same way, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
