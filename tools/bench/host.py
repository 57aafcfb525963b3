"""Figures of the host's side: the law over 240 h, speed of a simulated pump through the CLI, start-up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

from pump.core.infusion import PULSE_TICKS, Infusion
from pump.core.syringes import step_volume_pl
from pump.core.units import TICKS_PER_MS, TICKS_PER_S
from tests.programs import PL_MS_PER_H
from titrate import Protocol
from titrate.boards import BOARDS

BIN = Path(sys.executable).parent
LONGEST, LONG, SESSION = "kiefer-2008-s-ketamine", "dahan-2011", "schwartzman-2009"
START_UPS = 7
CHECK_EVERY = 29  # fills of the ring, of 0.2 s and more


def law_error() -> dict[str, float]:
    """Plans every word of the 240 h regimen on one endless syringe; every few seconds what is planned is held against
    the exact volume."""
    plan = Protocol.read(LONGEST).plan("70 kg")
    phases = [list(phase) for phase in plan.program().phases]
    step_volume = step_volume_pl(plan.syringe, 2000, 3200)
    infusion = Infusion(phases, step_volume, TICKS_PER_S // BOARDS["pico"].most_steps_per_s)
    infusion.begin(0, 1 << 40)
    planner, worst = infusion.planner, Fraction()
    step_pl = Fraction(*step_volume)
    index, before_pl, begin_ms = 0, Fraction(), 0
    rounds = 0
    while not planner.done:
        planner.oldest = planner.head = planner.tail  # as if all of it were made
        planner.ahead_ticks = 0
        planner.refill(20_000)
        rounds += 1
        if rounds % CHECK_EVERY:
            continue
        at_ms = Fraction(planner.position + PULSE_TICKS, TICKS_PER_MS)
        while index < len(phases) - 1 and at_ms > begin_ms + phases[index][1]:
            _, duration_ms, begin, end, *_bounds = phases[index]
            before_pl += Fraction((begin + end) * duration_ms, 2 * PL_MS_PER_H)
            begin_ms += duration_ms
            index += 1
        _, duration_ms, begin, end, *_bounds = phases[index]
        t = min(at_ms - begin_ms, duration_ms)
        volume_pl = before_pl + (begin * t + (end - begin) * t * t / (2 * duration_ms)) / PL_MS_PER_H
        worst = max(worst, abs(planner.planned - volume_pl / step_pl))
    return {"law_error_steps_240h": float(worst)}


def _played(*arguments: str) -> float:
    begun_s = time.perf_counter()
    done = subprocess.run(
        [BIN / "titrate", "play", *arguments, "--weight", "70kg", "--port", "sim://", "--yes", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(json.loads(done.stdout)["device_seconds"]) / (time.perf_counter() - begun_s)


def sim_speed() -> dict[str, float]:
    return {"sim_speed_4h": _played(SESSION, "--session", "1"), "sim_speed_100h": _played(LONG)}


def _took_s(*command: str | Path) -> float:
    begun_s = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begun_s


def startup() -> dict[str, float]:
    """The least of several, each after the other, so that a noisy machine disturbs all three alike."""
    commands: dict[str, tuple[str | Path, ...]] = {
        "pass": (sys.executable, "-c", "pass"),
        "startup_help": (BIN / "titrate", "--help"),
        "startup_import": (sys.executable, "-c", "import titrate"),
    }
    least = {name: min(_took_s(*command) for _ in range(START_UPS)) for name, command in commands.items()}
    return {name: least[name] / least["pass"] for name in list(commands)[1:]}
