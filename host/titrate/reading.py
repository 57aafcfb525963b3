"""From a file to a Protocol: finds it, reads it, and turns every complaint into one ProtocolError with its place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from titrate import phases, places, protocol, stated, textfiles
from titrate.errors import ProtocolError
from titrate.protocol import Origin, Protocol

# The models behind tables that are no phases, by key.
SECTIONS: Mapping[str, type[BaseModel]] = {
    "protocol": protocol.Header,
    "drug": protocol.Drug,
    "subject": protocol.Subject,
    "weight_range": protocol.WeightRange,
    "age_range": protocol.AgeRange,
    "limits": protocol.Limits,
    "demand": protocol.Demand,
    "ramp": phases.Span,
    "staircase": phases.Stairs,
    "bounds": phases.Bounds,
}


def packaged() -> list[str]:
    """Names of the protocols that come with the package, sorted."""
    return textfiles.packaged("protocols")


def read(file_or_name: str | Path) -> Protocol:
    """The protocol in a file, or the packaged one of that name. Raises ProtocolError."""
    return parse(textfiles.text_of(file_or_name, "protocols", "protocol file"), str(file_or_name))


def parse(text: str, file: str = "protocol") -> Protocol:
    """The protocol in a TOML text; `file` names it in messages. Raises ProtocolError."""
    document = textfiles.document_of(text, file)
    values, said = stated.unwrap(document, SECTIONS, lambda path: places.where(file, text, path))
    _check_depth(values, file, text)
    try:
        found = Protocol.model_validate(values)
    except ValidationError as error:
        raise _first_complaint(error, text, file) from None
    found._origin, found._stated = Origin(file, text), said
    return found


def _first_complaint(error: ValidationError, text: str, file: str) -> ProtocolError:
    complaint = error.errors(include_url=False)[0]
    location: Sequence[str | int] = complaint["loc"]
    path = [item for item in location if not (isinstance(item, str) and item.endswith(phases.TAG))]
    kind, value = complaint["type"], complaint["input"]
    inner = complaint.get("ctx", {}).get("error")
    if isinstance(inner, ProtocolError):
        path += [inner.where] * bool(inner.where)
        return ProtocolError(places.where(file, text, path), inner.value, inner.allowed)
    where = places.where(file, text, path)
    if kind == "missing":
        return ProtocolError(where, None, f"the key `{path[-1]}` is needed here")
    if kind == "extra_forbidden":
        return ProtocolError(where, "this key", f"the keys {', '.join(_keys(location))}")
    return ProtocolError(where, value, _one_line(complaint["msg"]).removeprefix("Input should be "))


def _keys(location: Sequence[str | int]) -> list[str]:
    """The keys that the table around a location has."""
    model: type[BaseModel] = Protocol
    for item in location[:-1]:
        if isinstance(item, str):
            model = (
                phases.PHASES.get(item.removesuffix(phases.TAG), model)
                if item.endswith(phases.TAG)
                else (SECTIONS.get(item, model))
            )
    return [field.alias or name for name, field in model.model_fields.items()]


def _check_depth(table: Mapping[str, Any], file: str, text: str, path: places.Path = ()) -> None:
    """Refuses repeats that stand too deep within each other to be understood by a reader."""
    inner = table.get("phase")
    for index, phase in enumerate(inner if isinstance(inner, list) else []):
        here = (*path, "phase", index)
        if isinstance(phase, dict) and "phase" in phase:
            if len(here) > 2 * protocol.DEEPEST_REPEAT:
                where = places.where(file, text, here)
                raise ProtocolError(where, "a repeat", f"repeats at most {protocol.DEEPEST_REPEAT} deep")
            _check_depth(phase, file, text, here)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
