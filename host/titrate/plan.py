"""A plan: what will flow, when, and how much, in fractions; and the same as a program in the wire's integers.

Plan time counts from the start of the program and runs through its pauses; it stands still while a person, an alarm
or a change of syringe holds the pump.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any

from pump.core import syringes, units
from titrate.errors import ProtocolError

# What a program says where its file says nothing: the same on every day, and so is its digest.
NO_DATE = "0000-00-00"
NO_AUTHOR = "not stated"

AUTHOR = "titrate"  # of a program for which nobody gives a name


@dataclass(frozen=True)
class PlannedPhase:
    """One stretch of time with a rate that is constant or changes linearly. `kind` is one of wire.KINDS."""

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

    def volume_until_ml(self, time_s: Fraction) -> Fraction:
        """Volume of this phase up to a plan time within it."""
        elapsed_h = (time_s - self.begin_s) / units.S_PER_H
        duration_h = (self.end_s - self.begin_s) / units.S_PER_H
        return elapsed_h * (self.begin_ml_h + (self.end_ml_h - self.begin_ml_h) * elapsed_h / duration_h / 2)


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
    warnings: tuple[str, ...]
    sources: tuple[str, ...]
    code: str = ""  # of the drug library's entry; empty: the one that fits drug and concentration
    date: str = NO_DATE
    author: str = NO_AUTHOR

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
    def syringes(self) -> int:
        """How many full syringes the total takes."""
        return ceil(self.total_ml * units.NL_PER_ML / nominal_nl(self.syringe))

    @cached_property
    def _volumes_ml(self) -> list[Fraction]:
        """Volume delivered before each phase."""
        before = [Fraction()]
        for phase in self.phases[:-1]:
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

    def program(
        self,
        syringe: str | None = None,
        fill_nl: int | None = None,
        attended: bool = True,
        author: str = AUTHOR,
        date: datetime.date | None = None,
    ) -> tuple[dict[str, Any], list[list[Any]]]:
        """(header, phases) as wire.PROGRAM and wire.KINDS have them: integers in ms and pL/h.

        Each phase is within 1 nL of the plan. syringe: the plan's; fill_nl: its nominal volume. date: today.
        """
        syringe = syringe_id(syringe or self.syringe)
        phases = [_on_the_wire(phase) for phase in self.phases]
        basal_pl_h = max((max(begin, end) for kind, _, begin, end in phases if kind != "bolus"), default=0)
        header = {
            "name": self.protocol,
            "drug": self.drug,
            "code": "",
            "concentration_ng_ml": round(self.concentration_mg_ml * units.NG_PER_MG),
            "weight_g": round(self.weight_kg * units.G_PER_KG),
            "syringe": syringe,
            "fill_nl": nominal_nl(syringe) if fill_nl is None else fill_nl,
            "phases": len(self.phases),
            "basal_nl_h": -(-basal_pl_h // units.PL_PER_NL),
            "bolus_nl": 0,
            "bolus_ms": 0,
            "bolus_lockout_ms": 0,
            "attended": int(attended),
            "date": (date or datetime.date.today()).isoformat(),
            "author": author,
        }
        return header, phases

    def as_json(self) -> dict[str, Any]:
        """The document of `titrate plan --json`: the fields of the phases, totals in mL and mg, times in seconds."""
        numbers = [name for name in PlannedPhase.__dataclass_fields__ if name not in ("kind", "source")]
        return {
            "protocol": self.protocol,
            "weight_kg": float(self.weight_kg),
            "concentration_mg_ml": float(self.concentration_mg_ml),
            "phases": [
                {"kind": phase.kind} | {name: float(getattr(phase, name)) for name in numbers} for phase in self.phases
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
    """What a full syringe holds."""
    return int(syringes.SYRINGES[syringe][syringes.NOMINAL_NL])


def _on_the_wire(phase: PlannedPhase) -> list[Any]:
    """[kind, duration_ms, begin_pl_h, end_pl_h]; what rounding takes from the duration, it gives to the rates."""
    exact_ms = (phase.end_s - phase.begin_s) * units.MS_PER_S
    duration_ms = max(1, round(exact_ms))
    scale = units.PL_PER_ML * exact_ms / duration_ms
    return [phase.kind, duration_ms, round(phase.begin_ml_h * scale), round(phase.end_ml_h * scale)]
