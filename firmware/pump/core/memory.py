"""What outlives the power: journal, totals and dose ledger, settings, calibration, drug library, the program in force
(D10).

While the motor runs the totals are saved every CHECKPOINT_S, together with the most that can be delivered until the
next time; after a power cut that much is counted as delivered, so no total is ever low.
"""

import binascii
import json

from pump.core import calibration, chain
from pump.core.checkpoint import UNSIGNED_32, Checkpoint
from pump.core.journal import Journal
from pump.core.ledger import STATE_LENGTH
from pump.core.library import Library, entry_text, from_lines
from pump.core.program import Refusal
from pump.core.wire import SETTINGS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pump.core.access import Operators
    from pump.core.hardware import Message, Phase
    from pump.core.store import Store

CHECKPOINT_S = 60
BOUND_S = 65  # what a checkpoint's bound covers: the period, and what a late save may take

TOTALS = ("under_way", "in_hold", "forward_steps", "counted_steps", "infused_ms", "phase", "most_steps", "step_fl")
UNDER_WAY, IN_HOLD, FORWARD, COUNTED, INFUSED, PHASE, MOST, STEP_FL = 0, 1, 2, 3, 4, 5, 6, 7
_MOST_VALUE = 0xFFFFFFFF

_LIBRARY = "library%d"
_PROGRAM = "program"
_OPERATORS = "operators"
_CALIBRATION = "calibration"
_HISTORY = "history"
_HISTORY_LINES = 16
_NO_SLOT = 2
_CRC_BYTES = 9  # a space, and eight digits


class Memory:
    """journal: open. findings: what was wrong with the stored things at power-on, as texts.

    settings: {name: value}. library: the stored one, or an empty one. operators: as Access has them. calibration: see
    calibration.py. interrupted: whether power failed while an infusion was under way. totals: of TOTALS, as of the last
    checkpoint, what may have been delivered after it included; None before the first one. ledger_state: for
    Ledger.restore, or None.
    alive(): called while a large library is read, or a long program written: both take longer than the watchdog waits.
    lost_steps: to be booked on top.
    """

    def __init__(self, store: "Store", alive: "Callable[[], None]") -> None:
        self._store = store
        self.journal = Journal(store)
        self._totals = Checkpoint(store, "totals", TOTALS, STATE_LENGTH, UNSIGNED_32)
        self._settings = Checkpoint(store, "settings", tuple(sorted(SETTINGS)))
        self._slot = Checkpoint(store, "slot", ("slot",))
        self.findings: list[str] = []
        self.failed = False  # a checkpoint could not be written
        self.settings = {name: SETTINGS[name][2] for name in SETTINGS}
        self.library = Library()
        self.operators: "Operators" = {}
        self.calibration = calibration.nominal()
        self.library_intact: "bool | None" = None
        self.settings_intact: "bool | None" = None
        self.totals: "list[int] | None" = None
        self.ledger_state: "list[int] | None" = None
        self.interrupted = False
        self.lost_steps = 0
        self._alive = alive

    # --- at power-on

    def open(self) -> None:
        """Reads everything. Nothing that is damaged is used, and each of it is in `findings`."""
        for name, sequence, text in self.journal.open():
            if name in chain.FAULTS:
                self.findings.append("journal: %s at record %d: %s" % (name, sequence, text))
        self._open_totals()
        self._open_settings()
        self._open_library()
        self._open_operators()
        self._open_calibration()

    def _open_totals(self) -> None:
        values, torn = self._totals.load()
        if values:
            totals, ledger = values[: len(TOTALS)], values[len(TOTALS) :]
            self.interrupted = totals[UNDER_WAY] == 1
            if self.interrupted:
                self.lost_steps = totals[MOST] * (2 if torn else 1)
                totals[FORWARD] += self.lost_steps
                if not totals[IN_HOLD]:
                    totals[COUNTED] += self.lost_steps
            self.totals, self.ledger_state = totals, ledger
        if torn and not self.interrupted:  # a power cut may leave a torn one; then twice the bound is counted
            self.findings.append("totals: the newest checkpoint is damaged")

    def _open_settings(self) -> None:
        values, torn = self._settings.load()
        if values:
            settings = dict(zip(sorted(SETTINGS), values))
            self.settings_intact = is_settings(settings)
            if self.settings_intact:
                self.settings = settings
        elif torn:
            self.settings_intact = False
        if torn or self.settings_intact is False:
            self.findings.append("settings: damaged; those before, or the defaults, are in force")
            self._settings.save([self.settings[name] for name in sorted(SETTINGS)])

    def _open_library(self) -> None:
        """A damaged library is set aside: there is none at the next power-on, and a new one can be loaded."""
        values, torn = self._slot.load()
        if not values and not torn:
            return
        self.library_intact = False
        try:
            if not values:
                raise Refusal(0, "library: nobody knows which is in force")
            if values[0] == _NO_SLOT:
                self.library_intact = None
                return
            self.library = from_lines(self._lines(_LIBRARY % values[0]), self._alive)
            self.library_intact = True
        except Refusal as refusal:
            self.findings.append(refusal.reason)
        except OSError:
            self.findings.append("library: cannot be read")
        if not self.library_intact:
            self._slot.save([_NO_SLOT])

    def _open_operators(self) -> None:
        try:
            lines = list(self._kept(_OPERATORS))
            if lines:
                self.operators = json.loads(lines[0])
        except ValueError:
            self.findings.append("operators: damaged; none is known")

    def _open_calibration(self) -> None:
        """A damaged one is set aside: everything is nominal until somebody measures again."""
        try:
            lines = list(self._kept(_CALIBRATION))
            if not lines:
                return
            found = json.loads(lines[0])
            if calibration.is_whole_calibration(found):
                self.calibration = found
                return
        except ValueError:
            pass
        self.findings.append("calibration: damaged; bore, screw and sensor count as nominal")
        self.save_calibration(self.calibration)

    def _lines(self, name: str) -> "Iterator[str]":
        for line in self._store.lines(name):
            try:
                yield line.decode()
            except UnicodeError:
                yield "damaged"

    # --- while running

    def save_totals(self, totals: list[int], ledger: list[int]) -> bool:
        """A checkpoint. False: it is not stored; then nothing may be pumped."""
        self.failed = not self._totals.save([min(max(value, 0), _MOST_VALUE) for value in totals] + ledger)
        return not self.failed

    def save_settings(self, settings: "dict[str, int]") -> bool:
        """Stores all settings, or none."""
        if not self._settings.save([settings[name] for name in sorted(SETTINGS)]):
            return False
        self.settings = settings
        return True

    def keep_entry(self, entry: "Message", first: bool) -> bool:
        """Stores an entry of a library on its way in, beside the one in force; `first` begins anew. As each comes, for
        all of them at once would take longer than the watchdog waits."""
        name = _LIBRARY % self._coming_slot()
        try:
            if first:
                self._store.write(name, b"")
            self._store.append(name, entry_text(entry).encode())
        except OSError:
            return False
        return True

    def save_library(self, library: Library) -> bool:
        """Puts the library whose entries were kept in the place of the one in force."""
        slot = self._coming_slot()
        name = _LIBRARY % slot
        try:
            if not library.entries:
                self._store.write(name, b"")
            self._store.append(name, library.last_line().encode())
        except OSError:
            return False
        if not self._slot.save([slot]):
            return False
        self.library = library
        self.library_intact = True
        return True

    def _coming_slot(self) -> int:
        values, _torn = self._slot.load()
        return 1 if values and values[0] == 0 else 0

    def save_program(self, header: "Message", phases: "list[Phase]", digest: str) -> bool:
        """Keeps the program that a person has confirmed (SR-LOG-05)."""
        return self._keep(_PROGRAM, [[header, digest]] + phases)

    def program(self, first: int, most: int) -> "tuple[Message, list[Phase], str] | None":
        """Of the program that was confirmed last the header, up to `most` phases from `first`, and the digest; None
        where there is none, or a damaged one."""
        header, digest, phases = None, "", []
        try:
            for index, line in enumerate(self._kept(_PROGRAM)):
                if not index:
                    header, digest = json.loads(line)
                elif first < index <= first + most:
                    phases.append(json.loads(line))
        except (ValueError, TypeError):
            return None
        return (header, phases, digest) if header else None

    def save_operators(self, operators: "Operators") -> bool:
        """Stores who may do what."""
        if not self._keep(_OPERATORS, [operators]):
            return False
        self.operators = operators
        return True

    def save_calibration(self, measured: "Message") -> bool:
        """Stores what was measured of this pump, all of it or nothing."""
        if not self._keep(_CALIBRATION, [measured]):
            return False
        self.calibration = measured
        return True

    def forget_library(self) -> bool:
        """No library is in force any more."""
        if not self._slot.save([_NO_SLOT]):
            return False
        self.library, self.library_intact = Library(), None
        return True

    def note_library(self, utc_s: int) -> None:
        """The library in force has come in force: another line of the history, the oldest goes (SR-LIB-13)."""
        codes = " ".join(["%s/%d" % (entry["code"], entry["version"]) for entry in self.library.entries])
        line = "%d %s %s" % (utc_s, self.library.digest[:16] if codes else "none", codes)
        lines = self.library_history()[1 - _HISTORY_LINES :] + [line[:200]]
        try:
            self._store.write(_HISTORY, "\n".join(lines).encode())
        except OSError:
            self.failed = True

    def library_history(self) -> list[str]:
        """utc_s, begin of the digest, code/version of the first entries; a line each, the oldest first."""
        try:
            data = self._store.read(_HISTORY) or b""
            return data.decode().split("\n") if data else []
        except (OSError, UnicodeError):
            return []

    def _keep(self, name: str, values: "Sequence[object]") -> bool:
        """Stores values, a line each, and a CRC of them all. Never in one piece: the heap, of which a long program
        takes half, is in small ones then."""
        try:
            self._store.write_pieces(name, self._lines_with_crc(values))
        except OSError:
            return False
        return True

    def _lines_with_crc(self, values: "Sequence[object]") -> "Iterator[bytes]":
        crc = 0
        for index, value in enumerate(values):
            line = (b"\n" if index else b"") + json.dumps(value).encode()
            crc = binascii.crc32(line, crc)
            yield line
            self._alive()
        yield b" %08x" % crc

    def _kept(self, name: str) -> "Iterator[bytes]":
        """The lines that `_keep` stored; none where nothing was. ValueError behind the last if they are damaged."""
        crc, ends = 0, b""
        try:
            for line in self._store.lines(name):
                ends = line[-_CRC_BYTES:]
                line = line if line.endswith(b"\n") else line[:-_CRC_BYTES]
                crc = binascii.crc32(line, crc)
                yield line
        except OSError:
            ends = b"unreadable"
        if ends and ends != b" %08x" % crc:
            raise ValueError(name)


def is_settings(settings: "Message") -> bool:
    """Whether these are all the settings, each in its span."""
    if sorted(settings) != sorted(SETTINGS):
        return False
    for name in settings:
        value = settings[name]
        if type(value) is not int or not SETTINGS[name][0] <= value <= SETTINGS[name][1]:
            return False
    return True
