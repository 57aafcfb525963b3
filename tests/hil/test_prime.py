"""Filling the line: only when asked, only from the stop, never for long, and never a dose."""

import pytest

from hil.bench import Bench
from hil.boards import board_data
from pump.core.units import NL_PER_ML
from tests.hil.test_alarms import has
from tests.hil.test_dosing import STEP_NL, give, use
from tests.hil.test_memory import again
from tests.programs import SYRINGE, flat, follow, header, start
from titrate.errors import Refused

BOARD = board_data("pico")
ML_H = BOARD.PRIME_NL_H / NL_PER_ML
FILL_NL = 50_000_000


def prime(bench: Bench, seconds: float) -> int:
    """The steps made until the stop."""
    bench.pump.syringe(SYRINGE, FILL_NL)
    before = bench.steps
    bench.pump.prime()
    bench.run_for(seconds)
    bench.reconnect()
    assert bench.pump.status()["state"] == "PRIMING"
    bench.pump.stop()
    return bench.steps - before


@pytest.mark.requirement("SR-PRIME-01")
def test_it_runs_until_stop_and_reports_what_it_used_and_what_comes_next(bench: Bench) -> None:
    steps = prime(bench, 5)
    assert steps * STEP_NL == pytest.approx(ML_H / 3600 * 5e6, rel=0.05)
    status = bench.pump.status()
    assert status["state"] == "IDLE"
    assert status["counted_steps"] == 0
    assert FILL_NL - status["remaining_nl"] == pytest.approx(steps * STEP_NL, abs=STEP_NL)
    (text,) = [event["text"] for event in bench.pump.events() if event["kind"] == "primed"]
    used_nl = int(text.split()[0])
    assert used_nl == pytest.approx(steps * STEP_NL, abs=2)
    assert text.endswith("nL used; next: load a program")
    bench.run_for(1)
    assert bench.steps == steps, "a step after the stop"
    start(bench, flat(25, 10))  # the next step is taken
    bench.run_for(1)


@pytest.mark.requirement("SR-PRIME-01")
def test_nobody_primes_out_of_place(bench: Bench) -> None:
    with pytest.raises(Refused, match="declare a syringe first"):
        bench.pump.prime()
    bench.pump.syringe(SYRINGE, FILL_NL)
    bench.remove_syringe()
    bench.run_for(1)
    bench.reconnect()
    with pytest.raises(Refused, match="no syringe in its holder"):
        bench.pump.prime()
    bench.fit_syringe()
    bench.run_for(1)
    bench.reconnect()
    phases = flat(25, 60)
    bench.pump.confirm(bench.pump.load(header(phases), phases))
    for step in (lambda: None, bench.pump.start, bench.pump.pause):
        step()
        with pytest.raises(Refused, match="possible in IDLE"):
            bench.pump.prime()


@pytest.mark.sim_only("two minutes of device time; the same core decides")
@pytest.mark.expects("FILLING_FAILED")
@pytest.mark.requirement("SR-PRIME-02")
def test_a_line_that_does_not_fill_ends_in_an_alarm_and_bars_the_start(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, FILL_NL)
    bench.pump.prime()
    status = follow(bench, has("FILLING_FAILED"))
    assert status["state"] == "ALARM"
    assert bench.steps * STEP_NL == pytest.approx(ML_H / 3600 * BOARD.PRIME_S * 1e6, rel=1e-4)
    steps = bench.steps
    bench.run_for(5)
    bench.reconnect()
    assert bench.steps == steps
    (text,) = [event["text"] for event in bench.pump.events() if event["kind"] == "primed"]
    assert text.endswith("next: acknowledge")
    bench.pump.stop()  # past the acknowledgement
    phases = flat(25, 60)
    bench.pump.confirm(bench.pump.load(header(phases, fill_nl=40_000_000), phases))
    with pytest.raises(Refused, match="acknowledge first: FILLING_FAILED"):
        bench.pump.start()
    bench.pump.acknowledge()
    bench.pump.start()


@pytest.mark.requirement("SR-PRIME-01")
def test_it_is_no_dose_and_takes_no_room_from_one(bench: Bench) -> None:
    use(bench)
    prime(bench, 5)
    assert bench.pump.doses()["windows_ng"] == [0, 0, 0]
    give(bench, flat(10, 600))
    bench.run_for(3)
    bench.reconnect()
    given_ng = bench.pump.doses()["windows_ng"]
    counted_steps = bench.pump.status()["counted_steps"]
    bench.pump.stop()
    prime(bench, 3)
    assert bench.pump.doses()["windows_ng"][0] <= given_ng[0] * 1.2
    assert counted_steps * STEP_NL < 20_000, "else the priming before would not show"


@pytest.mark.expects("OCCLUSION")
def test_air_goes_ahead_of_the_liquid_but_a_clamp_stops_it(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, FILL_NL)
    bench.pump.prime()
    bench.add_air()
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["alarms"] == []
    bench.clear_air()
    bench.occlude()
    status = follow(bench, has("OCCLUSION"))
    assert status["state"] == "ALARM"
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


@pytest.mark.expects("POWER_INTERRUPTED")
def test_after_a_power_cut_it_does_not_go_on(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, FILL_NL)
    bench.pump.prime()
    bench.run_for(2)
    again(bench)
    steps = bench.steps
    assert bench.pump.status()["alarms"] == ["POWER_INTERRUPTED"]
    bench.run_for(2)
    assert bench.steps == steps
