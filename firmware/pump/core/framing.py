"""One line a message: compact JSON, a space, CRC-32 of the JSON in eight hex digits, newline.

Sans-I/O and shared by host and pump. Nothing that fails its CRC, is too long or is not an object ever leaves here
as a message; it leaves as the name of what was wrong with it.
"""

import binascii
import json

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Message

MAX_LINE_BYTES = 1024  # newline included; a longer line is dropped up to its newline

BAD_CRC = "BAD_CRC"
BAD_JSON = "BAD_JSON"
OVERLONG = "OVERLONG"


def encode(message: "Message") -> bytes:
    """The line for a message (a dict), as bytes."""
    text = json.dumps(message, separators=(",", ":")).encode()
    return text + b" %08x\n" % binascii.crc32(text)


def decode(line: bytes) -> "tuple[Message | None, str | None]":
    """(message, None) for a good line without its newline, else (None, name of the fault)."""
    space = len(line) - 9
    if space < 1 or line[space] != 32:
        return None, BAD_CRC
    text = line[:space]
    if b"%08x" % binascii.crc32(text) != line[space + 1 :]:
        return None, BAD_CRC
    try:
        message = json.loads(text.decode())
    except (ValueError, RuntimeError):  # RuntimeError: nested too deep for the interpreter's stack
        return None, BAD_JSON
    if not isinstance(message, dict):
        return None, BAD_JSON
    return message, None


class Deframer:
    """Bytes in, messages out: feed(data) -> [(message, None) or (None, fault)]. Keeps at most one line."""

    def __init__(self) -> None:
        self._line = b""
        self._overlong = False

    def feed(self, data: bytes) -> "list[tuple[Message | None, str | None]]":
        found: "list[tuple[Message | None, str | None]]" = []
        self._line += data
        while True:
            end = self._line.find(b"\n")
            if end < 0:
                break
            line, self._line = self._line[:end], self._line[end + 1 :]
            if self._overlong or end >= MAX_LINE_BYTES:
                found.append((None, OVERLONG))
            elif line:
                found.append(decode(line))
            self._overlong = False
        if len(self._line) >= MAX_LINE_BYTES:
            self._line = b""
            self._overlong = True
        return found
