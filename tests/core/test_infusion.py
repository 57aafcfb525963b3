"""An infusion whose phases change under way: a bolus that a timed one waits for, and a rate set by an operator."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pump.core.infusion import Infusion
from pump.core.planner import Planner
from pump.core.syringes import step_volume_pl
from tests.core.test_planner import SHORTEST, check_against_law, take
from tests.programs import SYRINGE, Oracle

PL_PER_ML = 10**9
STEP = step_volume_pl(SYRINGE, 2000, 3200)
rates = st.integers(PL_PER_ML // 10, 60 * PL_PER_ML)


def infusion_of(rows: list[list[Any]]) -> Infusion:
    infusion = Infusion(rows, STEP, SHORTEST)
    infusion.begin(0, 10**9)
    return infusion


def play(planner: Planner, at: int, until: int = 1 << 60) -> tuple[list[int], int]:
    """Ticks of the steps of whole words from infusion tick `at` on, and where the last of them ended."""
    made: list[int] = []
    while at < until:
        planner.refill(20_000)
        if planner.head == planner.tail:
            break
        steps, period = take(planner)
        for _ in range(max(steps, 1)):
            at += period
            if steps:
                made.append(at)
    return made, at


def check(made: list[int], rows: list[list[Any]]) -> None:
    """No step comes before the law of these rows wants it, none a whole step late, and the last is there."""
    oracle = Oracle(rows)
    check_against_law(made, oracle)
    assert len(made) == oracle.steps(oracle.boundaries_ms[-1])


@pytest.mark.requirement("SR-BOLUS-10")
@settings(max_examples=40)
@given(rates, rates, st.integers(1, 59_000), st.integers(1_000, 30_000))
def test_a_timed_bolus_waits_for_one_on_request_and_then_gives_the_rest(
    timed_pl_h: int, asked_pl_h: int, at_ms: int, length_ms: int
) -> None:
    volume_pl = asked_pl_h * length_ms // 3_600_000
    infusion = infusion_of([["bolus", 60_000, timed_pl_h, timed_pl_h], ["infuse", 20_000, PL_PER_ML, PL_PER_ML]])
    made, at = play(infusion.planner, 0, at_ms * 100)
    planned_ms = -(-infusion.planner.position // 100)
    if planned_ms >= 60_000:
        return
    assert infusion.add_bolus(volume_pl, length_ms * 100)
    more, _ = play(infusion.planner, at)
    given_pl_h = Fraction(volume_pl * 3_600_000, length_ms)
    rows = [
        ["bolus", planned_ms, timed_pl_h, timed_pl_h],
        ["bolus", length_ms, given_pl_h, given_pl_h],
        ["bolus", 60_000 - planned_ms, timed_pl_h, timed_pl_h],
        ["infuse", 20_000, PL_PER_ML, PL_PER_ML],
    ]
    check(made + more, rows if planned_ms else rows[1:])
    assert infusion.planner.law.end == (80_000 + length_ms) * 100


@pytest.mark.requirement("SR-BOLUS-10")
@pytest.mark.requirement("SR-BOLUS-05")
@pytest.mark.parametrize("waited_ms", [-100, 1, 700, 4_900])
def test_a_timed_bolus_waits_no_longer_for_one_that_was_abandoned(waited_ms: int) -> None:
    rate = 20 * PL_PER_ML
    infusion = infusion_of([["bolus", 60_000, rate, rate]])
    made, begun = play(infusion.planner, 0, 1_000_000)
    planned_ms = -(-infusion.planner.position // 100)
    assert infusion.add_bolus(100_000_000, 500_000)
    more, at = play(infusion.planner, begun, (planned_ms + waited_ms) * 100)
    infusion.abandon_bolus(at)
    infusion.rewind(at, len(made + more))
    waited_ms = max(-(-at // 100) - planned_ms, 0)
    assert infusion.planner.law.end == (60_000 + waited_ms) * 100
    rest, _ = play(infusion.planner, at)
    asked_pl_h = 72 * PL_PER_ML  # 0.1 mL in 5 s
    asked = [["bolus", waited_ms, asked_pl_h, asked_pl_h]] if waited_ms else []
    due = Oracle([["bolus", 60_000, rate, rate], *asked])
    assert abs(len(made + more + rest) - due.steps(60_000 + waited_ms)) <= 1


@settings(max_examples=40)
@given(rates, st.lists(st.tuples(st.integers(1, 59_000), rates), max_size=6))
def test_each_new_rate_holds_from_the_first_millisecond_that_is_not_planned(
    rate_pl_h: int, changes: list[tuple[int, int]]
) -> None:
    bounds = [0, 60 * PL_PER_ML]
    infusion = infusion_of([["infuse", 60_000, rate_pl_h, rate_pl_h, *bounds], ["infuse", 5_000, PL_PER_ML, PL_PER_ML]])
    rows: list[list[Any]] = [["infuse", 0, rate_pl_h, rate_pl_h]]
    made: list[int] = []
    at = begun_ms = 0
    for at_ms, new_pl_h in sorted(changes):
        ticks, at = play(infusion.planner, at, at_ms * 100)
        made += ticks
        planned_ms = -(-infusion.planner.position // 100)
        if planned_ms >= 60_000:
            break
        assert infusion.adjust(new_pl_h)
        rows[-1][1] = planned_ms - begun_ms
        rows.append(["infuse", 0, new_pl_h, new_pl_h])
        begun_ms = planned_ms
        assert infusion.planned_phase()[4:] == bounds
    rows[-1][1] = 60_000 - begun_ms
    ticks, end = play(infusion.planner, at)
    check(made + ticks, [row for row in rows if row[1]] + [["infuse", 5_000, PL_PER_ML, PL_PER_ML]])
    infusion.enter_phase(end)
    assert infusion.program_phase == 1, "for the host it is still the program's second phase"


ramps = st.tuples(st.integers(1, 3_000), st.integers(0, 800 * PL_PER_ML), st.integers(0, 800 * PL_PER_ML))


@pytest.mark.requirement("SR-DIAG-09")
@settings(max_examples=100)
@example([(1000, 0, 0), (1000, 0, 800 * PL_PER_ML)])
@example([(1000, 800 * PL_PER_ML, 0)])
@given(st.lists(ramps, min_size=1, max_size=4))
def test_however_steep_a_ramp_is_nothing_of_it_looks_like_a_flipped_bit(rows: list[tuple[int, int, int]]) -> None:
    infusion = infusion_of([["ramp", *row] for row in rows])
    planner = infusion.planner
    while not planner.done:
        planner.refill(20_000)
        assert infusion.intact()
        if planner.head != planner.tail:
            take(planner)
    assert infusion.intact()
