"""A row of integers that survives a power cut: two files written in turn, the newest good one counts (D10).

For odometer, progress of the program and the dose ledger. What has happened since the last save is lost with the
power; `worst_case` adds what that can have been at most, so that a total is never low.
"""

import binascii
import struct

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.store import Store

_CRC_BYTES = 4
MOST_BYTES = 2048  # littlefs keeps files of up to 512 inside the directory; beyond that each costs an erase of 45 ms
SIGNED_64, UNSIGNED_32 = "q", "I"  # what a value is


def worst_case(values: list[int], most: list[int], torn: bool) -> list[int]:
    """Values of a checkpoint with what may have been added to each since: `most` is the bound for the time between two
    checkpoints, 0 for what does not count up. A torn newer one means that twice that time may have gone by."""
    times = 2 if torn else 1
    return [value + times * bound for value, bound in zip(values, most)]


class Checkpoint:
    """names: what the values are, in order, and `more` of them behind without a name of their own. A file with other
    names is never taken for this one. name: of the two files, without the 0 or 1 behind it.
    """

    def __init__(
        self, store: "Store", name: str, names: "tuple[str, ...]", more: int = 0, code: str = SIGNED_64
    ) -> None:
        self._store = store
        self._name = name
        self._count = len(names) + more
        self._form = "<III%d%s" % (self._count, code)
        self._unsigned = code == UNSIGNED_32
        if struct.calcsize(self._form) + _CRC_BYTES > MOST_BYTES:
            raise ValueError("a checkpoint has %d bytes at most" % MOST_BYTES)
        self._names_crc = binascii.crc32(",".join(names).encode())
        self._sequence = 0
        self._turn = 0  # the file to be written next: never the newest good one

    def save(self, values: list[int]) -> bool:
        """False if it could not be stored; the last good one is then still there. ValueError for a wrong row."""
        if len(values) != self._count:
            raise ValueError("%d values for %d names" % (len(values), self._count))
        for value in values:
            if (value >> 32 != 0) if self._unsigned else (value >> 63 not in (0, -1)):
                raise ValueError("%d is beyond %s" % (value, "32 bits" if self._unsigned else "64 bits"))
        data = struct.pack(self._form, self._sequence + 1, self._names_crc, self._count, *values)
        data += struct.pack("<I", binascii.crc32(data))
        try:
            self._store.write(self._name + "01"[self._turn], data)
        except OSError:
            return False
        self._sequence += 1
        self._turn ^= 1
        return True

    def load(self) -> "tuple[list[int] | None, bool]":
        """(values of the newest good file or None, whether a newer one is torn, damaged or gone)."""
        newest: "list[int] | None" = None
        there = 0  # files that are there, good or not
        good = 0
        self._sequence = self._turn = 0
        for turn in (0, 1):
            try:
                data = self._store.read(self._name + "01"[turn])
            except OSError:
                there += 1
                continue
            if not data:  # a power cut may leave a new file empty
                continue
            there += 1
            row = self._row(data)
            if row is None:
                continue
            good += 1
            if row[0] > self._sequence:
                self._sequence = row[0]
                self._turn = turn ^ 1
                newest = row[3:]
        # One file alone is whole only as the first that was ever written.
        return newest, good < there or (good == 1 and self._sequence > 1)

    def _row(self, data: bytes) -> "list[int] | None":
        """[sequence, CRC of names, count, *values], or None for what is no good checkpoint of these names."""
        end = struct.calcsize(self._form)
        if len(data) != end + _CRC_BYTES or struct.unpack_from("<I", data, end)[0] != binascii.crc32(data[:end]):
            return None
        row = list(struct.unpack_from(self._form, data))
        return row if row[1] == self._names_crc and row[2] == self._count else None
