"""What outlives the power: journal, totals and dose ledger, settings, drug library, the program in force (D10).

While the motor runs the totals are saved every CHECKPOINT_S, together with the most that can be delivered until the
next time; after a power cut that much is counted as delivered, so no total is ever low.
"""

import binascii
import json

from pump.core import chain
from pump.core.checkpoint import UNSIGNED_32, Checkpoint
from pump.core.journal import Journal
from pump.core.ledger import STATE_LENGTH
from pump.core.library import Library, entry_text, from_lines
from pump.core.program import Refusal
from pump.core.wire import SETTINGS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

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
_HISTORY = "history"
_HISTORY_LINES = 16
_NO_SLOT = 2


class Memory:
    """journal: open. findings: what was wrong with the stored things at power-on, as texts.

    settings: {name: value}. library: the stored one, or an empty one. operators: as Access has them. interrupted:
    whether power failed while an infusion was under way. totals: of TOTALS, as of the last checkpoint, what may have
    been delivered after it included; None before the first one. ledger_state: for Ledger.restore, or None.
    lost_steps: to be booked on top.
    """

    def __init__(self, store: "Store") -> None:
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
        self.library_intact: "bool | None" = None
        self.settings_intact: "bool | None" = None
        self.totals: "list[int] | None" = None
        self.ledger_state: "list[int] | None" = None
        self.interrupted = False
        self.lost_steps = 0

    # --- at power-on

    def open(self, alive: "Callable[[], None]") -> None:
        """Reads everything. Nothing that is damaged is used, and each of it is in `findings`. alive(): called again
        and again, for a large library takes longer to read than the watchdog waits."""
        for name, sequence, text in self.journal.open():
            if name in chain.FAULTS:
                self.findings.append("journal: %s at record %d: %s" % (name, sequence, text))
        self._open_totals()
        self._open_settings()
        self._open_library(alive)
        self._open_operators()

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

    def _open_library(self, alive: "Callable[[], None]") -> None:
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
            self.library = from_lines(self._lines(_LIBRARY % values[0]), alive)
            self.library_intact = True
        except Refusal as refusal:
            self.findings.append(refusal.reason)
        except OSError:
            self.findings.append("library: cannot be read")
        if not self.library_intact:
            self._slot.save([_NO_SLOT])

    def _open_operators(self) -> None:
        try:
            self.operators = self._recall(_OPERATORS) or {}
        except ValueError:
            self.findings.append("operators: damaged; none is known")

    def _lines(self, name: str) -> "Iterator[str]":
        data = self._store.read(name) or b""
        at = 0
        while at < len(data):
            end = data.find(b"\n", at) + 1 or len(data)
            try:
                yield data[at:end].decode()
            except UnicodeError:
                yield "damaged"
            at = end

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
        return self._keep(_PROGRAM, [header, phases, digest])

    def program(self) -> "tuple[Message, list[Phase], str] | None":
        """The program that was confirmed last; None where there is none, or a damaged one."""
        try:
            header, phases, digest = self._recall(_PROGRAM)
        except (ValueError, TypeError):
            return None
        return header, phases, digest

    def save_operators(self, operators: "Operators") -> bool:
        """Stores who may do what."""
        if not self._keep(_OPERATORS, operators):
            return False
        self.operators = operators
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

    def _keep(self, name: str, value: object) -> bool:
        """Stores a value with its CRC."""
        data = json.dumps(value).encode()
        try:
            self._store.write(name, data + b" %08x" % binascii.crc32(data))
        except OSError:
            return False
        return True

    def _recall(self, name: str) -> "Any":
        """What was stored; None where nothing was. Raises ValueError where it is damaged."""
        try:
            data = self._store.read(name)
        except OSError:
            data = b""
        if data is None:
            return None
        end = len(data) - 9
        if end < 0 or data[end:] != b" %08x" % binascii.crc32(data[:end]):
            raise ValueError(name)
        return json.loads(data[:end].decode())


def is_settings(settings: "Message") -> bool:
    """Whether these are all the settings, each in its span."""
    if sorted(settings) != sorted(SETTINGS):
        return False
    for name in settings:
        value = settings[name]
        if type(value) is not int or not SETTINGS[name][0] <= value <= SETTINGS[name][1]:
            return False
    return True
