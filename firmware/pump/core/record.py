"""One record of the journal as bytes: packed, checked, found again behind bytes that are damaged. Knows no files.

A record: mark, length of the whole, boot number, sequence without gaps (SR-ALARM-07), CRC of the record before (the
link of the chain), device time in ms, length of kind, kind, text, CRC-32 of all that. Little-endian; kind and text are
UTF-8.
"""

import binascii
import struct

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Any

    Entry = list[Any]  # [sequence, time_ms, kind, text]

MARK = b"\xff"  # the one byte that begins no character of UTF-8 and is part of none
_HEAD = "<BBHIIQB"
HEAD_BYTES = 21
CRC_BYTES = 4
LEAST_BYTES = HEAD_BYTES + CRC_BYTES
MOST_BYTES = 255  # the length is one byte
KIND_BYTES = 16


def _cut(text: str, most_bytes: int) -> bytes:
    """The text as UTF-8, cut between characters where it is too long, and marked so."""
    data = text.encode()
    if len(data) <= most_bytes:
        return data
    end = most_bytes - 3
    while data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end] + b"\xe2\x80\xa6"  # an ellipsis


def pack(entry: "Entry", boot: int, link: int) -> bytes:
    """The record of an entry. link: CRC of the record before it."""
    kind = _cut(entry[2], KIND_BYTES)
    text = _cut(entry[3], MOST_BYTES - LEAST_BYTES - len(kind))
    length = LEAST_BYTES + len(kind) + len(text)
    body = struct.pack(_HEAD, MARK[0], length, boot, entry[0], link, entry[1], len(kind)) + kind + text
    return body + struct.pack("<I", binascii.crc32(body))


def end_of(data: bytes, at: int) -> int:
    """Where the good record that begins at `at` ends; 0 if there is none."""
    if at + LEAST_BYTES > len(data) or data[at] != MARK[0]:
        return 0
    end = at + data[at + 1]
    if end - at < LEAST_BYTES or end > len(data) or data[at + HEAD_BYTES - 1] > end - at - LEAST_BYTES:
        return 0
    return end if binascii.crc32(data[at : end - CRC_BYTES]) == crc_of(data, end) else 0


def next_good(data: bytes, at: int) -> int:
    """Where the first good record at or behind `at` begins; the length of the data if there is none."""
    while True:
        at = data.find(MARK, at)
        if at < 0:
            return len(data)
        if end_of(data, at):
            return at
        at += 1


def is_torn(data: bytes, at: int) -> bool:
    """Whether what begins at `at`, and is no good record, is the first part of one."""
    if data[at] != MARK[0]:
        return False
    return at + 1 == len(data) or (data[at + 1] >= LEAST_BYTES and at + data[at + 1] > len(data))


def crc_of(data: bytes, end: int) -> int:
    """The CRC that the record which ends at `end` carries."""
    crc: int = struct.unpack_from("<I", data, end - CRC_BYTES)[0]
    return crc


def sequence_of(data: bytes, at: int) -> int:
    sequence: int = struct.unpack_from("<I", data, at + 4)[0]
    return sequence


def link_of(data: bytes, at: int) -> int:
    link: int = struct.unpack_from("<I", data, at + 8)[0]
    return link


def boot_of(data: bytes, at: int) -> int:
    boot: int = struct.unpack_from("<H", data, at + 2)[0]
    return boot


def entry_of(data: bytes, at: int) -> "Entry":
    """The entry of the good record at `at`."""
    head = struct.unpack_from(_HEAD, data, at)
    begin = at + HEAD_BYTES + head[6]
    end = at + head[1] - CRC_BYTES
    return [head[3], head[5], data[at + HEAD_BYTES : begin].decode(), data[begin:end].decode()]
