"""The event journal that survives a power cut (D10, SR-LOG-06, SR-LOG-08, SR-LOG-09). docs/journal.md has its format.

`add` only remembers, so it may be called from the control tick; `save`, behind the tick, writes to the store. Records
first go to a small file that is replaced as a whole, TAIL, and from there in portions to segments, files that are
named by the sequence of their first record; the oldest is removed when the newest KEPT records can do without it.
"""

from pump.core import record

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.record import Entry
    from pump.core.store import Store

    Finding = tuple[str, int, str]  # (name, sequence of the first record concerned, text)

KEPT = 1024  # records at least, once so many were written; SR-LOG-08 asks for 1000
SEGMENT_BYTES = 4096  # one erase block
TAIL_BYTES = 480  # littlefs keeps files of up to 512 bytes inside the directory: no block of their own
IN_MEMORY = 64  # entries since power-on

TAIL = "j-tail"
_SEGMENT = "j%08x"
_SEGMENT_LENGTH = 9

# Findings. TORN is what a power cut leaves of a record that was never acknowledged; the others are faults of memory.
TORN = "TORN"
DAMAGED = "DAMAGED"  # bytes that are no record
MISSING = "MISSING"  # records that were stored and are not there
OUT_OF_CHAIN = "OUT_OF_CHAIN"  # a good record that does not follow the one before it
UNREADABLE = "UNREADABLE"  # a file that the store cannot read
UNSTORED = "UNSTORED"  # numbers without a record, because the store was full or failed
FAULTS = (DAMAGED, MISSING, OUT_OF_CHAIN, UNREADABLE)


class _Walk:
    """Follows the chain through files; collects findings."""

    def __init__(self) -> None:
        self.sequence = -1  # of the last good record; -1: none yet
        self.crc = 0  # that it carries
        self.boot = 0
        self.first = -1  # of the file walked last
        self.lost_bytes = 0  # damaged, behind the last good record
        self.findings: "list[Finding]" = []

    def file(self, data: bytes, behind: int) -> int:
        """Walks a file, skipping good records up to sequence `behind`. Returns where its good part ends: the length of
        the data but for a torn record at the end."""
        at = 0
        self.first = -1
        while at < len(data):
            end = record.end_of(data, at)
            if end:
                sequence = record.sequence_of(data, at)
                if sequence > behind:
                    if self.first < 0:
                        self.first = sequence
                    self._good(data, at, end, sequence)
                at = end
                continue
            good = record.next_good(data, at)
            if good == len(data) and record.is_torn(data, at):
                self._find(TORN, "%d bytes of a record that was being written" % (good - at))
                return at
            self.lost_bytes += good - at
            self._find(DAMAGED, "%d bytes are no record" % (good - at))
            at = good
        return at

    def gone(self, name: str) -> None:
        """A file cannot be read."""
        self.lost_bytes += record.LEAST_BYTES
        self._find(UNREADABLE, name)

    def _good(self, data: bytes, at: int, end: int, sequence: int) -> None:
        before = self.sequence
        if before >= 0:
            skipped = sequence - before - 1
            follows = record.link_of(data, at) == self.crc
            if skipped < 0 or (not skipped and not follows):
                self._find(OUT_OF_CHAIN, "record %d behind %d" % (sequence, before))
            elif skipped and follows and not self.lost_bytes:
                self._find(UNSTORED, "%d records" % skipped)
            elif skipped:
                self._find(MISSING, "%d records" % skipped)
        self.sequence = sequence
        self.crc = record.crc_of(data, end)
        self.boot = record.boot_of(data, at)
        self.lost_bytes = 0

    def _find(self, name: str, text: str) -> None:
        self.findings.append((name, self.sequence + 1, text))


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
        self._tried = -1  # `last` at the attempt that failed: only a new entry makes another
        self._time_ms = 0
        self._link = 0  # CRC of the newest stored record
        self._segments: list[int] = []  # sequence of the first record of each
        self._end = 0  # bytes in the newest segment; -1: not known
        self._tail = b""  # records that are in no segment yet
        self._tail_first = 0
        self._place: "tuple[int, int, int]" = (-1, 0, 0)  # (segment, sequence, offset) behind what was last read
        self._checked = -2  # segment that `check` has looked at last; -2: none
        self._check = _Walk()

    # --- at power-on

    def open(self) -> "list[Finding]":
        """Finds the end of the journal and mends what a power cut has left there. Reads the newest segment and the
        tail; `verify` or `check` read the others."""
        walk = _Walk()
        try:
            names = self._store.names()
        except OSError:
            names = []
            walk.gone("the folder")
        self._segments = sorted([int(name[1:], 16) for name in names if _is_segment(name)])
        newest = len(self._segments)
        while newest and walk.sequence < 0:  # a segment without a single good record is passed over
            newest -= 1
            findings = walk.findings
            walk.findings = []
            self._end = self._open_segment(walk, newest)
            walk.findings += findings
        stored = walk.sequence
        tail = self._read(TAIL, walk)
        if tail is None:
            tail = b""
            if self._segments:
                walk._find(MISSING, "the newest records")
        self._tail = tail[: walk.file(tail, stored)]
        self._tail_first = walk.first
        if walk.first < 0:
            self._tail = b""
        else:
            self._tail = self._tail[_skip(self._tail, stored) :]
        self.torn = len([1 for finding in walk.findings if finding[0] == TORN])
        # A number that damaged bytes may have borne is not given to another event.
        self.last = max(walk.sequence, 0) + -(-walk.lost_bytes // record.LEAST_BYTES)
        self.told = self.saved = self.last
        self._link = walk.crc
        self.boot = (walk.boot + 1) & 0xFFFF
        if walk.sequence < 0:
            self.boot = 1
        return walk.findings

    def _open_segment(self, walk: _Walk, index: int) -> int:
        """Walks a segment for its end, which is mended if it is torn. Returns its length, -1 if it is not known."""
        name = _SEGMENT % self._segments[index]
        data = self._read(name, walk)
        if data is None:
            return -1
        end = walk.file(data, -1)
        if end < len(data):
            try:
                self._store.write(name, data[:end])
            except OSError:
                self.failed = True
                return -1
        return end

    def _read(self, name: str, walk: _Walk) -> "bytes | None":
        try:
            return self._store.read(name)
        except OSError:
            walk.gone(name)
            return None

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
        while self.save() and self.saved < self.last:
            pass
        return self.saved == self.last

    def save(self) -> bool:
        """Stores what was added, or a first part of it: at most one write to a segment and one to the tail. False: the
        store is full or fails. What could not be stored is tried again together with the next entry."""
        if self.saved == self.last:
            return not self.failed
        if self._tried == self.last:
            return False
        try:
            self._save()
            self.failed = False
            self._tried = -1
        except OSError:
            self.failed = True
            self._tried = self.last
        return not self.failed

    def _save(self) -> None:
        block = b""
        link = self._link
        saved = first = self.saved
        spilled = False
        for entry in self.entries:
            if entry[0] <= self.saved:
                continue
            data = record.pack(entry, self.boot, link)
            if len(self._tail) + len(block) + len(data) > TAIL_BYTES:
                if block or spilled:
                    break  # the rest at the next call
                self._spill()
                spilled = True
            if not block:
                first = entry[0]
            block += data
            link = record.crc_of(data, len(data))
            saved = entry[0]
        self._store.write(TAIL, self._tail + block)
        if not self._tail:
            self._tail_first = first
        self._tail += block
        self._link = link
        self.saved = saved
        if not spilled:
            self._forget()

    def _spill(self) -> None:
        """Moves the tail to the end of the newest segment, or makes it the first part of a new one."""
        if not self._tail:
            return
        if self._end < 0 and self._segments:  # a write went wrong, and nobody knows how far it came
            self._end = self._mend(_SEGMENT % self._segments[-1])
        end = self._end
        self._end = -1
        if self._segments and 0 <= end <= SEGMENT_BYTES - len(self._tail):
            self._store.append(_SEGMENT % self._segments[-1], self._tail)
            self._end = end + len(self._tail)
        else:
            self._store.write(_SEGMENT % self._tail_first, self._tail)
            if self._tail_first not in self._segments:
                self._segments.append(self._tail_first)
            self._end = len(self._tail)
        self._tail = b""

    def _mend(self, name: str) -> int:
        """Cuts from a segment what a write that failed has left: records that the tail still has, or a part of one."""
        data = self._store.read(name) or b""
        end = at = 0
        while at < len(data):
            at = record.next_good(data, at)
            if at == len(data) or record.sequence_of(data, at) >= self._tail_first:
                break
            end = at = record.end_of(data, at)
        if end < len(data):
            self._store.write(name, data[:end])
        return end

    def _forget(self) -> None:
        """Removes the oldest segment if the others are enough."""
        if len(self._segments) > 1 and self.saved - self._segments[1] + 1 >= KEPT:
            self._store.remove(_SEGMENT % self._segments[0])
            self._segments.pop(0)

    # --- what is asked

    def after(self, sequence: int, most: int) -> "list[Entry]":
        """Up to `most` entries behind `sequence`, oldest first; those that are not in memory are read from the store.
        Reads one file, or more while they have nothing. Entries are passed over only where the store has none."""
        found: "list[Entry]" = []
        oldest = self.entries[0][0] if self.entries else self.last + 1
        if sequence + 1 < oldest:
            index = len(self._segments) - 1
            while index > 0 and self._segments[index] > sequence + 1:
                index -= 1
            while not found and index < len(self._segments):
                self._collect(index, sequence, oldest, most, found)
                index += 1
            if len(found) < most and index >= len(self._segments):
                self._pick(self._tail, 0, found[-1][0] if found else sequence, oldest, most, found)
            if found and len(found) < most and found[-1][0] + 1 < oldest and index < len(self._segments):
                return found  # the next file holds more
        behind = found[-1][0] if found else sequence
        for entry in self.entries:
            if len(found) >= most:
                break
            if entry[0] > behind:
                found.append(entry)
        return found

    def _collect(self, index: int, sequence: int, before: int, most: int, found: "list[Entry]") -> None:
        segment, read, offset = self._place
        first = self._segments[index]
        try:
            data = self._store.read(_SEGMENT % first) or b""
        except OSError:
            return
        at = offset if segment == first and read <= sequence else 0
        at = self._pick(data, at, sequence, before, most, found)
        if found:
            self._place = (first, found[-1][0], at)

    def _pick(self, data: bytes, at: int, sequence: int, before: int, most: int, found: "list[Entry]") -> int:
        """Adds entries with numbers between `sequence` and `before`; returns the offset behind the last of them."""
        while len(found) < most:
            at = record.next_good(data, at)
            if at == len(data):
                break
            number = record.sequence_of(data, at)
            if number >= before:
                break
            if number > sequence:
                found.append(record.entry_of(data, at))
                sequence = number
            at = record.end_of(data, at)
        return at

    def verify(self) -> "list[Finding]":
        """Reads all that is stored and returns everything that is wrong with it."""
        self._checked = -2
        findings = []
        while True:
            findings += self.check()
            if self._checked == -2:
                return findings

    def check(self) -> "list[Finding]":
        """Verifies the next file: a part of `verify` that is small enough for every now and then. After the tail it
        begins again with the oldest segment."""
        if self._checked == -2:
            self._check = _Walk()
        walk = self._check
        walk.findings = []
        for segment in self._segments:
            if segment > self._checked:
                self._check_segment(walk, segment)
                return walk.findings
        self._checked = -2
        tail = self._read(TAIL, walk)
        if tail is not None:
            stored = self._tail_first - 1 if self._tail else self.saved
            walk.file(tail, stored)
        elif self.saved and not walk.findings:
            walk._find(MISSING, "the newest records")
        if walk.crc != self._link and not walk.findings:
            walk._find(MISSING, "the newest records")
        return walk.findings

    def _check_segment(self, walk: _Walk, segment: int) -> None:
        if self._checked == -2 and segment > 1 and self.saved - segment + 1 < KEPT:
            walk._find(MISSING, "the oldest records")
        self._checked = segment
        data = self._read(_SEGMENT % segment, walk)
        if data is None:
            if not walk.lost_bytes:
                walk._find(MISSING, _SEGMENT % segment)
            return
        walk.file(data, -1)


def _is_segment(name: str) -> bool:
    if len(name) != _SEGMENT_LENGTH or name[0] != "j":
        return False
    for digit in name[1:]:
        if digit not in "0123456789abcdef":
            return False
    return True


def _skip(data: bytes, sequence: int) -> int:
    """Where the records behind `sequence` begin, whatever is damaged before them included."""
    at = 0
    while at < len(data):
        end = record.end_of(data, at)
        if not end or record.sequence_of(data, at) > sequence:
            break
        at = end
    return at
