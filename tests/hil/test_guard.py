"""The guard, which holds the plunger: open in motion it stops the pump at once, and open it bars the start."""

import pytest

from hil.bench import Bench
from tests.programs import SYRINGE, flat, follow, header, serious, start
from titrate.errors import Refused


@pytest.mark.requirement("SR-MECH-01", "SR-ACC-04")
def test_a_guard_that_opens_in_motion_stops_the_pump_without_hold_off(bench: Bench) -> None:
    start(bench, flat(25, 60))
    follow(bench, lambda status: status["infused_ms"] > 2000)
    opened_s = bench.now_s
    bench.open_guard()
    status = follow(bench, lambda status: status["state"] == "ALARM")
    assert bench.step_times_us[-1] / 1e6 - opened_s <= 0.15
    assert set(serious(status)) == {"GUARD_OPEN", "OVER_DELIVERY"}, "the plunger may flow by itself"
    with pytest.raises(Refused, match="GUARD_OPEN"):
        bench.pump.acknowledge()
    bench.close_guard()
    bench.run_for(1)
    bench.pump.acknowledge()
    steps = bench.steps
    bench.run_for(1)
    assert (bench.pump.status()["state"], bench.steps) == ("PAUSED", steps)
    bench.pump.resume()
    assert follow(bench, lambda status: status["counted_steps"] > steps)["state"] == "INFUSING"


@pytest.mark.sim_only("what is refused is decided by the same core on every target")
@pytest.mark.requirement("SR-MECH-01", "SR-STOP-01")
def test_an_open_guard_bars_start_and_resume(bench: Bench) -> None:
    bench.open_guard()
    bench.run_for(1)
    assert bench.pump.status()["alarms"] == [], "nothing moves"
    with pytest.raises(Refused, match="guard is open"):
        start(bench, flat(25, 60))
    bench.close_guard()
    bench.run_for(1)
    bench.pump.start()
    bench.pump.pause()
    bench.open_guard()
    bench.run_for(1)
    with pytest.raises(Refused, match="guard is open"):
        bench.pump.resume()


@pytest.mark.sim_only("what is refused is decided by the same core on every target")
@pytest.mark.requirement("SR-RES-08")
def test_a_fill_that_is_too_small_or_too_large_for_the_program_is_refused(bench: Bench) -> None:
    phases = flat(25, 60)
    bench.pump.syringe(SYRINGE, 19_999_000)
    digest = bench.pump.load(header(phases, fill_nl=20_000_000), phases)
    with pytest.raises(Refused, match="the program counts on 20000000"):
        bench.pump.confirm(digest)
    with pytest.raises(Refused, match="fill_nl: must be 0 to 50000000"):
        bench.pump.syringe(SYRINGE, 50_000_001)
    bench.pump.syringe(SYRINGE, 20_000_000)
    bench.pump.confirm(digest)
