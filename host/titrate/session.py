"""What one run of a pump gave: what was commanded, counted and delivered, phase by phase, and its alarms.

Keeps and computes; asks no pump.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pump.core.alarms import ALARMS, HIGH, MEDIUM, PRIORITY
from pump.core.units import MS_PER_S, NL_PER_ML, S_PER_H
from titrate.plan import Plan, PlannedPhase

Array = NDArray[np.float64]
UL_PER_ML = 1000
COMPLETE = "INFUSION_COMPLETE"  # the end, which a session does not count among its alarms
PRIORITY_NAMES = {HIGH: "high", MEDIUM: "medium"}


@dataclass
class Alarm:
    """One alarm of a session; times in seconds of device time since the start."""

    name: str
    raised_s: float
    cleared_s: float | None = None

    @property
    def priority(self) -> str:
        return PRIORITY_NAMES.get(ALARMS[self.name][PRIORITY], "low")


@dataclass(frozen=True)
class Series:
    """Samples of a delivery, of equal length: plan time in s, volumes in mL. delivered_ml: None if not measured."""

    time_s: Array
    counted_ml: Array
    delivered_ml: Array | None = None


@dataclass
class PhaseResult:
    """A planned phase beside what came out; rates are means over the part of it that was followed.

    delivered: by a bench; where there is none, what was counted.
    """

    phase: PlannedPhase
    begun_s: float
    reached_s: float
    commanded_mg_kg_h: float
    counted_mg_kg_h: float
    delivered_mg_kg_h: float

    @property
    def error_percent(self) -> float | None:
        if not self.commanded_mg_kg_h:
            return None
        return 100 * (self.delivered_mg_kg_h / self.commanded_mg_kg_h - 1)


@dataclass
class Session:
    """What one run gave. Volumes in mL. outcome: complete, stopped or alarm; running, where it was only
    watched and left before its end.

    simulated, seed: of the bench on the port. target: the port. digest: of the program. library: digest of the drug
    library in the pump, empty where there is none. from_ml: of the whole plan, delivered before this session and not
    part of it. from_start: whether it was followed from its first step. calibration: of the syringe and the pressure,
    see calibration.of_syringe; None where nobody asked the pump.
    """

    plan: Plan
    hello: dict[str, Any]
    simulated: bool = False
    seed: int | None = None
    target: str = ""
    digest: str = ""
    library: str = ""
    calibration: dict[str, Any] | None = None
    from_ml: float = 0.0
    from_start: bool = False
    outcome: str = "stopped"
    alarms: list[Alarm] = field(default_factory=list)
    device_seconds: float = 0.0
    syringes_fitted: int = 1
    _times_ms: array[int] = field(default_factory=lambda: array("q"))
    _counted_nl: array[int] = field(default_factory=lambda: array("q"))
    _delivered_ul: array[float] = field(default_factory=lambda: array("d"))

    def begin(self, measured: bool) -> None:
        """Nothing has flowed yet. measured: whether something measures what will be delivered."""
        self.from_start = True
        self.sample(0, 0, 0.0 if measured else None)

    def sample(self, infused_ms: int, counted_nl: int, delivered_ul: float | None) -> None:
        """Adds a sample. delivered_ul: None where nothing measures it."""
        self._times_ms.append(infused_ms)
        self._counted_nl.append(counted_nl)
        self._delivered_ul.append(nan if delivered_ul is None else delivered_ul)

    @property
    def series(self) -> Series:
        """Samples over plan time, one a second and one at each change."""
        delivered_ml = np.array(self._delivered_ul) / UL_PER_ML if self.delivered_ml is not None else None
        counted_ml = np.array(self._counted_nl, dtype=float) / NL_PER_ML
        time_s = np.maximum.accumulate(np.array(self._times_ms, dtype=float)) / MS_PER_S  # a back-off turns it back
        return Series(time_s, counted_ml, delivered_ml)

    @property
    def reached_s(self) -> float:
        """Plan time that was reached."""
        return min(self._times_ms[-1] / MS_PER_S, float(self.plan.duration_s)) if self._times_ms else 0.0

    @property
    def commanded_ml(self) -> float:
        """Due by the plan at the time that was reached."""
        return float(self.plan.commanded_ml(self.reached_s))

    @property
    def counted_ml(self) -> float:
        return self._counted_nl[-1] / NL_PER_ML if self._counted_nl else 0.0

    @property
    def delivered_ml(self) -> float | None:
        if not self._delivered_ul or isnan(self._delivered_ul[-1]):
            return None
        return self._delivered_ul[-1] / UL_PER_ML

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
        """Every phase of which something was followed, commanded beside counted and delivered."""
        if not self._times_ms:
            return []
        series = self.series
        measured_ml = series.counted_ml if series.delivered_ml is None else series.delivered_ml
        mg_kg_per_ml = float(self.plan.concentration_mg_ml / self.plan.weight_kg)
        results = []
        for phase in self.plan.phases:
            begin_s = max(float(phase.begin_s), float(series.time_s[0]))
            end_s = min(float(phase.end_s), self.reached_s)
            if end_s <= begin_s:
                continue
            per_h = mg_kg_per_ml * S_PER_H / (end_s - begin_s)
            due_ml = float(self.plan.commanded_ml(end_s) - self.plan.commanded_ml(begin_s))
            counted, measured = (
                float(np.diff(np.interp([begin_s, end_s], series.time_s, volume_ml))[0]) * per_h
                for volume_ml in (series.counted_ml, measured_ml)
            )
            results.append(PhaseResult(phase, begin_s, end_s, due_ml * per_h, counted, measured))
        return results

    def as_json(self, wall_seconds: float) -> dict[str, Any]:
        """The document of `titrate play --json`."""
        totals = self.plan.as_json()
        return {
            **{key: totals[key] for key in totals if key not in ("phases", "warnings", "sources")},
            "target": self.target,
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
            "calibration": self.calibration,
            "seed": self.seed,
            "simulated": self.simulated,
            "from_ml": self.from_ml,
        }
