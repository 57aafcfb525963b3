"""Filling line or syringe, with nobody at the line's end: what is asked for, and how it ends (SR-PRIME-01, SR-PRIME-02,
SR-RES-10). Never a dose, and from the stop only (SR-DIR-01). Forward the line is filled, backward the syringe.
"""

from pump.core import alarms, courses, wire
from pump.core.program import Refusal, is_whole
from pump.core.readiness import check_acknowledged, check_ready
from pump.core.syringes import NOMINAL_NL, SYRINGES

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller
    from pump.core.hardware import Message
    from pump.core.infusion import Infusion


def _declared(pump: "Controller", method: str) -> str:
    """The declared syringe, with which the motor may run."""
    check_acknowledged(pump)
    if pump.syringe is None:
        raise Refusal(wire.NOT_IN_STATE, "%s: declare a syringe first" % method)
    check_ready(pump)
    return pump.syringe


def prime(pump: "Controller") -> "Message":
    """Fills or flushes the line, until `stop` or a time-out."""
    syringe = _declared(pump, "prime")
    pump.books.book(pump)
    pump.filling = courses.priming(pump, syringe)
    pump.event("PRIME")
    return {}


def refill(pump: "Controller", volume_nl: int) -> "Message":
    """Draws liquid into the syringe, from a line that ends in it."""
    syringe = _declared(pump, "refill")
    room_nl = SYRINGES[syringe][NOMINAL_NL] - pump.remaining_nl()
    if not is_whole(volume_nl, 1, room_nl):
        raise Refusal(wire.BEYOND_LIMIT, "volume_nl: must be 1 to %d, what the syringe has room for" % room_nl)
    pump.books.book(pump)
    pump.filling = courses.refill(pump, syringe, volume_nl)
    pump.event("REFILL")
    return {}


def over(pump: "Controller", course: "Infusion") -> None:
    """The course has come to its end: a syringe holds what was asked for, but no line is filled by a time-out."""
    if course.backward:
        pump.event("FILLED")
    else:
        pump.raise_alarms(alarms.BITS["FILLING_FAILED"])


def halted(pump: "Controller", course: "Infusion", steps: int) -> None:
    """The motor is off after so many steps: books and log say what they did."""
    pump.filling = None
    if not course.backward:
        pump.books.primed(steps)
        following = "acknowledge" if pump.state == "ALARM" else "load a program"
        pump.log.add(pump.now_ms, "primed", "%d nL used; next: %s" % (pump.nl_of(steps), following))
        return
    pump.books.refilled(steps)
    pump.log.add(pump.now_ms, "refilled", "%d nL; held now %d nL" % (pump.nl_of(steps), pump.remaining_nl()))
    if pump.state == "ALARM":
        pump.raise_alarms(alarms.BITS["FILLING_FAILED"])
