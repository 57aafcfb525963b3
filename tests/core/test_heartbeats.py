"""Each duty of delivery has a count of its own; one that stands still starves the watchdog, and the motor is off."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.feeder import Feeder
from pump.core.planner import Planner
from pump.core.signals import CYAN
from tests.core.pumps import Pump
from tests.programs import flat

DEADLINE_S = 90  # SR-DIAG-05
LAST_STEP_US = 250_000  # D3: the generator has words for no longer


def infusing(ml_h: float = 25) -> Pump:
    pump = Pump()
    pump.start(flat(ml_h, 3600))
    pump.run(2)
    assert pump.state == "INFUSING"
    return pump


def counts(pump: Pump) -> dict[str, int]:
    """Of each duty, as the monitor reads them."""
    controller = pump.controller
    assert controller.course
    return {
        "sense": controller.beats,
        "feed": controller.feeder.beats,
        "plan": controller.course.planner.beats,
    }


DUTIES = ("sense", "feed", "plan")


def idle(pump: Pump, duty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The duty is called as ever, and does nothing any more."""
    owner = {"sense": pump.controller, "feed": Feeder, "plan": Planner}[duty]
    monkeypatch.setattr(owner, {"plan": "refill"}.get(duty, duty), lambda *arguments: None)


@pytest.mark.requirement("SR-DIAG-04")
def test_each_duty_counts_by_itself_and_the_watchdog_is_fed_while_all_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for duty in DUTIES:
        pump = infusing()
        before, bites_us = counts(pump), pump.target.watchdog.bites_us
        pump.run(0.1)
        after = counts(pump)
        assert all(after[name] > before[name] for name in DUTIES)
        assert pump.target.watchdog.bites_us == bites_us + 100_000
        with monkeypatch.context() as patch:
            idle(pump, duty, patch)
            pump.run(0.5)
        assert {name for name in DUTIES if counts(pump)[name] == after[name]} == {duty}
        assert pump.target.watchdog.bites_us <= bites_us + 200_000, (
            "planning is behind the tick: it may count once more"
        )


@pytest.mark.requirement("SR-DIAG-04", "SR-DIAG-05", "SR-DIAG-06")
@pytest.mark.parametrize("duty", DUTIES)
def test_a_duty_that_is_silent_for_the_watchdogs_time_turns_the_motor_off_with_an_alarm(
    duty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = infusing()
    assert pump.controller.course
    steps, granted = pump.target.mechanics.steps, pump.controller.course.grant_steps + 1
    bites_us = pump.target.watchdog.bites_us
    assert bites_us - pump.target.now_us <= 1_500_000 < DEADLINE_S * 1_000_000
    with monkeypatch.context() as patch:
        idle(pump, duty, patch)
        pump.run((bites_us - 1 - pump.target.now_us) / 1e6)
        # What goes on pushing with nobody watching is cut off sooner, by the interlock.
        assert pump.target.motor_on == (duty != "sense")
        assert pump.target.mechanics.steps - steps <= granted
        pump.run(0.101)
    check_off(pump)


def check_off(pump: Pump) -> None:
    """The monitor has turned the motor off, and nothing but a person brings it back."""
    assert (pump.state, pump.target.motor_on, pump.target.stepper.pulses) == ("ALARM", False, 0)
    steps = len(pump.target.mechanics.step_times_us)
    pump.run(60)
    assert pump.alarms == ["WATCHDOG_RESET"]
    assert pump.target.lights == CYAN, "of low priority"
    assert (pump.target.motor_on, len(pump.target.mechanics.step_times_us)) == (False, steps)


@pytest.mark.requirement("SR-DIAG-05", "SR-DIAG-06", "SR-SAFE-01")
@settings(max_examples=12)
@given(st.integers(0, 99_999), st.sampled_from([5, 25, 400, 1200]))
def test_whenever_the_firmware_hangs_the_motor_starves_and_the_watchdog_turns_it_off(us: int, ml_h: float) -> None:
    """Nothing of the firmware runs: the generator stops for want of words, and the watchdog is a part of its own."""
    pump = infusing(ml_h)
    pump.run(us / 1e6)
    target = pump.target
    hung_us, bites_us = target.now_us, target.watchdog.bites_us
    target.hang()
    pump.run((bites_us - 1 - hung_us) / 1e6)
    assert target.motor_on
    assert target.mechanics.step_times_us[-1] - hung_us <= LAST_STEP_US
    assert bites_us - hung_us <= 1_500_000 < DEADLINE_S * 1_000_000
    steps = len(target.mechanics.step_times_us)
    pump.run(1e-6)
    assert not target.motor_on
    check_off(pump)
    assert len(target.mechanics.step_times_us) == steps


@pytest.mark.requirement("SR-DIAG-06")
def test_without_a_watchdog_reset_there_is_no_such_alarm() -> None:
    pump = infusing()
    pump.ask("stop")
    pump.run(1)
    pump.target.cut_power()
    pump.target.restore_power()
    assert pump.controller.alarms == 0
