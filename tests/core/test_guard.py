"""The guard over the plunger: open in motion it stops the pump at the next tick, and open it bars every start."""

from collections.abc import Callable

import pytest

from tests.core.pumps import Pump, Refused
from tests.programs import flat

PHASES = flat(25, 600)


@pytest.mark.requirement("SR-MECH-01")
def test_a_guard_that_opens_in_motion_stops_the_pump_with_its_alarm_at_the_next_tick() -> None:
    pump = Pump()
    pump.start(PHASES)
    pump.run(3.05)
    pump.target.close_guard(False)
    pump.run(0.049)
    assert (pump.state, pump.target.motor_on) == ("INFUSING", True)
    pump.run(0.001)
    assert (pump.state, pump.target.motor_on) == ("ALARM", False)
    assert "GUARD_OPEN" in pump.alarms
    steps = pump.target.stepper.pulses
    pump.run(1)
    with pytest.raises(Refused, match=r"still true: .*GUARD_OPEN"):
        pump.ask("acknowledge")
    pump.target.close_guard(True)
    pump.run(1)
    assert "GUARD_OPEN" in pump.alarms, "until somebody has seen it"
    pump.ask("acknowledge")
    pump.run(5)
    assert (pump.state, pump.alarms) == ("PAUSED", [])
    assert (pump.target.motor_on, pump.target.stepper.pulses) == (False, steps)
    pump.ask("resume")
    pump.run(5)
    assert pump.target.stepper.pulses > steps


def confirmed(pump: Pump) -> None:
    pump.ask("confirm", digest=pump.load(PHASES), overrides=[])


def paused(pump: Pump) -> None:
    pump.start(PHASES)
    pump.run(2)
    pump.ask("pause")


STARTS: dict[str, Callable[[Pump], object]] = {
    "start": confirmed,
    "resume": paused,
    "prime": lambda pump: pump.load(PHASES),
}


@pytest.mark.requirement("SR-MECH-01")
@pytest.mark.parametrize("method", STARTS)
def test_an_open_guard_bars_every_start_and_a_closed_one_lets_it_be(method: str) -> None:
    pump = Pump()
    STARTS[method](pump)
    pump.target.close_guard(False)
    pump.run(1)
    steps, state = pump.target.stepper.pulses, pump.state
    assert pump.alarms == [], "nothing moves"
    with pytest.raises(Refused, match="the guard is open"):
        pump.ask(method)
    pump.run(2)
    assert (pump.state, pump.target.stepper.pulses, pump.target.motor_on) == (state, steps, False)
    pump.target.close_guard(True)
    pump.run(0.1)
    pump.ask(method)
    pump.run(2)
    assert pump.target.stepper.pulses > steps
