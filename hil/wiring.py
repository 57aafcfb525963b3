"""What a board's parts want of its pins, what the pins can do, and whether a board's data agree with both.

It reads data and drives nothing. The text of each fault is one line: where, what, what is allowed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from types import ModuleType

from hil.boards import board_data, board_folder

FIRST_ADC = 26

# What a pin must be able to do: whether it can, and which can. Up to GPIO 29 it is one table for both
# chips: RP2040 datasheet 1.4.3, RP2350 datasheet 1.2.3.
ABILITIES: dict[str, tuple[Callable[[int], bool], str]] = {
    "any": (lambda gpio: True, "every pin"),
    "adc": (lambda gpio: FIRST_ADC <= gpio < FIRST_ADC + 4, "GP26 to GP29"),
    "uart tx": (lambda gpio: gpio % 4 == 0, "GP0 and every fourth from there"),
    "uart rx": (lambda gpio: gpio % 4 == 1, "GP1 and every fourth from there"),
    "i2c sda": (lambda gpio: gpio % 2 == 0, "the even pins"),
    "i2c scl": (lambda gpio: gpio % 2 == 1, "the odd pins"),
}
# Signals of one bus, and the controller that a pin belongs to: both must have the same.
PAIRS: dict[tuple[str, str], Callable[[int], int]] = {
    ("driver_tx", "driver_rx"): lambda gpio: (gpio + 4) // 8 % 2,
    ("sda", "scl"): lambda gpio: gpio // 2 % 2,
}

ALWAYS = {
    **dict.fromkeys(("step", "direction", "enable", "stop", "start", "bolus", "mute", "syringe", "guard"), "any"),
    **dict.fromkeys(("air", "buzzer", "red", "yellow", "cyan"), "any"),
    "battery": "adc",
}
# role: {part: {function: what its pin must be able to do}}
PARTS: dict[str, dict[str, dict[str, str]]] = {
    "driver": {
        "tmc2209": {"driver_tx": "uart tx", "driver_rx": "uart rx"},
        "drv8825": {"driver_fault": "any"},
        "a4988": {},  # it has no output that tells of a fault
    },
    "pressure": {"analog": {"pressure": "adc"}, "hx711": {"load_data": "any", "load_clock": "any"}},
    "flow": {"slf3s": {"sda": "i2c sda", "scl": "i2c scl"}, "none": {}},
    "display": {"ssd1306": {"sda": "i2c sda", "scl": "i2c scl"}, "none": {}},
}


def functions(board: ModuleType) -> dict[str, str]:
    """{function: what its pin must be able to do} of everything that is fitted. KeyError for a part not known."""
    wanted = dict(ALWAYS)
    for role, part in board.FITTED.items():
        wanted.update(PARTS[role][part])
    return wanted


def broken_out(name: str) -> set[int]:
    """The GPIOs that the board's pins.csv names."""
    with (board_folder(name) / "pins.csv").open(newline="") as file:
        return {int(row[1].removeprefix("GPIO")) for row in csv.reader(file) if row}


def faults(name: str) -> list[str]:
    """What is wrong with a board's data; FileNotFoundError for a board that is not there."""
    board = board_data(name)
    where = f"{name}/board.py"
    found = [
        f'{where}: FITTED["{role}"] is {board.FITTED.get(role)!r}; allowed are {", ".join(parts)}'
        for role, parts in PARTS.items()
        if board.FITTED.get(role) not in parts
    ]
    found += [
        f'{where}: FITTED["{role}"] is no choice; there are {", ".join(PARTS)}' for role in board.FITTED.keys() - PARTS
    ]
    return found or _pin_faults(where, board, broken_out(name)) + _gear_faults(where, board)


def _pin_faults(where: str, board: ModuleType, there: set[int]) -> list[str]:
    pins: dict[str, int] = board.PINS
    wanted = functions(board)
    found = [f'{where}: PINS lacks "{function}", which a fitted part needs' for function in wanted.keys() - pins]
    found += [f'{where}: PINS["{function}"] is for no part that is fitted' for function in pins.keys() - wanted]
    taken: dict[int, str] = {}
    for function, gpio in pins.items():
        if gpio in taken:
            found.append(f'{where}: PINS has "{taken[gpio]}" and "{function}" on GP{gpio}; each needs a pin of its own')
        taken[gpio] = function
        if gpio not in there:
            found.append(f'{where}: PINS["{function}"] is GP{gpio}, which pins.csv does not have')
        can, allowed = ABILITIES[wanted.get(function, "any")]
        if not can(gpio):
            found.append(f'{where}: PINS["{function}"] is GP{gpio}, which is no {wanted[function]} pin; {allowed} are')
    for (one, other), controller in PAIRS.items():
        if one in pins and other in pins and controller(pins[one]) != controller(pins[other]):
            found.append(f'{where}: PINS["{one}"] and PINS["{other}"] belong to two controllers; they must be of one')
    return found


def _gear_faults(where: str, board: ModuleType) -> list[str]:
    found = []
    microsteps = board.MICROSTEPS
    if microsteps not in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        found.append(f"{where}: MICROSTEPS is {microsteps}; a power of two up to 256 is allowed")
    turn = board.FULL_STEPS_PER_TURN * microsteps
    if turn != board.STEPS_PER_TURN:
        found.append(f"{where}: STEPS_PER_TURN is {board.STEPS_PER_TURN}, not FULL_STEPS_PER_TURN x MICROSTEPS")
    most = {"a4988": 16, "drv8825": 32}.get(board.FITTED["driver"], 256)
    if microsteps > most:
        found.append(f"{where}: MICROSTEPS is {microsteps}; a {board.FITTED['driver']} makes {most} at most")
    return found
