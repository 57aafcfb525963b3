"""The boards' data: every fault of parts, pins and gear is found, and told in one line."""

import json
import re
import struct
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from hil.boards import board_data, board_folder, board_names
from hil.wiring import PARTS, faults
from tools import check_boards
from tools.build_image import FAMILIES, TRAILER_AT, uf2

BREADBOARD = "tests/boards/breadboard"


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Pico's data, to be spoiled; put back afterwards."""
    data = board_data("pico")
    monkeypatch.setattr(data, "PINS", dict(data.PINS))
    monkeypatch.setattr(data, "FITTED", dict(data.FITTED))
    for name in ("MICROSTEPS", "STEPS_PER_TURN"):
        monkeypatch.setattr(data, name, getattr(data, name))
    return data


@pytest.mark.parametrize("name", [*board_names(), BREADBOARD])
def test_a_board_is_right(name: str) -> None:
    assert faults(name) == []


def test_a_board_of_ten_lines_has_all_that_a_board_needs() -> None:
    """No more than pins and parts: the rest comes from pump.standard."""
    data, pico = board_data(BREADBOARD), board_data("pico")
    lines = (Path(BREADBOARD) / "board.py").read_text().splitlines()
    assert len([line for line in lines if line and not line.startswith('"""')]) <= 10
    assert {name for name in dir(pico) if name.isupper()} == {name for name in dir(data) if name.isupper()}


def spoil(board: Any, function: str, gpio: int | None) -> None:
    if gpio is None:
        del board.PINS[function]
    else:
        board.PINS[function] = gpio


@pytest.mark.parametrize(
    ("function", "gpio", "told"),
    [
        ("air", 14, 'PINS has "syringe" and "air" on GP14; each needs a pin of its own'),
        ("air", 23, 'PINS["air"] is GP23, which pins.csv does not have'),
        ("battery", 6, 'PINS["battery"] is GP6, which is no adc pin; GP26 to GP29 are'),
        ("driver_tx", 6, 'PINS["driver_tx"] is GP6, which is no uart tx pin; GP0 and every fourth from there are'),
        ("driver_rx", 1, 'PINS["driver_tx"] and PINS["driver_rx"] belong to two controllers; they must be of one'),
        ("driver_rx", None, 'PINS lacks "driver_rx", which a fitted part needs'),
        ("load_data", 20, 'PINS["load_data"] is for no part that is fitted'),
    ],
)
def test_a_wrong_pin_is_named(board: Any, function: str, gpio: int | None, told: str) -> None:
    spoil(board, function, gpio)
    assert faults("pico") == [f"pico/board.py: {told}"]


def test_two_controllers_of_one_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    data = board_data(BREADBOARD)
    monkeypatch.setattr(data, "PINS", dict(data.PINS, sda=26))
    assert faults(BREADBOARD) == [
        f'{BREADBOARD}/board.py: PINS["sda"] and PINS["scl"] belong to two controllers; they must be of one'
    ]


def test_a_part_that_is_not_known(board: Any) -> None:
    board.FITTED["driver"] = "l298"
    (told,) = faults("pico")
    assert told == "pico/board.py: FITTED[\"driver\"] is 'l298'; allowed are tmc2209, drv8825, a4988"


@pytest.mark.parametrize(
    ("microsteps", "turn", "told"),
    [
        (12, 2400, "MICROSTEPS is 12; a power of two up to 256 is allowed"),
        (32, 3200, "STEPS_PER_TURN is 3200, not FULL_STEPS_PER_TURN x MICROSTEPS"),
    ],
)
def test_gear_that_is_not_possible(board: Any, microsteps: int, turn: int, told: str) -> None:
    board.MICROSTEPS, board.STEPS_PER_TURN = microsteps, turn
    assert faults("pico") == [f"pico/board.py: {told}"]


def test_a_driver_has_its_finest_step(board: Any) -> None:
    board.FITTED["driver"] = "a4988"
    del board.PINS["driver_tx"], board.PINS["driver_rx"]
    board.MICROSTEPS, board.STEPS_PER_TURN = 32, 6400
    assert faults("pico") == ["pico/board.py: MICROSTEPS is 32; a a4988 makes 16 at most"]


def test_every_part_can_be_fitted_somewhere() -> None:
    """Each is on a board that is checked here, but for the one that needs nothing."""
    fitted = [board_data(name).FITTED for name in (*board_names(), BREADBOARD)]
    absent = {(role, part) for role, parts in PARTS.items() for part in parts if all(f[role] != part for f in fitted)}
    assert absent <= {("driver", "a4988")}


def test_make_check_fails_with_the_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command that `make check` runs, on a board in a folder elsewhere."""
    for file in Path(BREADBOARD).iterdir():
        if file.is_file():
            copy(file, tmp_path)
    board = tmp_path / "board.py"
    assert check_boards.main([str(tmp_path)]) == 0
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    copy(tmp_path / "pins.csv", wrong)
    (wrong / "board.py").write_text(board.read_text().replace('"air": 22', '"air": 10'))
    assert check_boards.main([str(wrong)]) == 1
    assert capsys.readouterr().err == (
        f'{wrong}/board.py: PINS has "stop" and "air" on GP10; each needs a pin of its own\n'
    )


@pytest.mark.parametrize("name", board_names())
def test_an_image_is_of_its_boards_chip(name: str) -> None:
    """Each block of a UF2 names its family: that of the mcu which MicroPython's board definition builds for."""
    mcu = json.loads((board_folder(name) / "board.json").read_text())["mcu"]
    assert f'set(PICO_PLATFORM "{mcu}")' in (board_folder(name) / "mpconfigboard.cmake").read_text()
    image = uf2([(0, bytes(5000))], FAMILIES[mcu])
    assert len(image) == 512 * 32, "filled up to the end of its second sector"
    assert {struct.unpack_from("<I", image, at + 28)[0] for at in range(0, len(image), 512)} == {FAMILIES[mcu]}


@pytest.mark.parametrize("name", board_names())
def test_the_trailer_lies_before_the_filesystem(name: str) -> None:
    """selftest_rp2.TRAILER is one place for every board: the last page before the filesystem, which the board sizes."""
    flash_kb = {"pico": 2048, "pico2": 4096}[name]
    header = (board_folder(name) / "mpconfigboard.h").read_text()
    (storage_kb,) = map(int, re.findall(r"STORAGE_BYTES \((\d+) \* 1024\)", header))
    assert (flash_kb - storage_kb) * 1024 - 256 == TRAILER_AT
