"""The drawing of a board holds every pin of its data, and is the same at each run."""

import re
from pathlib import Path

import pytest

from hil.boards import board_data, board_folder, board_names
from tools.draw_schematic import Drawing

BREADBOARD = "tests/boards/breadboard"


def words(svg: bytes) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode())


@pytest.mark.parametrize("name", [*board_names(), BREADBOARD])
def test_every_pin_is_drawn_once(name: str) -> None:
    board = board_data(name)
    drawn = words(Drawing(name).draw(name))
    for function, gpio in board.PINS.items():
        assert drawn.count(f"GP{gpio}") == 1
        assert function in drawn, f"{function} is not drawn: give it a place in tools/draw_schematic.py"


def test_the_red_light_has_its_current_without_the_chip() -> None:
    """A reset pin is pulled down by 50 kΩ at the least (RP2040 datasheet, pin specifications): 0.03 mA."""
    assert words(Drawing("pico").draw("pico")).count("1 kΩ") == 8, "six switches, the driver's wire, the red light"


def test_the_air_detector_has_its_two_resistors() -> None:
    """Its LED bears 50 mA at 1.8 V, and its transistor has no collector resistor (OPB350 datasheet)."""
    drawn = words(Drawing("pico").draw("pico"))
    assert drawn.count("100 Ω") == 2, "buzzer, LED"
    assert drawn.count("10 kΩ") == 3, "pressure divider, transistor"


@pytest.mark.parametrize("name", board_names())
def test_the_drawing_that_is_kept_is_of_the_data(name: str) -> None:
    assert (Path(board_folder(name)) / "schematic.svg").read_bytes() == Drawing(name).draw(name)
