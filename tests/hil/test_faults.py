"""Things that go wrong on the bench: what the pump does, and that it then stands still."""

import pytest

from hil.bench import Bench
from tests.programs import Oracle, ended, flat, follow, serious, start
from titrate.errors import Refused

LAST_STEP_US = 250_000  # D3: the generator's words last no longer
OCCLUSION_US = 150_000
RELEASED_UL = 200  # what makers of hospital pumps hold themselves to


def steps_after(bench: Bench, us: int) -> int:
    return sum(time_us > us for time_us in bench.step_times_us)


@pytest.mark.requirement("SR-DIAG-05", "SR-DIAG-08", "SR-SAFE-01", "SR-SAFE-02", "SR-HW-02")
@pytest.mark.requirement("SR-DIAG-06")
@pytest.mark.parametrize("ml_h", [25, 400])
def test_hang_starves_the_motor_then_the_watchdog_resets(bench: Bench, ml_h: float) -> None:
    start(bench, flat(ml_h, 600))
    follow(bench, lambda status: status["infused_ms"] > 2500)
    hung_us = bench.target.now_us
    bench.hang()
    bench.run_for(0.26)
    steps = bench.steps
    assert bench.step_times_us[-1] - hung_us <= LAST_STEP_US
    bench.run_for(3)
    assert bench.steps == steps, "the motor moved after the reset"
    bench.reconnect()
    status = bench.pump.status()
    assert status["state"] == "ALARM"
    assert serious(status) == ["WATCHDOG_RESET"]
    assert status["time_ms"] < 4000, "it was not reset"
    bench.run_for(1)
    assert bench.steps == steps
    assert bench.pump.acknowledge() == []
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.requirement("SR-STOP-04", "SR-OCC-05", "SR-ALARM-05")
@pytest.mark.requirement("SR-OCC-01")
@pytest.mark.requirement("SR-OCC-03")
@pytest.mark.requirement("SR-OCC-04")
@pytest.mark.requirement("SR-DIR-01")
@pytest.mark.plant("ideal")  # it looks for the step at which the pressure crosses
def test_occlusion_stops_backs_off_and_the_program_delivers_its_volume_all_the_same(bench: Bench) -> None:
    phases = flat(300, 20)
    start(bench, phases)
    follow(bench, lambda status: status["infused_ms"] > 1000)
    bench.occlude()
    status = follow(bench, ended)
    assert status["state"] == "ALARM"
    assert serious(status) == ["OCCLUSION"]
    mechanics = bench.target.mechanics
    crossed_us, last_us = mechanics.crossed_us(69.0), mechanics.last_forward_us
    assert 0 < last_us - crossed_us <= OCCLUSION_US
    stopped_at = bench.steps
    bench.run_for(15)
    assert mechanics.last_forward_us == last_us, "no step forward after a stopping alarm"
    assert 0 < stopped_at - bench.steps <= 2_000_000_000 / float(Oracle(phases).step_pl)
    assert bench.pressure_kpa < 8
    before_ul = bench.delivered_ul
    bench.release()
    bench.run_for(10)
    assert bench.delivered_ul - before_ul <= RELEASED_UL
    bench.pump.acknowledge()
    assert bench.pump.status()["state"] == "PAUSED"
    bench.pump.resume()
    status = follow(bench, ended)
    assert serious(status) == ["INFUSION_COMPLETE"]
    assert bench.steps == status["counted_steps"] == Oracle(phases).steps(20_000)


def test_an_alarm_whose_condition_is_true_cannot_be_acknowledged(bench: Bench) -> None:
    start(bench, flat(300, 600))
    bench.run_for(1)
    bench.pump.pause()
    bench.pump.resume()
    bench.occlude()
    follow(bench, ended)
    bench.pump.request("events", after=0)
    with pytest.raises(Refused, match="still true: OCCLUSION"):
        bench.pump.acknowledge()
    with pytest.raises(Refused, match="ALARM"):
        bench.pump.resume()


@pytest.mark.requirement("SR-STOP-02")
def test_stop_ends_stepping_within_20_ms(bench: Bench) -> None:
    start(bench, flat(300, 600))
    follow(bench, lambda status: status["infused_ms"] > 1000)
    asked_us = bench.target.now_us
    bench.pump.stop()
    bench.run_for(1)
    assert bench.step_times_us[-1] - asked_us <= 20_000
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.requirement("SR-ALARM-08")
@pytest.mark.requirement("SR-LINK-06")
@pytest.mark.expects("LINK_LOST")
def test_a_host_that_falls_silent_is_an_alarm_and_the_program_goes_on(bench: Bench) -> None:
    phases = flat(25, 40)
    start(bench, phases, attended=True)
    bench.run_for(14)
    steps = bench.steps
    bench.run_for(3)
    status = bench.pump.status()  # the first thing that the pump hears after 17 s
    assert serious(status) == ["LINK_LOST"]
    assert status["state"] == "INFUSING"
    assert bench.steps > steps
    bench.pump.acknowledge()
    follow(bench, ended)
    assert bench.steps == Oracle(phases).steps(40_000)


@pytest.mark.requirement("SR-SAFE-02", "SR-HW-02")
@pytest.mark.requirement("SR-POWER-01")
def test_after_a_power_cut_the_pump_stands_still(bench: Bench) -> None:
    start(bench, flat(25, 60))
    follow(bench, lambda status: status["infused_ms"] > 1000)
    bench.cut_power()
    steps = bench.steps
    bench.run_for(2)
    bench.restore_power()
    bench.run_for(3)
    assert bench.steps == steps
    status = bench.pump.status()
    assert status["state"] == "ALARM"
    assert status["alarms"] == ["POWER_INTERRUPTED"]
    assert status["counted_steps"] >= steps, "a total is never low"
    assert bench.pump.acknowledge() == []
    assert bench.pump.status()["state"] == "IDLE"


@pytest.mark.requirement("SR-RATE-08", "SR-STOP-03")
@pytest.mark.requirement("SR-STOP-05")
def test_pauses_lose_and_repeat_nothing(bench: Bench) -> None:
    phases = flat(60, 12)
    start(bench, phases)
    for _ in range(4):
        bench.run_for(1.234)
        bench.pump.pause()
        steps = bench.steps
        bench.run_for(1)
        assert bench.steps == steps
        bench.pump.resume()
    status = follow(bench, ended)
    assert serious(status) == ["INFUSION_COMPLETE"]
    assert bench.steps == status["counted_steps"] == Oracle(phases).steps(12_000)


@pytest.mark.requirement("SR-BOLUS-09", "SR-LINK-03")
@pytest.mark.requirement("SR-BOLUS-01")
def test_a_bolus_comes_on_top_of_the_program_and_the_program_goes_on(bench: Bench) -> None:
    phases = flat(25, 15)
    start(bench, phases)
    bench.run_for(2)
    bench.pump.bolus(volume_nl=100_000, duration_ms=6000)
    assert bench.pump.status()["state"] == "BOLUS"
    follow(bench, lambda status: status["state"] == "INFUSING")
    status = follow(bench, ended)
    oracle = Oracle(phases)
    together_pl = oracle.volume_pl(15_000) + 100_000 * 1000
    assert bench.steps == status["counted_steps"] == together_pl // oracle.step_pl
