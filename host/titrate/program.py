"""A plan as the pump takes it: a header and phases in the wire's integers; and a plan again from those."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any

from pump.core import units, wire
from titrate.plan import Demand, Plan, PlannedPhase, nominal_nl, syringe_id

# What a program says where its file says nothing: the same on every day, and so is its digest.
NO_DATE = "0000-00-00"
NO_AUTHOR = "not stated"


@dataclass(frozen=True)
class Program:
    """header and phases as wire.PROGRAM and wire.KINDS have them. Each phase is within 1 nL of the plan.

    It unpacks into (header, phases). Called, it gives the same plan's program with another syringe, fill or author.
    """

    plan: Plan
    header: dict[str, Any]
    phases: list[list[Any]]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.header, self.phases))

    def __call__(
        self,
        syringe: str | None = None,
        fill_nl: int | None = None,
        attended: bool | None = None,
        author: str | None = None,
        date: datetime.date | None = None,
        code: str = "",
        pump: str = "",
        firmware: str = "",
        library: str = "",
    ) -> Program:
        return program_of(self.plan, syringe, fill_nl, attended, author, date, code, pump, firmware, library)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex: what a person confirms and the pump holds."""
        return str(wire.program_digest(self.header, self.phases))


def program_of(
    plan: Plan,
    syringe: str | None = None,
    fill_nl: int | None = None,
    attended: bool | None = None,
    author: str | None = None,
    date: datetime.date | None = None,
    code: str = "",
    pump: str = "",
    firmware: str = "",
    library: str = "",
) -> Program:
    """The program of a plan. fill_nl: what the syringe is to deliver, its nominal volume unless given.

    code: of the entry of the drug library, such as plan.code. A pump whose library has no such entry refuses it; with
    none, the pump takes the entry that fits drug and concentration. pump, firmware, library: the serial number and the
    begins of the digests that it is for; a pump that has others refuses it.
    """
    syringe = syringe_id(syringe or plan.syringe)
    phases = [_on_the_wire(phase) for phase in plan.phases]
    basal_pl_h = max((max(rates) for kind, _, *rates in phases if kind != "bolus"), default=0)
    demand = plan.demand or Demand(Fraction(), Fraction(), Fraction(), Fraction())
    header = {
        "name": plan.protocol,
        "drug": plan.drug,
        "code": code,
        "concentration_ng_ml": round(plan.concentration_mg_ml * units.NG_PER_MG),
        "weight_g": round(plan.weight_kg * units.G_PER_KG),
        "syringe": syringe,
        "fill_nl": nominal_nl(syringe) if fill_nl is None else fill_nl,
        "phases": len(phases),
        "basal_nl_h": ceil(Fraction(basal_pl_h, units.PL_PER_NL)),
        "bolus_nl": round(demand.volume_ml * units.NL_PER_ML),
        "bolus_ms": round(demand.over_s * units.MS_PER_S),
        "bolus_lockout_ms": round(demand.lockout_s * units.MS_PER_S),
        "attended": int(plan.attended if attended is None else attended),
        "pump": pump,
        "firmware": firmware,
        "library": library,
        "date": date.isoformat() if date else plan.date or NO_DATE,
        "author": author or plan.author or NO_AUTHOR,
    }
    return Program(plan, header, phases)


def plan_of(header: dict[str, Any], phases: list[list[Any]]) -> Plan:
    """The plan that a program is: what the pump will do, from what the pump holds.

    Titles and sources do not travel, so it has none.
    """
    concentration_mg_ml = Fraction(header["concentration_ng_ml"], units.NG_PER_MG)
    weight_kg = Fraction(header["weight_g"], units.G_PER_KG)
    planned = []
    begin_s = Fraction()
    for kind, duration_ms, *rates_pl_h in phases:
        begin_ml_h, end_ml_h, *bounds_ml_h = (Fraction(rate_pl_h, units.PL_PER_ML) for rate_pl_h in rates_pl_h)
        end_s = begin_s + Fraction(duration_ms, units.MS_PER_S)
        volume_ml = (begin_ml_h + end_ml_h) / 2 * Fraction(duration_ms, units.MS_PER_H)
        mg_kg_per_ml = concentration_mg_ml / weight_kg
        planned.append(
            PlannedPhase(
                kind=kind,
                begin_s=begin_s,
                end_s=end_s,
                begin_ml_h=begin_ml_h,
                end_ml_h=end_ml_h,
                begin_mg_kg_h=begin_ml_h * mg_kg_per_ml,
                end_mg_kg_h=end_ml_h * mg_kg_per_ml,
                volume_ml=volume_ml,
                dose_mg=volume_ml * concentration_mg_ml,
                floor_ml_h=bounds_ml_h[0] if bounds_ml_h else None,
                ceiling_ml_h=bounds_ml_h[1] if bounds_ml_h else None,
            )
        )
        begin_s = end_s
    bolus_ml = Fraction(header["bolus_nl"], units.NL_PER_ML)
    over_s = Fraction(header["bolus_ms"], units.MS_PER_S)
    lockout_s = Fraction(header["bolus_lockout_ms"], units.MS_PER_S)
    return Plan(
        protocol=header["name"],
        title="",
        drug=header["drug"],
        weight_kg=weight_kg,
        concentration_mg_ml=concentration_mg_ml,
        syringe=header["syringe"],
        phases=tuple(planned),
        code=header["code"],
        demand=Demand(bolus_ml * concentration_mg_ml, bolus_ml, over_s, lockout_s) if bolus_ml else None,
        date=header["date"],
        author=header["author"],
        attended=bool(header["attended"]),
    )


def _on_the_wire(phase: PlannedPhase) -> list[Any]:
    """[kind, duration_ms, begin_pl_h, end_pl_h], and the bounds where it has some.

    What rounding takes from the duration, it gives to the rates.
    """
    exact_ms = (phase.end_s - phase.begin_s) * units.MS_PER_S
    duration_ms = max(1, round(exact_ms))
    scale = units.PL_PER_ML * exact_ms / duration_ms
    rates_pl_h = [round(phase.begin_ml_h * scale), round(phase.end_ml_h * scale)]
    told = [phase.kind, duration_ms, *rates_pl_h]
    if phase.floor_ml_h is None or phase.ceiling_ml_h is None:
        return told
    # A rate that stands at one of its bounds stays within them when it is rounded.
    floor_pl_h, ceiling_pl_h = round(phase.floor_ml_h * units.PL_PER_ML), round(phase.ceiling_ml_h * units.PL_PER_ML)
    return [*told, min(floor_pl_h, *rates_pl_h), max(ceiling_pl_h, *rates_pl_h)]
