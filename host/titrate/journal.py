"""The pump's journal on the host: its files decoded and verified by the pump's own rules, and entries chosen from it.

docs/journal.md has the format; journal_link.py gets the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pump.core import chain, record

CLOCK = "clock"  # kind of the entries that bear the host's time
_CLOCK_TEXT = re.compile(r"utc_s (\d+)\.(\d{3})(?:, |$)")
_LAST_UTC_MS = 253_402_300_799_999  # of year 9999


@dataclass(frozen=True)
class Entry:
    """boot: number of the power-on, None where the pump lost what would tell. time_ms: since that power-on.

    utc: the same as date and time, None unless a host has told the pump the time in that power-on.
    stored: whether it would outlive a power cut.
    """

    sequence: int
    boot: int | None
    time_ms: int
    kind: str
    text: str
    stored: bool
    utc: str | None = None


@dataclass(frozen=True)
class Finding:
    """kind: a name of pump.core.chain. offset: in the file, in bytes. sequence: of the first record concerned.

    damage: whether it is a fault of the memory, and not what a power cut or a full flash leaves.
    """

    kind: str
    file: str
    offset: int
    sequence: int
    text: str
    damage: bool

    def __str__(self) -> str:
        return f"{self.kind} in {self.file} at byte {self.offset}, record {self.sequence}: {self.text}"


@dataclass
class Log:
    """entries: oldest first. whole: whether every file was read, and not only the newest."""

    entries: list[Entry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    whole: bool = True

    @property
    def damage(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.damage]

    @property
    def verified(self) -> bool:
        """Whether the whole chain was read and holds."""
        return self.whole and not self.damage

    def as_json(self) -> dict[str, Any]:
        return {
            "entries": [asdict(entry) for entry in self.entries],
            "findings": [asdict(finding) for finding in self.findings],
            "verified": self.verified,
        }


@dataclass(frozen=True)
class Files:
    """What lay in the flash at one instant. contents: by name, oldest first, the tail last; NO_FILE or NO_READ of
    pump.core.chain in place of a file that is not to be had. saved: sequence of the newest stored entry."""

    contents: dict[str, bytes | int]
    saved: int
    whole: bool


class _Reader(chain.Walk):
    """The pump's walk; keeps the entries, and where in which file each finding is."""

    def __init__(self, sequence: int) -> None:
        super().__init__(sequence)
        self.name = ""
        self.log = Log()

    def find(self, name: str, text: str) -> None:
        damage = name in chain.FAULTS
        self.log.findings.append(Finding(name, self.name, self.at, self.sequence + 1, text, damage))

    def take(self, data: bytes, at: int, end: int, sequence: int) -> None:
        super().take(data, at, end, sequence)
        try:
            _, time_ms, kind, text = record.entry_of(data, at)
        except UnicodeDecodeError:  # no pump writes such a record
            self.find(chain.DAMAGED, "the text is no UTF-8")
        else:
            self.log.entries.append(Entry(sequence, self.boot, time_ms, kind, text, stored=True))


def examine(files: Files) -> tuple[Log, int]:
    """(entries and findings, number of the newest stored power-on). The rules are those of Journal.open and check."""
    names = list(files.contents)
    oldest = chain.first_of(names[0]) if names else chain.NONE
    walk = _Reader(chain.whole_from(files.saved if oldest == chain.NONE else oldest, files.saved))
    if not files.whole:
        walk.sequence = chain.NONE
    for name, data in files.contents.items():
        walk.name, walk.at = name, 0
        if data == chain.NO_READ:
            walk.find(chain.UNREADABLE, "the pump cannot read the file")
            walk.lost(record.LEAST_BYTES)
        elif isinstance(data, int):
            walk.find(chain.MISSING, "the file")
        else:
            behind = walk.sequence if name == chain.TAIL else chain.NONE
            walk.file(data, behind, name in names[-2:])
            walk.at = len(data)
    if walk.sequence < files.saved and not walk.lost_bytes:
        walk.find(chain.MISSING, "the newest records")
    walk.log.whole = files.whole
    return walk.log, walk.boot


def dated(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with `utc`, by the host's time that was told before them in the same power-on, or else behind."""
    clocks: dict[int | None, int] = {}  # power-on: utc in ms less device time
    for entry in reversed(entries):
        _note_clock(clocks, entry)
    found = []
    for entry in entries:
        _note_clock(clocks, entry)
        offset_ms = clocks.get(entry.boot)
        found.append(entry if offset_ms is None else replace(entry, utc=_iso(offset_ms + entry.time_ms)))
    return found


def _note_clock(clocks: dict[int | None, int], entry: Entry) -> None:
    told = _CLOCK_TEXT.match(entry.text)
    if entry.kind == CLOCK and entry.boot is not None and told:
        clocks[entry.boot] = int(told[1]) * 1000 + int(told[2]) - entry.time_ms


def _iso(utc_ms: int) -> str | None:
    if not 0 <= utc_ms <= _LAST_UTC_MS:
        return None
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{utc_ms % 1000:03}Z"


def select(
    entries: Sequence[Entry],
    kinds: Sequence[str] = (),
    after: int = 0,
    last: int | None = None,
    boot: int | None = None,
    grep: str = "",
) -> list[Entry]:
    """The entries of these kinds, behind a sequence, of one power-on, with `grep` in their text; the `last` of them."""
    found = [
        entry
        for entry in entries
        if (not kinds or entry.kind in kinds)
        and entry.sequence > after
        and (boot is None or entry.boot == boot)
        and grep.casefold() in entry.text.casefold()
    ]
    return found if last is None else found[-last:]
