"""Flow that is measured beside the rate that is set: what is tolerated, for how long, and what the pump does then.

No bench has a hand for it: pulses that get lost or are added are MOTOR_FAULT at once. So the pulses are right, and the
rate that they are compared with is another.
"""

from typing import Any, NamedTuple

import pytest

from hil.bench import Bench
from tests.hil.test_alarms import has
from tests.hil.test_dosing import STEP_NL
from tests.programs import flat, follow, serious, start

RED, CYAN = 1, 4
EARLIEST_S, LATEST_S = -1.1, 3.2  # a step of the look before counts too; looks on either side, and the status
PL_PER_ML = 10**9


class Case(NamedTuple):
    """ml_h: what flows, bolus included. within, beyond: percent, on either side of the tolerance and as near to it as
    half a second of flow, which sampling can feign, allows within the hold-off."""

    phases: list[list[Any]]
    state: str
    ml_h: float
    hold_s: int
    within: float
    beyond: float


TIMED_BOLUS = [["bolus", 400_000, 400 * PL_PER_ML, 400 * PL_PER_ML]]
CASES = {
    "basal": Case(flat(25, 3600), "INFUSING", 25, 300, 9, 10.5),
    "slow basal": Case(flat(8, 3600), "INFUSING", 8, 300, 5.5, 7),  # 0.5 mL/h is less than a tenth
    "on demand": Case(flat(25, 3600), "BOLUS", 125, 10, 9.5, 16),
    "timed": Case(TIMED_BOLUS, "INFUSING", 400, 60, 9.5, 11),
}
OVER = {"basal": "SR-ACC-03", "slow basal": "SR-ACC-03", "on demand": "SR-ACC-05", "timed": "SR-ACC-06"}
UNDER = {"basal": "SR-ACC-07", "slow basal": "SR-ACC-07", "on demand": "SR-ACC-08", "timed": "SR-ACC-09"}
SIM_ONLY = pytest.mark.sim_only("minutes of device time, and reaches into the firmware's memory")


def each(rows: dict[str, str]) -> list[Any]:
    return [pytest.param(CASES[name], marks=pytest.mark.requirement(row), id=name) for name, row in rows.items()]


def bring(bench: Bench, case: Case, sign: int, alarm: str) -> float:
    """Measures a flow within the tolerance for two hold-offs, then one beyond it; after how many seconds of that the
    alarm comes."""
    percent = [sign * case.within]
    start(bench, case.phases)
    infusion = bench.target.app.controller.infusion  # type: ignore[attr-defined]
    set_pl_h = infusion.rate_pl_h
    infusion.rate_pl_h = lambda at: round(set_pl_h(at) / (1 + percent[0] / 100))
    if case.state == "BOLUS":
        bench.run_for(2)
        bench.reconnect()
        bench.pump.bolus(2_000_000, 72_000)
    bench.run_for(2 * case.hold_s + 5)
    bench.reconnect()
    status = bench.pump.status()
    assert (status["state"], serious(status)) == (case.state, [])
    percent[0] = sign * case.beyond
    began_s = bench.now_s
    status = follow(bench, has(alarm))
    assert serious(status) == [alarm]
    return bench.now_s - began_s


@SIM_ONLY
@pytest.mark.expects("OVER_DELIVERY")
@pytest.mark.parametrize("case", each(OVER))
def test_too_much_for_longer_than_the_hold_off_is_a_high_alarm_and_a_stop(bench: Bench, case: Case) -> None:
    after_s = bring(bench, case, 1, "OVER_DELIVERY")
    assert EARLIEST_S < after_s - case.hold_s < LATEST_S
    steps, alarm_us = bench.steps, bench.target.now_us
    assert not bench.motor_on
    bench.run_for(20)
    assert bench.steps == steps
    assert {lights for at_us, lights in bench.light_edges if at_us > alarm_us} == {0, RED}
    bench.reconnect()
    assert bench.pump.status()["state"] == "ALARM"


@SIM_ONLY
@pytest.mark.expects("UNDER_DELIVERY")
@pytest.mark.parametrize("case", each(UNDER))
def test_too_little_for_longer_than_the_hold_off_is_a_low_alarm_and_the_rate_stays(bench: Bench, case: Case) -> None:
    after_s = bring(bench, case, -1, "UNDER_DELIVERY")
    assert EARLIEST_S < after_s - case.hold_s < LATEST_S
    steps, alarm_us = bench.steps, bench.target.now_us
    bench.run_for(20)
    assert (bench.steps - steps) * STEP_NL == pytest.approx(case.ml_h * 20 / 3600 * 1e6, abs=2 * STEP_NL)
    assert {lights for at_us, lights in bench.light_edges if at_us > alarm_us} <= {0, CYAN}
    assert bench.lights == CYAN
    bench.reconnect()
    assert bench.pump.status()["state"] == case.state
