"""From a protocol and a subject to a plan: doses become rates, repeats become time. Fractions all the way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from pump.core import units, wire
from titrate import agreement, limits, provenance, quantities
from titrate.boards import board_of
from titrate.errors import ProtocolError
from titrate.mixture import Mixture, agree, mixture_for
from titrate.phases import MOST_STEPS, Bolus, Infuse, Pause, Ramp, Repeat, Staircase, Table
from titrate.places import Path, key_path
from titrate.plan import Demand, Plan, PlannedPhase, syringe_id
from titrate.protocol import Protocol
from titrate.quantities import Quantity, decimal
from titrate.stretches import Stretch, length_s, pause
from titrate.subject import weight_kg_of

MOST_PHASES: int = wire.PROGRAM["phases"][2]
MOST_DEMAND_NL: int = wire.PROGRAM["bolus_nl"][2]
FASTEST_ML_H: int = wire.PROGRAM["basal_nl_h"][2] // units.NL_PER_ML  # that a program can say


def compile_plan(
    protocol: Protocol, weight: str | None, age: str | None, session: int | None, syringe: str, board: str
) -> Plan:
    """The plan of a protocol for a weight ("70 kg", or None for the file's own). Raises ProtocolError.

    session: only this pass, from 1, of the outermost repeats, counted through the file.
    """
    weight_kg, warnings = weight_kg_of(protocol, weight, age)
    compiler = Compiler(protocol, mixture_for(protocol, weight_kg))
    phases, path = (protocol.phase, ()) if session is None else _pass(protocol, session)
    stretches = compiler.sequence(phases, path)
    if not any(stretch.dose_mg for stretch in stretches):
        raise ProtocolError(protocol.where((*path, "phase")), "only pauses", "at least one phase that infuses")
    limits.check(protocol, compiler.mixture, stretches)
    assumed = [key_path(where) for where, _ in provenance.assumptions(protocol, weight is None)]
    plan = Plan(
        protocol=protocol.protocol.name,
        title=protocol.protocol.title,
        drug=protocol.drug.name,
        weight_kg=compiler.mixture.weight_kg,
        concentration_mg_ml=compiler.mixture.concentration_mg_ml,
        syringe=syringe_id(syringe),
        phases=tuple(compiler.timed(stretches)),
        sources=tuple(provenance.sources(protocol)),
        code=protocol.drug.code or "",
        demand=compiler.demand(),
        board=board_of(board),
        date=protocol.protocol.date,
        author=protocol.protocol.author,
    )
    warnings += [*(finding.text for finding in plan.findings), *compiler.warnings]
    warnings += [f"assumed, not stated by the study: {', '.join(assumed)}"] * bool(assumed)
    return replace(plan, warnings=tuple(warnings))


@dataclass
class Compiler:
    """Turns phases into stretches for one subject, and collects what a person should know."""

    protocol: Protocol
    mixture: Mixture
    warnings: list[str] = field(default_factory=list)

    def sequence(self, phases: Sequence[Table], path: Path) -> list[Stretch]:
        """The stretches of phases that follow each other."""
        stretches: list[Stretch] = []
        for index, phase in enumerate(phases):
            here = (*path, "phase", index)
            stretches += self._stretches(phase, here)
            self._check_count(len(stretches), here)
        return stretches

    def timed(self, stretches: Iterable[Stretch]) -> Iterable[PlannedPhase]:
        """The stretches set one after the other, in all their units."""
        concentration_mg_ml, weight_kg = self.mixture.concentration_mg_ml, self.mixture.weight_kg
        begin_s = Fraction()
        for stretch in stretches:
            end_s = begin_s + stretch.duration_s
            bounds = (stretch.floor_mg_h, stretch.ceiling_mg_h)
            floor_ml_h, ceiling_ml_h = (None if mg_h is None else mg_h / concentration_mg_ml for mg_h in bounds)
            yield PlannedPhase(
                kind=stretch.kind,
                begin_s=begin_s,
                end_s=end_s,
                begin_ml_h=stretch.begin_mg_h / concentration_mg_ml,
                end_ml_h=stretch.end_mg_h / concentration_mg_ml,
                begin_mg_kg_h=stretch.begin_mg_h / weight_kg,
                end_mg_kg_h=stretch.end_mg_h / weight_kg,
                volume_ml=stretch.dose_mg / concentration_mg_ml,
                dose_mg=stretch.dose_mg,
                source=stretch.source,
                path=key_path(stretch.path),
                floor_ml_h=floor_ml_h,
                ceiling_ml_h=ceiling_ml_h,
            )
            begin_s = end_s

    def demand(self) -> Demand | None:
        """The bolus on request, if the file has one."""
        given = self.protocol.demand
        if given is None:
            return None
        dose_mg = self.mixture.mg(given.bolus)
        volume_ml = dose_mg / self.mixture.concentration_mg_ml
        if not 1 <= round(volume_ml * units.NL_PER_ML) <= MOST_DEMAND_NL:
            allowed = f"0.000001 to {MOST_DEMAND_NL // units.NL_PER_ML} mL, but it is {decimal(volume_ml)} mL"
            raise ProtocolError(self.protocol.where(("demand", "bolus")), given.bolus.text, allowed)
        return Demand(dose_mg, volume_ml, given.over.value, given.lockout.value)

    def _stretches(self, phase: Table, path: Path) -> list[Stretch]:
        if isinstance(phase, Infuse):
            stretches = [self._infuse(phase, path)]
        elif isinstance(phase, Ramp):
            stretches = self._ramp(phase, path)
        elif isinstance(phase, Staircase):
            stretches = self._staircase(phase, path)
        elif isinstance(phase, Bolus):
            stretches = [self._bolus(phase, path)]
        elif isinstance(phase, Pause):
            return pause(phase.pause.value, path)
        else:
            assert isinstance(phase, Repeat)
            return self._repeat(phase, path)
        agreement.check(self.protocol, self.mixture, phase, stretches, path)
        self._check_flow(stretches, path)
        source = provenance.source_of(self.protocol, phase, path)
        return [replace(stretch, source=source) for stretch in stretches]

    def _infuse(self, phase: Infuse, path: Path) -> Stretch:
        rate_mg_h = self._capped(self.mixture.mg(phase.infuse), phase.cap, path)
        floor, ceiling = self._bounds(phase, phase.infuse, [rate_mg_h], path)
        duration_s = phase.for_.value if phase.for_ else self._duration_s(phase, rate_mg_h, path)
        return Stretch("infuse", duration_s, rate_mg_h, rate_mg_h, path, None, floor, ceiling)

    def _ramp(self, phase: Ramp, path: Path) -> list[Stretch]:
        """A ramp; where it crosses its cap, a ramp and a constant rate."""
        duration_s = phase.for_.value
        stated = [self.mixture.mg(rate) for rate in (phase.ramp.from_, phase.ramp.to)]
        begin_mg_h, end_mg_h = (self._capped(rate_mg_h, phase.cap, path) for rate_mg_h in stated)
        if begin_mg_h == end_mg_h:
            return [Stretch("infuse", duration_s, begin_mg_h, end_mg_h, path)]
        sloped_s = duration_s * (end_mg_h - begin_mg_h) / (stated[1] - stated[0])
        slope = Stretch("ramp", sloped_s, begin_mg_h, end_mg_h, path)
        cap_mg_h = max(begin_mg_h, end_mg_h)
        level = Stretch("infuse", duration_s - sloped_s, cap_mg_h, cap_mg_h, path)
        both = [slope, level] if end_mg_h > begin_mg_h else [level, slope]
        return [stretch for stretch in both if stretch.duration_s]

    def _staircase(self, phase: Staircase, path: Path) -> list[Stretch]:
        first_mg_h, last_mg_h = self.mixture.mg(phase.staircase.from_), self.mixture.mg(phase.staircase.to)
        steps = self._steps(phase, abs(last_mg_h - first_mg_h), path)
        rise_mg_h = (last_mg_h - first_mg_h) / (steps - 1)
        levels = [self._capped(first_mg_h + rise_mg_h * step, phase.cap, path) for step in range(steps)]
        floor, ceiling = self._bounds(phase, phase.staircase.from_, levels, path)
        return [Stretch("infuse", phase.each.value, level, level, path, None, floor, ceiling) for level in levels]

    def _steps(self, phase: Staircase, rise_mg_h: Fraction, path: Path) -> int:
        """How many levels a staircase has, from `steps`, `step` or both."""
        stairs = phase.staircase
        if stairs.step is None:
            assert stairs.steps
            return stairs.steps
        ends = f"from {stairs.from_.text} to {stairs.to.text}"
        step_mg_h = self.mixture.mg(stairs.step)
        steps = round(rise_mg_h / step_mg_h)
        if not 1 <= steps < MOST_STEPS or not agree(steps * step_mg_h, rise_mg_h):
            fitting = min(max(steps, 1), MOST_STEPS - 1)
            allowed = (
                f"what leads {ends} in 1 to {MOST_STEPS - 1} equal steps {self.mixture.of_subject}, "
                f"such as {decimal(rise_mg_h / fitting)} mg/h in {fitting}"
            )
            raise ProtocolError(self.protocol.where((*path, "staircase", "step")), stairs.step.text, allowed)
        if stairs.steps not in (None, steps + 1):
            allowed = f"{steps + 1} levels, because it goes {ends} by {stairs.step.text} {self.mixture.of_subject}"
            raise ProtocolError(self.protocol.where((*path, "staircase", "steps")), stairs.steps, allowed)
        return steps + 1

    def _bolus(self, phase: Bolus, path: Path) -> Stretch:
        dose_mg = self._capped(self.mixture.mg(phase.bolus), phase.cap, path)
        if phase.over:
            over_s = phase.over.value
        else:
            assert phase.rate
            over_s = dose_mg / self.mixture.mg(phase.rate) * units.S_PER_H
            self._check_duration(over_s, phase.rate, (*path, "rate"))
        rate_mg_h = dose_mg * units.S_PER_H / over_s
        return Stretch("bolus", over_s, rate_mg_h, rate_mg_h, path)

    def _repeat(self, phase: Repeat, path: Path) -> list[Stretch]:
        """Passes that begin `every` so often: a pause fills each but the last up to the start of the next."""
        once = self.sequence(phase.phase, path)
        gap_s = phase.every.value - length_s(once) if phase.every else Fraction()
        if phase.every and gap_s < 0:
            allowed = f"at least {decimal(length_s(once) / units.S_PER_H)} h, the length of what is repeated"
            raise ProtocolError(self.protocol.where((*path, "every")), phase.every.text, allowed)
        between = pause(gap_s, path)
        self._check_count(phase.repeat * (len(once) + len(between)) - len(between), path)
        return (once + between) * (phase.repeat - 1) + once

    def _duration_s(self, phase: Infuse, rate_mg_h: Fraction, path: Path) -> Fraction:
        """How long an infusion takes whose dose or volume is stated instead."""
        given, key = (phase.dose, "dose") if phase.dose else (phase.volume, "volume")
        assert given
        duration_s = self.mixture.mg(given) / rate_mg_h * units.S_PER_H
        self._check_duration(duration_s, given, (*path, key))
        return duration_s

    def _check_duration(self, duration_s: Fraction, given: Quantity, path: Path) -> None:
        least_s, most_s = quantities.DURATION.units["s"]
        if not least_s <= duration_s <= most_s:
            allowed = f"what takes {least_s} s to {most_s / units.S_PER_H} h, but this takes {decimal(duration_s)} s"
            raise ProtocolError(self.protocol.where(path), given.text, allowed)

    def _capped(self, value: Fraction, cap: Quantity | None, path: Path) -> Fraction:
        """The value in mg or mg/h, or its cap where that is less."""
        if cap is None or value <= self.mixture.mg(cap):
            return value
        warning = f"{key_path(path)} is held at its cap, {cap.text}"
        if warning not in self.warnings:
            self.warnings.append(warning)
        return self.mixture.mg(cap)

    def _bounds(
        self, phase: Infuse | Staircase, stated: Quantity, levels_mg_h: list[Fraction], path: Path
    ) -> tuple[Fraction | None, Fraction | None]:
        """Floor and ceiling in mg/h, the cap counted in, after checking that the levels are between them."""
        bounds, cap = phase.bounds, phase.cap
        if bounds is None:
            return None, None
        floor_mg_h, ceiling_mg_h = self.mixture.mg(bounds.floor), self.mixture.mg(bounds.ceiling)
        span = f"{bounds.floor.text} to {bounds.ceiling.text}"
        if floor_mg_h > ceiling_mg_h:
            allowed = f"a floor below the ceiling {self.mixture.of_subject}"
            raise ProtocolError(self.protocol.where((*path, "bounds")), span, allowed)
        if cap and self.mixture.mg(cap) < floor_mg_h:
            allowed = f"at least {bounds.floor.text}, the floor of the bounds, {self.mixture.of_subject}"
            raise ProtocolError(self.protocol.where((*path, "cap")), cap.text, allowed)
        if cap:
            ceiling_mg_h = min(ceiling_mg_h, self.mixture.mg(cap))
        for level_mg_h in levels_mg_h:
            if not floor_mg_h <= level_mg_h <= ceiling_mg_h:
                allowed = f"{span}, the bounds of this phase; it comes to {decimal(level_mg_h)} mg/h"
                where = self.protocol.where((*path, type(phase).__name__.lower()))
                raise ProtocolError(where, stated.text, f"{allowed} {self.mixture.of_subject}")
        return floor_mg_h, ceiling_mg_h

    def _check_flow(self, stretches: list[Stretch], path: Path) -> None:
        for stretch in stretches:
            flow_ml_h = stretch.highest_mg_h / self.mixture.concentration_mg_ml
            if flow_ml_h > FASTEST_ML_H:
                allowed = f"at most {FASTEST_ML_H} mL/h; what is stated comes to more {self.mixture.of_subject}"
                raise ProtocolError(self.protocol.where(path), f"{decimal(flow_ml_h)} mL/h", allowed)

    def _check_count(self, count: int, path: Path) -> None:
        if count > MOST_PHASES:
            allowed = f"at most {MOST_PHASES}, with repeats written out and the pauses between them counted"
            raise ProtocolError(self.protocol.where(path), f"{count} phases", allowed)


def _pass(protocol: Protocol, session: int) -> tuple[Sequence[Table], Path]:
    """The phases of one session, with the path of the repeat that holds them."""
    passes = 0
    for index, phase in enumerate(protocol.phase):
        if isinstance(phase, Repeat):
            passes += phase.repeat
            if 1 <= session <= passes:
                return phase.phase, ("phase", index)
    allowed = f"1 to {passes}, the passes of the outermost repeat" if passes else "none, for nothing is repeated here"
    raise ProtocolError("--session", session, allowed)
