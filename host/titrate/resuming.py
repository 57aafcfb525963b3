"""The rest of a plan whose delivery was interrupted: by the pump's own count, or by a volume that somebody states.

Volume decides, and not time: nothing that was delivered is given again (SR-STOP-05). After a power cut the pump's count
is never low, so the rest is never too much. A bolus on request counts as part of the plan here. Sessions that the
clock was to begin are put off by as long as the interruption took.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from pump.core.units import MS_PER_S, NL_PER_ML
from titrate.errors import ProtocolError
from titrate.plan import Plan
from titrate.program import plan_of, program_of
from titrate.quantities import DOSE, parse

if TYPE_CHECKING:
    from titrate.client import Pump

WHERE = "--from"
SAME = ("name", "drug", "concentration_ng_ml", "weight_g")  # what the header of a rest has like the whole
NEAR_ML = Fraction(20, NL_PER_ML)  # what rounding to the wire's integers may move at a phase
NEAR_S = Fraction(5, MS_PER_S)
PER_S = 1_000_000  # a plan is cut at a whole microsecond


def rest(plan: Plan, pump: Pump, given: str) -> tuple[Plan, Fraction]:
    """(what is left of the plan, mL delivered of the whole before). given: "pump", or a volume or dose such as "12 mL".

    Raises ProtocolError if nothing is left, or the pump was at work on something else.
    """
    if given == "pump":
        time_s, done_ml = _by_the_pump(plan, pump)
    else:
        dose = parse(given, DOSE, WHERE)
        per_ml = {"mL": Fraction(1), "mg": plan.concentration_mg_ml, "mg/kg": plan.concentration_mg_ml / plan.weight_kg}
        done_ml = dose.value / per_ml[dose.unit]
        time_s = _time_s(plan, done_ml)
    if done_ml >= plan.total_ml - Fraction(1, NL_PER_ML) or time_s >= plan.duration_s:
        raise ProtocolError(WHERE, given, f"less than the whole {float(plan.total_ml):.4f} mL: nothing is left")
    return plan.after(time_s), done_ml


def _by_the_pump(plan: Plan, pump: Pump) -> tuple[Fraction, Fraction]:
    """(plan time, mL of the whole plan) at which the program that the pump had last was interrupted."""
    header, phases, _ = pump.program()
    held = plan_of(header, phases)
    asked = program_of(plan).header
    different = [name for name in SAME if header[name] != asked[name]]
    if different:
        theirs = ", ".join(f"{name} {header[name]}" for name in different)
        ours = ", ".join(f"{name} {asked[name]}" for name in different)
        raise ProtocolError(WHERE, f"pump: {theirs}", ours)
    skipped_s = max(plan.duration_s - held.duration_s, Fraction())
    whole = plan.after(skipped_s)
    if not _alike(whole, held):
        raise ProtocolError(WHERE, "pump", f"a pump that was at work on this plan of {header['name']}, or a rest of it")
    skipped_ml = plan.total_ml - whole.total_ml
    status = pump.status()
    counted_ml = infused_s = Fraction()
    if _was_started(pump):
        counted_ml = Fraction(status["counted_nl"], NL_PER_ML)
        infused_s = Fraction(status["infused_ms"], MS_PER_S)
    done_ml = skipped_ml + counted_ml
    time_s = max(_time_s(plan, done_ml), skipped_s)
    # In a pause, and within one microstep, the volume does not tell the time: the pump does.
    if plan.commanded_ml(skipped_s + infused_s) < done_ml + plan.board.step_ml(held.syringe):
        time_s = max(time_s, skipped_s + infused_s)
    return time_s, done_ml


def _alike(one: Plan, other: Plan) -> bool:
    """Whether two plans are the same but for rounding."""
    pairs = list(zip(one.phases, other.phases, strict=False))
    return len(one.phases) == len(other.phases) and all(
        ours.kind == theirs.kind
        and abs(ours.volume_ml - theirs.volume_ml) <= NEAR_ML
        and abs(ours.end_s - theirs.end_s) <= NEAR_S * (index + 1)
        for index, (ours, theirs) in enumerate(pairs)
    )


def _was_started(pump: Pump) -> bool:
    """Whether the program that was confirmed last was started: only then is the pump's count of it."""
    steps = [event["text"] for event in pump.events() if event["kind"] == "command"]
    steps = [text.partition(" ")[0] for text in steps if text.partition(" ")[0] in ("confirm", "start")]
    return not steps or steps[-1] == "start"


def _time_s(plan: Plan, volume_ml: Fraction) -> Fraction:
    """The plan time at which a volume is due, to the microsecond."""
    if volume_ml <= 0:
        return Fraction()
    return Fraction(round(plan.time_at_s(min(volume_ml, plan.total_ml)) * PER_S), PER_S)
