"""A pump that nobody needs rests after the hours that are set, without motor current, and anybody wakes it."""

from collections.abc import Callable
from typing import Any

import pytest

from pump.core import framing
from pump.core.alarms import BITS
from tests.core.pumps import Pump, Refused
from tests.programs import flat

HOUR_MS = 3_600_000


def pump_with(auto_off_h: Any) -> Pump:
    pump = Pump(heartbeats=False)
    pump.ask("configure", settings={**pump.ask("settings"), "auto_off_h": auto_off_h})
    pump.run(0.1)
    return pump


def passes(pump: Pump, ms: int) -> bool:
    """Lets so much pass at one look of the monitors; whether the pump rests then."""
    pump.controller.watch.second(pump.controller, ms)
    return pump.controller.watch.resting


WAKES: dict[str, Callable[[Pump], object]] = {
    "key": lambda pump: pump.target.press("mute", 0.2),
    "host": lambda pump: pump.target.write(framing.encode({"id": 0, "method": "heartbeat", "params": {}})),
    "alarm": lambda pump: pump.controller.raise_alarms(BITS["BATTERY_LOW"]),
}


@pytest.mark.requirement("SR-POWER-08")
@pytest.mark.parametrize("wakes", WAKES)
def test_without_run_and_alarm_it_rests_after_the_set_time_without_motor_current_and_anybody_wakes_it(
    wakes: str,
) -> None:
    pump = pump_with(1)
    pump.start(flat(60, 2))
    assert not passes(pump, 2 * HOUR_MS), "a run is no idle time"
    pump.run(0.1)
    assert pump.target.motor_on
    pump.run(4)
    assert (pump.state, pump.alarms, pump.target.motor_on) == ("IDLE", ["INFUSION_COMPLETE"], False)
    assert not passes(pump, 2 * HOUR_MS), "an alarm waits for somebody"
    pump.ask("acknowledge")
    pump.run(1.1)
    assert not passes(pump, HOUR_MS - 2000)
    pump.run(2.1)
    assert (pump.controller.watch.resting, pump.target.motor_on) == (True, False)
    WAKES[wakes](pump)
    pump.run(1.1)
    assert not pump.controller.watch.resting


@pytest.mark.requirement("SR-POWER-09")
@pytest.mark.parametrize("hours", [1, 2, 24])
def test_it_rests_at_the_set_hour_and_not_a_millisecond_before(hours: int) -> None:
    pump = pump_with(hours)
    assert not passes(pump, hours * HOUR_MS - 1)
    assert passes(pump, 1)


@pytest.mark.requirement("SR-POWER-09")
def test_set_to_0_hours_it_never_rests() -> None:
    assert not passes(pump_with(0), 1000 * HOUR_MS)


@pytest.mark.requirement("SR-POWER-09")
@pytest.mark.parametrize("hours", [-1, 25, 0.5, True, "1", None])
def test_hours_that_are_not_whole_or_out_of_span_are_refused_and_those_before_hold(hours: Any) -> None:
    pump = pump_with(24)
    wanted = {**pump.ask("settings"), "auto_off_h": hours}
    with pytest.raises(Refused, match="auto_off_h 0 to 24"):
        pump.ask("configure", settings=wanted)
    assert pump.ask("settings")["auto_off_h"] == 24
    assert not passes(pump, 24 * HOUR_MS - 1)
    assert passes(pump, 1)


@pytest.mark.requirement("SR-POWER-09")
def test_the_shortest_time_exceeds_what_an_input_may_wait_for_its_start() -> None:
    """So no value between 0 and the input idle time can be set at all."""
    pump = pump_with(1)
    assert pump.controller.board.STAGED_S >= 300
    pump.load(flat(25, 60))
    assert not passes(pump, pump.controller.board.STAGED_S * 1000 - 1)
    assert pump.controller.is_staged()
    passes(pump, 1)
    assert not pump.controller.is_staged(), "dropped, long before the hour"
    assert pump.controller.board.STAGED_S * 1000 < HOUR_MS
