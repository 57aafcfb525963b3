"""The letters of the display: all there, all different, and drawn where they belong."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.glyphs import GLYPHS, LARGE_LOWER, LARGE_UPPER, SMALL, TALL_LOWER, TALL_UPPER, draw

PRINTABLE = [chr(code) for code in range(32, 127)]
SHAPES = {letter: GLYPHS[i * 5 : i * 5 + 5] for i, letter in enumerate(PRINTABLE)}


def rows(column: int, column_below: int = 0) -> list[bool]:
    """The dots of a column, from the top down."""
    return [(column | column_below << 8) >> row & 1 != 0 for row in range(16)]


def apart(letters: list[str]) -> int:
    """Dots by which the two most alike differ."""
    return min(
        sum((x ^ y).bit_count() for x, y in zip(SHAPES[a], SHAPES[b], strict=True)) for a, b in combinations(letters, 2)
    )


def test_every_printable_character_has_its_own_shape() -> None:
    """No letter is another with one dot lost; digits, which a dose hangs on, are further apart."""
    assert len(GLYPHS) == 5 * len(PRINTABLE)
    assert [letter for letter, shape in SHAPES.items() if not any(shape)] == [" "]
    assert max(GLYPHS) < 128, "the eighth row is the gap between two lines"
    assert apart(PRINTABLE) >= 2
    assert apart([*"0123456789.-"]) >= 6


@given(st.text(st.sampled_from(PRINTABLE), max_size=21))
def test_small_letters_stand_six_columns_apart(text: str) -> None:
    page = bytearray(130)
    draw(page, 1, 129, text, SMALL)
    assert bytes(page) == (b"\0" + b"".join(SHAPES[letter] + b"\0" for letter in text)).ljust(130, b"\0")


@pytest.mark.parametrize(("upper", "lower", "times"), [(TALL_UPPER, TALL_LOWER, 1), (LARGE_UPPER, LARGE_LOWER, 2)])
@pytest.mark.parametrize("letter", PRINTABLE)
def test_each_dot_of_a_bigger_letter_is_two_high(letter: str, upper: int, lower: int, times: int) -> None:
    pages = bytearray(12), bytearray(12)
    draw(pages[0], 0, 12, letter, upper)
    draw(pages[1], 0, 12, letter, lower)
    for x, column in enumerate(SHAPES[letter]):
        dots = rows(column)[:8]
        for place in range(x * times, (x + 1) * times):
            assert rows(pages[0][place], pages[1][place]) == [dot for dot in dots for _ in range(2)]
    assert not any(pages[0][5 * times :] + pages[1][5 * times :])


@pytest.mark.parametrize("style", [SMALL, TALL_UPPER, LARGE_LOWER])
def test_what_does_not_fit_is_cut_off(style: int) -> None:
    page = bytearray(20)
    draw(page, 3, 17, "MMMMMMMM", style)
    assert page[:3] == page[17:] == bytes(3)
    assert page[16] or page[15]


def test_what_cannot_be_printed_is_a_question_mark() -> None:
    page, wanted = bytearray(12), bytearray(12)
    draw(page, 0, 12, "\x1f\x7f", SMALL)
    draw(wanted, 0, 12, "??", SMALL)
    assert page == wanted
