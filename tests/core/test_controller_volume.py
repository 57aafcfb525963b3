"""What the controller says of volume, rate and time until empty, beside what left the syringe; the fastest bolus."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.syringes import RESERVE_NL, SYRINGES, fill_steps, step_volume_pl
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.programs import SYRINGE, flat, header

STEP = step_volume_pl(SYRINGE, 2000, 3200)
STEP_NL = STEP[0] / STEP[1] / 1000
BOARD_PL_H = 1200 * 10**9
BOARD_STEPS_PER_S = 2500
EMPTY_TOLERANCE_S = 180
HOUR_S = 3600


def ready(pump: Pump, phases: list[list[Any]], fill_nl: int, syringe: str = SYRINGE) -> None:
    """Up to the step before the start."""
    pump.ask("syringe", syringe=syringe, fill_nl=fill_nl)
    program = header(phases, syringe=syringe, fill_nl=fill_nl)
    digest = pump.ask("load", program=program, first=0, phases=phases)["digest"]
    pump.ask("confirm", digest=digest, overrides=[])


# --- flow


@pytest.mark.requirement("SR-ACC-02")
@pytest.mark.parametrize(("ml_h", "stretch_s"), [(1.0, 100), (50.0, 60), (500.0, 15)])
def test_the_flow_that_it_counts_is_that_of_a_balance(ml_h: float, stretch_s: int) -> None:
    """Of ten stretches, each within 0.1 mL/h; so is the rate that it tells."""
    pump = Pump()
    pump.start(flat(ml_h, 12 * stretch_s + 30))
    pump.run(30)
    weighed_ul: list[float] = []
    counted_nl: list[int] = []
    for _ in range(11):
        pump.run(stretch_s)
        weighed_ul.append(pump.target.mechanics.delivered_ul(pump.target.now_us))
        status = pump.ask("status")
        counted_nl.append(status["counted_nl"])
        assert status["rate_nl_h"] / 1e6 == pytest.approx(ml_h, abs=0.1)
    for weighed, counted in zip(pairwise(weighed_ul), pairwise(counted_nl), strict=True):
        weighed_ml_h = (weighed[1] - weighed[0]) / 1e3 / stretch_s * HOUR_S
        assert (counted[1] - counted[0]) / 1e6 / stretch_s * HOUR_S == pytest.approx(weighed_ml_h, abs=0.1)


# --- what is left, and for how long


@pytest.mark.requirement("SR-RES-01")
@pytest.mark.parametrize(("fill_nl", "ml_h", "empty_s"), [(50_000_000, 25, 7200), (7_000_000, 40, 630)])
def test_before_the_start_it_says_what_is_left_and_for_how_long_that_lasts(
    fill_nl: int, ml_h: float, empty_s: int
) -> None:
    pump = Pump()
    ready(pump, flat(ml_h, 600), fill_nl)
    assert pump.state == "READY"
    status = pump.ask("status")
    assert fill_nl <= status["remaining_nl"] < fill_nl + STEP_NL
    assert status["empty_s"] == empty_s
    assert pump.target.mechanics.steps == 0


@pytest.mark.requirement("SR-RES-02")
@pytest.mark.parametrize(("fill_nl", "ml_h"), [(20_000, 0.1), (300_000, 1.0), (2_000_000, 25.0)])
def test_the_syringe_is_empty_when_it_was_said_to_be(fill_nl: int, ml_h: float) -> None:
    """As said before the start and twice on the way: a step's time apart, and never more than three minutes."""
    pump = Pump()
    ready(pump, flat(ml_h, 8 * HOUR_S), fill_nl)
    lasts_s = fill_nl / 1e6 / ml_h * HOUR_S
    said = [pump.ask("status")["empty_s"]]
    pump.ask("start")
    began_us = pump.target.now_us
    for _ in range(2):
        pump.run(lasts_s / 3)
        said.append((pump.target.now_us - began_us) / 1e6 + pump.ask("status")["empty_s"])
    while pump.state == "INFUSING" and pump.target.now_us < began_us + 2e6 * lasts_s:
        pump.run(0.5)
    assert "SYRINGE_EMPTY" in pump.alarms
    empty_s = (pump.target.now_us - began_us) / 1e6
    for when_s in said:
        assert abs(when_s - empty_s) <= min(EMPTY_TOLERANCE_S, 2 + STEP_NL / 1e6 / ml_h * HOUR_S)


@pytest.mark.requirement("SR-RES-03")
def test_the_time_until_empty_is_reckoned_anew_at_each_change_of_rate_and_with_a_bolus() -> None:
    """At the rate of now, that of an operator and that of a bolus included."""
    pump = Pump()
    phases = [*flat(20, 4), ["infuse", 6000, 60 * 10**9, 60 * 10**9, 0, 90 * 10**9], *flat(5, 60)]
    pump.start(phases)
    told: list[dict[str, Any]] = []

    def look(seconds: float, rate_ml_h: float) -> None:
        pump.run(seconds)
        told.append(pump.ask("status"))
        rate_nl_h = round(rate_ml_h * 1e6)
        assert told[-1]["rate_nl_h"] == rate_nl_h
        assert told[-1]["empty_s"] == told[-1]["remaining_nl"] * HOUR_S // rate_nl_h

    look(3.9, 20)
    look(0.2, 60)
    pump.ask("adjust", rate_pl_h=90 * 10**9, overrides=[])
    look(0.6, 90)
    look(5.6, 5)
    pump.ask("bolus", volume_nl=100_000, duration_ms=4000, overrides=[])
    look(0.6, 95)
    look(5, 5)
    hours = [status["empty_s"] / HOUR_S for status in told]
    assert hours == pytest.approx([50 / ml_h for ml_h in (20, 60, 90, 5, 95, 5)], rel=0.02)


@pytest.mark.requirement("SR-RES-04")
def test_what_is_booked_as_left_is_in_the_syringe_whatever_went_on() -> None:
    """1 mL is allowed; on perfect metal it is right to two steps."""
    pump = Pump()
    mechanics = pump.target.mechanics
    pump.feel(0)

    def check() -> None:
        pump.run(0.5)
        left_nl = mechanics.left_ul * 1000 - RESERVE_NL
        assert pump.ask("status")["remaining_nl"] == pytest.approx(left_nl, abs=2 * STEP_NL)

    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    pump.ask("prime")
    pump.run(10)
    pump.ask("stop")
    check()
    pump.ask("refill", volume_nl=200_000)
    pump.run(10)
    check()
    ready(pump, flat(300, 600), 40_000_000)
    mechanics.plunger.left_ul = (40_000_000 + RESERVE_NL) / 1000
    pump.ask("start")
    pump.run(20)
    check()
    pump.ask("bolus", volume_nl=300_000, duration_ms=4000, overrides=[])
    pump.run(2)
    pump.ask("pause")
    check()
    pump.ask("resume")
    pump.run(2)
    pump.feel(80_000)
    pump.run(40)
    assert pump.back_steps * STEP_NL > 1_500_000
    check()
    pump.feel(0)
    pump.run(1)
    pump.ask("acknowledge")
    mechanics.fit_syringe()
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    check()
    pump.ask("resume")
    pump.run(60)
    check()
    assert mechanics.left_ul < 46_000


def drawing_back(relief: bool) -> Pump:
    """The plunger has been going back for ten seconds: after an occlusion, or to fill the syringe."""
    pump = Pump()
    if relief:
        pump.start(flat(100, 600))
        pump.run(60)
        pump.feel(80_000)
    else:
        pump.load(flat(100, 600))
        pump.ask("syringe", syringe=SYRINGE, fill_nl=10_000_000)
        pump.ask("refill", volume_nl=20_000_000)
    pump.run(10)
    assert pump.back_steps > 500
    assert pump.target.motor_on
    return pump


@pytest.mark.requirement("SR-RES-04")
def test_of_a_syringe_that_is_declared_while_the_plunger_goes_back_only_what_follows_is_drawn_in() -> None:
    pump = drawing_back(relief=True)
    before = pump.back_steps
    assert pump.ask("syringe", syringe=SYRINGE, fill_nl=30_000_000) == {"remaining_nl": pytest.approx(30e6, abs=400)}
    pump.run(60)
    assert not pump.target.motor_on
    drawn_nl = (pump.back_steps - before) * STEP_NL
    assert pump.ask("status")["remaining_nl"] == pytest.approx(30e6 + drawn_nl, abs=2 * STEP_NL)
    pump.feel(0)
    pump.run(1)
    pump.ask("acknowledge")
    pump.ask("resume")
    left = pump.target.mechanics.steps
    pump.run(36)
    assert pump.state == "INFUSING"
    assert pump.target.mechanics.steps - left == pytest.approx(1e6 / STEP_NL, abs=1), "its rate"


@pytest.mark.requirement("SR-LIB-15")
@pytest.mark.parametrize("relief", [False, True])
def test_of_another_fluid_nothing_is_known_even_while_the_plunger_goes_back(relief: bool) -> None:
    pump = drawing_back(relief)
    pump.ask("fluid", drug="midazolam", concentration_ng_ml=1000)
    pump.run(1)
    assert not pump.target.motor_on
    assert pump.ask("status")["remaining_nl"] <= 2 * STEP_NL


@pytest.mark.requirement("SR-RES-04")
@pytest.mark.parametrize("syringe", SYRINGES)
def test_when_all_is_booked_as_gone_the_reserve_is_what_is_left(syringe: str) -> None:
    pump = Pump()
    mechanics = pump.target.mechanics
    if syringe != SYRINGE:
        mechanics.syringe = syringe
        mechanics.fit_barrel(0)
    fill_nl = 900_000
    mechanics.plunger.left_ul = (fill_nl + RESERVE_NL) / 1000
    ready(pump, flat(100, 600), fill_nl, syringe)
    pump.ask("start")
    pump.run(34)
    assert "SYRINGE_EMPTY" in pump.alarms
    assert pump.ask("status")["remaining_nl"] == 0
    assert mechanics.left_ul == pytest.approx(RESERVE_NL / 1000, abs=2 * mechanics.drive.step_ul)


@pytest.mark.requirement("SR-RES-04")
@settings(max_examples=50)
@given(st.sampled_from(sorted(SYRINGES)), st.integers(0, 5_000_000))
def test_a_fill_is_less_than_a_step_apart_from_its_steps(syringe: str, fill_nl: int) -> None:
    pl, divisor = step_volume_pl(syringe, 2000, 3200)
    assert 0 <= fill_steps(fill_nl, (pl, divisor)) * pl - fill_nl * 1000 * divisor < pl


# --- the fastest bolus


@pytest.mark.requirement("SR-BOLUS-02")
@pytest.mark.parametrize("syringe", ["bd-plastipak-5", SYRINGE])
@pytest.mark.parametrize(("basal_ml_h", "duration_ms"), [(25, 4000), (300, 90_000)])
def test_a_bolus_beside_the_program_reaches_the_fastest_rate_and_no_unit_more(
    syringe: str, basal_ml_h: int, duration_ms: int
) -> None:
    """Which is the board's, or for a narrow syringe the motor's; and the rate to come counts as much as that of now."""
    pl, divisor = step_volume_pl(syringe, 2000, 3200)
    fastest_pl_h = min(BOARD_PL_H, pl * BOARD_STEPS_PER_S * 3600 // divisor)
    most_nl = (fastest_pl_h - basal_ml_h * 10**9) * duration_ms // (HOUR_S * 1000 * 1000)
    pump = Pump()
    pump.feel(0)
    phases = [*flat(20, 4), *flat(basal_ml_h, duration_ms / 1000 + 100)]
    ready(pump, phases, SYRINGES[syringe][3], syringe)
    pump.ask("start")
    pump.run(2)
    for seconds in (0, 4):  # before the faster phase, and in it
        pump.run(seconds)
        with pytest.raises(Refused, match=f"allowed are {fastest_pl_h}"):
            pump.ask("bolus", volume_nl=most_nl + 1, duration_ms=duration_ms, overrides=[])
        assert pump.state == "INFUSING"
    assert pump.ask("bolus", volume_nl=most_nl, duration_ms=duration_ms, overrides=[])["volume_nl"] == most_nl
    pump.run(1)
    assert pump.ask("status")["rate_nl_h"] == pytest.approx(fastest_pl_h // 1000, abs=2000)
    made = len(pump.target.mechanics.step_times_us)
    pump.run(2)
    made = len(pump.target.mechanics.step_times_us) - made
    assert made == pytest.approx(fastest_pl_h * divisor / pl / HOUR_S * 2, abs=2)
