"""Whether syringe and line hold the pressure at which the pump gives up: SR-MECH-04.

The line is shut and the plunger stands, so that what the pressure loses has left by a way that nobody wants. The
pressure is the one that the pump tells: a real bench has no other gauge. Who is there looks at the fittings besides.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hil.bench import Bench
from hil.boards import board_data
from hil.instruments.errors import InstrumentMissing
from hil.notes import Notes
from tests.programs import flat, follow, serious, start

LEVEL = 2  # the highest that can be chosen: no pressure beyond it is ever held
CLOSE = 0.95  # of that limit: the pump is paused before it gives the alarm, after which the plunger would back off
RATE_ML_H = 5  # so slow that the limit comes before the leap, which takes 20 kPa/min: down to 4.2 uL/kPa
RISES_S = 3000  # the softest syringe takes 1300 s; a leak that holds the pressure down is known by then
SETTLES_S = 30  # rubber and plastic give way most at first, and that is no leak
HOLD_S = 120
MEAN_S = 10  # over so long a reading is taken: the pressure sensor's last digit is 0.1 kPa

# The source asks for little leakage and gives no figure. This one is ours: 20 uL, a small drop, gone after two minutes
# from a syringe that gives way by 10 uL/kPa with its drive; 50 uL, a big one, from the softest that is published (26).
# A pressure that rises as much is no hold either: the syringe warms up, or the sensor drifts, and hides a leak.
FALL_KPA = 2.0


@pytest.mark.needs("occluder")
@pytest.mark.requirement("SR-MECH-04")
def test_the_highest_pressure_stays(bench: Bench, notes: Notes) -> None:
    limit_kpa = board_data().OCCLUSION_PA[LEVEL] / 1000
    name = f"pressure hold below {limit_kpa:g} kPa"
    times_s: list[float] = []
    pressures: list[float] = []

    def watch(until: Callable[[float, str], bool]) -> dict[str, Any]:
        """Keeps what the pump tells until pressure in kPa and state fit; the status in which they do."""

        def look(status: dict[str, Any]) -> bool:
            times_s.append(bench.now_s)
            pressures.append(status["pressure_pa"] / 1000)
            return until(pressures[-1], status["state"])

        return follow(bench, look)

    def mean_kpa(from_s: float) -> float:
        found = [kpa for at_s, kpa in zip(times_s, pressures, strict=True) if from_s <= at_s < from_s + MEAN_S]
        return sum(found) / len(found)

    bench.pump.configure(occlusion_level=LEVEL)
    bench.occlude()
    start(bench, flat(RATE_ML_H, RISES_S))
    raised = watch(lambda kpa, state: kpa >= CLOSE * limit_kpa or state != "INFUSING")
    notes.figure(f"{name}: held at", pressures[-1], "kPa")
    assert raised["state"] == "INFUSING", f"at {pressures[-1]:.1f} kPa it came to {raised['state']}: {serious(raised)}"
    bench.pump.pause()
    held_s = bench.now_s + SETTLES_S
    before = watch(lambda *_: bench.now_s >= held_s)
    after = watch(lambda *_: bench.now_s >= held_s + HOLD_S + MEAN_S)
    notes.pressure(name, times_s, pressures, {"paused": held_s - SETTLES_S, "from": held_s, "to": held_s + HOLD_S})
    assert after["state"] == "PAUSED"
    assert after["counted_steps"] == before["counted_steps"], "the plunger has moved"
    with suppress(InstrumentMissing):  # the pressure counts where nobody is there to look, too
        assert not bench.observer.leak(), "liquid is to be seen"
    notes.check(f"{name}: fall in {HOLD_S} s", mean_kpa(held_s) - mean_kpa(held_s + HOLD_S), "kPa", -FALL_KPA, FALL_KPA)
