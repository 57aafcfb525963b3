"""What a board and a syringe cannot do of a plan, or not well: too fast, slow, much or little. Before anything moves.

The pump judges again, by its own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pump.core import syringes, units
from titrate.quantities import decimal

if TYPE_CHECKING:
    from titrate.plan import Plan, PlannedPhase

# A flow whose single steps are further apart than this is no steady flow any more.
LONGEST_STEP_S = 60


@dataclass(frozen=True)
class Finding:
    """kind: too fast, too slow, too much, too little. path: the phase of the file. stops: whether a pump refuses it."""

    kind: str
    path: str
    text: str
    stops: bool


def findings(plan: Plan) -> Iterator[Finding]:
    """The findings of a plan, each phase of the file at most once for each kind."""
    told: set[tuple[str, str]] = set()
    for phase in plan.phases:
        for finding in _of(plan, phase):
            if (finding.kind, finding.path) not in told:
                told.add((finding.kind, finding.path))
                yield finding


def _of(plan: Plan, phase: PlannedPhase) -> Iterator[Finding]:
    if phase.kind == "pause":
        return
    board, syringe = plan.board, plan.syringe
    step_ml, most_ml_h = board.step_ml(syringe), board.most_ml_h(syringe)
    name = f"{phase.path} ({phase.kind})"
    highest_ml_h = max(phase.begin_ml_h, phase.end_ml_h)
    rates_ml_h = [rate for rate in (phase.begin_ml_h, phase.end_ml_h) if rate]
    lowest_ml_h = min(rates_ml_h)
    if highest_ml_h > most_ml_h:
        fitting = [other for other in syringes.SYRINGES if board.most_ml_h(other) >= highest_ml_h]
        needed_mg_ml = plan.concentration_mg_ml * highest_ml_h / most_ml_h
        ways = [f"a drug of {decimal(needed_mg_ml)} mg/mL or more", *(f"a {other}" for other in fitting[:1])]
        if phase.kind == "bolus":
            ways.insert(0, f"at least {decimal(phase.volume_ml / most_ml_h * units.S_PER_H)} s for it")
        yield Finding(
            "too fast",
            phase.path,
            f"too fast: {name} needs {decimal(highest_ml_h)} mL/h, but {board.name} drives a {syringe} at "
            f"{decimal(most_ml_h)} mL/h at most; possible with {' or '.join(ways)}",
            True,
        )
    full_ml = Fraction(syringes.SYRINGES[syringe][syringes.NOMINAL_NL], units.NL_PER_ML)
    if phase.kind == "bolus" and phase.volume_ml > full_ml:
        yield Finding(
            "too much",
            phase.path,
            f"too much for a syringe: {name} is {decimal(phase.volume_ml)} mL, and a {syringe} delivers "
            f"{decimal(full_ml)} mL; the bolus stands still at each change",
            False,
        )
    if phase.volume_ml < step_ml:
        yield Finding(
            "too little",
            phase.path,
            f"too little: {name} is {_ul(phase.volume_ml)} µL, less than one step of {_ul(step_ml)} µL "
            f"with a {syringe} on {board.name}; nothing need move",
            False,
        )
    elif step_ml / lowest_ml_h * units.S_PER_H > LONGEST_STEP_S:
        steady_ml_h = step_ml * units.S_PER_H / LONGEST_STEP_S
        fitting = [
            other
            for other in syringes.SYRINGES
            if board.step_ml(other) / lowest_ml_h * units.S_PER_H <= LONGEST_STEP_S
            and highest_ml_h <= board.most_ml_h(other)
        ]
        weaker_mg_ml = plan.concentration_mg_ml * lowest_ml_h / steady_ml_h
        ways = [f"a {other}" for other in fitting[-1:]] + [f"a drug of {decimal(weaker_mg_ml)} mg/mL or less"]
        yield Finding(
            "too slow",
            phase.path,
            f"too slow for its step: {name} goes down to {decimal(lowest_ml_h)} mL/h, a step of {_ul(step_ml)} µL "
            f"every {decimal(round(step_ml / lowest_ml_h * units.S_PER_H, 1))} s with a {syringe} on {board.name}; "
            f"steady from {decimal(steady_ml_h)} mL/h on, or with {' or '.join(ways)}",
            False,
        )


def _ul(volume_ml: Fraction) -> str:
    return f"{float(volume_ml) * 1000:.3g}"
