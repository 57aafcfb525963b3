"""How exact the flow is, by weight: start-up, trumpet, mean error, back pressure, hold rate, end. After IEC 60601-2-24.

Everything here reads a balance: the simulated one on a pseudo-terminal, or the one of a bench file.
"""

import pytest

from hil.bench import Bench
from hil.flow import mean_error_percent, second_hour, spread_percent, start_up, trumpet
from hil.instruments.balance import SerialBalance
from hil.notes import Notes
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, entry
from tests.programs import SYRINGE, flat, header, start
from tests.weighing import listen_until, rates_ml_h, volume_ul, weigh
from titrate import library_link

LONG = pytest.mark.sim_only("hours of device time; the emulated chip does three of them in one of ours")
RUN_S = 7200
SAMPLE_S = 30
MEAN_PERCENT = {1: 2.0, 5: 1.0, 25: 1.0}
EP_PERCENT = {1: 5.0, 5: 5.0, 25: 5.0}  # of every window of 2 min
START_UP_MIN = {1: 6.0, 5: 3.0, 25: 1.5}  # until 90 % of the rate
BACK_KPA = 13.33  # 100 mmHg
BACK_PERCENT = 2.0

pytestmark = pytest.mark.needs("balance")


@LONG
@pytest.mark.requirement("SR-ACC-01")
@pytest.mark.parametrize("ml_h", [1, 5, 25])
def test_flow_of_two_hours(bench: Bench, balance: SerialBalance, notes: Notes, ml_h: int) -> None:
    start(bench, flat(ml_h, RUN_S + 60))
    readings = weigh(bench, balance, RUN_S, SAMPLE_S)
    notes.readings(f"flow-{ml_h}-ml-h", readings)
    rates = rates_ml_h(bench, readings, SAMPLE_S / 60)
    notes.flow(ml_h, rates)
    hour, begin = second_hour(rates), start_up(rates, ml_h)
    notes.figure(f"{ml_h} mL/h: deficit of the first hour", begin.deficit_ml * 1000, "µL")
    notes.figure(f"{ml_h} mL/h: scatter of the rate in 30 s", spread_percent(hour), "%")
    curve = {window_min: (low, high) for window_min, low, high in trumpet(hour, ml_h)}
    for window_min in (5, 11, 19, 31):
        for name, value in zip(("Ep(min)", "Ep(max)"), curve[window_min], strict=True):
            notes.figure(f"{ml_h} mL/h: {name}, P = {window_min} min", value, "%")
    most = EP_PERCENT[ml_h]
    notes.check(
        f"{ml_h} mL/h: mean error A", mean_error_percent(hour, ml_h), "%", -MEAN_PERCENT[ml_h], MEAN_PERCENT[ml_h]
    )
    notes.check(f"{ml_h} mL/h: Ep(min), P = 2 min", curve[2][0], "%", -most, most)
    notes.check(f"{ml_h} mL/h: Ep(max), P = 2 min", curve[2][1], "%", -most, most)
    notes.check(f"{ml_h} mL/h: 90 % of the rate after", begin.to_90_percent_min, "min", 0, START_UP_MIN[ml_h])


@LONG
@pytest.mark.plant("ideal")
@pytest.mark.requirement("SR-ACC-01")
def test_on_perfect_metal_the_flow_is_the_programs(bench: Bench, balance: SerialBalance, notes: Notes) -> None:
    """What a real screw and barrel may err by would hide what the firmware must not: one step in a thousand."""
    start(bench, flat(25, 3000))
    bench.run_for(600)
    before, after = weigh(bench, balance, 1800, 1800)
    found_ml_h = volume_ul(bench, before, after) / 1000 / (after.time_s - before.time_s) * 3600
    notes.check("25 mL/h on perfect metal: error within 30 min", 100 * (found_ml_h - 25) / 25, "%", -0.1, 0.1)


def test_rate_of_a_minute(bench: Bench, balance: SerialBalance, notes: Notes) -> None:
    """Short enough for every target: the rate by weight once the line is stretched."""
    start(bench, flat(60, 40))
    bench.run_for(15)
    before, *_, after = weigh(bench, balance, 20, 5)
    found_ml_h = volume_ul(bench, before, after) / 1000 / (after.time_s - before.time_s) * 3600
    notes.check("60 mL/h: rate by weight within 20 s", found_ml_h, "mL/h", 58.5, 61.5)


@LONG
@pytest.mark.parametrize("kpa", [BACK_KPA, -BACK_KPA])
def test_flow_against_back_pressure(bench: Bench, balance: SerialBalance, notes: Notes, kpa: float) -> None:
    bench.set_back_pressure(kpa)
    start(bench, flat(5, RUN_S + 60))
    rates = rates_ml_h(bench, weigh(bench, balance, RUN_S, SAMPLE_S), SAMPLE_S / 60)
    error = mean_error_percent(second_hour(rates), 5)
    notes.check(f"5 mL/h against {kpa:+g} kPa: mean error A".replace("-", "−"), error, "%", -BACK_PERCENT, BACK_PERCENT)


@LONG
@pytest.mark.requirement("SR-KVO-01")
@pytest.mark.requirement("SR-KVO-02")
@pytest.mark.parametrize(("ml_h", "hold_ml_h"), [(25, 1.0), (0.5, 0.5)])
def test_hold_rate_after_the_end(
    bench: Bench, balance: SerialBalance, notes: Notes, ml_h: float, hold_ml_h: float
) -> None:
    """Once the pump says KVO: by weight over 40 min, and by the rate that it names."""
    library_link.upload(bench.pump, Library([entry(kvo_nl_h=1_000_000, kvo_nl=2_000_000, kvo_ms=3_600_000)]))
    phases = flat(ml_h, 1200)
    pump = bench.pump
    pump.syringe(SYRINGE, 50_000_000)
    pump.confirm(pump.load(header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, code="test"), phases))
    pump.start()
    listen_until(bench, lambda status: status["state"] == "KVO")
    bench.run_for(600)  # the line gives back what it held at the higher rate
    before, after = weigh(bench, balance, 2400, 2400)
    found_ml_h = volume_ul(bench, before, after) / 1000 / (after.time_s - before.time_s) * 3600
    name = f"hold rate after {ml_h:g} mL/h"
    notes.check(name, found_ml_h, "mL/h", 0.95 * hold_ml_h, 1.05 * hold_ml_h)


@LONG
@pytest.mark.requirement("SR-RATE-06")
def test_end_of_infusion(bench: Bench, balance: SerialBalance, notes: Notes) -> None:
    """25 mL/h for half an hour: all of it, when it is due, and nothing afterwards."""
    set_ul, due_s = 12_500, 1800
    before = balance.read()
    start(bench, flat(25, due_s))
    began_s = bench.now_s
    alarm_s = listen_until(bench, lambda status: "INFUSION_COMPLETE" in status["alarms"])
    bench.run_for(10)
    settled = balance.read()
    bench.run_for(600)
    after = balance.read()
    error = 100 * (volume_ul(bench, before, settled) - set_ul) / set_ul
    notes.check("end: volume of 12.5 mL", error, "%", -1.0, 1.0)
    notes.check("end: alarm after the end that was due", alarm_s - began_s - due_s, "s", -0.5, 1.5)
    notes.check("end: volume in the 10 min after it", volume_ul(bench, settled, after), "µL", -5, 5)
