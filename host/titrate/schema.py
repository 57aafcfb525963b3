"""The JSON Schema of protocol files, for editors: keys, kinds of values and what they mean. The parser is stricter.

It is of draft 7, which the editors' TOML tools know. It describes a file as it is written, where any single value may
be a table { value, source, note }.
"""

from __future__ import annotations

from typing import Any

from titrate.protocol import Protocol
from titrate.stated import LONGEST_NOTE, SOURCES

DRAFT = "http://json-schema.org/draft-07/schema#"
TITLE = "A protocol file of Titrate"
DESCRIPTION = "What a study gave: drug, doses, times. What flows follows from it and a body weight."
BARE = ("source", "note")  # keys whose value is never a table

_SAID = {
    "source": {"enum": list(SOURCES), "description": "Where the value comes from."},
    "note": {"type": "string", "minLength": 1, "maxLength": LONGEST_NOTE, "description": "What is to be said of it."},
}


def schema() -> dict[str, Any]:
    """The schema as a document."""
    whole = Protocol.model_json_schema(by_alias=True)
    definitions = {name: _table(table) for name, table in whole.pop("$defs").items()}
    top = _table(whole) | {"title": TITLE}
    return {"$schema": DRAFT, **top, "description": DESCRIPTION, "$defs": definitions}


def _table(table: dict[str, Any]) -> dict[str, Any]:
    """A table without what TOML has not (null, defaults that are tables), and with values that may say where from."""
    properties = {}
    for key, given in table["properties"].items():
        found = _without_null(given)
        properties[key] = found if key in BARE else _stated(found)
    return {key: value for key, value in table.items() if key != "description"} | {
        "description": " ".join(table.get("description", "").split()),
        "properties": properties,
    }


def _without_null(given: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in given.items() if key != "default"}
    choices = [choice for choice in given.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del given["anyOf"]
        given = {**choices[0], **given}
    if "$ref" in given and len(given) > 1:  # in draft 7 nothing counts beside a $ref
        given = {"allOf": [{"$ref": given.pop("$ref")}], **given}
    return given


def _stated(given: dict[str, Any]) -> dict[str, Any]:
    """A value, or a table that holds it; tables and lists stay what they are."""
    if given.get("type") not in ("string", "integer") and "enum" not in given:
        return given
    described: dict[str, Any] = {key: given[key] for key in ("description", "title") if key in given}
    bare = {key: value for key, value in given.items() if key not in described}
    table = {
        "type": "object",
        "properties": {"value": bare, **_SAID},
        "required": ["value"],
        "additionalProperties": False,
    }
    return {**described, "anyOf": [bare, table]}
