"""What the pump says of itself at this moment: rate, progress of the program, what is left, and the status of all."""

from pump.core import alarms
from pump.core.units import PL_PER_NL, S_PER_H, TICKS_PER_MS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller
    from pump.core.hardware import Message


def rate_pl_h(pump: "Controller") -> int:
    """Rate of the motor now, that of a hold included; 0 while it is off or goes back (SR-UI-03)."""
    course = pump.course
    if not course or course.backward:
        return 0
    return course.rate_pl_h(max(course.now_ticks(pump.feeder.lead_us), 0))


def progress(pump: "Controller") -> list[int]:
    """[phase, infused_ms, rate_nl_h, asked_steps, counted_steps, counted_nl] of the program, or of the last."""
    infusion = pump.infusion
    if not infusion:
        return pump.books.last
    runs = pump.course is infusion
    at = infusion.now_ticks(pump.feeder.lead_us if runs else 0)  # else it stands where it was left
    counted = pump.total_steps - infusion.base_steps
    return [
        infusion.program_phase,
        max(at, 0) // TICKS_PER_MS,
        infusion.rate_pl_h(max(at, 0)) // PL_PER_NL if runs else 0,
        pump.feeder.asked - infusion.base_steps,
        counted,
        pump.nl_of(counted),
    ]


def empty_s(pump: "Controller", remaining_nl: int, rate_nl_h: int) -> int:
    """Seconds until so much is gone at this rate, before a start at the program's; -1 where nothing runs."""
    if pump.state == "READY" and pump.program:
        rate_nl_h = pump.program.header["basal_nl_h"]
    return remaining_nl * S_PER_H // rate_nl_h if rate_nl_h else -1


def status(pump: "Controller") -> "Message":
    """The fields of wire.STATUS; what is left and for how long is of this moment (SR-RES-01, SR-RES-03)."""
    phase, infused_ms, rate_nl_h, asked, counted, counted_nl = progress(pump)
    if pump.course is not pump.infusion:  # the hold rate, or none
        rate_nl_h = rate_pl_h(pump) // PL_PER_NL
    remaining_nl = pump.remaining_nl()
    library = pump.dosing.library
    return {
        "time_ms": pump.now_ms,
        "state": pump.state,
        "phase": phase,
        "infused_ms": infused_ms,
        "rate_nl_h": rate_nl_h,
        "asked_steps": asked,
        "counted_steps": counted,
        "counted_nl": counted_nl,
        "remaining_nl": remaining_nl,
        "empty_s": empty_s(pump, remaining_nl, rate_nl_h),
        "pressure_pa": pump.pressure_pa,
        "library": library.digest[:8] if library.entries else "",
        "overrides": pump.dosing.overrides,
        "operator": pump.access.operator,
        "muted_ms": pump.signals.muted_ms,
        "alarms": alarms.named(pump.alarms),
    }
