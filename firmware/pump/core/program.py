"""A program on its way in: checked part by part against the wire's table, kept, echoed, and named by its digest."""

import binascii
import hashlib

from pump.core.units import PL_PER_NL
from pump.core.wire import (
    BEYOND_LIMIT,
    KINDS,
    MAX_PHASE_MS,
    PROGRAM,
    WRONG_PARAMETERS,
    digest_header,
    digest_phases,
    program_digest,
)

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Message, Phase

PHASES_PER_LOOK = 16  # hashed at a time: a few milliseconds on the chip


class Refusal(Exception):
    """A request that the pump refuses: code of the wire's table, and the reason for a person (SR-UI-02)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether value is an integer (and not a bool) in [least, most]."""
    return type(value) is int and least <= value <= most


def is_text(value: object, least: int, most: int) -> bool:
    """Whether value is printable ASCII of least to most characters: what a digest and a display can both hold."""
    if not isinstance(value, str) or not least <= len(value) <= most:
        return False
    return all(32 <= ord(character) < 127 for character in value)


class Program:
    """A header and its phases, growing while it is loaded; fastest_pl_h is the rate that board and syringe allow.

    Raises Refusal for anything that is not exactly right.
    """

    def __init__(self, header: "Message") -> None:
        self.fastest_pl_h = 0
        for key in header:
            if key not in PROGRAM:
                raise Refusal(WRONG_PARAMETERS, "program: %r is not known" % key[:20])
        for key in sorted(PROGRAM):
            kind, least, most = PROGRAM[key]
            value = header.get(key)
            good = is_whole(value, least, most) if kind is int else is_text(value, least, most)
            if not good:
                raise Refusal(WRONG_PARAMETERS, "program: %s must be %s, %d to %d" % (key, kind.__name__, least, most))
        self.header = header
        self.phases: "list[Phase]" = []
        self._digest: "str | None" = None
        self._again: "hashlib._Hash | None" = None
        self._again_at = 0

    def add(self, first: int, phases: list["Phase"]) -> None:
        """Appends phases; `first` must be the number of phases that are there already."""
        if first != len(self.phases) or first + len(phases) > self.header["phases"]:
            raise Refusal(WRONG_PARAMETERS, "phases: %d are stored, not %d" % (len(self.phases), first))
        for index, phase in enumerate(phases):
            self._check(phase, first + index)
        self.phases += phases

    def _check(self, phase: "Phase", index: int) -> None:
        where = "phase %d: " % index
        if not isinstance(phase, list) or len(phase) not in (4, 6) or phase[0] not in KINDS:
            raise Refusal(WRONG_PARAMETERS, where + "must be [kind, duration_ms, begin_pl_h, end_pl_h]")
        kind, duration_ms, begin_pl_h, end_pl_h = phase[:4]
        if not is_whole(duration_ms, 1, MAX_PHASE_MS):
            raise Refusal(WRONG_PARAMETERS, where + "duration_ms must be 1 to %d" % MAX_PHASE_MS)
        for rate_pl_h in phase[2:]:
            if type(rate_pl_h) is not int or rate_pl_h < 0:
                raise Refusal(WRONG_PARAMETERS, where + "a rate must be a whole number of pL/h, 0 or more")
            if rate_pl_h > self.fastest_pl_h:
                raise Refusal(BEYOND_LIMIT, where + "%d pL/h; allowed are %d" % (rate_pl_h, self.fastest_pl_h))
            if kind != "bolus" and rate_pl_h > self.header["basal_nl_h"] * PL_PER_NL:
                raise Refusal(BEYOND_LIMIT, where + "faster than basal_nl_h, %d" % self.header["basal_nl_h"])
        if kind != "ramp" and begin_pl_h != end_pl_h:
            raise Refusal(WRONG_PARAMETERS, where + "only a ramp has two rates")
        if phase[4:] and not (kind == "infuse" and phase[4] <= begin_pl_h <= phase[5]):
            raise Refusal(WRONG_PARAMETERS, where + "bounds belong to a constant rate, which is within them")
        if kind == "pause" and begin_pl_h:
            raise Refusal(WRONG_PARAMETERS, where + "a pause has rate 0")

    @property
    def complete(self) -> bool:
        wanted: int = self.header["phases"]
        return len(self.phases) == wanted

    @property
    def digest(self) -> "str | None":
        """SHA-256 in hex of a complete program, else None."""
        if self._digest is None and self.complete:
            self._digest = program_digest(self.header, self.phases)
        return self._digest

    def intact(self) -> bool:
        """Whether header and phases still have the digest."""
        return program_digest(self.header, self.phases) == self._digest

    def recheck(self) -> bool:
        """The same, a bounded piece with each call; False once a whole round has found a difference (SR-DIAG-09)."""
        if self._again is None:
            self._again, self._again_at = hashlib.sha256(), 0
            digest_header(self._again, self.header)
        at = self._again_at
        digest_phases(self._again, self.phases[at : at + PHASES_PER_LOOK])
        self._again_at = at + PHASES_PER_LOOK
        if self._again_at < len(self.phases):
            return True
        found = binascii.hexlify(self._again.digest()).decode()
        self._again = None
        return found == self._digest
