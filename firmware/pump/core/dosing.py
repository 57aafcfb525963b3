"""What the drug library allows the program in force: its entry, its dose windows, its boluses, its hold rate.

limits.py compares numbers and ledger.py remembers what was given; here they meet the program. Raises Refusal.
"""

from pump.core import limits
from pump.core.ledger import Ledger
from pump.core.library import HOLD, Library
from pump.core.program import Refusal
from pump.core.units import MS_PER_H, PL_PER_NL
from pump.core.wire import BEYOND_LIMIT, WRONG_PARAMETERS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Board, Message, Phase
    from pump.core.infusion import Infusion
    from pump.core.library import Incoming
    from pump.core.limits import Overrides, ProgramCheck

ANY_COUNT = 33  # more boluses than the ledger keeps: no limit of their number


def _checked(overrides: "list[object]") -> "Overrides":
    """Overrides as they must come: [[field, value], ...]."""
    for pair in overrides:
        good = isinstance(pair, list) and len(pair) == 2
        if not (good and isinstance(pair[0], str) and type(pair[1]) is int):  # type: ignore[index]
            raise Refusal(WRONG_PARAMETERS, "overrides: each must be [field, value]")
    return overrides  # type: ignore[return-value]


class Dosing:
    """library, entry: in force; no entry means that the drug library does not know the program. overrides: [field,
    value] that a person has confirmed for it. ledger: what was given, across programs and power cuts.
    """

    def __init__(self, board: "Board") -> None:
        self._board = board
        self.library = Library()
        self.incoming: "Incoming | None" = None
        self.entry: "Message | None" = None
        self.overrides = 0
        self.ledger = Ledger()
        self._check: "ProgramCheck | None" = None
        self._header: "Message" = {}
        self._bolus_steps = 0  # of the bolus that is running
        self._passed: "list[limits.Finding]" = []  # soft limits that the bolus checked last passes

    # --- a program on its way in

    def load(self, header: "Message") -> None:
        """A program begins to come in. An unknown code is refused (SR-LIB-05), none at all is not."""
        self.drop()
        entry = self.library.find(header["drug"], header["concentration_ng_ml"], header["code"])
        if header["code"] and not entry:
            raise Refusal(
                BEYOND_LIMIT, "code: the drug library has no entry %s for %s" % (header["code"], header["drug"])
            )
        self._header = header
        self.entry = entry
        if entry:
            self._check = limits.ProgramCheck(entry, header)

    def add(self, phases: list["Phase"]) -> None:
        """The program's next phases."""
        if self._check:
            self._check.add(phases)

    def drop(self) -> None:
        """No program is there any more."""
        self.entry = self._check = None
        self.overrides = 0

    def turn(self) -> None:
        """A bounded piece of the checks, behind the tick, so that `confirm` finds them made."""
        if self._check:
            self._check.turn()

    def confirm(self, overrides: "list[object]") -> "list[tuple[str, str]]":
        """Holds the whole program against its entry; what is to be logged, as (kind, text). (SR-LIB-04, SR-LIB-07)"""
        if not self._check:
            return []
        found = self._check.findings(_checked(overrides))
        self._refuse(found)
        self.overrides = len(found)
        told = [("override", text_of(finding)) for finding in found]
        return told + [("library", "%s: the program is within its limits" % self._header["code"])]

    def _refuse(self, found: "list[limits.Finding]") -> None:
        if limits.refuses(found):
            beyond = [finding for finding in found if finding[1] != limits.OVERRIDDEN]
            hard_first = sorted(beyond, key=lambda finding: finding[1])
            raise Refusal(BEYOND_LIMIT, "; ".join([text_of(finding) for finding in hard_first[:2]]))

    # --- a program under way

    def start(self, step_volume: tuple[int, int]) -> None:
        """A program starts: boluses are counted anew, the dose windows are not."""
        header, entry = self._header, self.entry
        self.ledger.begin_run()
        concentration: int = header["concentration_ng_ml"]
        self.ledger.adopt(step_volume, concentration)
        if entry:
            self.ledger.limit(limits.window_steps(entry, header["weight_g"], concentration, step_volume))
        else:
            self.ledger.unlimited()

    def adjust(self, rate_pl_h: int, overrides: "list[object]") -> list[str]:
        """Holds a new rate against the entry; the soft limits that it passes, for the log (SR-LIB-07)."""
        if not self.entry:
            return []
        found = limits.check_rate(self.entry, self._header, rate_pl_h, _checked(overrides))
        self._refuse(found)
        self.overrides += len(found)
        return [text_of(finding) for finding in found]

    def hold_bounds(self, running_pl_h: int) -> tuple[int, int]:
        """(rate in pL/h, longest time in ms) of the hold rate (SR-KVO-01, SR-KVO-02)."""
        board, entry = self._board, self.entry
        if entry:
            rate_pl_h, most_nl, most_ms = limits.hold_pl_h(entry, running_pl_h), entry["kvo_nl"], entry["kvo_ms"]
        else:
            most = min(board.KVO_NL_H, limits.KVO_MOST_NL_H) * PL_PER_NL
            rate_pl_h, most_nl, most_ms = min(running_pl_h, most), board.KVO_NL, board.KVO_MS
        if not rate_pl_h:
            return 0, 0
        return rate_pl_h, min(most_ms, most_nl * PL_PER_NL * MS_PER_H // rate_pl_h)

    def is_low(self, remaining_nl: int) -> bool:
        """Whether the syringe is at the low mark at which the entry asks for the hold rate (SR-RES-05)."""
        entry = self.entry
        return entry is not None and entry["near_empty_action"] == HOLD and remaining_nl <= entry["near_empty_nl"]

    # --- boluses

    def lockout_ms(self) -> int:
        """The longer of the program's and the entry's interval."""
        own_ms: int = self._header.get("bolus_lockout_ms", 0)
        return max(own_ms, self.entry["bolus_lockout_ms"]) if self.entry else own_ms

    def check_bolus(
        self, volume_nl: int, duration_ms: int, overrides: "list[object]", rate_pl_h: int, step_volume: tuple[int, int]
    ) -> int:
        """Volume in pL that a bolus may have now, beside a program at rate_pl_h. Refusal: beyond a limit, or too soon
        (SR-BOLUS-03, SR-BOLUS-04). 0: the dose windows have no room (SR-DOSE-03)."""
        ledger, entry = self.ledger, self.entry
        found: "list[limits.Finding]" = []
        if entry:
            found = limits.check_bolus(entry, volume_nl, duration_ms, _checked(overrides))
            self._refuse(found)
        self._passed = found
        count = entry["bolus_count"] if entry else ANY_COUNT
        window_ms = entry["bolus_window_ms"] if entry else MS_PER_H
        left_ms = ledger.lockout_left_ms(self.lockout_ms())
        if left_ms or ledger.in_bolus:
            raise Refusal(BEYOND_LIMIT, "bolus: locked out for another %d s" % -(-left_ms // 1000))
        if ledger.boluses_within(window_ms) >= count:
            raise Refusal(BEYOND_LIMIT, "bolus: %d within %d s are the most" % (count, window_ms // 1000))
        pl, divisor = step_volume
        wanted = volume_nl * PL_PER_NL * divisor // pl
        beside = rate_pl_h * duration_ms * divisor // (MS_PER_H * pl) + 1
        room = ledger.left_steps - beside
        steps = limits.bolus_steps(entry, wanted, room, step_volume) if entry else wanted
        self._bolus_steps = steps
        return volume_nl * PL_PER_NL if steps == wanted else steps * pl // divisor

    def begin_bolus(self) -> list[str]:
        """The bolus that was checked begins; the soft limits that it passes, for the log (SR-LIB-07)."""
        self.ledger.begin_bolus()
        self.overrides += len(self._passed)
        return [text_of(finding) for finding in self._passed]

    def end_bolus(self, infusion: "Infusion", at: int) -> None:
        """The bolus is over at infusion tick `at`, or what is left of it is abandoned there (SR-BOLUS-05)."""
        law = infusion.planner.law
        whole = at >= law.bolus_end
        length = law.bolus_end - law.bolus_begin
        given = self._bolus_steps
        if not whole:
            given = given * max(at - law.bolus_begin, 0) // length
            infusion.abandon_bolus(at)
        self.ledger.end_bolus(given, whole)


def text_of(finding: "limits.Finding") -> str:
    """A finding for a person."""
    name, severity, phase, value, limit, requirement = finding
    where = "" if phase < 0 else "phase %d: " % phase
    return "%s%s: %d; the %s limit is %d (%s)" % (where, name, value, severity, limit, requirement)
