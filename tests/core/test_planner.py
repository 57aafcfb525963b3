"""The planner's words, decoded and laid on a time line: never early, never a whole step behind, exact at the end."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pump.core.infusion import PULSE_TICKS, Infusion
from pump.core.law import Law
from pump.core.planner import RING, Planner, word
from pump.core.syringes import step_volume_pl
from pump.core.units import TICKS_PER_S
from tests.core.strategies import SYRINGES, phases, short_ms
from tests.programs import Oracle

SHORTEST = 40  # ticks: 2500 steps/s, the board's limit
MOST_STEPS_PL_H = 2400  # steps/s: the fastest rate that a board lets in, a little below its limit
LONGEST_WORD_TICKS = 24_500
JITTER_TICKS = 1  # of the planner's own; 1 ms more is for whoever starts the generator


def decode(code: int) -> tuple[int, int]:
    """(steps, period in ticks), read from the layout as it is documented."""
    count, fine, coarse, pulse = code % 256, code // 2**8 % 64, code // 2**14 % 1024, code // 2**24
    return (count + 1 if pulse else 0), 11 + fine + (32 * (coarse + 1) if coarse else 0)


def bounded(rows: list[list[Any]], syringe: str) -> list[list[Any]]:
    """Rates brought under the motor's limit, as the pump would refuse them."""
    most = int(Fraction(*step_volume_pl(syringe, 2000, 3200)) * MOST_STEPS_PL_H * 3600)
    return [[kind, ms, min(begin, most), min(end, most)] for kind, ms, begin, end in rows]


def take(planner: Planner) -> tuple[int, int]:
    """Takes the next word as the feeder does; (steps, period)."""
    code = planner.words[planner.head]
    steps, period = decode(code)
    assert code < 2**30, "a heap object on the chip"
    assert period * max(steps, 1) == planner.ticks[planner.head] <= LONGEST_WORD_TICKS
    assert steps == planner.steps[planner.head]
    planner.ahead_ticks -= planner.ticks[planner.head]
    planner.oldest = planner.head = (planner.head + 1) % RING
    return steps, period


def play(planner: Planner, at: int, until: int | None = None) -> tuple[list[int], int]:
    """Ticks of the steps made from infusion tick `at` on, until the end or until tick `until`; and where it stopped."""
    made: list[int] = []
    while until is None or at < until:
        planner.refill(20_000)
        if planner.head == planner.tail:
            break
        steps, period = take(planner)
        for _ in range(max(steps, 1)):
            at += period
            if until is not None and at > until:
                return made, until
            if steps:
                assert period >= SHORTEST
                made.append(at)
    return made, at


def check_against_law(made: list[int], oracle: Oracle) -> None:
    for number, tick in enumerate(made, start=1):
        volume = oracle.volume_pl(Fraction(tick, 100))
        assert volume >= number * oracle.step_pl, "early"
        assert volume < (number + 1) * oracle.step_pl, "more than one behind"


@given(st.integers(0, 256), st.integers(11, 30_000))
def test_a_word_says_what_it_was_made_of(steps: int, period: int) -> None:
    assert decode(word(steps, period)) == (steps, period)


@given(phases(short_ms), st.sampled_from(SYRINGES))
def test_the_whole_stream_keeps_to_the_law(rows: list[list[Any]], syringe: str) -> None:
    rows = bounded(rows, syringe)
    oracle = Oracle(rows, syringe)
    planner = Planner(Law(rows, step_volume_pl(syringe, 2000, 3200)), 10**9, SHORTEST)
    made, end = play(planner, 0)
    check_against_law(made, oracle)
    assert len(made) == oracle.steps(oracle.boundaries_ms[-1]), "it ends exact"
    assert planner.done
    assert end >= oracle.boundaries_ms[-1] * 100


@pytest.mark.requirement("SR-RATE-05")
@settings(max_examples=30)
@example(10**9, SYRINGES[3], 80)
@given(st.integers(10**8, 10**9), st.sampled_from(SYRINGES), st.integers(30, 80))
def test_at_1_ml_an_hour_or_less_the_steps_are_evenly_spaced(rate_pl_h: int, syringe: str, count: int) -> None:
    ideal = Oracle([], syringe).step_pl * 3600 * TICKS_PER_S / rate_pl_h
    planner = Planner(
        Law([["infuse", 864_000_000, rate_pl_h, rate_pl_h]], step_volume_pl(syringe, 2000, 3200)), 10**9, SHORTEST
    )
    made, _ = play(planner, 0, int(ideal * count) + JITTER_TICKS)
    assert len(made) == count
    gaps = [after - at for at, after in pairwise([0, *made])]
    assert max(gaps) <= ideal + JITTER_TICKS
    assert min(gaps) >= ideal - JITTER_TICKS


@pytest.mark.requirement("SR-STOP-05")
@given(phases(short_ms, 4), st.sampled_from(SYRINGES), st.lists(st.floats(0.01, 0.99), max_size=5))
def test_pauses_at_any_instant_drop_and_repeat_nothing(rows: list[list[Any]], syringe: str, parts: list[float]) -> None:
    rows = bounded(rows, syringe)
    oracle = Oracle(rows, syringe)
    infusion = Infusion(rows, step_volume_pl(syringe, 2000, 3200), SHORTEST)
    infusion.begin(0, 10**9)
    made: list[int] = []
    at = 0
    for pause in sorted(int(oracle.boundaries_ms[-1] * 100 * part) for part in parts):
        if pause <= at:
            continue
        ticks, at = play(infusion.planner, at, pause)
        made += ticks
        infusion.rewind(at, len(made))
        at -= PULSE_TICKS  # the word line starts so much before the law; see Infusion.rewind
        infusion.planner.position = at
    ticks, _ = play(infusion.planner, at)
    made += ticks
    assert made == sorted(made)
    assert len(made) == oracle.steps(oracle.boundaries_ms[-1])
    for number, tick in enumerate(made, start=1):
        assert oracle.volume_pl(Fraction(tick + PULSE_TICKS, 100)) >= number * oracle.step_pl


@pytest.mark.requirement("SR-DIAG-09")
@example([["bolus", 1000, 10**12, 10**12], ["infuse", 1000, 10**6, 10**6]], SYRINGES[0], 100_100, 200)
@given(phases(short_ms, 4), st.sampled_from(SYRINGES), st.integers(1, 4_000_000), st.integers(0, 200))
def test_a_stop_that_is_known_2_ms_late_is_no_flipped_bit(
    rows: list[list[Any]], syringe: str, stop: int, late: int
) -> None:
    rows = bounded(rows, syringe)
    infusion = Infusion(rows, step_volume_pl(syringe, 2000, 3200), SHORTEST)
    infusion.begin(0, 10**9)
    made, at = play(infusion.planner, 0, stop)
    infusion.rewind(at, sum(tick <= at - late for tick in made))
    assert infusion.planner.intact()
    infusion.planner.refill(20_000)
    assert infusion.planner.intact()


@pytest.mark.requirement("SR-RES-06")
@given(phases(short_ms), st.integers(0, 400))
def test_the_syringes_last_step_is_the_last(rows: list[list[Any]], limit: int) -> None:
    rows = bounded(rows, SYRINGES[0])
    planner = Planner(Law(rows, step_volume_pl(SYRINGES[0], 2000, 3200)), limit, SHORTEST)
    made, _ = play(planner, 0)
    wanted = Oracle(rows, SYRINGES[0]).steps(10**9)
    assert len(made) == min(limit, wanted)
    assert planner.dry == (wanted > limit)
