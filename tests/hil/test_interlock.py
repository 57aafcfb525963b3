"""The interlock: no more pulses reach the motor than the loop has granted, whoever makes them and whatever hangs."""

import pytest

from hil.bench import Bench
from pump.core.infusion import GRANT_MS, GRANT_STEPS
from tests.programs import Oracle, flat, follow, serious, start

LEAD_S = 0.25  # what the generator may hold when the loop hangs


def granted(ml_h: float) -> int:
    """Steps that half a second may bring at this rate, and the few that are always allowed."""
    return Oracle(flat(ml_h, 1)).steps(GRANT_MS) + GRANT_STEPS + 1


@pytest.mark.requirement("SR-SAFE-01", "SR-SAFE-02")
@pytest.mark.parametrize("ml_h", [1, 25, 400])
def test_pulses_that_nobody_granted_move_nothing_though_the_firmware_hangs(bench: Bench, ml_h: float) -> None:
    """Processor and watchdog are no part of it: all is over before the watchdog bites."""
    start(bench, flat(ml_h, 600))
    follow(bench, lambda status: status["infused_ms"] > 2500)
    steps = bench.steps
    bench.hang()
    bench.add_pulses(granted(ml_h) + 200)
    bench.run_for(0.1)
    assert not bench.target.motor_on
    assert bench.steps - steps <= granted(ml_h)
    assert len(bench.step_times_us) - steps >= granted(ml_h) + 200, "the odometer counts them all"


@pytest.mark.requirement("SR-SAFE-01", "SR-DIAG-14")
def test_a_generator_that_runs_wild_is_cut_off_at_once_and_that_is_a_fault(bench: Bench) -> None:
    start(bench, flat(25, 600))
    follow(bench, lambda status: status["infused_ms"] > 2500)
    steps = bench.steps
    bench.add_pulses(2000)
    bench.run_for(0.5)
    assert bench.steps - steps <= granted(25)
    status = bench.pump.status()
    assert (status["state"], serious(status)) == ("FAULT", ["MOTOR_FAULT"])
    assert status["counted_steps"] >= steps + 2000, "the totals are never low"


@pytest.mark.requirement("SR-SAFE-01")
def test_a_bolus_at_full_speed_behind_a_slow_rate_is_granted_in_time(bench: Bench) -> None:
    """And the slow rate behind it: what is granted follows what may come, and no sooner than it may come."""
    phases = flat(0.5, 60)
    start(bench, phases)
    bench.run_for(12)
    bench.pump.bolus(volume_nl=500_000, duration_ms=1600)
    follow(bench, lambda status: status["state"] == "INFUSING")
    bench.run_for(12)
    status = bench.pump.status()
    assert (status["state"], serious(status)) == ("INFUSING", [])
    assert bench.target.motor_on
    assert (
        bench.steps == status["counted_steps"] >= Oracle(phases).steps(20_000) + 500_000_000 // Oracle(phases).step_pl
    )
