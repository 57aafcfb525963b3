"""The event journal that survives a power cut (D10, SR-LOG-06, SR-LOG-08, SR-LOG-09). docs/journal.md has its format.

`add` only remembers, so it may be called from the control tick; `save`, behind the tick, writes to the store. Records
first go to a small file that is replaced as a whole, TAIL, and from there in portions to segments, files that are
named by the sequence of their first record; the oldest is removed when the others hold the newest chain.KEPT records.
"""

from pump.core import record
from pump.core.chain import (
    MISSING,
    NO_FILE,
    NO_READ,
    NONE,
    TAIL,
    TORN,
    UNREADABLE,
    Walk,
    first_of,
    segment_name,
    whole_from,
)

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.chain import Finding
    from pump.core.record import Entry
    from pump.core.store import Store

SEGMENT_BYTES = 4096  # one erase block
TAIL_BYTES = 480  # littlefs keeps files of up to 512 bytes inside the directory: no block of their own
IN_MEMORY = 64  # entries since power-on


class Journal:
    """entries: [sequence, time_ms, kind, text], the newest since power-on. last: sequence of the newest; no gaps.

    told: the last sequence that the host has been sent. saved: the last that is in the store. boot: number of this
    power-on. failed: whether the last attempt to write did. torn: records that a power cut left unfinished.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.entries: "list[Entry]" = []
        self.last = self.told = self.saved = 0
        self.boot = 1
        self.failed = False
        self.torn = 0
        self._tried = NONE  # `last` at the attempt that failed: only a new entry makes another
        self._time_ms = 0
        self._link = 0  # CRC of the newest stored record
        self._segments: list[int] = []  # sequence of the first record of each
        self._end = 0  # bytes in the newest segment; NONE: not known
        self._tail = b""  # records that are in no segment yet
        self._tail_first = 1  # sequence of the first of them
        self._place = (NONE, 0, 0)  # (segment, sequence, offset) behind what `after` read last
        self._walk: "Walk | None" = None  # of `check`, until it has come to the end
        self._checked = NONE  # the segment that it has looked at last

    # --- at power-on

    def open(self) -> "list[Finding]":
        """Finds the end of the journal and mends what a power cut has left there. Reads the newest segment and the
        tail; `verify` or `check` read the others."""
        walk = Walk()
        try:
            names = self._store.names()
        except OSError:
            names = []
            walk.find(UNREADABLE, "the folder")
        self._segments = sorted([first_of(name) for name in names if first_of(name) != NONE])
        index = len(self._segments) - 1
        while index > 0 and not self._has_records(self._segments[index]):
            index -= 1
        for segment in self._segments[max(index, 0) :]:
            self._end = self._open_segment(walk, segment)
        self._open_tail(walk)
        self.torn = len([1 for finding in walk.findings if finding[0] == TORN])
        # A number that a damaged record may have borne is given to no other; the chain shows that it was there.
        self.last = max(walk.sequence, 0) - (-walk.lost_bytes // record.LEAST_BYTES)
        self.told = self.saved = self.last
        self._link = walk.crc ^ 0xFFFFFFFF if walk.lost_bytes else walk.crc
        self.boot = (walk.boot + 1) & 0xFFFF
        return walk.findings

    def _has_records(self, segment: int) -> bool:
        try:
            data = self._store.read(segment_name(segment)) or b""
        except OSError:
            return False
        return record.next_good(data, 0) < len(data)

    def _open_segment(self, walk: Walk, segment: int) -> int:
        """Walks a segment; the newest is mended where it is torn. Returns its length, NONE if it is not known."""
        data = self._read(segment_name(segment), walk)
        if data is None:
            return SEGMENT_BYTES
        end = walk.file(data, NONE, segment == self._segments[-1])
        if end < len(data):
            try:
                self._store.write(segment_name(segment), data[:end])
            except OSError:
                self.failed = True
                return NONE
        return end

    def _open_tail(self, walk: Walk) -> None:
        """Takes those records of the tail that are in no segment yet."""
        tail = self._read(TAIL, walk)
        end = walk.file(tail, walk.sequence, True) if tail else 0
        if tail and walk.first >= 0:
            self._tail = tail[walk.first_at : end]
            self._tail_first = walk.first
        else:
            self._tail = b""
            if tail is None and self._segments:
                walk.lost(TAIL_BYTES)

    def _read(self, name: str, walk: Walk) -> "bytes | None":
        """A file that has to be there; None with a finding if it cannot be had."""
        try:
            data = self._store.read(name)
        except OSError:
            walk.find(UNREADABLE, name)
            walk.lost(record.LEAST_BYTES)
            return None
        if data is None and (name != TAIL or self._segments or self.saved):
            walk.find(MISSING, name)
        return data

    # --- what happens

    def add(self, time_ms: int, kind: str, text: str) -> None:
        """Remembers an event; `save` stores it. Times of one power-on never run backward (SR-LOG-03)."""
        self.last += 1
        self._time_ms = time_ms = max(time_ms, self._time_ms)
        self.entries.append([self.last, time_ms, kind, text])
        if len(self.entries) > IN_MEMORY:
            self.entries.pop(0)

    def append(self, time_ms: int, kind: str, text: str) -> bool:
        """Remembers and stores an event. False: it is not in the store."""
        self.add(time_ms, kind, text)
        while self.saved < self.last and self.save():
            pass
        return self.saved == self.last

    def save(self) -> bool:
        """Goes on storing what was added, by one file at a time: each may cost an erase, and a stop waits for that.
        False: the store is full or fails. What could not be stored is tried again together with the next entry."""
        if self.saved < self.last and self._tried != self.last:
            try:
                self._save()
                self.failed = False
            except OSError:
                self.failed = True
                self._tried = self.last
        return not self.failed

    def _save(self) -> None:
        block = b""
        link = self._link
        saved = self.saved
        first = 0
        if self._forget():
            return
        for entry in self.entries:
            if entry[0] <= self.saved:
                continue
            data = record.pack(entry, self.boot, link)
            if len(self._tail) + len(block) + len(data) > TAIL_BYTES:
                if not block:
                    self._spill()
                    return
                break
            first = first or entry[0]
            block += data
            link = record.crc_of(data, len(data))
            saved = entry[0]
        self._store.write(TAIL, self._tail + block)
        if not self._tail:
            self._tail_first = first
        self._tail += block
        self._link = link
        self.saved = saved

    def _spill(self) -> None:
        """Moves the tail to the end of the newest segment, or makes it the first part of a new one."""
        end = self._end
        if end == NONE and self._segments:  # a write went wrong, and nobody knows how far it came
            end = self._mend(self._segments[-1])
        self._end = NONE
        if self._segments and end + len(self._tail) <= SEGMENT_BYTES:
            self._store.append(segment_name(self._segments[-1]), self._tail)
            self._end = end + len(self._tail)
        else:
            self._store.write(segment_name(self._tail_first), self._tail)
            if self._tail_first not in self._segments:
                self._segments.append(self._tail_first)
            self._end = len(self._tail)
        self._tail = b""

    def _mend(self, segment: int) -> int:
        """Cuts off what a write that failed has left: records that the tail still has, or a part of one."""
        data = self._store.read(segment_name(segment)) or b""
        end = at = 0
        while True:
            at = record.next_good(data, at)
            if at == len(data) or record.sequence_of(data, at) >= self._tail_first:
                break
            end = at = record.end_of(data, at)
        if end < len(data):
            self._store.write(segment_name(segment), data[:end])
        return end

    def _forget(self) -> bool:
        """Removes the oldest segment if the records behind it are enough; whether they were."""
        enough = len(self._segments) > 1 and whole_from(self._segments[1], self.saved) == NONE
        if enough:
            self._store.remove(segment_name(self._segments[0]))
            self._segments.pop(0)
        return enough

    # --- what is asked

    def after(self, sequence: int, most: int) -> "list[Entry]":
        """Up to `most` entries behind `sequence`, oldest first; none only if there is none. From the store come those
        of one file at a time, so ask again behind the last."""
        found: "list[Entry]" = []
        oldest = self.entries[0][0] if self.entries else self.last + 1
        if sequence + 1 < oldest:
            if not self._tail or sequence + 1 < self._tail_first:
                self._from_segments(sequence, oldest, most, found)
            if not found:
                self._pick(self._tail, 0, sequence, oldest, most, found)
        return found or [entry for entry in self.entries if entry[0] > sequence][:most]

    def _from_segments(self, sequence: int, before: int, most: int, found: "list[Entry]") -> None:
        index = len(self._segments) - 1
        while index > 0 and self._segments[index] > sequence + 1:
            index -= 1
        for segment in self._segments[max(index, 0) :]:
            try:
                data = self._store.read(segment_name(segment)) or b""
            except OSError:
                continue
            place, read, offset = self._place
            at = self._pick(data, offset if place == segment and read <= sequence else 0, sequence, before, most, found)
            if found:
                self._place = (segment, found[-1][0], at)
                return

    def _pick(self, data: bytes, at: int, sequence: int, before: int, most: int, found: "list[Entry]") -> int:
        """Adds entries with numbers between `sequence` and `before`; returns the offset behind the last of them."""
        while len(found) < most and at < len(data):
            end = record.end_of(data, at)
            if not end:
                at = record.next_good(data, at)
                continue
            number = record.sequence_of(data, at)
            if number >= before:
                break
            if number > sequence:
                found.append(record.entry_of(data, at))
                sequence = number
            at = end
        return at

    def files(self) -> list[str]:
        """Names of the stored files, oldest first, the tail last; also of one that is gone or cannot be read."""
        names = [segment_name(segment) for segment in self._segments]
        return names + [TAIL] if names or self.saved else names

    def raw(self, name: str, first: int, most: int) -> "tuple[int, bytes]":
        """(size of a file, up to `most` bytes of it from `first` on); in place of the size NO_FILE or NO_READ."""
        try:
            data = self._store.read(name)
        except OSError:
            return NO_READ, b""
        return (NO_FILE, b"") if data is None else (len(data), data[first : first + most])

    def verify(self) -> "list[Finding]":
        """Reads all that is stored and returns everything that is wrong with it."""
        self._walk = None
        findings = self.check()
        while self._walk:
            findings += self.check()
        return findings

    def check(self) -> "list[Finding]":
        """Verifies the next file: a part of `verify` that is small enough for every now and then. The newest segment
        goes together with the tail; then it begins again with the oldest."""
        walk = self._walk
        if walk is None:
            oldest = self._segments[0] if self._segments else self._tail_first
            walk = self._walk = Walk(whole_from(oldest, self.saved))
            self._checked = NONE
        walk.findings = []
        for segment in self._segments:
            if segment > self._checked:
                self._checked = segment
                newest = segment == self._segments[-1]
                walk.file(self._read(segment_name(segment), walk) or b"", NONE, newest and self._end == NONE)
                if not newest:
                    return walk.findings
        tail = self._read(TAIL, walk)
        behind = self._tail_first - 1 if self._tail else self.saved
        if self._end == NONE and self._segments:  # the segment may have records that the tail still has
            behind = max(behind, walk.sequence)
        walk.file(tail or b"", behind, True)
        if walk.crc != self._link and not walk.lost_bytes:
            walk.find(MISSING, "the newest records")
        self._walk = None
        return walk.findings
