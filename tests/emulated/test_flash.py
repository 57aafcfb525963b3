"""Journal and checkpoints in the emulated chip's flash, which takes its time and is torn when the power fails (D10)."""

import random
from pathlib import Path

import pytest
from littlefs import LittleFS

from hil.devices.store import Store
from hil.mechanics import Mechanics
from hil.targets.emulated import SPIN_AT, Emulated
from pump.core import chain
from pump.core.checkpoint import Checkpoint
from pump.core.journal import Journal
from tests.emulated.littlefs_layout import LAYOUT

pytestmark = [
    pytest.mark.emulated,
    pytest.mark.slow,
    pytest.mark.requirement("SR-LOG-06"),
    pytest.mark.requirement("SR-LOG-08"),
    pytest.mark.requirement("SR-LOG-09"),
]

CUTS = 14
MS = 1000
TELL_AT = SPIN_AT + 0x100  # where boot.py leaves words for the test: scratch RAM that MicroPython leaves alone
ROUNDS, SAVED, ACKNOWLEDGED, CHECKPOINT, OPENED_AT, BOOT, FINDINGS = range(7)

# Runs on the chip before main.py, which it never lets begin: records and checkpoints without end.
WRITE = f"""
from machine import mem32
from pump.core.checkpoint import Checkpoint
from pump.core.journal import Journal
from pump.drivers.store_littlefs import Store
def tell(place, value):
    mem32[{TELL_AT} + 4 * place] = value
store = Store()
journal = Journal(store)
tell({FINDINGS}, len(journal.open()))
odometer = Checkpoint(store, "odometer", ("steps", "steps_twice"))
row, torn = odometer.load()
steps = row[0] if row else 0
tell({OPENED_AT}, journal.last)
tell({BOOT}, journal.boot)
tell({CHECKPOINT}, steps)
tell({ROUNDS}, 1)
while True:
    journal.add(journal.last, "command", "start")
    journal.add(journal.last, "state", "READY > INFUSING: START %d" % (journal.last + 1))
    while journal.saved < journal.last:
        if not journal.save():
            raise OSError
    tell({ACKNOWLEDGED}, journal.saved)
    if journal.saved % 8 == 0:
        steps += 1
        if not odometer.save([steps, 2 * steps]):
            raise OSError
        tell({CHECKPOINT}, steps)
"""


def image(path: Path, script: str) -> Path:
    """A littlefs image that holds boot.py."""
    files = LittleFS(**LAYOUT)
    with files.open("boot.py", "w") as boot:
        boot.write(script)
    path.write_bytes(bytes(files.context.buffer))
    return path


def files_of(pump: Emulated) -> Store:
    """The pump's folder as littlefs finds it in the flash; mounting fails loudly."""
    files = LittleFS(**LAYOUT, mount=False)
    files.context.buffer = bytearray(pump.files())
    files.mount()
    store = Store()
    for name in files.listdir("/store") if "store" in files.listdir("/") else []:
        with files.open(f"/store/{name}", "rb") as file:
            store.files[name] = file.read()
    return store


class Writing:
    """An emulated pump that writes as WRITE says; its flash can be torn."""

    def __init__(self, path: Path) -> None:
        self.pump = Emulated(Mechanics("bd-plastipak-50"), filesystem=image(path, WRITE))
        self.flash = self.pump.flash
        self.flash.on_cut = self.pump.power_fails

    def told(self, place: int) -> int:
        return int(self.pump._chip.read_uint32(TELL_AT + 4 * place))

    def run_until_cut(self) -> None:
        for _ in range(200):
            if not self.pump._powered:
                return
            self.pump.run_for(100 * MS)
        raise AssertionError("the flash was not written to as often as expected")

    def boot(self) -> None:
        for place in range(FINDINGS + 1):
            self.pump._chip.write_uint32(TELL_AT + 4 * place, 0)
        self.pump.restore_power()

    def run_until_opened(self) -> None:
        for _ in range(100):
            self.pump.run_for(20 * MS)
            if self.told(ROUNDS):
                return
        raise AssertionError("the journal was not opened")


def test_no_acknowledged_record_is_lost_by_a_cut_in_the_middle_of_a_flash_command(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "fs.img")
    chance = random.Random(7)
    acknowledged = saved_steps = boot = 0
    torn_commands = []
    for _ in range(CUTS):
        writing.flash.cut_at = writing.flash.count + chance.randint(1, 120)
        writing.run_until_cut()
        torn_commands.append(writing.flash.count)
        acknowledged = max(acknowledged, writing.told(ACKNOWLEDGED))
        saved_steps = max(saved_steps, writing.told(CHECKPOINT))

        store = files_of(writing.pump)
        journal = Journal(store)
        findings = journal.open()
        assert not [finding for finding in findings + journal.verify() if finding[0] in chain.FAULTS]
        assert acknowledged <= journal.last <= acknowledged + 2, "at most the write of one round"
        if journal.last:
            last = journal.after(journal.last - 1, 9)
            assert [entry[0] for entry in last] == [journal.last]
            if last[0][2] == "state":
                assert last[0][3] == f"READY > INFUSING: START {journal.last}"
        row, _ = Checkpoint(store, "odometer", ("steps", "steps_twice")).load()
        steps = row[0] if row else 0
        assert saved_steps <= steps <= saved_steps + 1
        assert row is None or row[1] == 2 * steps

        writing.flash.cut_at = None
        writing.boot()
        writing.run_until_opened()
        assert writing.told(FINDINGS) == len(findings)
        assert writing.told(OPENED_AT) == journal.last
        assert writing.told(BOOT) == journal.boot >= boot
        acknowledged, boot = journal.last, journal.boot
        saved_steps = steps
    assert acknowledged > 100
    assert len(set(torn_commands)) == CUTS


def test_a_cut_at_any_instant_is_as_harmless(tmp_path: Path) -> None:
    """Not only within a command: the power goes after so many milliseconds."""
    writing = Writing(tmp_path / "fs.img")
    writing.run_until_opened()
    chance = random.Random(3)
    for _ in range(4):
        writing.pump.run_for(chance.randint(1, 900_000))
        writing.pump.cut_power()
        acknowledged = writing.told(ACKNOWLEDGED)
        journal = Journal(files_of(writing.pump))
        assert not journal.open()
        assert not journal.verify()
        assert acknowledged <= journal.last <= acknowledged + 2
        writing.boot()
        writing.run_until_opened()
        assert writing.told(OPENED_AT) == journal.last
