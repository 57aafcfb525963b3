"""The chain of the journal's records: walks files of them in order and names everything that is wrong.

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


class Walk:
    """sequence, crc, boot: of the last good record (sequence -1: none yet). findings: so far.

    first, first_at: sequence and offset of the first record taken from the last file, -1 without one.
    lost_bytes: damaged, behind the last good record.
    """

    def __init__(self, sequence: int = -1) -> None:
        self.sequence = sequence
        self.crc = 0
        self.boot = 0
        self.first = self.first_at = -1
        self.lost_bytes = 0
        self.findings: "list[Finding]" = []

    def file(self, data: bytes, behind: int, may_be_torn: bool) -> int:
        """Walks a file, passing over good records up to sequence `behind`. Returns the length of the data without the
        torn record at its end."""
        at = 0
        self.first = self.first_at = -1
        while at < len(data):
            end = record.end_of(data, at)
            if end:
                sequence = record.sequence_of(data, at)
                if sequence > behind:
                    if self.first < 0:
                        self.first, self.first_at = sequence, at
                    self._good(data, at, end, sequence)
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

    def _good(self, data: bytes, at: int, end: int, sequence: int) -> None:
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
