"""Every alarm that a bench can cause: it comes, the motor does what its row says, it stays while its cause does.

No step is made after an alarm that stops the motor (SR-STOP-04).
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hil.bench import Bench
from tests.programs import SYRINGE, Oracle, ended, flat, follow, header, serious, start
from titrate.errors import Refused

LONG_S = 3600


class Case(NamedTuple):
    """What brings an alarm, what ends its cause, how long the alarm may take, and at which rate."""

    cause: Callable[[Bench], None]
    cure: Callable[[Bench], None]
    within_s: float
    ml_h: float = 400


STOPPING = {
    "OCCLUSION": Case(Bench.occlude, Bench.release, 30),
    "AIR_IN_LINE": Case(lambda bench: bench.add_air(400), Bench.clear_air, 3),
    "SYRINGE_MISSING": Case(Bench.remove_syringe, Bench.fit_syringe, 1),
    "LINE_DISCONNECTED": Case(Bench.disconnect_line, Bench.connect_line, 5),
    "SENSOR_FAULT": Case(lambda bench: bench.break_pressure_sensor("open"), Bench.mend_pressure_sensor, 3),
    "OVERHEATED": Case(lambda bench: bench.set_temperature(70), lambda bench: bench.set_temperature(25), 25, 25),
    "BATTERY_DEPLETED": Case(lambda bench: bench.set_supply(7), lambda bench: bench.set_supply(12), 25, 25),
    "SUPPLY_HIGH": Case(lambda bench: bench.set_supply(17), lambda bench: bench.set_supply(12), 25, 25),
}
ENDS_WITH_THE_MOTOR = ("OCCLUSION", "LINE_DISCONNECTED")  # the pressure goes when the plunger goes back, or stands
REQUIREMENTS = {
    "OCCLUSION": ("SR-OCC-01",),
    "AIR_IN_LINE": ("SR-AIR-01",),
    "SYRINGE_MISSING": ("SR-RES-07",),
    "LINE_DISCONNECTED": ("SR-OCC-06",),
    "SENSOR_FAULT": ("SR-DIAG-13",),
    "OVERHEATED": ("SR-ALARM-09",),
    "BATTERY_DEPLETED": ("SR-POWER-02", "SR-POWER-03"),
    "SUPPLY_HIGH": ("SR-POWER-02",),
}
EVERY = [
    pytest.param(name, marks=[pytest.mark.requirement(one) for one in REQUIREMENTS[name]], id=name) for name in STOPPING
]


def has(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda status: name in status["alarms"]


def running(bench: Bench, ml_h: float) -> None:
    """At its rate, and for long enough that a fall of pressure would be seen."""
    start(bench, flat(ml_h, LONG_S if ml_h < 100 else 400))
    bench.run_for(15)
    bench.reconnect()


@pytest.mark.requirement("SR-STOP-04")
@pytest.mark.requirement("SR-ALARM-05")
@pytest.mark.requirement("SR-ALARM-04")
@pytest.mark.parametrize("name", EVERY)
def test_it_stops_the_motor_and_lets_nobody_on_while_its_cause_is_there(bench: Bench, name: str) -> None:
    case = STOPPING[name]
    running(bench, case.ml_h)
    case.cause(bench)
    began_s = bench.now_s
    status = follow(bench, has(name))
    assert bench.now_s - began_s < case.within_s + 1.1
    assert status["state"] == "ALARM"
    bench.run_for(20)  # an occlusion backs off
    steps = bench.steps
    bench.run_for(5)
    assert bench.steps == steps, "a step after the alarm"
    bench.reconnect()
    if name in ENDS_WITH_THE_MOTOR:
        case.cure(bench)
    else:
        with pytest.raises(Refused, match="still true"):
            bench.pump.acknowledge()
        case.cure(bench)
        bench.run_for(45 if case.within_s > 10 else 3)
        bench.reconnect()
    pump = bench.pump
    pump.acknowledge()
    assert name not in pump.status()["alarms"]
    assert pump.status()["state"] == "PAUSED"
    assert bench.steps == steps, "an acknowledgement moved the motor"
    pump.resume()
    bench.run_for(5)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING"
    assert bench.steps > steps


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize(("fault", "within_s"), [("open", 3), ("short", 3), ("stuck", 125)])
def test_a_pressure_sensor_that_cannot_be_true_stops_the_pump(bench: Bench, fault: str, within_s: float) -> None:
    running(bench, 25)
    bench.break_pressure_sensor(fault)
    began_s = bench.now_s
    status = follow(bench, lambda status: status["state"] == "ALARM")
    assert "SENSOR_FAULT" in status["alarms"] or (fault == "short" and "OCCLUSION" in status["alarms"])
    assert bench.now_s - began_s < within_s + 1.1


@pytest.mark.requirement("SR-RES-07")
@pytest.mark.requirement("SR-STOP-01")
def test_without_a_syringe_it_does_not_start(bench: Bench) -> None:
    pump = bench.pump
    bench.remove_syringe()
    bench.run_for(1)
    with pytest.raises(Exception, match="no syringe"):
        start(bench, flat(25, 60))
    assert pump.status()["state"] == "READY"
    assert bench.steps == 0


@pytest.mark.requirement("SR-POWER-02")
def test_the_supply_warns_before_it_stops(bench: Bench) -> None:
    running(bench, 25)
    bench.set_supply(10.5)
    status = follow(bench, has("BATTERY_LOW"))
    assert status["state"] == "INFUSING"
    bench.set_supply(12)
    follow(bench, lambda status: not serious(status))


@pytest.mark.requirement("SR-ENV-01")
@pytest.mark.parametrize("celsius", [5, 50])
def test_at_both_ends_of_the_span_of_temperature_there_is_no_alarm(bench: Bench, celsius: float) -> None:
    """Of the chip, which is what the pump measures."""
    bench.set_temperature(celsius)
    phases = flat(100, 60)
    start(bench, phases)
    status = follow(bench, ended)
    assert serious(status) == ["INFUSION_COMPLETE"]
    assert status["counted_steps"] == bench.steps == Oracle(phases).steps(60_000)


@pytest.mark.requirement("SR-HW-03")
def test_dips_and_spikes_of_the_supply_change_no_step(bench: Bench) -> None:
    """As its reading shows them: several of the seconds' readings fall into one. What a regulator bears is not here."""
    chance = random.Random(1)
    phases = flat(100, 60)
    start(bench, phases)
    for _ in range(200):
        bench.run_for(chance.uniform(0.1, 0.3))
        bench.set_supply(chance.choice((6, 9, 17)))
        bench.run_for(chance.uniform(0.01, 0.03))
        bench.set_supply(12)
    status = follow(bench, ended)
    assert set(serious(status)) <= {"BATTERY_LOW", "INFUSION_COMPLETE"}
    assert status["counted_steps"] == bench.steps == Oracle(phases).steps(60_000)
    assert [event["kind"] for event in bench.pump.events()].count("boot") == 1


@pytest.mark.requirement("SR-ALARM-02")
@pytest.mark.requirement("SR-ALARM-12")
def test_an_alarm_is_logged_with_what_was_measured(bench: Bench) -> None:
    running(bench, 400)
    bench.occlude()
    follow(bench, has("OCCLUSION"))
    texts = [event["text"] for event in bench.pump.events() if event["kind"] == "alarm"]
    (text,) = [text for text in texts if text.startswith("OCCLUSION at ")]
    assert int(text.split()[2]) > 30_000, "Pa"
    assert " steps, " in text
    assert " mV, " in text
    assert " dC; " in text


@pytest.mark.requirement("SR-RES-05")
def test_near_empty_comes_minutes_ahead(bench: Bench) -> None:
    pump = bench.pump
    phases = flat(25, 600)

    pump.syringe(SYRINGE, 1_300_000)  # 3.1 min at 25 mL/h
    pump.configure(near_empty_level=0)
    pump.confirm(pump.load(header(phases, fill_nl=1_300_000), phases))
    pump.start()
    status = follow(bench, has("NEAR_EMPTY"))
    left_min = status["remaining_nl"] / 25e6 * 60
    assert 2.9 < left_min < 3
    assert status["state"] == "INFUSING"
    assert status["empty_s"] == pytest.approx(left_min * 60, abs=1)


@pytest.mark.sim_only("the same core decides; it takes a minute")
@pytest.mark.requirement("SR-OCC-06")
def test_a_syringe_that_is_changed_in_no_time_is_no_line_that_came_off(bench: Bench) -> None:
    """The slow monitors saw the motor run all the time, and then the pressure of a plunger that has yet to be met."""
    start(bench, flat(280, 120))
    follow(bench, lambda status: status["infused_ms"] > 60_000)
    bench.pump.pause()
    bench.change_syringe()
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.resume()
    status = follow(bench, lambda status: status["infused_ms"] > 100_000)
    assert not serious(status)
