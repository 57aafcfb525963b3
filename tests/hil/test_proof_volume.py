"""Rate, volume and time until empty of a whole pump, set beside the pulses, the syringe and a balance."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from hil.bench import Bench, open_bench
from pump.core import limits
from pump.core.syringes import RESERVE_NL, SYRINGES, step_volume_pl
from tests.hil.test_alarms import has
from tests.hil.test_calibration import AtTheLine
from tests.hil.test_dosing import STEP_NL, give, use
from tests.hil.test_proof_alarms import compared_with
from tests.programs import SYRINGE, flat, follow, header, start
from titrate import calibrating
from titrate.errors import Refused

SIM_ONLY = pytest.mark.sim_only("hours of device time; the same core decides")
JITTER_US = 1010  # that the pump declares: 1 ms and one tick of its step generator
EMPTY_TOLERANCE_S = 180  # SR-RES-02
HOUR_S = 3600


# --- rate


@pytest.mark.requirement("SR-RATE-05")
@pytest.mark.parametrize("ml_h", [1.0, 0.5])
def test_at_low_rates_every_step_is_as_far_from_the_next(bench: Bench, ml_h: float) -> None:
    start(bench, flat(ml_h, 600))
    began_us = bench.enabled_us[-1]
    bench.run_for(60)
    check_spacing(bench, ml_h, began_us, round(60 / (STEP_NL / ml_h / 1e6 * 3600)) - 1)


@SIM_ONLY
@pytest.mark.requirement("SR-RATE-05")
@pytest.mark.parametrize("ml_h", [1.0, 0.1])
def test_at_low_rates_the_spacing_stays_for_hours(bench: Bench, ml_h: float) -> None:
    start(bench, flat(ml_h, 5 * HOUR_S))
    began_us = bench.enabled_us[-1]
    bench.run_for(4 * HOUR_S)
    check_spacing(bench, ml_h, began_us, 1000)


def check_spacing(bench: Bench, ml_h: float, began_us: int, least: int) -> None:
    ideal_us = STEP_NL / (ml_h * 1e6) * 3.6e9
    times_us = [began_us, *[at_us for at_us in bench.step_times_us if at_us >= began_us]]
    assert len(times_us) > least
    gaps = [after - at for at, after in pairwise(times_us)]
    assert max(gaps) <= ideal_us + JITTER_US
    assert min(gaps) >= ideal_us - JITTER_US


@SIM_ONLY
@pytest.mark.slow
@pytest.mark.requirement("SR-ACC-01")
def test_three_days_are_within_five_percent_of_the_setting(bench: Bench) -> None:
    """0.6 mL/h for 72 h, weighed every hour, the hour in which the line fills up left out."""
    start(bench, flat(0.6, 73 * HOUR_S))
    bench.run_for(HOUR_S)
    weights = [bench.delivered_ul]
    for _ in range(72):
        bench.run_for(HOUR_S)
        weights.append(bench.delivered_ul)
    hours = [after - before for before, after in pairwise(weights)]
    assert max(abs(hour - 600) for hour in hours) <= 0.05 * 600
    assert weights[-1] - weights[0] == pytest.approx(72 * 600, rel=0.005)


@SIM_ONLY
@pytest.mark.requirement("SR-ACC-02")
@pytest.mark.parametrize(
    ("ml_h", "stretch_s"),
    [
        (0.5, 1200),
        (5.0, 1200),
        pytest.param(50.0, 180, marks=pytest.mark.plant(1)),
        pytest.param(300.0, 120, marks=pytest.mark.plant(2)),
    ],
)
def test_the_rate_that_it_counts_is_that_of_a_balance(bench: Bench, ml_h: float, stretch_s: int) -> None:
    """Over each stretch within 0.1 mL/h, whatever metal and barrel are like, once they are calibrated."""
    done = calibrating.measure_volume(
        bench.pump, SYRINGE, Fraction(10), Fraction(300), 3, AtTheLine(bench), lambda status: None
    )
    calibrating.store_volume(bench.pump, SYRINGE, calibrating.fit(done))
    bench.change_syringe()
    start(bench, flat(ml_h, 6 * stretch_s))
    bench.run_for(stretch_s)
    bench.reconnect()
    counted_nl, weighed_ul = bench.pump.status()["counted_nl"], bench.delivered_ul
    for _ in range(4):
        bench.run_for(stretch_s)
        bench.reconnect()
        status = bench.pump.status()
        counted_ml_h = (status["counted_nl"] - counted_nl) / 1e6 / stretch_s * HOUR_S
        weighed_ml_h = (bench.delivered_ul - weighed_ul) / 1e3 / stretch_s * HOUR_S
        assert counted_ml_h == pytest.approx(weighed_ml_h, abs=0.1)
        assert status["rate_nl_h"] / 1e6 == pytest.approx(weighed_ml_h, abs=0.1)
        counted_nl, weighed_ul = status["counted_nl"], bench.delivered_ul


# --- what is left, and for how long


@pytest.mark.requirement("SR-RES-01")
@pytest.mark.parametrize(("fill_nl", "ml_h", "empty_s"), [(50_000_000, 25, 7200), (7_000_000, 40, 630)])
def test_before_the_start_it_says_what_is_left_and_for_how_long(
    bench: Bench, fill_nl: int, ml_h: float, empty_s: int
) -> None:
    phases = flat(ml_h, 600)
    pump = bench.pump
    pump.syringe(SYRINGE, fill_nl)
    pump.confirm(pump.load(header(phases, fill_nl=fill_nl), phases))
    status = pump.status()
    assert status["state"] == "READY"
    assert fill_nl <= status["remaining_nl"] < fill_nl + STEP_NL
    assert status["empty_s"] == empty_s
    assert bench.steps == 0


@SIM_ONLY
@pytest.mark.expects("SYRINGE_EMPTY")
@pytest.mark.requirement("SR-RES-01")
@pytest.mark.requirement("SR-RES-02")
@pytest.mark.parametrize(("fill_nl", "ml_h"), [(50_000_000, 25.0), (3_000_000, 1.0), (500_000, 0.1), (2_000_000, 0.5)])
def test_the_syringe_is_empty_when_it_was_said_to_be(bench: Bench, fill_nl: int, ml_h: float) -> None:
    """Two to five hours ahead, as said before the start and on the way."""
    phases = flat(ml_h, 8 * HOUR_S)
    pump = bench.pump
    pump.syringe(SYRINGE, fill_nl)
    pump.confirm(pump.load(header(phases, fill_nl=fill_nl), phases))
    said = [bench.now_s + pump.status()["empty_s"]]
    pump.start()
    began_s = bench.now_s
    for _ in range(3):
        bench.run_for(1000)
        bench.reconnect()
        said.append(bench.now_s + bench.pump.status()["empty_s"])
    while bench.now_s < began_s + fill_nl / 1e6 / ml_h * HOUR_S - 20:
        bench.run_for(10)
    bench.reconnect()
    follow(bench, lambda status: "SYRINGE_EMPTY" in status["alarms"])
    for when_s in said:
        assert abs(when_s - bench.now_s) <= min(EMPTY_TOLERANCE_S, 20 + STEP_NL / 1e6 / ml_h * HOUR_S)


@pytest.mark.requirement("SR-RES-03")
def test_the_time_until_empty_is_of_the_rate_of_now(bench: Bench) -> None:
    """At each change of rate and at the begin of a bolus: the first status that tells it has it reckoned anew."""
    phases = [*flat(20, 6), *flat(60, 6), *flat(5, 10)]
    start(bench, phases)
    told: list[dict[str, Any]] = []
    bench.pump.on_status = told.append
    while not told or told[-1]["phase"] < 2:
        bench.pump.wait_status()
    bench.pump.bolus(100_000, 4000)
    told.append(bench.pump.status())
    assert told[-1]["state"] == "BOLUS"
    while told[-1]["state"] == "BOLUS":
        bench.pump.wait_status()
    rates = {status["rate_nl_h"] for status in told if status["state"] in ("INFUSING", "BOLUS")}
    assert rates >= {20_000_000, 60_000_000, 5_000_000, 95_000_000}
    for status in told:
        if status["rate_nl_h"]:
            assert status["empty_s"] == status["remaining_nl"] * HOUR_S // status["rate_nl_h"]
    by_phase = [next(s["empty_s"] for s in told if s["phase"] == phase and s["rate_nl_h"]) for phase in range(3)]
    assert by_phase[0] / 3.1 < by_phase[1] < by_phase[0] / 2.9
    assert by_phase[2] > 11 * by_phase[1]


def left_nl(bench: Bench) -> float:
    """What the plunger can still push, less the reserve."""
    bench.target.settle()
    return bench.target.mechanics.left_ul * 1000 - RESERVE_NL


@pytest.mark.requirement("SR-RES-04")
@pytest.mark.parametrize("apart_nl", [pytest.param(2000, marks=pytest.mark.plant("ideal"), id="ideal"), 500_000])
def test_what_is_booked_as_left_is_in_the_syringe(bench: Bench, apart_nl: int) -> None:
    """Through a pause, a bolus, an occlusion with its backing off, and a change of the syringe. On imperfect metal
    within half a millilitre, the reserve; 1 mL is allowed."""

    def check() -> None:
        """While it stands: between two looks at a pump that runs at 300 mL/h a microlitre goes by."""
        bench.reconnect()
        runs = bench.pump.status()["state"] == "INFUSING"
        if runs:
            bench.pump.pause()
            bench.run_for(0.5)
            bench.reconnect()
        assert bench.pump.status()["remaining_nl"] == pytest.approx(left_nl(bench), abs=apart_nl)
        if runs:
            bench.pump.resume()

    start(bench, flat(300, 600))
    bench.run_for(5)
    check()
    bench.pump.bolus(300_000, 4000)
    bench.run_for(6)
    bench.reconnect()
    bench.pump.pause()
    bench.run_for(2)
    check()
    bench.pump.resume()
    bench.occlude()
    follow(bench, lambda status: status["state"] == "ALARM")
    bench.run_for(20)
    check()
    bench.release()
    bench.reconnect()
    bench.pump.acknowledge()
    bench.change_syringe()
    bench.pump.syringe(SYRINGE, SYRINGES[SYRINGE][3])
    check()
    bench.pump.resume()
    bench.run_for(5)
    check()
    assert left_nl(bench) < 49_700_000


@pytest.mark.requirement("SR-RES-04")
@pytest.mark.requirement("SR-RES-06")
@pytest.mark.parametrize("syringe", SYRINGES)
def test_it_stops_with_the_reserve_still_in_the_syringe(syringe: str) -> None:
    """Weighed: of what was in it, half a millilitre stays; and the alarm turns the motor off."""
    with open_bench("sim://", seed=1, syringe=syringe) as bench:
        mechanics = bench.target.mechanics
        fill_nl = 900_000
        mechanics.plunger.left_ul = (fill_nl + RESERVE_NL) / 1000
        phases = flat(40, 600)
        pump = bench.pump
        pump.syringe(syringe, fill_nl)
        pump.confirm(pump.load(header(phases, syringe=syringe, fill_nl=fill_nl), phases))
        pump.start()
        status = follow(bench, lambda status: "SYRINGE_EMPTY" in status["alarms"])
        assert status["state"] == "ALARM"
        assert status["remaining_nl"] == 0
        step_ul = mechanics.drive.step_ul
        assert 500 - 2 * step_ul <= mechanics.left_ul <= 500 + 2 * step_ul
        bench.run_for(60)
        assert bench.delivered_ul == pytest.approx(fill_nl / 1000, abs=5), "what the line holds back"
        steps = bench.steps
        bench.run_for(5)
        assert bench.steps == steps


# --- boluses at their limits


@SIM_ONLY
@pytest.mark.requirement("SR-BOLUS-02")
@pytest.mark.parametrize(("basal_ml_h", "duration_ms"), [(25.0, 10_000), (1150.0, 3_600_000)])
def test_program_and_bolus_together_reach_the_fastest_rate_and_no_unit_more(
    bench: Bench, basal_ml_h: float, duration_ms: int
) -> None:
    """The fastest rate of this syringe is the board's, 1200 mL/h. One nanolitre more is refused."""
    pl, divisor = step_volume_pl(SYRINGE, 2000, 3200)
    fastest_pl_h = min(pl * 2500 * 3600 // divisor, 1200 * 10**9)
    most_nl = (fastest_pl_h - round(basal_ml_h * 1e9)) * duration_ms // (3_600_000 * 1000)
    start(bench, flat(basal_ml_h, duration_ms / 1000 + 100))
    bench.run_for(3)
    bench.reconnect()
    with pytest.raises(Refused, match=f"allowed are {fastest_pl_h}"):
        bench.pump.bolus(most_nl + 1, duration_ms)
    assert bench.pump.bolus(most_nl, duration_ms) == most_nl
    at_us = bench.target.now_us
    bench.run_for(5)
    gaps = [after - at for at, after in pairwise([us for us in bench.step_times_us if us > at_us + 10**6])]
    assert len(gaps) / sum(gaps) * 1e6 * STEP_NL * 3600 == pytest.approx(fastest_pl_h / 1000, rel=0.001)


def give_low_alert(bench: Bench) -> None:
    bench.set_supply(10.5)
    for _ in range(25):
        bench.pump.wait_status()
    assert bench.pump.status()["alarms"] == ["BATTERY_LOW"]


@SIM_ONLY
@pytest.mark.expects("LINK_LOST")
@pytest.mark.requirement("SR-BOLUS-06")
def test_an_alarm_that_leaves_the_motor_running_bars_a_bolus_and_a_low_alert_does_not(bench: Bench) -> None:
    use(bench, near_empty_action="keep")
    bench.pump.configure(near_empty_level=0)
    give(bench, flat(10, 600), attended=1)
    give_low_alert(bench)
    bench.run_for(17)
    bench.reconnect()
    assert bench.pump.status()["alarms"] == ["LINK_LOST", "BATTERY_LOW"]
    assert bench.pump.status()["state"] == "INFUSING"
    with pytest.raises(Refused, match="refused during LINK_LOST"):
        bench.pump.bolus(50_000, 5000)
    assert bench.pump.doses()["refused"] == 1
    bench.run_for(2)  # the host is back
    bench.reconnect()
    bench.pump.acknowledge()
    assert bench.pump.status()["alarms"] == ["BATTERY_LOW"]
    assert bench.pump.bolus(50_000, 5000) == 50_000


@SIM_ONLY
@pytest.mark.expects("UNDER_DELIVERY")
@pytest.mark.requirement("SR-BOLUS-06")
def test_no_bolus_is_given_while_the_delivery_itself_is_in_doubt(bench: Bench) -> None:
    use(bench)
    give(bench, flat(10, 3600))
    compared_with(2)(bench)
    follow(bench, has("UNDER_DELIVERY"))
    with pytest.raises(Refused, match="refused during UNDER_DELIVERY"):
        bench.pump.bolus(50_000, 5000)


@SIM_ONLY
@pytest.mark.expects("DOSE_LIMIT")
@pytest.mark.requirement("SR-DOSE-04")
def test_a_bolus_that_should_not_have_been_taken_ends_at_the_limit(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check before a bolus is out of order; what is pumped keeps to the dose window all the same."""
    monkeypatch.setattr(limits, "bolus_steps", lambda entry, wanted_steps, room_steps, step_volume: wanted_steps)
    use(bench, dose_1h_soft_ng_kg=20_000, dose_1h_hard_ng_kg=20_000, kvo_nl_h=500_000, near_empty_action="keep")
    limit_steps = int(20_000 * 70 / 1000 * 1000 / STEP_NL)  # 1.4 mL at 1 mg/mL
    give(bench, flat(10, 400))
    bench.run_for(5)
    bench.reconnect()
    bench.pump.bolus(2_000_000, 120_000)
    status = follow(bench, lambda status: status["state"] != "BOLUS")
    assert "DOSE_LIMIT" in status["alarms"]
    assert status["state"] in ("KVO", "PAUSED"), "at the limit the hold has no room either"
    assert limit_steps - 1 <= bench.steps <= limit_steps
    bench.run_for(300)
    assert bench.steps <= limit_steps
    bench.reconnect()
    events = bench.pump.events()
    assert any(event["text"].startswith("DOSE_LIMIT at ") for event in events)
    doses = bench.pump.doses()
    assert (doses["delivered"], doses["abandoned"], doses["room_nl"]) == (0, 1, 0)
    assert 1_000_000 < doses["given_nl"] < 1_400_000, "what was given of it is booked"


@SIM_ONLY
@pytest.mark.expects("DOSE_LIMIT")
@pytest.mark.requirement("SR-DOSE-04")
def test_the_limit_is_not_reached_by_a_bolus_that_was_checked(bench: Bench) -> None:
    use(bench, dose_1h_soft_ng_kg=20_000, dose_1h_hard_ng_kg=20_000, near_empty_action="keep")
    give(bench, flat(10, 400))
    bench.run_for(5)
    bench.reconnect()
    with pytest.raises(Refused, match="no room"):
        bench.pump.bolus(2_000_000, 120_000)
