"""Programs that several tests play, and the law's step times for them, worked out in fractions."""

import os
from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hil.bench import Bench
from pump.core.syringes import SYRINGES, step_volume_pl
from pump.core.wire import table_digest

MACHINE_TIMES = int(os.environ.get("MACHINE_TIMES", "1"))  # so many times as long are the stateful runs
SYRINGE = "bd-plastipak-50"
PL_PER_ML = 10**9
PL_MS_PER_H = 3_600_000
FLAT_RAMP_PAUSE_BOLUS = [
    ["infuse", 60_000, 25 * PL_PER_ML, 25 * PL_PER_ML],
    ["ramp", 60_000, 25 * PL_PER_ML, 50 * PL_PER_ML],
    ["pause", 15_000, 0, 0],
    ["bolus", 30_000, 24 * PL_PER_ML, 24 * PL_PER_ML],
]


def flat(ml_h: float, seconds: float) -> list[list[Any]]:
    """One phase at one rate."""
    rate = round(ml_h * PL_PER_ML)
    return [["infuse", round(seconds * 1000), rate, rate]]


def header(phases: list[list[Any]], attended: bool = False, **changed: Any) -> dict[str, Any]:
    """The header that belongs to the phases."""
    basal_pl_h = max((max(rates) for kind, _, *rates in phases if kind != "bolus"), default=0)
    return {
        "name": "test",
        "drug": "ketamine",
        "concentration_ng_ml": 980_000,
        "weight_g": 70_000,
        "syringe": SYRINGE,
        "fill_nl": SYRINGES[SYRINGE][3],
        "phases": len(phases),
        "attended": int(attended),
        "pump": "",
        "firmware": "",
        "library": "",
        "code": "",
        "basal_nl_h": -(-basal_pl_h // 1000),
        "bolus_nl": 0,
        "bolus_ms": 0,
        "bolus_lockout_ms": 0,
        "date": "2026-11-24",
        "author": "the rig",
    } | changed


def sign_in(pump: Any) -> None:
    """An operator at the controller itself, with all locks open: what the client does over the link, and a hand."""
    who = {"operator": "bench", "passphrase": "", "label": "test", "wire": table_digest()}
    assert pump.act("sign_in", who)[1] is None
    pump.access.hear()
    pump.access.maintain()


def start(bench: Bench, phases: list[list[Any]], attended: bool = False, syringe: str = SYRINGE) -> None:
    """Fits a syringe and starts the phases, by the two steps."""
    pump, fill_nl = bench.pump, SYRINGES[syringe][3]
    pump.syringe(syringe, fill_nl)
    pump.confirm(pump.load(header(phases, attended, syringe=syringe, fill_nl=fill_nl), phases))
    pump.start()


def follow(bench: Bench, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Reads what the pump tells until a status fits; that status. Gives up after an hour of device time."""
    for _ in range(4000):
        status = bench.pump.wait_status()
        if until(status):
            return status
    raise AssertionError(f"it never came: {status}")


def state(bench: Bench) -> str:
    """Of now, asked by a fresh client."""
    bench.reconnect()
    found: str = bench.pump.status()["state"]
    return found


def serious(status: dict[str, Any]) -> list[str]:
    """The alarms in force but for two that the rig's programs nearly always bring: no library, and a short syringe."""
    return [name for name in status["alarms"] if name not in ("LIBRARY_MISSING", "NEAR_EMPTY")]


def ended(status: dict[str, Any]) -> bool:
    return status["state"] in ("IDLE", "ALARM", "FAULT")


class Oracle:
    """The exact volume of a list of phases, from the definition of a linear rate and nothing else."""

    def __init__(self, phases: list[list[Any]], syringe: str = SYRINGE) -> None:
        self.step_pl = Fraction(*step_volume_pl(syringe, 2000, 3200))
        self._phases = phases
        self._begins_ms = [0]
        self._before_pl = [Fraction()]
        for _, duration_ms, begin, end, *_bounds in phases:
            self._begins_ms.append(self._begins_ms[-1] + duration_ms)
            self._before_pl.append(self._before_pl[-1] + Fraction((begin + end) * duration_ms, 2 * PL_MS_PER_H))

    def volume_pl(self, time_ms: Fraction | int) -> Fraction:
        index = min(bisect_right(self._begins_ms, time_ms) - 1, len(self._phases) - 1)
        duration_ms, begin, end = self._phases[index][1:4]
        t = min(Fraction(time_ms) - self._begins_ms[index], Fraction(duration_ms))
        return self._before_pl[index] + (begin * t + (end - begin) * t * t / (2 * duration_ms)) / PL_MS_PER_H

    def steps(self, time_ms: Fraction | int) -> int:
        """Whole steps that are due at a time."""
        return int(self.volume_pl(time_ms) // self.step_pl)

    @property
    def boundaries_ms(self) -> list[int]:
        """Ends of the phases."""
        return self._begins_ms[1:]
