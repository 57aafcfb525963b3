"""pump.core computes the same on the chip's MicroPython as on CPython: small ints of 31 bits, other dicts, other bytes.

One script runs on both and prints what it finds; a line that differs is a fault of one of the two.
"""

import contextlib
import io

import pytest

from tests.emulated.pty_board import stock_board
from tests.emulated.test_flashing import image_of
from tools.flash_files import compile_firmware

pytestmark = [pytest.mark.emulated, pytest.mark.slow]

BEGIN, END = "CORE BEGINS", "CORE ENDS"

# Numbers come from a generator of its own, so that both see the same. Sets and dicts are printed sorted.
SCRIPT = """
import time
time.sleep(0.3)  # the host has not yet opened the port, and what is said before that is lost
print("CORE BEGINS")
from binascii import crc32, hexlify
from pump.core import framing, states, wire
from pump.core.checkpoint import Checkpoint
from pump.core.journal import Journal
from pump.core.law import Law
from pump.core.ledger import Ledger
from pump.core.planner import Planner, word
from pump.core.syringes import SYRINGES, step_volume_pl

seed = [12345]
def number(below):
    seed[0] = (seed[0] * 1103515245 + 12345) & 0x7FFFFFFF
    return seed[0] * below >> 31

class Files:
    def __init__(self):
        self.files = {}
    def read(self, name):
        return self.files.get(name)
    def write(self, name, data):
        self.files[name] = bytes(data)
    def append(self, name, data):
        self.files[name] = self.files.get(name, b"") + bytes(data)
    def remove(self, name):
        del self.files[name]
    def names(self):
        return sorted(self.files)

def sum_of(data):
    return hexlify(b"%08x" % crc32(bytes(data))).decode()

for name in sorted(SYRINGES):
    print("syringe", name, step_volume_pl(name, 2000, 3200))

def phases():
    rows = []
    for _ in range(4):
        begin = number(400000) * 1000000 + number(1000)
        end = begin if number(2) else number(400000) * 1000000
        rows.append(["ramp" if begin != end else "infuse", 1000 + number(90000), begin, end])
    rows.append(["infuse", 864000000, 25000000000, 25000000000])
    return rows

for _ in range(3):
    law = Law(phases(), step_volume_pl("bd-plastipak-50", 2000, 3200))
    at = 0
    for _ in range(12):
        at += number(2000000)
        law.seek(at)
        print("law", at, law.phase, law.steps_due(at), law.segment_begin, law.segment_end)
    law.seek(86000000000)
    print("law of days", law.end, law.steps_due(86000000000))

planner = Planner(Law(phases(), step_volume_pl("bd-plastipak-50", 2000, 3200)), 1000000, 40)
for _ in range(25):
    planner.refill(20000)
    code = planner.words[planner.head]
    print("plan", code, planner.ticks[planner.head], planner.steps[planner.head], planner.position, planner.planned)
    planner.ahead_ticks -= planner.ticks[planner.head]
    planner.oldest = planner.head = (planner.head + 1) & 31
print("words", [word(number(257), 11 + number(24000)) for _ in range(20)])

values = [number(1 << 30) << 20, -1, None, True, "\\u00b5\\u2026"]
messages = [{"method": "x", "params": {"a": values}}, {"id": 1, "result": {}}, {"id": values[0]}]
changed = framing.encode({"id": 2}).replace(b"2", b"3", 1)
lines = [framing.encode({"id": 7}), b"garbage\\n", changed, b"x" * 1030, b"\\n"]
found = framing.Deframer().feed(b"".join(lines) + framing.encode({"id": 9}))
print("frames", [(message and sorted(message.items()), fault) for message, fault in found])
for message in messages:
    back, fault = framing.decode(framing.encode(message)[:-1])
    print("frame", back == message, fault)

store = Files()
journal = Journal(store)
print("journal", journal.open())
for n in range(120):
    journal.add(n * 100 + (n << 33), ("state", "alarm", "command")[n % 3], "entry \\u00b5 %d " % n + "x" * number(260))
    if n % 5 == 4:
        print("saved", journal.save(), journal.last, journal.saved)
print("files", [(name, len(store.files[name]), sum_of(store.files[name])) for name in sorted(store.files)])
again = Journal(store)
print("again", again.open(), again.last, again.verify())
print("entries", [entry[:3] + [entry[3].encode()] for entry in again.after(again.last - 3, 9)])
name = sorted(store.files)[0]
damaged = bytearray(store.files[name])
damaged[40] ^= 8
store.files[name] = bytes(damaged)
worse = Journal(store)
print("damaged", worse.open(), worse.verify(), worse.last)

point = Checkpoint(store, "point", ("a", "b"))
print("checkpoint", point.load(), point.save([1 << 40, -5]), point.save([3, 1 << 62]), point.load())

ledger = Ledger()
ledger.limit((4000000, 9000000, 20000000))
for _ in range(40):
    ledger.update(number(3000000), number(400000))
    print("ledger", sum_of(repr(ledger.state()).encode()), ledger.lockout_left_ms(3600000), ledger.left_steps)

for state in sorted(states.STATES):
    print("state", state, [(event, states.after(state, event)) for event in states.COMMANDS + states.EVENTS])
print("wire", wire.table_digest())
print("CORE ENDS")
"""


def on_the_host() -> list[str]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(SCRIPT, {"__name__": "core_vectors"})
    return out.getvalue().split(BEGIN)[1].split(END)[0].splitlines()


def test_the_chip_computes_what_the_host_does() -> None:
    core = {f"/{name}": data for name, data in compile_firmware("pico").files.items() if name.startswith("pump/")}
    chip = stock_board(image_of(core | {"/main.py": SCRIPT.encode()}))
    data = b""
    for _ in range(600):
        chip.run_for(100_000)
        data += chip.read(chip.available())
        if END.encode() in data or b">>> " in data:
            break
    said = data.decode().replace("\r\n", "\n")
    on_chip = said.partition(BEGIN)[2].partition(END)[0].splitlines()
    assert END in said, said[-500:]
    assert on_chip == on_the_host()
    assert len(on_chip) > 150
