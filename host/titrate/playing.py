"""Plays a plan on a pump, from the fitted syringe to the last step, and keeps what was counted and delivered.

It shows nothing and asks nobody: whoever calls is told of every status, and is asked to change the syringe.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pump.core.alarms import ALARMS, EFFECT, HIGH, KEEP, MEDIUM, PRIORITY
from pump.core.units import MS_PER_S, NL_PER_ML
from titrate.client import Pump, Status
from titrate.plan import Plan, PlannedPhase, nominal_nl
from titrate.plot import Series

TOLERANCE_PERCENT = 2.0  # of the delivered volume: what makers of syringe pumps claim at 1 mL/h and above
UL_PER_ML = 1000
PRIORITY_NAMES = {HIGH: "high", MEDIUM: "medium"}


class Bench(Protocol):
    """What a simulated port carries: the open end of the line, and hands."""

    simulated: bool
    seed: int

    @property
    def delivered_ul(self) -> float: ...
    def change_syringe(self) -> None: ...


@dataclass
class Alarm:
    """One alarm of a session; times in seconds of device time since the start."""

    name: str
    raised_s: float
    cleared_s: float | None = None

    @property
    def priority(self) -> str:
        return PRIORITY_NAMES.get(ALARMS[self.name][PRIORITY], "low")


@dataclass
class PhaseResult:
    """A planned phase beside what came out; rates are means over the part of it that was reached."""

    phase: PlannedPhase
    reached_s: float
    commanded_mg_kg_h: float
    delivered_mg_kg_h: float

    @property
    def error_percent(self) -> float | None:
        if not self.commanded_mg_kg_h:
            return None
        return 100 * (self.delivered_mg_kg_h / self.commanded_mg_kg_h - 1)


@dataclass
class Session:
    """What one run gave. outcome: complete, stopped or alarm. Volumes in mL; delivered_ml is None without a bench."""

    plan: Plan
    hello: dict[str, Any]
    bench: Bench | None
    outcome: str = "stopped"
    alarms: list[Alarm] = field(default_factory=list)
    device_seconds: float = 0.0
    syringes_fitted: int = 1
    _times_ms: array[int] = field(default_factory=lambda: array("q", [0]))
    _counted_nl: array[int] = field(default_factory=lambda: array("q", [0]))
    _delivered_ul: array[float] = field(default_factory=lambda: array("d", [0.0]))

    def sample(self, status: Status, delivered_ul: float | None) -> None:
        self._times_ms.append(status["infused_ms"])
        self._counted_nl.append(status["counted_nl"])
        self._delivered_ul.append(delivered_ul or 0.0)

    @property
    def series(self) -> Series:
        """Samples over plan time, one a second and one at each change."""
        delivered_ml = np.array(self._delivered_ul) / UL_PER_ML if self.bench else None
        counted_ml = np.array(self._counted_nl, dtype=float) / NL_PER_ML
        time_s = np.maximum.accumulate(np.array(self._times_ms, dtype=float)) / MS_PER_S  # a back-off turns it back
        return Series(time_s, counted_ml, delivered_ml)

    @property
    def reached_s(self) -> float:
        """Plan time that was reached."""
        return min(self._times_ms[-1] / MS_PER_S, float(self.plan.duration_s))

    @property
    def commanded_ml(self) -> float:
        """Due by the plan at the time that was reached."""
        return float(self.plan.commanded_ml(self.reached_s))

    @property
    def counted_ml(self) -> float:
        return self._counted_nl[-1] / NL_PER_ML

    @property
    def delivered_ml(self) -> float | None:
        return self._delivered_ul[-1] / UL_PER_ML if self.bench else None

    @property
    def measured_ml(self) -> float:
        """What left the line where that is known, else what was counted."""
        return self.counted_ml if self.delivered_ml is None else self.delivered_ml

    @property
    def error_percent(self) -> float | None:
        due_ml = self.commanded_ml
        return 100 * (self.measured_ml / due_ml - 1) if due_ml else None

    def within(self, tolerance_percent: float) -> bool:
        """Whether everything came out, and as much as it should."""
        error = self.error_percent
        return self.outcome == "complete" and (error is None or abs(error) <= tolerance_percent)

    def phases(self) -> list[PhaseResult]:
        """Every phase that was reached, commanded beside delivered."""
        series = self.series
        measured_ml = series.counted_ml if series.delivered_ml is None else series.delivered_ml
        mg_kg_per_ml = float(self.plan.concentration_mg_ml / self.plan.weight_kg)
        results = []
        for phase in self.plan.phases:
            begin_s, end_s = float(phase.begin_s), min(float(phase.end_s), self.reached_s)
            if end_s <= begin_s:
                break
            begin_ml, end_ml = np.interp([begin_s, end_s], series.time_s, measured_ml)
            due_ml = float(self.plan.commanded_ml(end_s) - self.plan.commanded_ml(begin_s))
            per_h = mg_kg_per_ml * 3600 / (end_s - begin_s)
            results.append(PhaseResult(phase, end_s, due_ml * per_h, float(end_ml - begin_ml) * per_h))
        return results

    def as_json(self, target: str, wall_seconds: float) -> dict[str, Any]:
        """The document of `titrate play --json`."""
        totals = self.plan.as_json()
        return {
            **{key: totals[key] for key in totals if key not in ("phases", "warnings", "sources")},
            "target": target,
            "outcome": self.outcome,
            "commanded_ml": self.commanded_ml,
            "counted_ml": self.counted_ml,
            "delivered_ml": self.delivered_ml,
            "error_percent": self.error_percent,
            "phases": [
                {
                    "kind": result.phase.kind,
                    "begin_s": float(result.phase.begin_s),
                    "end_s": float(result.phase.end_s),
                    "commanded_mg_kg_h": result.commanded_mg_kg_h,
                    "delivered_mg_kg_h": result.delivered_mg_kg_h,
                    "error_percent": result.error_percent,
                }
                for result in self.phases()
            ],
            "alarms": [
                {
                    "name": alarm.name,
                    "priority": alarm.priority,
                    "raised_s": alarm.raised_s,
                    "cleared_s": alarm.cleared_s,
                }
                for alarm in self.alarms
            ],
            "syringes_fitted": self.syringes_fitted,
            "warnings": list(self.plan.warnings),
            "sources": list(self.plan.sources),
            "device_seconds": self.device_seconds,
            "wall_seconds": wall_seconds,
            "firmware": self.hello["firmware"],
            "seed": self.bench.seed if self.bench else None,
            "simulated": bool(self.bench and self.bench.simulated),
        }


class Player:
    """Loads a plan, starts it and follows it to its end.

    change_syringe(number): asked when a syringe is empty; True when a full one has been fitted, False to give up.
    """

    def __init__(self, pump: Pump, plan: Plan, change_syringe: Callable[[int], bool]) -> None:
        self._pump = pump
        self._plan = plan
        self._change_syringe = change_syringe
        self._fill_nl = nominal_nl(plan.syringe)
        self.session = Session(plan, pump.hello, getattr(pump.port, "bench", None))

    def load(self) -> str:
        """Declares the syringe and stores the program; the digest that `play` confirms. Nothing moves."""
        self._pump.syringe(self._plan.syringe, self._fill_nl)
        hello, library = self._pump.hello, self._pump.status()["library"]
        return self._pump.load(
            *self._plan.program(pump=hello["serial"], firmware=hello["firmware"][:16], library=library)
        )

    def play(self, digest: str, on_status: Callable[[Status], None]) -> Session:
        """Confirms, starts, and follows. On KeyboardInterrupt the pump is stopped and the session returned."""
        session = self.session
        bench = session.bench
        before_ul = bench.delivered_ul if bench else 0.0
        self._pump.confirm(digest)
        self._pump.start()
        start_ms: int | None = None
        active: dict[str, Alarm] = {}
        try:
            while True:
                status = self._pump.wait_status()
                if start_ms is None:
                    start_ms = status["time_ms"]
                session.device_seconds = (status["time_ms"] - start_ms) / MS_PER_S
                session.sample(status, bench.delivered_ul - before_ul if bench else None)
                self._note_alarms(active, status["alarms"])
                on_status(status)
                if self._is_over(status):
                    break
        except KeyboardInterrupt:
            self._pump.stop()
            session.sample(self._pump.status(), bench.delivered_ul - before_ul if bench else None)
            session.outcome = "stopped"
        return session

    def _note_alarms(self, active: dict[str, Alarm], names: list[str]) -> None:
        now_s = self.session.device_seconds
        for name in names:
            if name not in active and name != "INFUSION_COMPLETE":
                active[name] = Alarm(name, now_s)
                self.session.alarms.append(active[name])
        for name in [name for name in active if name not in names]:
            active.pop(name).cleared_s = now_s

    def _is_over(self, status: Status) -> bool:
        """Acts on what only a person or a bench can do; whether the session has ended."""
        session, pump = self.session, self._pump
        names = status["alarms"]
        if "INFUSION_COMPLETE" in names:
            session.outcome = "complete"
            pump.acknowledge()
            return True
        blocking = [name for name in names if ALARMS[name][EFFECT] < KEEP]
        if status["state"] in ("ALARM", "PAUSED") and blocking in (["SYRINGE_EMPTY"], ["RESERVOIR_LOW"]):
            if not self._change_syringe(session.syringes_fitted + 1):
                pump.stop()
                return True
            session.syringes_fitted += 1
            pump.syringe(self._plan.syringe, self._fill_nl)
            pump.acknowledge()
            pump.resume()
        elif status["state"] in ("ALARM", "FAULT"):
            session.outcome = "alarm"
            pump.stop()
            return True
        return status["state"] in ("IDLE", "READY")
