"""From a cause to light and sound, taken at the pins and not from what the pump says of itself."""

from collections.abc import Callable

import pytest

from hil.bench import Bench
from hil.delivery import latency_s
from hil.notes import Notes
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, entry
from tests.programs import SYRINGE, flat, header
from titrate import library_link

CAUSES: dict[str, tuple[Callable[[Bench], None], float]] = {
    "SYRINGE_MISSING": (Bench.remove_syringe, 0.5),
    "AIR_IN_LINE": (lambda bench: bench.add_air(150), 3.0),  # 50 uL at 90 mL/h take 2 s
    "SENSOR_FAULT": (lambda bench: bench.break_pressure_sensor("open"), 2.5),
    "BATTERY_DEPLETED": (lambda bench: bench.set_supply(7), 20.0),  # it is averaged, so that a start does not count
}


@pytest.mark.requirement("SR-ALARM-01")
@pytest.mark.parametrize("name", CAUSES)
def test_light_and_sound_follow_the_cause(bench: Bench, notes: Notes, name: str) -> None:
    cause, most_s = CAUSES[name]
    library_link.upload(bench.pump, Library([entry()]))  # or LIBRARY_MISSING would shine all the time
    phases = flat(90, 120)
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, code="test"), phases))
    bench.pump.start()
    bench.run_for(10)
    lights, tones = len(bench.light_edges), len(bench.tone_edges)
    assert bench.lights == 0
    cause(bench)
    began_s = bench.now_s
    bench.run_for(most_s + 1)
    light = latency_s(began_s, [(at_us / 1e6, bool(on)) for at_us, on in bench.light_edges[lights:]])
    sound = latency_s(began_s, [(at_us / 1e6, bool(hz)) for at_us, hz in bench.tone_edges[tones:]])
    stopped = bench.step_times_us[-1] / 1e6 - began_s
    bench.reconnect()
    assert name in bench.pump.status()["alarms"]
    notes.check(f"{name}: light after", light, "s", 0, most_s)
    notes.check(f"{name}: sound after", sound, "s", 0, most_s)
    notes.check(f"{name}: last step after", stopped, "s", high=most_s)
