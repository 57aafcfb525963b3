"""A module with an SSD1306 and 128 x 64 dots on its bus, as the bench has it: what it is sent, a person sees.

By the SSD1306 datasheet, revision 1.1, chapters 8 to 10. What that does not define is a ValueError.
"""

from random import Random

ADDRESS = 0x3C
WIDTH, HEIGHT, PAGE_ROWS = 128, 64, 8
BROKEN_OFF_AT = 40  # bytes

# First byte: how many bytes of arguments follow. A range of first bytes has its argument in them.
ARGUMENTS = {
    **dict.fromkeys((*range(0x20), *range(0x40, 0x80), *range(0xB0, 0xB8)), 0),
    **dict.fromkeys((0x2E, 0x2F, 0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xC0, 0xC8, 0xE3), 0),
    **dict.fromkeys((0x20, 0x81, 0x8D, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1),
    **dict.fromkeys((0x21, 0x22), 2),
}
HORIZONTAL, VERTICAL, BY_PAGE = 0, 1, 2


class Ssd1306:
    """write and read are its bus's. frame(): its dots, as a person sees them who holds the module upright.

    fault: None, "silent" (it does not acknowledge) or "breaks off" (it acknowledges the first bytes of a write only).
    """

    faults = ("silent", "breaks off")

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)
        self.fault: str | None = None
        self.power_on()

    def power_on(self) -> None:
        """Its memory holds anything then."""
        self._memory = bytearray(self._random.randbytes(WIDTH * HEIGHT // PAGE_ROWS))
        self._on = self._pump = self._all_on = self._inverse = self._mirrored = self._flipped = False
        self._rows, self._first_row, self._offset = HEIGHT, 0, 0
        self._mode = BY_PAGE
        self._page, self._column = 0, 0
        self._pages, self._columns = (0, 7), (0, WIDTH - 1)

    # --- its bus

    @property
    def acknowledged(self) -> int:
        return {None: 1 << 20, "breaks off": BROKEN_OFF_AT}.get(self.fault, 0)

    def ready(self) -> bool:
        return self.fault is None

    def read(self, size: int) -> bytes | None:
        """Its status: bit 6 while it is off."""
        return bytes([0 if self._on else 0x40]) * size if self.ready() else None

    def write(self, data: bytes) -> bool:
        """Whether it acknowledges all of it. What it has taken until then it keeps."""
        taken = data[: self.acknowledged]
        at = 0
        while at < len(taken):
            control = taken[at]
            if control & 0x3F:
                raise ValueError(f"{control:#04x} is no control byte of an SSD1306")
            end = at + 2 if control & 0x80 else len(taken)
            self._take(taken[at + 1 : end], to_memory=control & 0x40 != 0)
            at = end
        return len(taken) == len(data)

    def _take(self, data: bytes, to_memory: bool) -> None:
        if to_memory:
            for byte in data:
                self._store(byte)
            return
        at = 0
        while at < len(data):
            code = data[at]
            if code not in ARGUMENTS:
                raise ValueError(f"{code:#04x} is no command of an SSD1306 that is known here")
            end = at + 1 + ARGUMENTS[code]
            if end <= len(data):
                self._command(code, data[at + 1 : end])
            at = end

    # --- what it does

    def _store(self, byte: int) -> None:
        segment = WIDTH - 1 - self._column if self._mirrored else self._column
        self._memory[self._page * WIDTH + segment] = byte
        if self._mode == BY_PAGE:
            self._column = (self._column + 1) % WIDTH
        elif self._mode == HORIZONTAL:
            self._column, carry = _next(self._column, self._columns)
            if carry:
                self._page, _ = _next(self._page, self._pages)
        else:
            self._page, carry = _next(self._page, self._pages)
            if carry:
                self._column, _ = _next(self._column, self._columns)

    def _command(self, code: int, arguments: bytes) -> None:
        if code < 0x10:
            self._column = self._column & 0xF0 | code
        elif code < 0x20:
            self._column = (self._column & 0x0F | code << 4) & 0x7F
        elif 0x40 <= code < 0x80:
            self._first_row = code & 0x3F
        elif 0xB0 <= code < 0xB8:
            self._page = code & 7
        elif code == 0x20:
            self._mode = arguments[0] & 3
        elif code == 0x21:
            self._columns = (arguments[0] & 0x7F, arguments[1] & 0x7F)
            self._column = self._columns[0]
        elif code == 0x22:
            self._pages = (arguments[0] & 7, arguments[1] & 7)
            self._page = self._pages[0]
        elif code in (0xA0, 0xA1):
            self._mirrored = code == 0xA1
        elif code in (0xA4, 0xA5):
            self._all_on = code == 0xA5
        elif code in (0xA6, 0xA7):
            self._inverse = code == 0xA7
        elif code in (0xAE, 0xAF):
            self._on = code == 0xAF
        elif code in (0xC0, 0xC8):
            self._flipped = code == 0xC8
        elif code == 0x8D:
            self._pump = arguments[0] & 4 != 0
        elif code == 0xA8:
            self._rows = (arguments[0] & 0x3F) + 1
        elif code == 0xD3:
            self._offset = arguments[0] & 0x3F

    # --- what a person sees

    def frame(self) -> list[list[bool]]:
        """64 rows of 128 dots; all dark while it is off or has no voltage for its dots.

        The usual module is mounted so that segment 127 is at the left and the driver of the last row at the top.
        """
        if not (self._on and self._pump):
            return [[False] * WIDTH for _ in range(HEIGHT)]
        return [[self._dot(x, y) for x in range(WIDTH)] for y in range(HEIGHT)]

    def _dot(self, x: int, y: int) -> bool:
        driver = HEIGHT - 1 - y
        if driver >= self._rows:
            return False
        if self._all_on:
            return True
        scanned = self._rows - 1 - driver if self._flipped else driver
        row = (scanned + self._offset + self._first_row) % HEIGHT
        bright = self._memory[row // PAGE_ROWS * WIDTH + WIDTH - 1 - x] >> row % PAGE_ROWS & 1 != 0
        return bright != self._inverse


def _next(value: int, bounds: tuple[int, int]) -> tuple[int, bool]:
    """Counts on within bounds; whether it began anew."""
    return (bounds[0], True) if value == bounds[1] else (value + 1, False)
