"""What the motor may run beside the program: the hold rate, the back-off after an occlusion, filling line or syringe.

Each is a course of one phase, bounded in volume and time; None where it would move nothing.
"""

from pump.core.infusion import Infusion
from pump.core.units import MS_PER_S, PL_PER_NL, S_PER_H

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller


def hold(pump: "Controller") -> "Infusion | None":
    """At the KVO rate: at most the rate that ran, and that without any bolus (SR-KVO-01, SR-KVO-02)."""
    infusion, program = pump.infusion, pump.program
    if not infusion or not program:
        return None
    running_pl_h = infusion.phase_pl_h(max(infusion.now_ticks(pump.feeder.lead_us) - 1, 0))
    running_pl_h = min(running_pl_h, program.header["basal_nl_h"] * PL_PER_NL)
    rate_pl_h, duration_ms = pump.dosing.hold_bounds(running_pl_h)
    return _steady(pump, rate_pl_h, duration_ms, False)


def relief(pump: "Controller", delivered_steps: int) -> "Infusion | None":
    """One backward move, by no more than the course pushed that met the occlusion, be it the program or its hold
    (SR-OCC-04, SR-DIR-01). Its pace is the plunger's: what gives way in a syringe goes with its bore, and so the
    pressure falls as fast in all of them."""
    board = pump.board
    pl, divisor = pump.step_volume or (1, 1)
    rate_pl_h = pl * board.RELIEF_STEPS_PER_S * S_PER_H // divisor
    volume_pl = min(pump.nl_of(delivered_steps), board.RELIEF_NL) * PL_PER_NL
    return _steady(pump, rate_pl_h, volume_pl * S_PER_H * MS_PER_S // rate_pl_h, True)


def fastest_pl_h(pump: "Controller", syringe: str) -> int:
    """The fastest rate that board and syringe allow (SR-RATE-04, SR-MECH-03)."""
    pl, divisor = pump.step_volume_of(syringe)
    by_motor = pl * pump.board.MAX_STEPS_PER_S * S_PER_H // divisor
    return min(by_motor, pump.board.MAX_RATE_NL_H * PL_PER_NL)


def priming(pump: "Controller", syringe: str) -> "Infusion | None":
    """Fills or flushes the line (SR-PRIME-01, SR-PRIME-02)."""
    board = pump.board
    rate_pl_h = min(fastest_pl_h(pump, syringe), board.PRIME_NL_H * PL_PER_NL)
    return _steady(pump, rate_pl_h, board.PRIME_S * MS_PER_S, False)


def refill(pump: "Controller", syringe: str, volume_nl: int) -> "Infusion | None":
    """Draws liquid into the syringe (SR-RES-10)."""
    rate_pl_h = min(fastest_pl_h(pump, syringe), pump.board.REFILL_NL_H * PL_PER_NL)
    return _steady(pump, rate_pl_h, -(-volume_nl * PL_PER_NL * S_PER_H * MS_PER_S // rate_pl_h), True)


def _steady(pump: "Controller", rate_pl_h: int, duration_ms: int, backward: bool) -> "Infusion | None":
    if not pump.step_volume or not rate_pl_h or not duration_ms:
        return None
    phases = [["infuse", duration_ms, rate_pl_h, rate_pl_h]]
    course = Infusion(phases, pump.step_volume, pump.shortest_ticks, backward)
    course.copy_phases()
    return course
