"""The control tick on the real interpreter: it allocates nothing, and the heap does not fill up (D11)."""

import re
from pathlib import Path

import pytest

from hil.boards import board_folder
from tests.breadboard import BOARD
from tests.programs import flat, start
from tools.bench.scripted import scripted

# Runs on the chip before main.py: from the 20th tick of an infusion to the 150th, the heap is locked during ticks.
LOCK_THE_HEAP = """
import gc, micropython
from pump.app import App
tick, count = App.tick, [0]
def locked(self):
    if self._course and self._course is self.controller.course:
        count[0] += 1
    if not 20 <= count[0] < 150:
        return tick(self)
    micropython.heap_lock()
    try:
        tick(self)
    finally:
        micropython.heap_unlock()
    if count[0] == 149:
        gc.collect()
        print("LOCKED", count[0], gc.mem_free())
App.tick = locked
"""

# The longest turn of the display until then, in microseconds.
WATCH_THE_DISPLAY = """
import time
from pump.core.screen import Screen
turn, longest = Screen.turn, [0]
def timed(self, pump):
    begin = time.ticks_us()
    turn(self, pump)
    longest[0] = max(longest[0], time.ticks_diff(time.ticks_us(), begin))
    if count[0] > 150:
        print("LONGEST", longest[0])
        count[0] = 150
Screen.turn = timed
"""
LONGEST_TURN_US = 5000  # of the chip's own work; the emulated bus takes no time, a real one 3 ms a page

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def test_the_control_tick_allocates_nothing(tmp_path: Path) -> None:
    port = scripted(tmp_path / "fs.img", {"boot.py": LOCK_THE_HEAP})
    start(port.bench, flat(60, 30))
    for _ in range(17):
        status = port.bench.pump.wait_status()
    assert status["state"] == "INFUSING", "a tick under heap_lock raised MemoryError"
    found = re.search(rb"LOCKED (\d+) (\d+)", port.said)
    assert found is not None, "the ticks were not locked"
    assert int(found[2]) > 100 * 1024, "fewer than 100 KiB are free while infusing"


def test_with_a_display_the_tick_allocates_nothing_and_no_turn_is_long(tmp_path: Path) -> None:
    """The board of the tests, which has one, with a flow sensor on the same bus."""
    board = (board_folder(BOARD) / "board.py").read_text()
    boot = f"import board{LOCK_THE_HEAP}{WATCH_THE_DISPLAY}"
    port = scripted(tmp_path / "fs.img", {"board.py": board, "boot.py": boot}, board=BOARD)
    start(port.bench, flat(60, 30))
    for _ in range(17):
        status = port.bench.pump.wait_status()
    assert status["state"] == "INFUSING", "a tick under heap_lock raised MemoryError"
    said = port.drain()
    locked, longest = re.search(rb"LOCKED (\d+) (\d+)", said), re.search(rb"LONGEST (\d+)", said)
    assert locked is not None
    assert longest is not None
    print(f"{int(locked[2])} bytes free, longest turn {int(longest[1])} us")
    assert int(locked[2]) > 100 * 1024
    assert 500 < int(longest[1]) < LONGEST_TURN_US
