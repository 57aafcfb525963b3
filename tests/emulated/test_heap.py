"""The control tick on the real interpreter: it allocates nothing, and the heap does not fill up (D11)."""

import re
from pathlib import Path

import pytest

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
