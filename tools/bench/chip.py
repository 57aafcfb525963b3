"""Figures of the firmware on the emulated chip: cycles, heap, step times, latencies. Each repeats to the digit."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hil.bench import Bench, open_bench
from hil.targets.emulated import IMAGE
from pump.app import COLLECT_EVERY_S
from pump.core.units import S_PER_H
from tests.programs import PL_PER_ML, SYRINGE, Oracle, flat, follow, start
from titrate.boards import BOARDS
from tools.bench.scripted import ScriptedSerial, scripted

CYCLES_PER_US = 125
ON_CHIP = Path(__file__).parent / "on_chip"
UF2_BLOCK, UF2_PAYLOAD = 512, 256
INFUSION_S = 600
CONTROL_PERIOD_S = 0.1
NARROW, FASTER_STEPS_PER_S = "bd-plastipak-5", 5000  # the rate as in on_chip/faster.py
STOPS, CLAMPS, HANGS = 8, 3, 3  # instants of a control period at which each is tried


def board() -> Bench:
    """A pump on ideal metal."""
    return open_bench("emu://", seed=1)


def run_script(name: str, syringe: str = SYRINGE) -> ScriptedSerial:
    """An emulated pump on which a script of on_chip/ runs beside the firmware."""
    with tempfile.TemporaryDirectory() as folder:
        return scripted(Path(folder) / "files.img", {"boot.py": (ON_CHIP / name).read_text()}, syringe=syringe)


def said(port: ScriptedSerial, pattern: str, most_s: float) -> re.Match[str]:
    """What the script says once it is done, in the middle of the link's lines."""
    for _ in range(round(most_s)):
        port.bench.run_for(1)
        found = re.search(pattern, port.drain().decode(errors="replace"))
        if found:
            return found
    raise RuntimeError(f"the chip did not say {pattern} within {most_s:g} s")


def tick() -> dict[str, float]:
    port = run_script("tick.py")
    start(port.bench, flat(25, 600), attended=True)
    found = said(port, r"TICK (\d+) (\d+) (\d+) (-?\d+)", 200)
    longest_us, mean_us, turn_us, grown = (int(text) for text in found.groups())
    return {
        "tick_cycles_max": longest_us * CYCLES_PER_US,
        "tick_cycles_mean": mean_us * CYCLES_PER_US,
        "turn_cycles_max": turn_us * CYCLES_PER_US,
        "tick_alloc_bytes": grown,
    }


def infusion() -> dict[str, float]:
    """Ten minutes at a usual rate with all that goes on beside it: telemetry, journal, and a host that asks.

    Of the heap, the least that a collection leaves free, and whether it becomes less: a line through all of them. The
    longest of them, for a stop may have to wait for it.
    """
    port = run_script("heap.py")
    bench = port.bench
    start(bench, flat(25, INFUSION_S + 60), attended=True)
    boot = bench.pump.hello["boot"]["free_bytes"]
    for second in range(INFUSION_S):
        bench.run_for(1)
        bench.pump.status()
        if second % 10 == 0:
            bench.pump.request("doses")
            bench.pump.heartbeat()
    told = re.findall(r"HEAP (\d+) (\d+)", port.drain().decode(errors="replace"))[2:]
    free = [int(free_bytes) for _, free_bytes in told]
    hours = np.arange(len(free)) * COLLECT_EVERY_S / 3600
    return {
        "step_error_us_max": step_error_us(bench.step_times_us, 25, INFUSION_S),
        "collect_us_max": max(int(took_us) for took_us, _ in told),
        "heap_free_boot": boot,
        "heap_free_infusing": min(free),
        "heap_drift_bytes_h": float(np.polyfit(hours, free, 1)[0]),
    }


def slow_steps() -> dict[str, float]:
    """The same time at a rate of one step in twelve seconds."""
    with board() as bench:
        start(bench, flat(0.1, INFUSION_S + 60))
        bench.run_for(INFUSION_S)
        return {"step_error_us_max_slow": step_error_us(bench.step_times_us, 0.1, INFUSION_S)}


def step_error_us(times: Sequence[float], ml_h: float, seconds: int) -> float:
    """The largest distance of a step from the law. It has microseconds for a unit, and a first step for its zero."""
    period_us = float(Oracle(flat(ml_h, 1)).step_pl) * 3600 * 1e6 / (ml_h * PL_PER_ML)
    if len(times) < seconds * 1e6 / period_us - 1:
        raise RuntimeError(f"{len(times)} steps in {seconds} s at {ml_h:g} mL/h: some are missing")
    return max(abs(at_us - times[0] - index * period_us) for index, at_us in enumerate(times))


def fastest() -> dict[str, float]:
    """With the usual syringe the pump's own limit comes first. What the firmware makes where motor and syringe set none
    is tried with a narrow syringe, for a second: then the line is under a pressure that would be an occlusion."""
    ml_h = float(BOARDS["pico"].most_ml_h(SYRINGE))
    steps_per_s = _steps_per_s(board(), SYRINGE, ml_h, 10)
    faster_ml_h = int(Oracle([], NARROW).step_pl * FASTER_STEPS_PER_S * S_PER_H) / PL_PER_ML
    return {
        "rate_max_ml_h": ml_h if steps_per_s else 0.0,
        "steps_per_s_max": steps_per_s,
        "steps_per_s_firmware": _steps_per_s(run_script("faster.py", NARROW).bench, NARROW, faster_ml_h, 1),
    }


def _steps_per_s(bench: Bench, syringe: str, ml_h: float, seconds: int) -> float:
    """At so many mL/h; 0 if not all steps are made."""
    phases = flat(ml_h, seconds)
    wanted = Oracle(phases, syringe).steps(1000 * seconds)
    with bench:
        start(bench, phases, syringe=syringe)
        status = follow(bench, lambda status: status["state"] != "INFUSING")
        times = bench.step_times_us[:wanted]
    if len(times) < wanted or "MOTOR_FAULT" in status["alarms"]:
        return 0.0
    return (len(times) - 1) / (times[-1] - times[0]) * 1e6


def _running(ml_h: float, after_ms: int = 2500) -> Bench:
    bench = board()
    start(bench, flat(ml_h, 600))
    follow(bench, lambda status: status["infused_ms"] > after_ms)
    return bench


def stop_latency() -> dict[str, float]:
    """The longest of several, spread over a control period. From before its first byte is sent."""
    latest_us = 0.0
    with board() as bench:
        for share in range(STOPS):
            start(bench, flat(400, 600))
            follow(bench, lambda status: status["infused_ms"] > 1500)
            bench.run_for(share / STOPS * CONTROL_PERIOD_S)
            asked_us = bench.target.now_us
            bench.pump.stop()
            bench.run_for(1)
            latest_us = max(bench.step_times_us[-1] - asked_us, latest_us)
    return {"stop_latency_us": latest_us}


def occlusion_latency() -> dict[str, float]:
    """The longest of several clampings, spread over a control period."""
    latest_us = 0.0
    for share in range(CLAMPS):
        with _running(300, 1000) as bench:
            bench.run_for(share / CLAMPS * CONTROL_PERIOD_S)
            bench.occlude()
            follow(bench, lambda status: status["state"] == "ALARM")
            mechanics = bench.target.mechanics
            latest_us = max(latest_us, mechanics.last_forward_us - mechanics.crossed_us(69.0))
    return {"occlusion_latency_us": latest_us}


def hang() -> dict[str, float]:
    """The longest of several, spread over a control period, at a usual rate and at the fastest."""
    found: dict[str, float] = {}
    for ml_h, suffix in ((25, ""), (1200, "_fast")):
        longest_ms, most = 0.0, 0
        for share in range(HANGS):
            with _running(ml_h, 1500) as bench:
                bench.run_for(share / HANGS * CONTROL_PERIOD_S)
                hung_us, before = bench.target.now_us, bench.steps
                bench.hang()
                bench.run_for(1)
                longest_ms = max(longest_ms, (bench.step_times_us[-1] - hung_us) / 1000)
                most = max(most, bench.steps - before)
        found |= {"hang_overrun_ms" + suffix: longest_ms, "hang_overrun_steps" + suffix: most}
    return found


def link() -> dict[str, float]:
    """A hundred requests at times that have nothing to do with the tick."""
    took_us = []
    with _running(25) as bench:
        for _ in range(100):
            bench.run_for(0.137)
            bench.port.reset_input_buffer()  # type: ignore[union-attr]  # what the pump told by itself meanwhile
            begun_us = bench.target.now_us
            bench.pump.status()
            took_us.append(bench.target.now_us - begun_us)
    return {"link_rtt_us_mean": sum(took_us) / len(took_us), "link_rtt_us_max": max(took_us)}


def boot() -> dict[str, float]:
    with board() as bench:
        ms = bench.pump.hello["boot"]["ms"]
    return {"boot_ms": ms, "image_bytes": IMAGE.stat().st_size // UF2_BLOCK * UF2_PAYLOAD}


def speed() -> dict[str, float]:
    """Wall time, and so of this machine; the share of cycles is the chip's."""
    with _running(25) as bench:
        cycles, begun_s = bench.target.cycles, time.perf_counter()  # type: ignore[attr-defined]
        bench.run_for(60)
        wall_s = time.perf_counter() - begun_s
        busy = (bench.target.cycles - cycles) / (60e6 * CYCLES_PER_US)  # type: ignore[attr-defined]
    return {"emu_speed": 60 / wall_s, "busy_percent": 100 * busy}
