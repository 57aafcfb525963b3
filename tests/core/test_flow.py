"""The delivery check against exact schedules, read as badly as the loop may read them, and against wrong ones."""

import random
from collections.abc import Callable, Iterator
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.flow import BASAL, ON_DEMAND, OVER, TIMED, UNDER, Drift, Flow
from pump.core.syringes import step_volume_pl
from tests.core.strategies import SYRINGES

MOST_STEPS_PER_S = 2500
HOLD_S = {BASAL: 300, ON_DEMAND: 10, TIMED: 60}
JITTER_MS = 100
LAG_MS = 250

KINDS = st.sampled_from([BASAL, ON_DEMAND, TIMED])
UL_STEP = (1_000_000, 1)  # a syringe of 1 uL a step
STEP_S = 3_600_000_000  # pL/h: one such step a second


def flow() -> Flow:
    return Flow(10, 500_000, *HOLD_S.values())


class Line:
    """Pulses of a rate that goes from begin to end within length_s, and how a look sees them.

    lag_ms: pulses come later than the rate says. late_percent: part of a step that the planner is behind the law.
    """

    def __init__(self, step: tuple[int, int], begin_pl_h: int, end_pl_h: int, length_s: int, lag_ms: int) -> None:
        self.begin, self.rise = begin_pl_h, end_pl_h - begin_pl_h
        self.length_ms = length_s * 1000
        self.lag_ms = lag_ms
        self.late_percent = 0
        self._scale = 100 * step[1], 2 * self.length_ms * 3_600_000 * step[0]

    def rate_pl_h(self, at_ms: int) -> int:
        return self.begin + self.rise * at_ms // self.length_ms

    def pulses(self, at_ms: int) -> int:
        t = max(at_ms - self.lag_ms, 0)
        volume = (2 * self.begin * self.length_ms + self.rise * t) * t
        return max((volume * self._scale[0] // self._scale[1] - self.late_percent) // 100, 0)


def looks(
    line: Line, length_s: int, jitter: Callable[[], int], pulses: Callable[[int], int] | None = None
) -> Iterator[tuple[int, int, int]]:
    """(elapsed_ms, mean rate, steps) once a second; clock and counter are read at different instants."""
    pulses = pulses or line.pulses
    at_ms, counted = 1000, pulses(1000)
    for second in range(2, length_s):
        next_ms = second * 1000 + jitter()
        steps = pulses(min(next_ms + jitter(), length_s * 1000))
        yield next_ms - at_ms, (line.rate_pl_h(at_ms) + line.rate_pl_h(next_ms)) // 2, steps - counted
        at_ms, counted = next_ms, steps


def jitters(seed: int) -> Callable[[], int]:
    chance = random.Random(seed)
    extreme = chance.random() < 0.5
    return lambda: chance.choice((-JITTER_MS, 0, JITTER_MS)) if extreme else chance.randint(-JITTER_MS, JITTER_MS)


@st.composite
def lines(draw: st.DrawFn, ramps: bool) -> tuple[tuple[int, int], Line, int]:
    """A syringe, a line from 0.01 mL/h to the fastest that the motor makes, and for how many seconds."""
    step = step_volume_pl(draw(st.sampled_from(SYRINGES)), 2000, 3200)
    fastest = MOST_STEPS_PER_S * 3600 * step[0] // step[1]
    rates = st.floats(7, 12).map(lambda power: min(int(10**power), fastest))
    begin = draw(rates)
    end = draw(st.one_of(rates, st.just(0))) if ramps else begin
    length_s = draw(st.integers(3, 700))
    line = Line(step, begin, end, length_s, draw(st.integers(0, LAG_MS)))
    line.late_percent = draw(st.integers(0, 99))
    return step, line, length_s


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-05", "SR-ACC-06", "SR-ACC-07", "SR-ACC-08", "SR-ACC-09", "SR-ACC-10")
@given(st.one_of(lines(False), lines(True)), KINDS, st.integers(0, 10**6))
def test_an_exact_schedule_never_alarms_however_it_is_read(
    drawn: tuple[tuple[int, int], Line, int], kind: int, seed: int
) -> None:
    step, line, length_s = drawn
    check = flow()
    check.step_volume = step
    for elapsed_ms, rate_pl_h, steps in looks(line, length_s, jitters(seed)):
        assert check.update(elapsed_ms, rate_pl_h, steps, kind) == 0


def margin_s(steps_per_s: float, tolerated: float, wrong: float) -> float:
    """The stated margin: what sampling can feign, twice, over what is beyond the tolerance; two looks."""
    return (4 + 0.9 * steps_per_s) / (steps_per_s * (wrong - tolerated)) + 2


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-05", "SR-ACC-06", "SR-ACC-07", "SR-ACC-08", "SR-ACC-09")
@given(lines(False), KINDS, st.integers(0, 10**6), st.sampled_from([12, 20, -12, -20]), st.integers(0, 400))
def test_a_flow_beyond_the_tolerance_alarms_within_hold_off_and_margin(
    drawn: tuple[tuple[int, int], Line, int], kind: int, seed: int, percent: int, good_s: int
) -> None:
    step, line, _ = drawn
    line.begin = max(line.begin, 100_000_000)  # 0.1 mL/h
    steps_per_s = line.begin * step[1] / (3600 * step[0])
    tolerated = min(0.1, 5e8 / line.begin) if kind == BASAL and line.begin <= 10**10 else 0.1
    within_s = ceil(HOLD_S[kind] + margin_s(steps_per_s, tolerated, abs(percent) / 100))

    def pulses(at_ms: int) -> int:
        extra = max(at_ms - good_s * 1000, 0) * percent // 100
        return line.pulses(at_ms + extra)

    check = flow()
    check.step_volume = step
    found: list[int] = []
    for elapsed_ms, rate_pl_h, steps in looks(line, good_s + within_s + 3, jitters(seed), pulses):
        found.append(check.update(elapsed_ms, rate_pl_h, steps, kind))
    assert set(found[: max(good_s - 2, 0)]) <= {0}
    assert found[-1] == (OVER if percent > 0 else UNDER)
    assert set(found) <= {0, found[-1]}


@pytest.mark.requirement("SR-ACC-10")
@given(lines(False), KINDS, st.integers(0, 10**6), st.integers(0, 100))
def test_pulses_that_cease_alarm_as_soon_as_a_step_is_surely_missing(
    drawn: tuple[tuple[int, int], Line, int], kind: int, seed: int, good_s: int
) -> None:
    step, line, _ = drawn
    s_per_step = 3600 * step[0] / (line.begin * step[1])
    within_s = ceil(2 * s_per_step + 0.45 + 2)
    check = flow()
    check.step_volume = step
    last = 0
    for elapsed_ms, rate_pl_h, steps in looks(
        line, good_s + within_s + 3, jitters(seed), lambda at_ms: line.pulses(min(at_ms, good_s * 1000))
    ):
        last = check.update(elapsed_ms, rate_pl_h, steps, kind)
        assert last in (0, UNDER)
    assert last == UNDER


@pytest.mark.requirement("SR-ACC-07", "SR-ACC-10")
def test_every_eighth_pulse_missing_is_found_at_the_slowest_rate() -> None:
    step = step_volume_pl("bd-plastipak-50", 2000, 3200)
    line = Line(step, 100_000_000, 100_000_000, 1, 0)
    check = flow()
    check.step_volume = step
    found = [
        check.update(*look, BASAL)
        for look in looks(line, 3600, lambda: 0, lambda at_ms: line.pulses(at_ms) - line.pulses(at_ms) // 8)
    ]
    steps_per_s = 100_000_000 * step[1] / (3600 * step[0])
    assert found.index(UNDER) <= 300 + margin_s(steps_per_s, 0.1, 0.125)
    assert set(found) == {0, UNDER}


# --- by hand: one step is 1 uL, one step a second is STEP_S


def first_alarm(per_s: int, counted: int, kind: int = ON_DEMAND, most_looks: int = 2000, bit: int = 0) -> int:
    """Number of the look that first alarms, 0 for none; per_s steps are programmed and `counted` made."""
    check = flow()
    check.step_volume = UL_STEP
    for look in range(1, most_looks + 1):
        found = check.update(1000, per_s * STEP_S, counted, kind)
        if found:
            assert found == (bit or (OVER if counted > per_s else UNDER))
            return look
    return 0


@pytest.mark.requirement("SR-ACC-05", "SR-ACC-06", "SR-ACC-08", "SR-ACC-09")
@pytest.mark.parametrize(
    ("kind", "counted", "look"),
    [
        (ON_DEMAND, 1100, 0),  # exactly the tolerance
        (ON_DEMAND, 900, 0),
        (ON_DEMAND, 1101, 453),  # 452 steps can be feigned: 2, and 450 ms of flow
        (ON_DEMAND, 899, 453),
        (ON_DEMAND, 1200, 11),  # more than 10 s
        (ON_DEMAND, 800, 11),
        (ON_DEMAND, 1245, 11),  # 1450 in ten seconds; 1452 are what is feigned and what a whole hold-off tolerates
        (ON_DEMAND, 1246, 10),
        (ON_DEMAND, 754, 10),
        (TIMED, 1101, 453),
        (TIMED, 1110, 61),
        (TIMED, 890, 61),
        (TIMED, 1207, 61),  # 6420 in 60 s, of 6452
        (TIMED, 1208, 60),
        (BASAL, 1110, 301),
        (BASAL, 890, 301),
    ],
)
def test_the_look_that_alarms(kind: int, counted: int, look: int) -> None:
    assert (OVER, UNDER) == (1, 2), "bits"
    assert first_alarm(1000, counted, kind) == look


@pytest.mark.requirement("SR-ACC-04")
def test_a_gross_excess_is_not_waited_out() -> None:
    assert first_alarm(1000, 2000, BASAL) == 34, "a basal rate twice too fast: 30 452 steps"
    assert first_alarm(1000, 200_000, BASAL) == 1
    assert first_alarm(0, 3, BASAL) == 1, "with nothing programmed"
    assert first_alarm(0, 1, BASAL, 2) == 0
    assert first_alarm(0, 1, BASAL) == 3


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-07")
def test_the_smaller_of_percent_and_volume_up_to_10_ml_h_and_percent_alone_above() -> None:
    check = Flow(10, 500_000, 300, 10, 60)
    step = (1000, 1)  # 1 nL
    check.step_volume = step

    def raises(rate_nl_h: int, over_nl_h: int, kind: int = BASAL) -> int:
        check.reset()
        carry = found = 0
        for _ in range(1500):
            carry += rate_nl_h + over_nl_h
            found |= check.update(1000, rate_nl_h * 1000, carry // 3600, kind)
            carry %= 3600
        return found

    assert raises(4_000_000, 390_000) == raises(4_000_000, -390_000) == 0
    assert raises(4_000_000, 410_000) == OVER
    assert raises(4_000_000, -410_000) == UNDER
    assert raises(8_000_000, 490_000) == raises(8_000_000, -490_000) == 0
    assert raises(8_000_000, 510_000) == OVER
    assert raises(8_000_000, -510_000) == UNDER
    assert raises(10_000_000, 510_000) == OVER
    assert raises(10_000_001, 990_000) == raises(10_000_001, -990_000) == 0
    assert raises(10_000_001, 1_010_000) == OVER
    assert raises(8_000_000, 790_000, TIMED) == raises(8_000_000, -790_000, ON_DEMAND) == 0
    assert raises(8_000_000, 810_000, TIMED) == raises(8_000_000, 810_000, ON_DEMAND) == OVER


@pytest.mark.requirement("SR-ACC-10")
def test_motion_has_ceased_when_more_than_two_steps_and_the_slack_are_missing() -> None:
    half_pl_h = STEP_S // 2  # two steps last 4 s, the slack 450 ms more
    for last_ms, found in ((449, 0), (450, 0), (451, UNDER)):
        check = flow()
        check.step_volume = UL_STEP
        check.update(1000, half_pl_h, 1, TIMED)
        for _ in range(4):
            assert check.update(1000, half_pl_h, 0, TIMED) == 0
        assert check.update(last_ms, half_pl_h, 0, TIMED) == found
        assert check.update(1000, half_pl_h, 2, TIMED) == 0, "a step ends it"
        for _ in range(4):
            assert check.update(1000, half_pl_h, 0, TIMED) == 0, "counted anew"
    assert first_alarm(1000, 0) == 1


@pytest.mark.requirement("SR-ACC-10")
@pytest.mark.parametrize(
    ("pl", "rate_pl_h", "found"),
    [(7, 7_200_000, 0), (2, 2_057_143, UNDER)],  # 7 ms of flow are two steps, and one unit more than two steps
)
def test_volumes_are_exact_to_the_last_unit(pl: int, rate_pl_h: int, found: int) -> None:
    check = flow()
    check.step_volume = (pl, 1)
    assert check.update(457, rate_pl_h, 0, TIMED) == found
    check.reset()
    assert check.update(1, rate_pl_h, 1, TIMED) == 0
    assert check.update(457, rate_pl_h, 0, TIMED) == found, "nothing is left from before the step"


@pytest.mark.requirement("SR-ACC-10")
def test_a_programmed_rest_is_no_missing_motion() -> None:
    check = flow()
    check.step_volume = UL_STEP
    assert not any(check.update(1000, 0, 0, BASAL) for _ in range(4000))


@pytest.mark.requirement("SR-ACC-07")
def test_a_flow_that_is_right_again_ends_the_condition_after_a_while() -> None:
    check = flow()
    check.step_volume = UL_STEP
    for _ in range(200):
        found = check.update(1000, 100 * STEP_S, 50, TIMED)
    assert found == UNDER
    found_s = [check.update(1000, 100 * STEP_S, 100, TIMED) for _ in range(10)]
    assert found_s == [UNDER] * 4 + [0] * 6, "47 steps can be feigned, and are made up by 10 a second"


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-07")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("wrong", "at_once", "later"), [(3003, True, True), (3002, False, True), (3001, False, False)])
def test_what_a_change_of_rate_explains_is_no_fault(sign: int, wrong: int, at_once: bool, later: bool) -> None:
    bit = OVER if sign > 0 else UNDER
    check = flow()
    check.step_volume = UL_STEP
    check.update(1000, 2000 * STEP_S, 2000, ON_DEMAND)
    # 902 steps are feigned at the fastest rate and 1000 by the change; 100 a second are tolerated, 1000 in a hold-off.
    found = check.update(1000, 1000 * STEP_S, 1000 + sign * wrong, ON_DEMAND)
    assert found == (bit if at_once else 0)
    for _ in range(9):
        found = check.update(1000, 1000 * STEP_S, 1000, ON_DEMAND)
    assert found == (bit if at_once else 0)
    assert check.update(1000, 1000 * STEP_S, 1000 + sign, ON_DEMAND) == (bit if later else 0)


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-07")
def test_a_reset_forgets_everything() -> None:
    check = flow()
    check.step_volume = UL_STEP
    for counted, bit in ((2000, OVER), (0, UNDER)):
        for _ in range(100):
            found = check.update(1000, 1000 * STEP_S, counted, BASAL)
        assert found == bit
        check.reset()
        assert check.update(1000, STEP_S, 1, BASAL) == 0
        check.reset()
        assert first_alarm(1000, 1101) == 453
        looks_s = [check.update(1000, 1000 * STEP_S, 1101, ON_DEMAND) for _ in range(453)]
        assert looks_s == [0] * 452 + [OVER], "nothing of the fastest rate or of changes either"
        check.reset()


# --- one direction


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-07")
@pytest.mark.parametrize(
    ("beyond", "elapsed_ms", "found"),
    [
        (100, 1001, False),
        (101, 1000, False),
        (101, 1001, True),
        (150, 1000, False),
        (151, 1000, True),
        (151, 1, True),
    ],
)
def test_a_drift_alarms_beyond_what_is_feigned_and_for_longer_than_the_hold_off(
    beyond: int, elapsed_ms: int, found: bool
) -> None:
    assert Drift().update(beyond, elapsed_ms, 1000, 100, 50) == found


@pytest.mark.requirement("SR-ACC-03", "SR-ACC-07")
def test_a_drift_ends_and_its_time_begins_anew_when_nothing_is_left() -> None:
    drift = Drift()
    assert not drift.update(500, 600, 1000, 1000, 10**6)
    assert not drift.update(-500, 600, 1000, 1000, 10**6), "exactly nothing"
    assert not drift.update(1001, 1000, 1000, 1000, 10**6), "not the time before"
    assert drift.update(1, 1, 1000, 1000, 10**6)
    assert drift.update(10**9, 1000, 1000, 1000, 10**6)
    assert drift.update(-999, 1000, 1000, 1000, 10**6), "no more than is feigned is kept"
    assert not drift.update(-1, 1000, 1000, 1000, 10**6)
    assert not drift.update(-(10**9), 1000, 1000, 1000, 10**6)
    assert not drift.update(1001, 1000, 1000, 1000, 10**6), "nor is a debt"
