"""`make soak`: one long session on the emulated chip with everything in it, and many random ones on sim://.

Every total is checked: asked, counted at the pin, and by the law. A seed makes the same session again.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from typing import Any

from hil.bench import Bench, open_bench
from pump.core.syringes import SYRINGES
from tests.programs import PL_PER_ML, SYRINGE, Oracle, flat, follow, header, start
from titrate.errors import Refused

S_PER_H = 3600
MOST_S = 1200  # of a random session
STEP_NL = 350  # a microstep of the 50 mL syringe is 347 nL
MOST_ML = 45  # of a syringe of 50, for half of the session
BOLUS_NL = 200_000
CHECKPOINT_S = 65  # a checkpoint a minute, and what it takes
NOTICE = {"LIBRARY_MISSING", "NEAR_EMPTY", "INFUSION_COMPLETE"}


def check_totals(bench: Bench, phases: list[list[Any]], more: int = 0) -> None:
    """What was made at the pin is what the pump counted, and what the law wants, to a microstep. more: steps beside the
    law's. AssertionError."""
    status = bench.pump.status()
    total_ms = sum(phase[1] for phase in phases)
    wanted = Oracle(phases).steps(total_ms) + more
    assert status["counted_steps"] == bench.steps, f"{status['counted_steps']} counted, {bench.steps} at the pin"
    assert abs(bench.steps - wanted) <= 1, f"{bench.steps} steps at the pin, {wanted} by the law"


def is_over(status: dict[str, Any]) -> bool:
    return status["state"] in ("IDLE", "KVO", "FAULT", "ALARM")


def reach(bench: Bench, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Follows for as long as it takes; the first status that fits. AssertionError if it ends on the way."""
    while True:
        status = bench.pump.wait_status()
        if until(status):
            return status
        assert not is_over(status), f"it ended: {status['state']}, {status['alarms']}"


def complete(bench: Bench) -> None:
    """Follows to the end of the program, which has to be a good one, and stops the pump."""
    status = reach(bench, is_over)
    assert "INFUSION_COMPLETE" in status["alarms"], f"{status['state']}, {status['alarms']}"
    bench.pump.stop()


def session(hours: float, url: str = "emu://") -> None:
    """Half of the time; a bolus; an occlusion, cleared; then the power fails, and another program gives the rest."""
    half_s = hours * S_PER_H / 2
    ml_h = min(25.0, MOST_ML * S_PER_H / half_s)
    phases = flat(ml_h, half_s)
    step_pl = float(Oracle(phases).step_pl)
    with open_bench(url, seed=1) as bench:
        start(bench, phases, attended=True)
        reach(bench, lambda status: status["infused_ms"] > 250 * half_s)
        bench.pump.bolus(BOLUS_NL, 30_000)
        reach(bench, lambda status: status["state"] == "INFUSING")
        bolus = bench.pump.doses()
        assert (bolus["requested"], bolus["delivered"]) == (1, 1), bolus
        assert BOLUS_NL - bolus["given_nl"] <= STEP_NL, bolus
        reach(bench, lambda status: status["infused_ms"] > 500 * half_s)
        bench.occlude()
        status = reach(bench, lambda status: status["state"] == "ALARM")
        assert "OCCLUSION" in status["alarms"], status
        bench.release()
        bench.run_for(5)
        bench.pump.acknowledge()
        bench.pump.resume()
        complete(bench)
        check_totals(bench, phases, round(BOLUS_NL * 1000 / step_pl))
        print(f"first half: {bench.steps} steps, by law, count and pin; with a bolus and an occlusion", flush=True)

        made = bench.steps
        start(bench, phases, attended=True)
        reach(bench, lambda status: status["infused_ms"] > 500 * half_s)
        bench.cut_power()
        bench.run_for(3)
        really = bench.steps - made
        bench.restore_power()
        status = bench.pump.status()
        assert (status["state"], "POWER_INTERRUPTED" in status["alarms"]) == ("ALARM", True), status
        on_top = status["counted_steps"] - really
        most = 2 * CHECKPOINT_S * ml_h * PL_PER_ML / S_PER_H / step_pl
        assert 0 <= on_top <= most, f"{on_top} steps on top: a total may be high by two checkpoints, never low"
        bench.run_for(2)
        assert bench.steps == made + really, "it moved after the power came back"
        bench.pump.acknowledge()
        rest = flat(ml_h, half_s / 2)
        made = bench.steps
        start(bench, rest, attended=True)
        complete(bench)
        wanted = Oracle(rest).steps(round(half_s * 500))
        assert abs(bench.steps - made - wanted) <= 1, f"{bench.steps - made} steps after the cut, {wanted} by the law"
        print(f"second half: {bench.steps} steps in all; the power cut left {on_top} counted on top", flush=True)


def random_session(seed: int) -> str:
    """A random program with random hands on it; "" or what was wrong."""
    draw = random.Random(seed)
    phases: list[list[Any]] = []
    while sum(phase[1] for phase in phases) < draw.randrange(60, MOST_S) * 1000:
        begin, end = (draw.randrange(100_000_000, 300 * PL_PER_ML) for _ in range(2))
        ms = draw.randrange(1_000, 300_000)
        kind = draw.choice(["infuse", "ramp", "pause"])
        rates = {"infuse": [begin, begin], "ramp": [begin, end], "pause": [0, 0]}[kind]
        phases.append([kind, ms, *rates])
    phases.append(["infuse", 10_000, PL_PER_ML, PL_PER_ML])
    try:
        with open_bench("sim://", seed=seed, plant="imperfect") as bench:
            pump = bench.pump
            pump.syringe(SYRINGE, SYRINGES[SYRINGE][3])
            pump.confirm(pump.load(header(phases), phases))
            pump.start()
            hands: list[Callable[[], object]] = [
                lambda: _paused(bench),
                lambda: _bolus(bench),
                bench.reconnect,
            ]
            for _ in range(draw.randrange(4)):
                bench.run_for(draw.randrange(1, 200))
                bench.reconnect()
                if bench.pump.status()["state"] == "INFUSING":
                    draw.choice(hands)()
            status = _to_the_end(bench)
            assert not set(status["alarms"]) - NOTICE, status["alarms"]
            bench.pump.stop()
            doses = bench.pump.doses()
            assert doses["abandoned"] == 0, doses
            check_totals(bench, phases, round(doses["delivered"] * BOLUS_NL * 1000 / Oracle(phases).step_pl))
    except Exception as error:  # whatever it is, the seed tells
        return f"seed {seed}: {type(error).__name__}: {error}"
    return ""


def _bolus(bench: Bench) -> None:
    """One, if the pump gives it: a second within its lockout is refused, and so is one that is too fast on top."""
    with suppress(Refused):
        bench.pump.bolus(BOLUS_NL, 30_000)


def _paused(bench: Bench) -> None:
    bench.pump.pause()
    bench.run_for(11)
    bench.pump.resume()


def _to_the_end(bench: Bench) -> dict[str, Any]:
    """Follows, and fits a full syringe whenever one is empty; the last status."""
    while True:
        bench.reconnect()
        status = follow(bench, is_over)
        if "SYRINGE_EMPTY" not in status["alarms"]:
            return status
        bench.change_syringe()
        bench.pump.syringe(SYRINGE, SYRINGES[SYRINGE][3])
        bench.pump.acknowledge()
        bench.pump.resume()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hours", type=float, default=4.0, help="of the session on the emulated chip; 0: none")
    options.add_argument("--sessions", type=int, default=1000, help="random ones on sim://")
    options.add_argument("--first", type=int, default=0, help="seed of the first random one")
    given = options.parse_args()
    seeds = range(given.first, given.first + given.sessions)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        long = pool.submit(session, given.hours) if given.hours else None
        wrong = [text for text in pool.map(random_session, seeds, chunksize=4) if text]
        print("\n".join([*wrong, f"{len(seeds) - len(wrong)} of {len(seeds)} random sessions good, seeds {seeds}"]))
        if long:
            try:
                long.result()
            except Exception as error:
                wrong.append(f"session of {given.hours:g} h: {type(error).__name__}: {error}")
                print(wrong[-1])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
