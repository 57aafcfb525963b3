"""A protocol in sentences, for one subject: what is given, what follows from it, what is assumed, what is doubtful."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from pump.core import syringes
from titrate import provenance
from titrate.mixture import Mixture
from titrate.phases import Bolus, Infuse, Pause, Ramp, Repeat, Staircase, Table
from titrate.places import Path, key_path
from titrate.plan import Plan
from titrate.protocol import Protocol
from titrate.quantities import Quantity, decimal

Section = tuple[str, list[str]]

MOST_LEVELS = 12
_UNITS_S = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def sections(protocol: Protocol, plan: Plan) -> list[Section]:
    """(heading, paragraphs), the first without a heading. A paragraph that begins with spaces stands below another."""
    return [
        ("", list(_introduction(protocol, plan))),
        ("What is given", list(_Teller(protocol, plan).phases())),
        ("In all", list(_totals(protocol, plan))),
        ("Where the sources contradict each other", list(protocol.protocol.contradictions)),
        ("What no study states", list(_said(protocol, assumed=True))),
        ("Where the rest is from", list(_said(protocol, assumed=False))),
        ("Notes", list(protocol.protocol.notes)),
    ]


def span(duration_s: Fraction) -> str:
    """A duration as people say it: "4 h", "1 min 30 s", "9 d 4 h"."""
    if duration_s < 2 * 86400 and duration_s % 3600 == 0:
        return f"{duration_s / 3600} h"
    parts = []
    for name, unit_s in _UNITS_S[:-1]:
        whole, duration_s = divmod(duration_s, unit_s)
        parts += [f"{whole} {name}"] * bool(whole)
    return " ".join(parts + [f"{decimal(duration_s)} s"] * bool(duration_s or not parts))


def _introduction(protocol: Protocol, plan: Plan) -> Iterator[str]:
    header, drug, subject = protocol.protocol, protocol.drug, protocol.subject
    yield " ".join(
        text
        for text in (f"{header.citation}." if header.citation else "", f"doi:{header.doi}" if header.doi else "")
        if text
    )
    form = {"racemic": "racemic ", "S": "S(+)-", "R": "R(-)-", None: ""}[drug.enantiomer]
    sentence = f"The drug is {form}{drug.name}"
    if drug.mixed_for:
        sentence += f", mixed for each subject so that the first infusion flows at {drug.mixed_for.text}:"
    else:
        sentence += ","
    yield f"{sentence} {decimal(plan.concentration_mg_ml)} mg/mL for {decimal(plan.weight_kg)} kg."
    if drug.code:
        yield f"Its limits in the pump are those of the library entry {drug.code}."
    ranges = ((subject.weight_range, "weigh"), (subject.age_range, "are"))
    for found, verb in ranges:
        if found:
            yield f"It is for subjects who {verb} {found.from_.text} to {found.to.text}."


def _totals(protocol: Protocol, plan: Plan) -> Iterator[str]:
    flowing = "" if plan.flowing_s == plan.duration_s else f", {span(plan.flowing_s)} of it flowing"
    yield (
        f"{decimal(plan.total_mg)} mg in {decimal(plan.total_ml)} mL over {span(plan.duration_s)}{flowing}, "
        f"for {decimal(plan.weight_kg)} kg; {plan.syringes} x {syringes.SYRINGES[plan.syringe][syringes.NAME]}."
    )
    yield from (f"Limit: {key.replace('_', ' ')} {given.text}." for key, given in _limits(protocol))


def _limits(protocol: Protocol) -> Iterator[tuple[str, Quantity]]:
    for key in type(protocol.limits).model_fields:
        given = getattr(protocol.limits, key)
        if isinstance(given, Quantity):
            yield key, given


def _said(protocol: Protocol, assumed: bool) -> Iterator[str]:
    """The values that are assumed, or the others of which something is said: place, value, source, note."""
    for path, said in provenance.entries(protocol):
        if (said.source == "assumed") is assumed:
            value = provenance.value_at(protocol, path)
            place = key_path(path) if value is None else f"{key_path(path)} = {value}"
            source = None if assumed else said.source
            yield f"{place}: {', '.join(text for text in (source, said.note) if text) or 'our choice'}"


class _Teller:
    """Tells the phases, one sentence each."""

    def __init__(self, protocol: Protocol, plan: Plan) -> None:
        self._protocol = protocol
        self._mixture = Mixture(plan.weight_kg, plan.concentration_mg_ml)
        self._plan = plan

    def phases(self) -> Iterator[str]:
        yield from self._told(self._protocol.phase, (), 0)
        demand = self._protocol.demand
        if demand:
            yield (
                f"On request {demand.bolus.text} in {demand.over.text}, and no more for {demand.lockout.text} "
                "after its end; not counted in the totals."
            )

    def _told(self, phases: Sequence[Table], path: Path, depth: int) -> Iterator[str]:
        for index, phase in enumerate(phases):
            here = (*path, "phase", index)
            yield "   " * depth + f"{index + 1}. {self._sentence(phase, here)}"
            if isinstance(phase, Repeat):
                yield from self._told(phase.phase, here, depth + 1)

    def _sentence(self, phase: Table, path: Path) -> str:
        if isinstance(phase, Infuse):
            until = (
                f"for {phase.for_.text}"
                if phase.for_
                else f"until {(phase.dose or phase.volume or phase.infuse).text} are in"
            )
            return f"Infuse {phase.infuse.text} {until}{_cap(phase.cap)}: {self._flow(path)}.{_bounds(phase)}"
        if isinstance(phase, Ramp):
            verb = "Rise" if self._mixture.mg(phase.ramp.to) >= self._mixture.mg(phase.ramp.from_) else "Fall"
            ends = f"from {phase.ramp.from_.text} to {phase.ramp.to.text}"
            return f"{verb} {ends} in a straight line within {phase.for_.text}{_cap(phase.cap)}: {self._flow(path)}."
        if isinstance(phase, Staircase):
            stairs = phase.staircase
            count = f"{stairs.steps} levels" if stairs.steps else f"steps of {stairs.step.text if stairs.step else ''}"
            told = f"From {stairs.from_.text} to {stairs.to.text} in {count}, {phase.each.text} each{_cap(phase.cap)}"
            return f"{told}: {self._flow(path)}.{_bounds(phase)}"
        if isinstance(phase, Bolus):
            time = f"in {phase.over.text}" if phase.over else f"at {phase.rate.text if phase.rate else ''}"
            dose_mg = self._mixture.mg(phase.bolus)
            if phase.cap:
                dose_mg = min(dose_mg, self._mixture.mg(phase.cap))
            return f"Give {phase.bolus.text} {time}{_cap(phase.cap)}: {decimal(dose_mg)} mg, {self._flow(path)}."
        if isinstance(phase, Pause):
            return f"Wait for {phase.pause.text}."
        assert isinstance(phase, Repeat)
        times = "Once" if phase.repeat == 1 else f"{phase.repeat} times"
        return f"{times}, {f'a new start every {phase.every.text}' if phase.every else 'one after the other'}:"

    def _flow(self, path: Path) -> str:
        """The flows that a phase of the file comes to, each once; a single one in mg/h too."""
        found = [planned for planned in self._plan.phases if planned.path == key_path(path)]
        flows = list(dict.fromkeys(flow for planned in found for flow in (planned.begin_ml_h, planned.end_ml_h)))
        told = [f"{float(flow):.4g}" for flow in flows]
        if len(told) > MOST_LEVELS:
            told = [*told[:3], "…", told[-1]]
        dose = f"{float(flows[0] * self._mixture.concentration_mg_ml):.4g} mg/h, " if len(flows) == 1 else ""
        return f"{dose}{', '.join(told)} mL/h"


def _cap(cap: Quantity | None) -> str:
    return f", at most {cap.text}" if cap else ""


def _bounds(phase: Infuse | Staircase) -> str:
    bounds = phase.bounds
    return f" An operator may set {bounds.floor.text} to {bounds.ceiling.text}." if bounds else ""
