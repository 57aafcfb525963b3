"""The display's controller SSD1306, 128 x 64 dots, on its bus: sets it up, and writes one page of eight rows at a time.

Commands and their order are those of the SSD1306 datasheet, revision 1.1, chapters 8 and 10, and of its application
note for the charge pump. What is shown, and when, is screen.py's.
"""

from pump.core import glyphs

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.hardware import Bus

ADDRESS: "Final" = 0x3C
PAGES: "Final" = 8
COLUMNS: "Final" = 128

_COMMANDS: "Final" = 0x00  # commands follow to the end of the transfer
OFF, ON = b"\x00\xae", b"\x00\xaf"
# It holds what stood in its memory meanwhile: whoever sets it up writes every page before it is turned on.
SET_UP = (
    b"\x00"
    b"\xd5\x80"  # clock
    b"\xa8\x3f"  # 64 rows
    b"\xd3\x00\x40"  # of which the first is the uppermost
    b"\x8d\x14"  # charge pump on
    b"\x20\x02"  # a page at a time
    b"\xa1\xc8"  # columns and rows as the usual module has them
    b"\xda\x12"
    b"\x81\xcf"  # contrast
    b"\xd9\xf1"  # charge times for the pump
    b"\xdb\x20"
    b"\xa4\xa6"  # shows its memory, a set bit bright
)
# One command each, and from the last byte on what goes into memory: page, column 0.
_TO_PAGE = b"\x80\xb0\x80\x00\x80\x10\x40"
_BLANK = bytes(COLUMNS)


class Ssd1306:
    """Each method is one transfer of 3 ms at most, and says whether the display has taken it."""

    def __init__(self, bus: "Bus") -> None:
        self._bus = bus
        self._buffer = bytearray(_TO_PAGE + _BLANK)

    def turn(self, on: bool) -> bool:
        """Dark, or showing its memory."""
        return self._bus.write(ADDRESS, ON if on else OFF)

    def set_up(self) -> bool:
        """As after power-on; leaves memory as it is, and dark or not."""
        return self._bus.write(ADDRESS, SET_UP)

    def show(self, page: int, style: int, text: str, corner: str) -> bool:
        """Writes a page: text from the left in a style of glyphs.py, and in small letters the upper right corner."""
        buffer = self._buffer
        first = len(_TO_PAGE)
        buffer[1] = 0xB0 | page
        buffer[first:] = _BLANK
        glyphs.draw(buffer, first + 1, len(buffer), text, style)
        if corner:
            glyphs.draw(buffer, len(buffer) - len(corner) * glyphs.WIDTH, len(buffer), corner, glyphs.SMALL)
        return self._bus.write(ADDRESS, buffer)
