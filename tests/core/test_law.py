"""The delivery law against the definition of a linear rate, in fractions that share no code with it (D2)."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.law import Law
from pump.core.syringes import step_volume_pl
from tests.core.strategies import SYRINGES, phases
from tests.programs import Oracle

TICKS_PER_MS = 100
LEAD_UM, STEPS_PER_TURN = 2000, 3200


def law_of(rows: list[list[Any]], syringe: str) -> Law:
    return Law(rows, step_volume_pl(syringe, LEAD_UM, STEPS_PER_TURN))


@pytest.mark.requirement("SR-RATE-02")
@given(phases(), st.sampled_from(SYRINGES), st.floats(0, 1))
def test_steps_due_are_the_whole_steps_of_the_exact_volume(rows: list[list[Any]], syringe: str, part: float) -> None:
    law = law_of(rows, syringe)
    at = int(law.end * part)
    law.seek(at)
    assert law.steps_due(at) == Oracle(rows, syringe).steps(Fraction(at, TICKS_PER_MS))


@given(phases(), st.sampled_from(SYRINGES), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_seeking_back_and_forth_changes_nothing(rows: list[list[Any]], syringe: str, parts: list[float]) -> None:
    law = law_of(rows, syringe)
    for part in parts:
        at = int(law.end * part)
        law.seek(at)
        assert law.segment_begin <= at
        fresh = law_of(rows, syringe)
        fresh.seek(at)
        assert law.steps_due(at) == fresh.steps_due(at)


@given(phases(), st.sampled_from(SYRINGES), st.floats(0, 1))
def test_tick_of_is_the_first_tick_at_which_the_step_is_due(rows: list[list[Any]], syringe: str, part: float) -> None:
    law = law_of(rows, syringe)
    law.seek(int((law.end - 1) * part))
    first, last = law.steps_due(law.segment_begin) + 1, law.steps_due(law.segment_end)
    if first > last:
        return
    oracle = Oracle(rows, syringe)
    for step in {first, (first + last) // 2, last}:
        tick = law.tick_of(step, law.segment_begin)
        assert oracle.volume_pl(Fraction(tick, TICKS_PER_MS)) >= step * oracle.step_pl
        assert oracle.volume_pl(Fraction(tick - 1, TICKS_PER_MS)) < step * oracle.step_pl


@pytest.mark.requirement("SR-BOLUS-01", "SR-BOLUS-07", "SR-BOLUS-09")
@given(phases(), st.integers(1, 5_000_000), st.integers(1, 60_000), st.floats(0, 1))
def test_a_bolus_adds_exactly_its_volume(rows: list[list[Any]], volume_nl: int, length_ms: int, part: float) -> None:
    law = law_of(rows, SYRINGES[3])
    length = min(length_ms * TICKS_PER_MS, law.end)  # the pump refuses a bolus that would outlast the program
    begin = int((law.end - length) * part)
    law.add_bolus(volume_nl * 1000, length, begin)
    oracle = Oracle(rows, SYRINGES[3])
    for at in (0, begin, begin + length // 3, begin + length, law.end):
        share = min(max(Fraction(at - begin, length), Fraction()), Fraction(1))
        law.seek(at)
        total = oracle.volume_pl(Fraction(at, TICKS_PER_MS)) + share * volume_nl * 1000
        assert law.steps_due(at) == total // oracle.step_pl


@pytest.mark.requirement("SR-BOLUS-05")
@given(st.integers(1000, 5_000_000), st.integers(1, 9))
def test_an_abandoned_bolus_keeps_what_was_delivered(volume_nl: int, tenths: int) -> None:
    rows = [["infuse", 100_000, 25 * 10**9, 25 * 10**9]]
    law = law_of(rows, SYRINGES[3])
    law.add_bolus(volume_nl * 1000, 10_000, 1000)
    at = 1000 + tenths * 1000
    law.abandon_bolus(at)
    oracle = Oracle(rows, SYRINGES[3])
    law.seek(law.end)
    total = oracle.volume_pl(100_000) + Fraction(volume_nl * 1000 * tenths, 10)
    assert law.steps_due(law.end) == total // oracle.step_pl


@pytest.mark.requirement("SR-ACC-01")
def test_240_hours_end_on_the_exact_step() -> None:
    """kiefer-2008-s-ketamine: 50 n mg/day for a day each, n = 1 to 10, at 1 mg/mL: 2750 mL."""
    rows = [["infuse", 86_400_000, *[50 * n * 10**9 // 24] * 2] for n in range(1, 11)]
    law, oracle = law_of(rows, SYRINGES[3]), Oracle(rows, SYRINGES[3])
    for hour in range(0, 241, 7):
        at = hour * 3_600_000 * TICKS_PER_MS
        law.seek(at)
        assert law.steps_due(at) == oracle.steps(hour * 3_600_000)
    assert abs(oracle.volume_pl(864_000_000) / 10**9 - 2750) < Fraction(1, 10**6)
