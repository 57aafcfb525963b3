"""Figures of the host's side: the law over 240 h, speed of a simulated pump through the CLI, start-up."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

from pump.core.infusion import PULSE_TICKS, Infusion
from pump.core.syringes import step_volume_pl
from pump.core.units import TICKS_PER_MS, TICKS_PER_S
from tests.programs import PL_MS_PER_H
from titrate import Protocol
from titrate.boards import BOARDS
from tools import compiled

LONGEST, LONG = "kiefer-2008-s-ketamine", "dahan-2011"
START_UPS, SHORT_RUNS = 7, 5


class PhaseLaw:
    """The exact steps since the start within one phase, as whole numbers of 1/`whole` of a step, so that asking for
    many instants is cheap."""

    def __init__(self, phase: list[Any], before_pl: Fraction, step_pl: Fraction) -> None:
        _, duration_ms, begin, end, *_bounds = phase
        self.ticks = duration_ms * TICKS_PER_MS
        before = before_pl / step_pl
        linear = Fraction(begin, TICKS_PER_MS * PL_MS_PER_H) / step_pl
        square = Fraction(end - begin, 2 * TICKS_PER_MS * self.ticks * PL_MS_PER_H) / step_pl
        self.after_pl = before_pl + Fraction((begin + end) * duration_ms, 2 * PL_MS_PER_H)
        self.whole = lcm(before.denominator, linear.denominator, square.denominator)
        self._before, self._linear, self._square = (int(part * self.whole) for part in (before, linear, square))

    def distance(self, steps: int, ticks: int) -> int:
        """From so many steps to the law's at an instant of the phase."""
        ticks = min(ticks, self.ticks)
        return abs(steps * self.whole - self._before - (self._linear + self._square * ticks) * ticks)


def law_error() -> dict[str, float]:
    """Plans every word of the 240 h regimen on one endless syringe; what is planned is held against the exact volume
    each time that the ring is filled, which is every 0.2 s or so."""
    plan = Protocol.read(LONGEST).plan("70 kg")
    phases = [list(phase) for phase in plan.program().phases]
    step_volume = step_volume_pl(plan.syringe, 2000, 3200)
    infusion = Infusion(phases, step_volume, TICKS_PER_S // BOARDS["pico"].most_steps_per_s)
    infusion.begin(0, 1 << 40)
    planner, step_pl = infusion.planner, Fraction(*step_volume)
    begin, worst, worst_steps = 0, 0, Fraction()
    laws = iter(phases)
    law = PhaseLaw(next(laws), Fraction(), step_pl)
    while not planner.done:
        planner.oldest = planner.head = planner.tail  # as if all of it were made
        planner.ahead_ticks = 0
        planner.refill(20_000)
        at = planner.position + PULSE_TICKS
        while at > begin + law.ticks and (phase := next(laws, None)):
            begin += law.ticks
            worst_steps, worst = max(worst_steps, Fraction(worst, law.whole)), 0
            law = PhaseLaw(phase, law.after_pl, step_pl)
        worst = max(worst, law.distance(planner.planned, at - begin))
    return {"law_error_steps_240h": float(max(worst_steps, Fraction(worst, law.whole)))}


def _speed(*arguments: str, path: Path | None = None) -> float:
    """Simulated seconds a wall second, the start of the command included."""
    begun_s = time.perf_counter()
    return float(compiled.played(*arguments, path=path)["device_seconds"]) / (time.perf_counter() - begun_s)


def sim_speed() -> dict[str, float]:
    """Of the short session the fastest of several, because a noisy machine is at times half as fast for a second."""
    return {
        "sim_speed_4h": max(_speed(*compiled.SESSION) for _ in range(SHORT_RUNS)),
        "sim_speed_100h": _speed(LONG),
        "sim_speed_4h_compiled": max(_speed(*compiled.SESSION, path=compiled.FOLDER) for _ in range(SHORT_RUNS)),
        "sim_speed_100h_compiled": _speed(LONG, path=compiled.FOLDER),
    }


def _took_s(*command: str | Path) -> float:
    begun_s = time.perf_counter()
    subprocess.run(command, env=compiled.environment(), capture_output=True, check=True)
    return time.perf_counter() - begun_s


def startup() -> dict[str, float]:
    """The least of several, each after the other, so that a noisy machine disturbs all three alike."""
    commands: dict[str, tuple[str | Path, ...]] = {
        "pass": (sys.executable, "-c", "pass"),
        "startup_help": (compiled.BIN / "titrate", "--help"),
        "startup_import": (sys.executable, "-c", "import titrate"),
    }
    least = {name: min(_took_s(*command) for _ in range(START_UPS)) for name, command in commands.items()}
    return {name: least[name] / least["pass"] for name in list(commands)[1:]}
