"""The pump's journal on its way over the link: the files of one instant, what is not stored yet, and what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from pump.core import chain
from titrate.errors import BadFrame, LinkError, Refused
from titrate.journal import Entry, Files, Log, dated, examine

if TYPE_CHECKING:
    from titrate.client import Pump

TRIES = 8  # the pump may write while its files are read
MOST_FILE_BYTES = 1 << 16
BOOT = "boot"  # kind of the entry that begins a power-on


OnFile = Callable[[int, int], None]  # files that have come in, and how many will


def read(pump: Pump, after: int = 0, newest: int | None = None, on_file: OnFile | None = None) -> Log:
    """The journal of a pump: at least the entries behind sequence `after`, or the `newest` so many of them.

    Raises LinkError's tree.
    """
    files = download(pump, after, newest, on_file)
    log, boot = examine(files)
    log.entries = dated(log.entries + _in_memory(pump, files.saved, boot))
    return log


def download(pump: Pump, after: int = 0, newest: int | None = None, on_file: OnFile | None = None) -> Files:
    """The files that hold these entries, all of one instant: what was written in the meantime is read again."""
    held: dict[str, bytes | int] = {}
    for _ in range(TRIES):
        listing = pump.request("journal", name="", first=0)
        names, saved = listing["names"], listing["saved"]
        behind = after if newest is None else max(after, listing["last"] - newest)
        wanted = names[_oldest_needed(names, behind) :]
        contents: dict[str, bytes | int] = {}
        for name in wanted:
            changes = name in names[-2:]  # the others are never written to again
            if name not in held or changes:
                try:
                    contents[name], saved = _file(pump, name)
                except Refused:  # the oldest one is removed in its time
                    break
                if not changes:
                    held[name] = contents[name]
            else:
                contents[name] = held[name]
            if on_file:
                on_file(len(contents), len(wanted))
        if len(contents) == len(wanted) and saved == listing["saved"]:
            return Files(contents, saved, len(wanted) == len(names))
    raise LinkError(f"{pump.port.port}: the pump writes its journal faster than it can be read")


def _oldest_needed(names: Sequence[str], after: int) -> int:
    index = 0
    while index + 1 < len(names) and chain.NONE != chain.first_of(names[index + 1]) <= after + 1:
        index += 1
    return index


def _file(pump: Pump, name: str) -> tuple[bytes | int, int]:
    """(contents, `saved` behind the last piece)."""
    data = b""
    while True:
        reply = pump.request("journal", name=name, first=len(data))
        size, saved = reply["size"], reply["saved"]
        if size < 0:
            return size, saved
        piece = bytes.fromhex(reply["data"])
        data += piece
        if len(data) >= size:
            return data, saved
        if not piece or size > MOST_FILE_BYTES:
            raise BadFrame(f"journal: {len(piece)} bytes at {len(data)} of {name}, which has {size}")


def _in_memory(pump: Pump, behind: int, boot: int) -> list[Entry]:
    """Entries behind a sequence, from the pump's memory. boot: of the entry before the first of them."""
    events = pump.events(behind)
    if not events:
        return []
    saved = pump.request("journal", name="", first=0)["saved"]
    known = events[0]["sequence"] == behind + 1
    found = []
    for event in events:
        boot += event["kind"] == BOOT
        found.append(Entry(**event, boot=boot if known else None, stored=event["sequence"] <= saved))
    return found


def follow(pump: Pump, log: Log) -> Iterator[Entry]:
    """Entries behind those of the log, for ever, as they happen. One that is not stored comes a second later than
    another, so that it is known to be one."""
    seen = log.entries[-1].sequence if log.entries else 0
    boot = (log.entries[-1].boot or 0) if log.entries else 0
    waiting = seen
    while True:
        pump.wait_status()
        newest = waiting
        for entry in _in_memory(pump, seen, boot):
            newest = entry.sequence
            if entry.stored or entry.sequence <= waiting:
                seen, boot = entry.sequence, entry.boot or boot
                yield entry
        waiting = newest
