"""Filling line and syringe, asked of the controller itself: from the stop alone, never for long, and told after."""

from collections.abc import Callable

import pytest

from hil.boards import board_data
from pump.core.syringes import step_volume_pl
from pump.core.units import S_PER_H
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.programs import SYRINGE, flat

BOARD = board_data("pico")
STEP = step_volume_pl(SYRINGE, 2000, 3200)
STEP_NL = STEP[0] / STEP[1] / 1000
HELD_NL = 10_000_000
REFUSED = {"prime": {}, "refill": {"volume_nl": 1_000_000}}


def declared(held_nl: int = FILL_NL) -> Pump:
    pump = Pump()
    pump.ask("syringe", syringe=SYRINGE, fill_nl=held_nl)
    return pump


def still(pump: Pump) -> bool:
    """Whether the motor is off, and no pulse comes any more."""
    pulses = len(pump.target.mechanics.step_times_us)
    pump.run(1)
    return not pump.target.motor_on and len(pump.target.mechanics.step_times_us) == pulses


def told_nl(pump: Pump, kind: str) -> int:
    """The volume that the one entry of the log names."""
    (text,) = pump.told(kind)
    return int(text.split()[0])


# --- the line


@pytest.mark.requirement("SR-PRIME-01")
def test_it_primes_until_the_stop_and_tells_what_it_used_and_what_comes_next() -> None:
    pump = declared()
    assert still(pump), "nobody has asked"
    pump.ask("prime")
    pump.run(30)
    assert pump.state == "PRIMING"
    pump.ask("stop")
    assert pump.state == "IDLE"
    assert still(pump)
    used_nl = pump.target.mechanics.steps * STEP_NL
    assert used_nl == pytest.approx(BOARD.PRIME_NL_H * 30 / S_PER_H, abs=2 * STEP_NL)
    assert told_nl(pump, "primed") == pytest.approx(used_nl, abs=1)
    assert pump.told("primed")[0].endswith("next: load a program")
    assert pump.alarms == []


@pytest.mark.requirement("SR-PRIME-01", "SR-DIR-01")
@pytest.mark.parametrize("method", REFUSED)
def test_neither_priming_nor_refilling_begins_anywhere_but_in_the_stop(method: str) -> None:
    pump = Pump()
    with pytest.raises(Refused, match="declare a syringe first"):
        pump.ask(method, **REFUSED[method])
    found = []
    bounded = [["infuse", 600_000, 20 * 10**9, 20 * 10**9, 0, 30 * 10**9]]
    ways: list[Callable[[], object]] = [
        lambda: pump.ask("confirm", digest=pump.load(bounded), overrides=[]),
        lambda: pump.ask("start"),
        lambda: pump.ask("bolus", volume_nl=100_000, duration_ms=60_000, overrides=[]),
        lambda: pump.ask("pause"),
        lambda: pump.target.set_supply(8),
        lambda: pump.controller.fail("flash"),
    ]
    for way in ways:
        way()
        pump.run(30 if way is ways[4] else 0.5)
        found.append(pump.state)
        with pytest.raises(Refused, match="possible in IDLE"):
            pump.ask(method, **REFUSED[method])
    assert found == ["READY", "INFUSING", "BOLUS", "PAUSED", "ALARM", "FAULT"]
    assert pump.back_steps == 0
    for under_way in REFUSED:
        other = declared(HELD_NL)
        other.ask(under_way, **REFUSED[under_way])
        with pytest.raises(Refused, match="possible in IDLE"):
            other.ask(method, **REFUSED[method])


@pytest.mark.requirement("SR-PRIME-02")
def test_priming_that_nobody_stops_ends_in_an_alarm_that_bars_the_infusion() -> None:
    pump = declared()
    pump.ask("prime")
    pump.run(BOARD.PRIME_S - 0.1)
    assert pump.state == "PRIMING"
    pump.run(0.4)
    assert pump.state == "ALARM"
    assert pump.alarms == ["FILLING_FAILED"]
    assert still(pump)
    used_nl = pump.target.mechanics.steps * STEP_NL
    assert used_nl == pytest.approx(BOARD.PRIME_NL_H * BOARD.PRIME_S / S_PER_H, abs=STEP_NL)
    assert pump.told("alarm")[-1].startswith("FILLING_FAILED")
    assert told_nl(pump, "primed") == pytest.approx(used_nl, abs=1)
    assert pump.told("primed")[0].endswith("next: acknowledge")
    pump.ask("stop")  # past the acknowledgement
    pump.ask("confirm", digest=pump.load(flat(25, 60)), overrides=[])
    with pytest.raises(Refused, match="acknowledge first: FILLING_FAILED"):
        pump.ask("start")
    assert still(pump)
    pump.ask("acknowledge")
    pump.ask("start")
    assert pump.target.motor_on


# --- the syringe


@pytest.mark.requirement("SR-RES-10")
def test_a_refill_ends_by_itself_with_its_volume_in_its_time_and_without_an_alert() -> None:
    pump = declared(HELD_NL)
    volume_nl = 1_000_000
    due_s = volume_nl * S_PER_H / BOARD.REFILL_NL_H
    pump.ask("refill", volume_nl=volume_nl)
    pump.run(due_s - 0.3)
    assert pump.state == "FILLING"
    pump.run(0.6)
    assert pump.state == "IDLE"
    assert pump.alarms == []
    assert still(pump)
    assert pump.back_steps * STEP_NL == pytest.approx(volume_nl, abs=STEP_NL)
    assert told_nl(pump, "refilled") == pytest.approx(volume_nl, abs=STEP_NL)
    assert pump.controller.remaining_nl() == pytest.approx(HELD_NL + volume_nl, abs=2 * STEP_NL)


def line_is_shut(pump: Pump) -> None:
    pump.feel(-BOARD.REFILL_FALL_PA - 1)


def holder_is_empty(pump: Pump) -> None:
    pump.target.fit(False)


def guard_is_open(pump: Pump) -> None:
    pump.target.close_guard(False)


@pytest.mark.requirement("SR-DIR-01")
def test_what_is_infused_after_a_refill_goes_forward() -> None:
    pump = declared(HELD_NL)
    pump.ask("refill", volume_nl=100_000)
    pump.run(10)
    drawn = pump.back_steps
    assert drawn > 0
    pump.start(flat(300, 60))
    pump.run(5)
    assert pump.back_steps == drawn
    assert pump.target.mechanics.steps > 0


@pytest.mark.requirement("SR-RES-10")
@pytest.mark.parametrize(
    ("trouble", "alarm"),
    [(line_is_shut, "UPSTREAM_OCCLUSION"), (holder_is_empty, "SYRINGE_MISSING"), (guard_is_open, "GUARD_OPEN")],
)
def test_a_refill_that_does_not_come_to_its_volume_is_an_alert_and_the_log_says_how_far_it_came(
    trouble: Callable[[Pump], None], alarm: str
) -> None:
    pump = declared(HELD_NL)
    pump.feel(0)
    pump.run(0.2)
    pump.ask("refill", volume_nl=20_000_000)
    pump.feel(-BOARD.REFILL_FALL_PA)
    pump.run(5)
    assert pump.state == "FILLING"
    assert pump.alarms == []
    trouble(pump)
    pump.run(0.5)
    assert pump.state == "ALARM"
    assert {alarm, "FILLING_FAILED"} <= set(pump.alarms)
    assert still(pump)
    drawn_nl = pump.back_steps * STEP_NL
    assert 130_000 < drawn_nl < 160_000
    assert told_nl(pump, "refilled") == pytest.approx(drawn_nl, abs=1)
    assert {alarm, "FILLING_FAILED"} <= {text.split()[0] for text in pump.told("alarm")}
    assert pump.controller.remaining_nl() == pytest.approx(HELD_NL + drawn_nl, abs=2 * STEP_NL)


# --- where the plunger stands


@pytest.mark.requirement("SR-SAFE-02")
def test_the_pump_knows_where_the_plunger_stands_while_it_goes_either_way_and_after() -> None:
    pump = declared(HELD_NL)
    mechanics = pump.target.mechanics
    for method, params in [*REFUSED.items(), *REFUSED.items()]:
        before = mechanics.steps
        pump.ask(method, **params)
        for _ in range(3):
            pump.run(0.7)
            pump.target.app._catch_up()
            assert pump.controller.plunger.steps(pump.controller.total_steps) == mechanics.steps != before
        pump.ask("stop")
        pump.run(1)
        assert pump.controller.plunger.steps(pump.controller.total_steps) == mechanics.steps
