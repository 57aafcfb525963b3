"""What a display's dots say: its lines, read back by the shapes of the firmware's letters."""

from typing import NamedTuple

from hil.devices.display import HEIGHT, PAGE_ROWS, WIDTH
from pump.core.glyphs import GLYPHS

LETTERS = {GLYPHS[i * 5 : i * 5 + 5]: chr(32 + i) for i in range(95)}
SMALL, TALL, LARGE = "small", "tall", "large"
Columns = list[int]


class Line(NamedTuple):
    """size: of its letters. right: what stands at the right end in small ones; of two pages the upper comes first."""

    size: str
    text: str
    right: str = ""


def read(frame: list[list[bool]]) -> list[Line]:
    """The lines from the top down; ValueError for what is no text."""
    pages = [
        [sum(frame[page * PAGE_ROWS + row][x] << row for row in range(PAGE_ROWS)) for x in range(WIDTH)]
        for page in range(HEIGHT // PAGE_ROWS)
    ]
    lines, page = [], 0
    while page < len(pages):
        line = _small(pages[page])
        if line is None and page + 1 < len(pages):
            line = _double(pages[page], pages[page + 1])
            page += 1
        if line is None:
            raise ValueError(f"page {page} is no text")
        lines.append(line)
        page += 1
    return lines


def _small(page: Columns) -> Line | None:
    for count in range(WIDTH // 6):
        text, right = _letters(page[1 : WIDTH - 6 * count], 6), _letters(page[WIDTH - 6 * count :], 6)
        if text is not None and right is not None:
            return Line(SMALL, text.rstrip(), right)
    return None


def _double(upper: Columns, lower: Columns) -> Line | None:
    for count in range(WIDTH // 6):
        end = WIDTH - 6 * count
        both = [_halved(a | b << 8) for a, b in zip(upper[1:end], lower[1:end], strict=True)]
        rights = [_letters(page[end:], 6) for page in (upper, lower)]
        if None in both or None in rights:
            continue
        right = " ".join(text.strip() for text in rights if text)
        columns = [column for column in both if column is not None]
        tall = _letters(columns, 6)
        if tall is not None:
            return Line(TALL, tall.rstrip(), right)
        large = _letters(columns[::2], 6) if columns[: len(columns) // 2 * 2 : 2] == columns[1::2] else None
        if large is not None:
            return Line(LARGE, large.rstrip(), right)
    return None


def _halved(column: int) -> int | None:
    """Rows that are there twice, once; None where two of a pair differ."""
    pairs = [column >> row & 3 for row in range(0, 2 * PAGE_ROWS, 2)]
    return sum((pair & 1) << row for row, pair in enumerate(pairs)) if set(pairs) <= {0, 3} else None


def _letters(columns: Columns, width: int) -> str | None:
    """Cell by cell; None where one is no letter, or where what is left at the end is not blank."""
    text = ""
    for at in range(0, len(columns), width):
        cell = [*columns[at : at + width], *[0] * width][:width]
        letter = LETTERS.get(bytes(cell[:-1]))
        if letter is None or cell[-1]:
            return None
        text += letter
    return text
