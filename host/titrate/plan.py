"""A plan: what will flow, when, and how much, in fractions. The same in the wire's integers is in program.py.

Plan time counts from the start of the program and runs through its pauses; it stands still while a person, an alarm
or a change of syringe holds the pump.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from pump.core import syringes, units
from titrate.boards import BOARDS, Board
from titrate.errors import ProtocolError

if TYPE_CHECKING:
    from titrate.feasibility import Finding
    from titrate.program import Program

# A syringe is filled with this much more than it is to deliver, and keeps it (SR-RES-06).
RESERVE_ML = Fraction(syringes.RESERVE_NL, units.NL_PER_ML)

# What the document of a plan tells of each phase.
_NUMBERS = (
    "begin_s", "end_s", "begin_ml_h", "end_ml_h", "begin_mg_kg_h", "end_mg_kg_h", "volume_ml", "dose_mg",
)  # fmt: skip


@dataclass(frozen=True)
class PlannedPhase:
    """One stretch of time with a rate that is constant or changes linearly. `kind` is one of wire.KINDS.

    path: the phase of the file, as "phase[0]". floor and ceiling: between what an operator may set the rate.
    """

    kind: str
    begin_s: Fraction
    end_s: Fraction
    begin_ml_h: Fraction
    end_ml_h: Fraction
    begin_mg_kg_h: Fraction
    end_mg_kg_h: Fraction
    volume_ml: Fraction
    dose_mg: Fraction
    source: str | None = None
    path: str = ""
    floor_ml_h: Fraction | None = None
    ceiling_ml_h: Fraction | None = None

    def volume_until_ml(self, time_s: Fraction) -> Fraction:
        """Volume of this phase up to a plan time within it."""
        elapsed_h = (time_s - self.begin_s) / units.S_PER_H
        duration_h = (self.end_s - self.begin_s) / units.S_PER_H
        return elapsed_h * (self.begin_ml_h + (self.end_ml_h - self.begin_ml_h) * elapsed_h / duration_h / 2)

    def time_at_s(self, volume_ml: Fraction) -> float:
        """Plan time at which so much of this phase's volume is out."""
        if self.begin_ml_h == self.end_ml_h:
            return float(self.begin_s + volume_ml / self.begin_ml_h * units.S_PER_H)
        duration_h = (self.end_s - self.begin_s) / units.S_PER_H
        slope = (self.end_ml_h - self.begin_ml_h) / duration_h
        root = sqrt(max(float(self.begin_ml_h**2 + 2 * slope * volume_ml), 0.0))
        return float(self.begin_s) + 2 * float(volume_ml) / (float(self.begin_ml_h) + root) * units.S_PER_H


@dataclass(frozen=True)
class Demand:
    """A bolus that the subject asks for with the pump's key."""

    dose_mg: Fraction
    volume_ml: Fraction
    over_s: Fraction
    lockout_s: Fraction


@dataclass(frozen=True)
class Plan:
    """What a protocol means for one subject. Phases follow each other without gap; rates and volumes are exact."""

    protocol: str
    title: str
    drug: str
    weight_kg: Fraction
    concentration_mg_ml: Fraction
    syringe: str
    phases: tuple[PlannedPhase, ...]
    warnings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    code: str = ""  # of the drug library's entry; empty: the one that fits drug and concentration
    demand: Demand | None = None
    board: Board = BOARDS["pico"]
    date: str | None = None
    author: str | None = None
    attended: bool = True

    @cached_property
    def total_ml(self) -> Fraction:
        """Volume of the whole plan."""
        return sum((phase.volume_ml for phase in self.phases), Fraction())

    @cached_property
    def total_mg(self) -> Fraction:
        """Dose of the whole plan."""
        return sum((phase.dose_mg for phase in self.phases), Fraction())

    @property
    def duration_s(self) -> Fraction:
        """Plan time at the end of the last phase."""
        return self.phases[-1].end_s

    @property
    def flowing_s(self) -> Fraction:
        """The part of it in which something flows."""
        return sum((phase.end_s - phase.begin_s for phase in self.phases if phase.kind != "pause"), Fraction())

    @property
    def syringes(self) -> int:
        """How many full syringes the total takes."""
        return ceil(self.total_ml * units.NL_PER_ML / nominal_nl(self.syringe))

    @property
    def fills_ml(self) -> tuple[Fraction, Fraction]:
        """What to draw up into each syringe but the last, and into the last: what it delivers, and the reserve."""
        nominal_ml = Fraction(nominal_nl(self.syringe), units.NL_PER_ML)
        return nominal_ml + RESERVE_ML, self.total_ml - (self.syringes - 1) * nominal_ml + RESERVE_ML

    def changes_s(self, most: int = 1000) -> list[float]:
        """Plan times at which a syringe is empty and more is to come; at most so many of them."""
        nominal_ml = Fraction(nominal_nl(self.syringe), units.NL_PER_ML)
        return [self.time_at_s(nominal_ml * number) for number in range(1, min(self.syringes, most + 1))]

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the pump and the syringe cannot do of this plan, or not well."""
        from titrate.feasibility import findings

        return tuple(findings(self))

    @cached_property
    def program(self) -> Program:
        """What goes to the pump: header, phases, digest. Called, it gives one with another syringe or fill."""
        from titrate.program import program_of

        return program_of(self)

    @cached_property
    def _volumes_ml(self) -> list[Fraction]:
        """Volume delivered before each phase, and at the end."""
        before = [Fraction()]
        for phase in self.phases:
            before.append(before[-1] + phase.volume_ml)
        return before

    @cached_property
    def _begins_s(self) -> list[Fraction]:
        return [phase.begin_s for phase in self.phases]

    def commanded_ml(self, time_s: float | Fraction) -> Fraction:
        """Exact volume that is due at a plan time in seconds; 0 before the start, the total after the end."""
        time = min(max(Fraction(time_s), Fraction()), self.duration_s)
        index = bisect_right(self._begins_s, time) - 1
        return self._volumes_ml[index] + self.phases[index].volume_until_ml(time)

    def time_at_s(self, volume_ml: Fraction) -> float:
        """The first plan time at which a volume, more than 0 and at most the total, is due."""
        index = next(index for index in range(len(self.phases)) if self._volumes_ml[index + 1] >= volume_ml)
        return self.phases[index].time_at_s(volume_ml - self._volumes_ml[index])

    def after(self, time_s: Fraction) -> Plan:
        """What is left of the plan behind a plan time before its end. Its time begins there."""
        phases = []
        for phase in self.phases:
            if phase.end_s <= time_s:
                continue
            cut_s = max(time_s, phase.begin_s)
            part = (cut_s - phase.begin_s) / (phase.end_s - phase.begin_s)
            gone_ml = phase.volume_until_ml(cut_s)
            phases.append(
                replace(
                    phase,
                    begin_s=cut_s - time_s,
                    end_s=phase.end_s - time_s,
                    begin_ml_h=phase.begin_ml_h + part * (phase.end_ml_h - phase.begin_ml_h),
                    begin_mg_kg_h=phase.begin_mg_kg_h + part * (phase.end_mg_kg_h - phase.begin_mg_kg_h),
                    volume_ml=phase.volume_ml - gone_ml,
                    dose_mg=phase.dose_mg - gone_ml * self.concentration_mg_ml,
                )
            )
        return replace(self, phases=tuple(phases))

    def as_json(self) -> dict[str, Any]:
        """The document of `titrate plan --json`: the fields of the phases, totals in mL and mg, times in seconds."""
        return {
            "protocol": self.protocol,
            "weight_kg": float(self.weight_kg),
            "concentration_mg_ml": float(self.concentration_mg_ml),
            "phases": [
                {"kind": phase.kind} | {name: float(getattr(phase, name)) for name in _NUMBERS} for phase in self.phases
            ],
            "total_ml": float(self.total_ml),
            "total_mg": float(self.total_mg),
            "duration_s": float(self.duration_s),
            "syringes": self.syringes,
            "warnings": list(self.warnings),
            "sources": list(self.sources),
        }


def syringe_id(name: str) -> str:
    """The name, if the pump knows that syringe. Raises ProtocolError."""
    if name not in syringes.SYRINGES:
        raise ProtocolError("--syringe", name, f"one of {', '.join(syringes.SYRINGES)}")
    return name


def nominal_nl(syringe: str) -> int:
    """What a full syringe delivers."""
    return int(syringes.SYRINGES[syringe][syringes.NOMINAL_NL])
