"""From a protocol and a subject to a plan: doses become rates, repeats become time. Fractions all the way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pump.core import units, wire
from titrate import quantities
from titrate.errors import ProtocolError
from titrate.mixture import Mixture, mixture_for
from titrate.places import Path, key_path
from titrate.plan import Plan, PlannedPhase, syringe_id
from titrate.protocol import Bolus, Infuse, Pause, Protocol, Ramp, Repeat, Staircase, Table
from titrate.quantities import Quantity, decimal

MOST_PHASES: int = wire.PROGRAM["phases"][2]
LONGEST_PAUSE_S = Fraction(wire.MAX_PHASE_MS, units.MS_PER_S)
AGREEMENT = Fraction(1, 1000)  # people round the flow that they state


@dataclass(frozen=True)
class Stretch:
    """A phase before it has its place in time."""

    kind: str
    duration_s: Fraction
    begin_mg_h: Fraction
    end_mg_h: Fraction
    source: str | None = None


def compile_plan(protocol: Protocol, weight: str | None, session: int | None, syringe: str) -> Plan:
    """The plan of a protocol for a weight ("70 kg", or None for the file's own). Raises ProtocolError.

    session: only this pass, from 1, of the outermost repeats, counted through the file.
    """
    stated = protocol.subject.weight if weight is None else quantities.parse(weight, quantities.WEIGHT, "--weight")
    if stated is None:
        raise ProtocolError("--weight", None, 'a body weight such as "70 kg", here or in the [subject] of the file')
    compiler = Compiler(protocol, mixture_for(protocol, stated.value))
    phases, path = (protocol.phase, ()) if session is None else _pass(protocol, session)
    plan = Plan(
        protocol=protocol.protocol.name,
        title=protocol.protocol.title,
        drug=protocol.drug.name,
        weight_kg=compiler.mixture.weight_kg,
        concentration_mg_ml=compiler.mixture.concentration_mg_ml,
        syringe=syringe_id(syringe),
        phases=tuple(compiler.timed(compiler.sequence(phases, path))),
        warnings=(*compiler.warnings, *_assumptions(protocol, weight is None)),
        sources=tuple(_sources(protocol)),
    )
    if not plan.total_ml:
        raise ProtocolError(protocol.where((*path, "phase")), "only pauses", "at least one phase that infuses")
    return plan


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
            dose_mg = (stretch.begin_mg_h + stretch.end_mg_h) / 2 * stretch.duration_s / units.S_PER_H
            yield PlannedPhase(
                kind=stretch.kind,
                begin_s=begin_s,
                end_s=end_s,
                begin_ml_h=stretch.begin_mg_h / concentration_mg_ml,
                end_ml_h=stretch.end_mg_h / concentration_mg_ml,
                begin_mg_kg_h=stretch.begin_mg_h / weight_kg,
                end_mg_kg_h=stretch.end_mg_h / weight_kg,
                volume_ml=dose_mg / concentration_mg_ml,
                dose_mg=dose_mg,
                source=stretch.source,
            )
            begin_s = end_s

    def _stretches(self, phase: Table, path: Path) -> list[Stretch]:
        if isinstance(phase, Infuse):
            rate_mg_h = self._capped(self.mixture.mg(phase.infuse), phase.cap, path)
            self._check_stated_flow(phase, rate_mg_h, path)
            return [Stretch("infuse", phase.for_.value, rate_mg_h, rate_mg_h, phase.source)]
        if isinstance(phase, Ramp):
            return self._ramp(phase, path)
        if isinstance(phase, Staircase):
            first_mg_h, last_mg_h = self.mixture.mg(phase.staircase.from_), self.mixture.mg(phase.staircase.to)
            rise_mg_h = (last_mg_h - first_mg_h) / (phase.staircase.steps - 1)
            steps = range(phase.staircase.steps)
            levels_mg_h = [self._capped(first_mg_h + rise_mg_h * step, phase.cap, path) for step in steps]
            return [Stretch("infuse", phase.each.value, level, level, phase.source) for level in levels_mg_h]
        if isinstance(phase, Bolus):
            dose_mg = self._capped(self.mixture.mg(phase.bolus), phase.cap, path)
            rate_mg_h = dose_mg * units.S_PER_H / phase.over.value
            return [Stretch("bolus", phase.over.value, rate_mg_h, rate_mg_h, phase.source)]
        if isinstance(phase, Pause):
            return _pause(phase.pause.value)
        assert isinstance(phase, Repeat)
        return self._repeat(phase, path)

    def _ramp(self, phase: Ramp, path: Path) -> list[Stretch]:
        """A ramp; where it crosses its cap, a ramp and a constant rate."""
        duration_s, source = phase.for_.value, phase.source
        stated = [self.mixture.mg(rate) for rate in (phase.ramp.from_, phase.ramp.to)]
        begin_mg_h, end_mg_h = (self._capped(rate_mg_h, phase.cap, path) for rate_mg_h in stated)
        if begin_mg_h == end_mg_h:
            return [Stretch("infuse", duration_s, begin_mg_h, end_mg_h, source)]
        sloped_s = duration_s * (end_mg_h - begin_mg_h) / (stated[1] - stated[0])
        slope = Stretch("ramp", sloped_s, begin_mg_h, end_mg_h, source)
        cap_mg_h = max(begin_mg_h, end_mg_h)
        level = Stretch("infuse", duration_s - sloped_s, cap_mg_h, cap_mg_h, source)
        both = [slope, level] if end_mg_h > begin_mg_h else [level, slope]
        return [stretch for stretch in both if stretch.duration_s]

    def _repeat(self, phase: Repeat, path: Path) -> list[Stretch]:
        """Passes that begin `every` so often: a pause fills each but the last up to the start of the next."""
        once = self.sequence(phase.phase, path)
        length_s = sum((stretch.duration_s for stretch in once), Fraction())
        gap_s = phase.every.value - length_s if phase.every else Fraction()
        if phase.every and gap_s < 0:
            allowed = f"at least {decimal(length_s / units.S_PER_H)} h, the length of what is repeated"
            raise ProtocolError(self.protocol.where((*path, "every")), phase.every.text, allowed)
        between = _pause(gap_s)
        self._check_count(phase.repeat * (len(once) + len(between)) - len(between), path)
        return (once + between) * (phase.repeat - 1) + once

    def _capped(self, value: Fraction, cap: Quantity | None, path: Path) -> Fraction:
        """The value in mg or mg/h, or its cap where that is less."""
        if cap is None or value <= self.mixture.mg(cap):
            return value
        warning = f"{key_path(path)} is held at its cap, {cap.text}"
        if warning not in self.warnings:
            self.warnings.append(warning)
        return self.mixture.mg(cap)

    def _check_stated_flow(self, phase: Infuse, rate_mg_h: Fraction, path: Path) -> None:
        flow_ml_h = rate_mg_h / self.mixture.concentration_mg_ml
        if phase.rate and abs(phase.rate.value - flow_ml_h) > AGREEMENT * flow_ml_h:
            dose = f"{phase.infuse.text} is {decimal(rate_mg_h)} mg/h for {decimal(self.mixture.weight_kg)} kg"
            drug = f"{decimal(self.mixture.concentration_mg_ml)} mg/mL"
            allowed = f"{decimal(flow_ml_h)} mL/h, because {dose} and the drug has {drug}"
            raise ProtocolError(self.protocol.where((*path, "rate")), phase.rate.text, allowed)

    def _check_count(self, count: int, path: Path) -> None:
        if count > MOST_PHASES:
            allowed = f"at most {MOST_PHASES}, with repeats written out and the pauses between them counted"
            raise ProtocolError(self.protocol.where(path), f"{count} phases", allowed)


def _pause(duration_s: Fraction) -> list[Stretch]:
    """Nothing for a while, cut into pieces that the wire can hold."""
    whole, rest_s = divmod(duration_s, LONGEST_PAUSE_S)
    pieces_s = [LONGEST_PAUSE_S] * int(whole) + [rest_s] * bool(rest_s)
    return [Stretch("pause", piece_s, Fraction(), Fraction()) for piece_s in pieces_s]


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


def _sources(protocol: Protocol) -> Iterable[str]:
    """The citation, then where each number comes from, as far as the file says it."""
    header = protocol.protocol
    yield from (text for text in (header.citation, header.doi and f"doi:{header.doi}") if text)
    for path, table in _tables(protocol):
        if table.source or table.note:
            yield ": ".join(text for text in (key_path(path), table.source, table.note) if text)


def _assumptions(protocol: Protocol, of_subject: bool) -> Iterable[str]:
    """One line that names what no study says, if there is any."""
    assumed = [path for path, table in _tables(protocol) if table.source == "assumed"]
    names = [key_path(path) for path in assumed if of_subject or path != ("subject",)]
    if names:
        yield f"assumed, not stated by the study: {', '.join(names)}"


def _tables(protocol: Protocol) -> Iterable[tuple[Path, Table]]:
    yield ("drug",), protocol.drug
    yield ("subject",), protocol.subject
    yield from _walk(protocol.phase, ())


def _walk(phases: Sequence[Table], path: Path) -> Iterable[tuple[Path, Table]]:
    for index, phase in enumerate(phases):
        here = (*path, "phase", index)
        yield here, phase
        if isinstance(phase, Repeat):
            yield from _walk(phase.phase, here)
