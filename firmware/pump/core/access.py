"""Who may ask for what: operators and their sessions, and the two locks that only a hand at the pump opens.

Requests that start delivery or change settings want a session of a known operator, whose host has the same message
tables; settings, library and operators want an administrator's, and a pump in maintenance. Reading, stopping, pausing
and acknowledging want nothing. This guards against mistakes: whoever holds the board can reflash it.
"""

import binascii
import hashlib

from pump.core import wire
from pump.core.program import Refusal, is_text

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    Operators = dict[str, list[str | int]]  # name: [salt, digest, administrator]

IDLE_MS = 180000  # SR-AUTH-02
NOTICE_MS = 3000  # SR-AUTH-02
MAINTENANCE_MS = 600000
WRONG_TRIES, LOCKED_MS = 5, 60000  # SR-AUTH-05
MOST_OPERATORS = 8
FACTORY = "bench"  # an administrator without a passphrase, known until operators are recorded


def digest_of(salt: str, passphrase: str) -> str:
    """What is recorded of a passphrase: SHA-256 of salt and passphrase, in hex (SR-AUTH-05)."""
    return binascii.hexlify(hashlib.sha256((salt + passphrase).encode()).digest()).decode()


class Access:
    """operators: the recorded ones. operator: whose session is open, or empty. heard: somebody has confirmed buzzer and
    lights since power-on. maintenance_ms: left of maintenance. label: of the run, as the session named it.
    """

    def __init__(self, operators: "Operators") -> None:
        self.operators = operators
        self.operator = self.label = ""
        self.heard = False
        self.maintenance_ms = 0
        self._administrator = False
        self._idle_ms = self.notice_ms = 0
        self._wrong = 0
        self._locked_ms = 0

    def sign_in(self, name: str, passphrase: str, label: str, table: str) -> str:
        """Opens a session; what is to be logged. Raises Refusal for an unknown operator or passphrase, a host of other
        tables (SR-LINK-10), or a run without a label (SR-UI-11)."""
        self.sign_out()
        if table != wire.table_digest():
            raise Refusal(
                wire.DIGEST_DIFFERS, "wire: this pump has %s; install the matching host" % wire.table_digest()
            )
        if not is_text(label, 1, 40):
            raise Refusal(wire.WRONG_PARAMETERS, "label: must name the run, with 1 to 40 characters")
        if self._locked_ms > 0:
            raise Refusal(wire.NO_SESSION, "too many wrong passphrases: wait %d s" % (-(-self._locked_ms // 1000)))
        record = self.operators.get(name)
        if record is None:
            known = name == FACTORY and not self.operators and not passphrase
            administrator = known
        else:
            known = digest_of(str(record[0]), passphrase) == record[1]
            administrator = bool(record[2])
        if not known:
            self._wrong += 1
            if self._wrong >= WRONG_TRIES:
                self._wrong, self._locked_ms = 0, LOCKED_MS
            raise Refusal(wire.NO_SESSION, "no such operator, or another passphrase")
        self._wrong = self._idle_ms = 0
        self.operator, self._administrator = name, administrator
        new = "goes on with" if label == self.label else "begins"
        self.label = label
        return "%s %s run %s" % (name, new, label)

    def sign_out(self) -> None:
        """Closes the session; the next `sign_in` opens another."""
        self.operator = ""
        self._administrator = False

    def check(self, command: str) -> None:
        """Raises Refusal where a command of the table wants what is not there; else the session is used."""
        if command not in wire.SIGNED:
            return
        if not self.operator:
            raise Refusal(wire.NO_SESSION, "no session is open: sign in first")
        if command in ("LOAD", "PRIME") and not self.heard:
            raise Refusal(wire.NOT_HEARD, "hold MUTE for a second if you have heard the buzzer and seen three lights")
        if command == "CONFIGURE":
            if not self._administrator:  # SR-LIB-12
                raise Refusal(wire.NOT_ALLOWED, "%s is no administrator" % self.operator)
            if not self.maintenance_ms:
                raise Refusal(wire.NO_MAINTENANCE, "hold START for a second, then MUTE: that lets the pump be set up")
        self._idle_ms = 0

    def hear(self) -> bool:
        """Somebody at the pump says that its sound and lights are there; whether that was open (SR-POST-07)."""
        before, self.heard = self.heard, True
        return not before

    def maintain(self) -> None:
        """A hand at the pump lets it be set up, for a while (SR-AUTH-07)."""
        self.maintenance_ms = MAINTENANCE_MS

    def second(self, elapsed_ms: int, waiting: bool) -> str:
        """Lets time pass; what is to be logged. waiting: no program is under way, so an idle session ends."""
        self._locked_ms = max(self._locked_ms - elapsed_ms, 0)
        self.notice_ms = max(self.notice_ms - elapsed_ms, 0)
        if self.maintenance_ms:
            self.maintenance_ms = max(self.maintenance_ms - elapsed_ms, 0)
            if not self.maintenance_ms:
                return "maintenance is over"
        if not self.operator or not waiting:
            self._idle_ms = 0
            return ""
        self._idle_ms += elapsed_ms
        if self._idle_ms < IDLE_MS:
            return ""
        name = self.operator
        self.sign_out()
        self.notice_ms = NOTICE_MS
        return "%s: closed, nothing was asked for %d s" % (name, IDLE_MS // 1000)

    def changed(self, name: str, salt: str, digest: str, administrator: bool) -> "Operators":
        """The operators with one more, another, or, without a digest, one less, as a copy. Raises Refusal."""
        if not is_text(name, 1, 20) or not is_text(salt, 0, 32) or not is_text(digest, 0, 64):
            raise Refusal(wire.WRONG_PARAMETERS, "name of 1 to 20, salt of at most 32, digest of at most 64 characters")
        after = dict(self.operators)
        if digest:
            after[name] = [salt, digest, int(administrator)]
        elif after.pop(name, None) is None:
            raise Refusal(wire.WRONG_PARAMETERS, "name: no operator %s is recorded" % name)
        if len(after) > MOST_OPERATORS:
            raise Refusal(wire.BEYOND_LIMIT, "operators: at most %d" % MOST_OPERATORS)
        if after and not any(record[2] for record in after.values()):
            raise Refusal(wire.BEYOND_LIMIT, "operators: one of them must be an administrator")
        return after
