"""A drug library on its way over the link: into a pump by two steps, and back out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pump.core import library as core
from titrate.errors import BadFrame

if TYPE_CHECKING:
    from titrate.client import Pump


def upload(pump: Pump, library: core.Library, utc_s: int = 0) -> str:
    """Puts a library in force in a pump that is idle; its digest. Raises Refused, and BadFrame.

    utc_s: the time of now, which the pump keeps beside it; 0 if nobody knows.

    Each part is compared with what the pump reads back; the old library stays in force until the digest is named.
    """
    count = len(library.entries)
    for index, entry in enumerate(library.entries):
        for first in range(0, len(core.FIELDS), core.FIELDS_PER_PART):
            fields = core.part(entry, first)
            reply = pump.request("library_load", count=count, index=index, first=first, fields=fields)
            if reply["fields"] != fields:
                raise BadFrame(f"library_load: the pump read back {reply['fields']} for {fields}")
    reply = pump.request("library_confirm", digest=library.digest, utc_s=utc_s)
    if reply["digest"] != library.digest:
        raise BadFrame(f"library_confirm: the pump holds a library with digest {reply['digest']}, not {library.digest}")
    return library.digest


def download(pump: Pump) -> core.Library:
    """The library that is in force in a pump; an empty one where there is none. Raises BadFrame."""
    entries: list[dict[str, Any]] = []
    held = pump.request("library", index=0, first=0)
    for index in range(held["count"]):
        entry: dict[str, Any] = {}
        for first in range(0, len(core.FIELDS), core.FIELDS_PER_PART):
            entry |= pump.request("library", index=index, first=first)["fields"]
        wrong = core.fault(entry)
        if wrong:
            raise BadFrame(f"library: entry {index} in the pump: {wrong[0]} is {wrong[1]}; allowed: {wrong[2]}")
        entries.append(entry)
    library = core.Library(entries)
    if entries and library.digest != held["digest"]:
        raise BadFrame(f"library: what was read has digest {library.digest}, but the pump says {held['digest']}")
    return library
