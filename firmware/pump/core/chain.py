"""The chain of the journal's records: how its files are named, a walk through them in order, and names for everything
that can be wrong. The host reads the same files by the same walk (SR-LOG-09).

Findings are (name, sequence of the first record concerned, text).
"""

from pump.core import record

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    Finding = tuple[str, int, str]

# TORN is what a power cut leaves of a record that was never acknowledged, UNSTORED are numbers without a record because
# the store was full or failed. The others are faults of the memory.
TORN = "TORN"
UNSTORED = "UNSTORED"
DAMAGED = "DAMAGED"  # bytes that are no record
MISSING = "MISSING"  # records that were stored and are not there
OUT_OF_CHAIN = "OUT_OF_CHAIN"  # a good record that does not follow the one before it
UNREADABLE = "UNREADABLE"  # a file that the store cannot read
FAULTS = (DAMAGED, MISSING, OUT_OF_CHAIN, UNREADABLE)

KEPT = 1024  # records at least, once so many were written; SR-LOG-08 asks for 1000
TAIL = "j-tail"
_SEGMENT = "j%08x"
_SEGMENT_LENGTH = 9
NONE = -1

# In place of a file's size.
NO_FILE = -1
NO_READ = -2


def segment_name(first: int) -> str:
    """Name of the file whose first record has this sequence."""
    return _SEGMENT % first


def first_of(name: str) -> int:
    """Sequence of a segment's first record; NONE if the file is no segment."""
    if len(name) != _SEGMENT_LENGTH or name[0] != "j":
        return NONE
    return int(name[1:], 16) if all(digit in "0123456789abcdef" for digit in name[1:]) else NONE


def whole_from(oldest: int, saved: int) -> int:
    """What a walk of all files begins with: 0, or NONE where records before the oldest one may have been removed."""
    return NONE if saved - oldest + 1 >= KEPT else 0


class Walk:
    """sequence, crc, boot: of the last good record (sequence NONE: none yet). findings: so far.

    first, first_at: sequence and offset of the first record taken from the last file, NONE without one.
    lost_bytes: damaged, behind the last good record. at: offset in the file.
    """

    def __init__(self, sequence: int = NONE) -> None:
        self.sequence = sequence
        self.crc = 0
        self.boot = 0
        self.first = self.first_at = NONE
        self.lost_bytes = self.at = 0
        self.findings: "list[Finding]" = []

    def file(self, data: bytes, behind: int, may_be_torn: bool) -> int:
        """Walks a file, passing over good records up to sequence `behind`. Returns the length of the data without the
        torn record at its end."""
        at = 0
        self.first = self.first_at = NONE
        while at < len(data):
            self.at = at
            end = record.end_of(data, at)
            if end:
                sequence = record.sequence_of(data, at)
                if sequence > behind:
                    if self.first < 0:
                        self.first, self.first_at = sequence, at
                    self.take(data, at, end, sequence)
                at = end
                continue
            good = record.next_good(data, at)
            if may_be_torn and good == len(data) and record.is_torn(data, at):
                self.find(TORN, "%d bytes of a record that was being written" % (good - at))
                return at
            self.lost(good - at)
            self.find(DAMAGED, "%d bytes are no record" % (good - at))
            at = good
        return at

    def lost(self, size: int) -> None:
        self.lost_bytes += size

    def find(self, name: str, text: str) -> None:
        self.findings.append((name, self.sequence + 1, text))

    def take(self, data: bytes, at: int, end: int, sequence: int) -> None:
        """The next good record, which lies from `at` to `end`."""
        if self.sequence >= 0:
            skipped = sequence - self.sequence - 1
            follows = record.link_of(data, at) == self.crc
            if skipped < 0 or (not skipped and not follows and not self.lost_bytes):
                self.find(OUT_OF_CHAIN, "record %d behind %d" % (sequence, self.sequence))
            elif skipped and follows and not self.lost_bytes:
                self.find(UNSTORED, "%d numbers" % skipped)
            elif skipped:
                self.find(MISSING, "%d numbers" % skipped)
        self.sequence = sequence
        self.crc = record.crc_of(data, end)
        self.boot = record.boot_of(data, at)
        self.lost_bytes = 0
