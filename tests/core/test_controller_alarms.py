"""What an alarm does to a whole pump: told, recorded, seen and heard, and the rate that its row of the table says."""

import itertools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import alarms, framing
from pump.core.alarms import ALARMS, BITS, NAMES
from pump.core.library import Library
from pump.core.signals import CYAN, HIGH, LOW, MEDIUM, RED, YELLOW
from tests.core.entries import CONCENTRATION_NG_ML, entry
from tests.core.pumps import Pump, Refused
from tests.core.test_alarms import FOR_GOOD, KVO, OFF, RATES
from tests.programs import Oracle, flat

PHASES = flat(25, 3600)
LIGHTS = {HIGH: RED, MEDIUM: YELLOW, LOW: CYAN}
FIRST_TONE = {HIGH: 523, MEDIUM: 523, LOW: 330}
STATES = {FOR_GOOD: "FAULT", OFF: "ALARM", KVO: "KVO"}
KVO_ML_H = 0.5
SIGNAL_MS = 200  # the project's bound: one control tick, and one of the time's own grain
RECORD = re.compile(
    r"([A-Z_]+) at (-?\d+) Pa, (\d+) steps, (\d+) mV, (-?\d+) dC(?:, ([^;]+))?; each second before (.+) Pa"
)


def infusing(seconds: float = 3.45) -> Pump:
    """On a program that the drug library knows, with no alarm."""
    pump = Pump()
    pump.controller.dosing.library = Library([entry(kvo_nl_h=round(KVO_ML_H * 1e6), kvo_nl=10**6, kvo_ms=3_600_000)])
    pump.start(PHASES, concentration_ng_ml=CONCENTRATION_NG_ML, code="test")
    pump.run(seconds)
    assert (pump.state, pump.controller.alarms, pump.target.lights) == ("INFUSING", 0, 0)
    return pump


def come_true(pump: Pump, *names: str) -> None:
    """A monitor says so, as of the next tick."""
    for name in names:
        pump.controller.watch.slow |= BITS[name]
    pump.run(0.1)


def sent(pump: Pump) -> list[dict[str, Any]]:
    """What the pump has told its host by itself since it was asked last."""
    heard = framing.Deframer().feed(pump.target.read(pump.target.available()))
    return [message for message, _fault in heard if message and "method" in message]


def lit(pump: Pump, since_us: int) -> set[int]:
    """Lights that shone since then, in whatever rhythm."""
    return {lights for at_us, lights in pump.target.light_edges if at_us >= since_us} | {pump.target.lights}


@pytest.mark.requirement("SR-ALARM-01", "SR-ALARM-02", "SR-ALARM-11")
@pytest.mark.parametrize("name", NAMES)
def test_each_alarm_lights_sounds_and_is_told_and_recorded_under_its_own_name(name: str) -> None:
    pump = infusing()
    sent(pump)
    begun_us, last = pump.target.now_us, pump.log[-1][0]
    come_true(pump, name)
    told = sent(pump)
    assert [message["params"]["alarms"] for message in told if message["method"] == "status"][:1] == [[name]]
    priority = ALARMS[name][alarms.PRIORITY]
    ((lit_us, lights),) = [edge for edge in pump.target.light_edges if edge[0] >= begun_us]
    ((sounded_us, tone_hz), *_) = [edge for edge in pump.target.tone_edges if edge[0] >= begun_us]
    assert (lights, tone_hz) == (LIGHTS[priority], FIRST_TONE[priority])
    pump.run(1)
    told += sent(pump)
    records = [entry for entry in pump.log if entry[0] > last]
    ((_, found_ms, _, text),) = [entry for entry in records if entry[2] == "alarm"]
    assert text.split()[0] == name
    assert [message["params"]["text"] for message in told if message["params"].get("kind") == "alarm"] == [text]
    ((_, shown_ms, _, shown),) = [entry for entry in records if entry[2] == "signal"]
    assert shown == f"{name} {shown_ms - found_ms} ms after detection"
    assert lit_us == sounded_us == shown_ms * 1000
    assert shown_ms - found_ms <= SIGNAL_MS


@pytest.mark.requirement("SR-ALARM-11")
@settings(max_examples=30)
@given(st.integers(1, 99))
def test_an_alarm_between_two_ticks_is_signalled_at_the_next_and_the_record_says_how_late(ms: int) -> None:
    pump = Pump()
    pump.ask("configure", settings={**pump.ask("settings"), "library_required": 1})
    pump.run(1)
    pump.controller.end_alarms(pump.controller.alarms)
    digest = pump.load(PHASES)
    pump.run(ms / 1000)
    with pytest.raises(Refused, match="settings require one"):
        pump.ask("confirm", digest=digest, overrides=[])
    pump.run(0.2)
    (found_ms,) = [at_ms for _, at_ms, kind, text in pump.log if kind == "alarm" and at_ms >= 1000]
    (shown,) = [text for _, at_ms, kind, text in pump.log if kind == "signal" and at_ms >= 1000]
    assert found_ms % 100 == ms
    assert shown == f"LIBRARY_MISSING {100 - ms} ms after detection"


@pytest.mark.requirement("SR-ALARM-11")
def test_of_alarms_that_wait_for_their_signal_the_first_ones_time_counts() -> None:
    controller = infusing().controller
    controller.raise_alarms(BITS["BATTERY_LOW"])
    controller.now_ms += 60
    controller.raise_alarms(BITS["OCCLUSION"])
    controller.now_ms += 30
    controller.signalled()
    assert controller.log.entries[-1][3] == "OCCLUSION BATTERY_LOW 90 ms after detection"


@pytest.mark.requirement("SR-ALARM-05", "SR-ALARM-08")
@pytest.mark.parametrize("name", NAMES)
def test_the_rate_becomes_what_the_row_says_and_else_stays_to_the_step(name: str) -> None:
    pump = infusing()
    come_true(pump, name)
    rate = RATES[name]
    assert pump.state == STATES.get(rate, "INFUSING")
    steps, forward_us = pump.target.stepper.pulses, pump.target.mechanics.last_forward_us
    pump.run(60)
    made = pump.target.stepper.pulses - steps
    oracle = Oracle(PHASES)
    if rate in (FOR_GOOD, OFF):
        assert pump.target.mechanics.last_forward_us == forward_us
        assert not pump.target.motor_on
    elif rate == KVO:
        assert made == pytest.approx(KVO_ML_H / 60 * 1e9 / float(oracle.step_pl), abs=1)
    else:
        infused_ms = pump.ask("status")["infused_ms"]
        assert 63_400 <= infused_ms <= 63_600, "time never stood still"
        assert pump.target.stepper.pulses == oracle.steps(infused_ms)


# --- several at once

SIX = ("BATTERY_LOW", "LINK_LOST", "DOSE_LIMIT", "SYRINGE_MISSING", "BATTERY_DEPLETED", "MOTOR_FAULT")
LOWEST = ("INFUSING", "KVO", "ALARM", "FAULT")


@pytest.mark.requirement("SR-ALARM-06")
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(SIX, 2)))
def test_of_two_alarms_the_lower_rate_runs_and_the_higher_priority_shines(
    first: str, second: str, at_once: bool
) -> None:
    pump = infusing()
    if at_once:
        come_true(pump, first, second)
    else:
        come_true(pump, first)
        pump.run(0.5)
        come_true(pump, second)
    states = [STATES.get(RATES[name], "INFUSING") for name in (first, second)]
    assert pump.state == max(states, key=LOWEST.index)
    since_us = pump.target.now_us
    pump.run(4)
    highest = max(ALARMS[name][alarms.PRIORITY] for name in (first, second))
    assert lit(pump, since_us) - {0} == {LIGHTS[highest]}


@pytest.mark.requirement("SR-ALARM-06")
def test_when_the_higher_alarm_is_over_the_lower_one_shines() -> None:
    pump = infusing()
    pump.target.set_supply(10.5)
    pump.run(30)
    assert (pump.alarms, pump.target.lights) == (["BATTERY_LOW"], CYAN)
    pump.target.fit(False)
    pump.run(1)
    assert pump.alarms == ["SYRINGE_MISSING", "BATTERY_LOW"]
    pump.target.fit(True)
    pump.run(1)
    pump.ask("acknowledge")
    pump.run(1)
    assert (pump.alarms, pump.target.lights) == (["BATTERY_LOW"], CYAN)


# --- what the record holds


class Cause(NamedTuple):
    """bring: the cause, after which the alarm is there within_s. field: of the record; between least and most, and no
    further beyond the threshold than what comes in one step, one reading or, for the pressure, the line's noise."""

    bring: Callable[[Pump], object]
    within_s: float
    field: int
    least: int
    most: int


PA, MV, DC, SAID = 2, 4, 5, 6


def occlude(pump: Pump) -> None:
    pump.target.mechanics.line.clamp(pump.target.now_us, True, None)


CAUSES = {
    "OCCLUSION": Cause(occlude, 60, PA, 10_000, 70_000),
    "SENSOR_FAULT": Cause(lambda pump: setattr(pump.target.sensor, "fault", "open"), 2, PA, -40_000, -20_001),
    "BATTERY_DEPLETED": Cause(lambda pump: pump.target.set_supply(9.499), 21, MV, 9499, 9499),
    "SUPPLY_HIGH": Cause(lambda pump: pump.target.set_supply(16.001), 21, MV, 16_001, 16_001),
    "OVERHEATED": Cause(lambda pump: pump.target.set_temperature(55.1), 21, DC, 551, 551),
    "AIR_IN_LINE": Cause(lambda pump: pump.target.mechanics.add_air(400), 10, SAID, 50_000 - 349, 50_000),
}


@pytest.mark.requirement("SR-ALARM-02")
@pytest.mark.parametrize("name", CAUSES)
def test_the_record_of_an_alarm_has_the_value_that_tripped_it(name: str) -> None:
    cause = CAUSES[name]
    pump = infusing()
    cause.bring(pump)
    pump.run(cause.within_s)
    (found,) = [match for text in pump.told("alarm") if (match := RECORD.fullmatch(text)) and match[1] == name]
    (value, *_) = re.findall(r"-?\d+", found[cause.field])
    assert cause.least <= int(value) <= cause.most


@pytest.mark.requirement("SR-ALARM-12")
@given(st.lists(st.integers(-5000, 30_000), min_size=5, max_size=12))
@settings(max_examples=30)
def test_the_record_of_an_alarm_keeps_the_five_seconds_that_led_to_it(pressures: list[int]) -> None:
    controller = infusing().controller
    for pressure_pa in pressures:
        controller.pressure_pa = pressure_pa
        controller.watch.second(controller, 1000)
    controller.raise_alarms(BITS["OCCLUSION"])
    match = RECORD.fullmatch(controller.log.entries[-2][3] if controller.state == "ALARM" else "")
    assert match
    assert [int(pa) for pa in match[7].split()] == pressures[-5:]
