"""The ledger against an exact rolling sum: it never counts too little, too much only within its bound, and forgets
nothing across a power cut."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.ledger import (
    ABANDONED,
    BUCKETS,
    DELIVERED,
    GIVEN,
    MINUTE_MS,
    MOST_BOLUSES,
    MOST_STEPS,
    REFUSED,
    REQUESTED,
    STATE_LENGTH,
    WINDOWS_MIN,
    Ledger,
)

H_MS = 3_600_000
elapsed = st.one_of(
    st.integers(0, 200),
    st.integers(0, 2 * MINUTE_MS),
    st.sampled_from([100, 59_999, 60_000, 60_001, 4 * MINUTE_MS, 24 * MINUTE_MS, H_MS, 4 * H_MS, 24 * H_MS]),
    st.integers(0, 30 * H_MS),
)
steps = st.one_of(st.just(0), st.integers(0, 300), st.integers(-50, 4_000_000))
updates = st.lists(st.tuples(elapsed, steps), max_size=60)


class Exact:
    """Everything that was ever given, with its time."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.given: list[tuple[int, int]] = []

    def update(self, elapsed_ms: int, steps: int) -> None:
        self.now_ms += elapsed_ms
        if steps > 0:
            self.given.append((self.now_ms, steps))

    def within(self, length_ms: int) -> int:
        """Given at most length_ms ago, or just then."""
        return sum(steps for time_ms, steps in self.given if time_ms >= self.now_ms - length_ms)

    def nearer(self, length_ms: int) -> int:
        """Given less than length_ms ago."""
        return sum(steps for time_ms, steps in self.given if time_ms > self.now_ms - length_ms)


@given(updates)
@settings(max_examples=200)
@pytest.mark.requirement("SR-DOSE-03", "SR-DOSE-04")
def test_a_window_never_counts_too_little_and_too_much_by_less_than_a_bucket(history: list[tuple[int, int]]) -> None:
    ledger, exact = Ledger(), Exact()
    for elapsed_ms, given_steps in history:
        ledger.update(elapsed_ms, given_steps)
        exact.update(elapsed_ms, given_steps)
        for counted, length_min in zip(ledger.given(), WINDOWS_MIN, strict=True):
            length_ms = length_min * MINUTE_MS
            assert exact.within(length_ms) <= counted <= exact.nearer(length_ms + length_ms // BUCKETS)


@given(updates, st.tuples(*[st.integers(0, 5_000_000)] * 3), st.integers(0, 6_000_000))
@pytest.mark.requirement("SR-DOSE-03")
def test_what_may_be_given_fits_every_window(
    history: list[tuple[int, int]], limits: tuple[int, int, int], wanted: int
) -> None:
    ledger = Ledger()
    for index, (elapsed_ms, given_steps) in enumerate(history):
        if index == len(history) // 2:
            ledger.limit(limits)
        ledger.update(elapsed_ms, given_steps)
    ledger.limit(limits)
    allowed = max(min(wanted, ledger.left_steps), 0)
    room = min(limit - counted for limit, counted in zip(limits, ledger.given(), strict=True))
    assert ledger.left_steps == room
    assert allowed == max(min(wanted, room), 0)
    ledger.unlimited()
    assert ledger.left_steps == MOST_STEPS - ledger.given()[2]


def test_limits_hold_on_as_windows_move() -> None:
    ledger = Ledger()
    ledger.limit((100, 150, 10_000))
    ledger.update(0, 100)
    assert ledger.left_steps == 0
    ledger.update(60 * MINUTE_MS, 0)
    assert ledger.left_steps == 0
    ledger.update(MINUTE_MS, 0)
    assert ledger.left_steps == 50
    ledger.update(3 * H_MS, 0)
    assert ledger.left_steps == 50
    ledger.update(3 * MINUTE_MS, 0)
    assert ledger.left_steps == 100


def test_a_steady_flow_over_counts_by_at_most_a_sixtieth() -> None:
    ledger = Ledger()
    worst = [0, 0, 0]
    for tick in range(30 * 60 * 6):  # 30 h of 10 s, a step a second
        ledger.update(10_000, 10)
        if tick * 10 >= 24 * 3600:
            worst = [max(pair) for pair in zip(worst, ledger.given(), strict=True)]
    assert all(length * 60 <= most <= length * 61 for most, length in zip(worst, WINDOWS_MIN, strict=True))


# A step of 1 nL to 4 uL, of 1 ng/mL to 1 g/mL.
worths = st.tuples(st.tuples(st.integers(10**6, 4 * 10**9), st.just(1000)), st.integers(1, 10**9))


@given(updates, worths, worths)
def test_another_syringe_or_concentration_keeps_the_dose(history: list[tuple[int, int]], old: Any, new: Any) -> None:
    ledger = Ledger()
    ledger.adopt(*old)
    for elapsed_ms, given_steps in history:
        ledger.update(elapsed_ms, given_steps)
    before = ledger.given()
    ledger.adopt(*old)
    assert ledger.given() == before
    ledger.adopt(*new)
    old_worth, new_worth = (Fraction(*step) * ng_ml for step, ng_ml in (old, new))
    for then, now in zip(before, ledger.given(), strict=True):
        least = min(then * old_worth / new_worth, MOST_STEPS)
        assert now >= int(least)
        most = then * old_worth / new_worth * (1 + Fraction(1, 10**5)) + BUCKETS + 2
        assert now <= max(most, 2 * MOST_STEPS)
    if before[2] * old_worth / new_worth >= MOST_STEPS:
        assert ledger.left_steps <= 0


# --- boluses

asks = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 700_000), st.integers(0, 30 * H_MS), st.sampled_from([359_999, 360_000, H_MS])),
        st.integers(0, 120_000),
        st.booleans(),
        st.booleans(),
    ),
    max_size=50,
)


@given(asks, st.integers(0, 2 * H_MS), st.integers(0, 32), st.integers(60_000, 24 * H_MS))
@settings(max_examples=200)
@pytest.mark.requirement("SR-BOLUS-03", "SR-DOSE-05")
def test_no_bolus_within_the_lockout_nor_beyond_the_count(
    history: list[tuple[int, int, bool, bool]], lockout_ms: int, count: int, window_ms: int
) -> None:
    """Against the times of all boluses; at each power cut, which only the ledger does not know the length of."""
    ledger = Ledger()
    now_ms = refused = 0
    begins: list[int] = []
    ends: list[int] = []
    for wait_ms, length_ms, whole, cut in history:
        ledger.update(wait_ms, 0)
        now_ms += wait_ms
        ledger.request()
        if ledger.may_begin(lockout_ms, count, window_ms):
            assert not ends or now_ms - ends[-1] >= lockout_ms
            assert sum(now_ms - begin < window_ms for begin in begins) < count
            ledger.begin_bolus()
            begins.append(now_ms)
            assert not ledger.may_begin(0, 32, window_ms)
            ledger.update(length_ms, 0)
            now_ms += length_ms
            ledger.end_bolus(7, whole)
            ends.append(now_ms)
        else:
            ledger.refuse()
            refused += 1
            in_window = sum(now_ms - end < window_ms for end in ends)
            assert (ends and now_ms - ends[-1] < lockout_ms) or in_window >= min(count, MOST_BOLUSES)
        if cut:
            after = Ledger()
            assert after.restore(ledger.state())
            ledger = after
    run = ledger.run
    assert list(run[:3]) == [len(history), run[DELIVERED], refused]
    assert run[DELIVERED] + run[ABANDONED] == len(ends)
    assert run[GIVEN] == 7 * len(ends)


@pytest.mark.requirement("SR-BOLUS-03")
def test_the_lockout_ends_to_the_millisecond() -> None:
    ledger = Ledger()
    ledger.update(12_345, 0)
    ledger.begin_bolus()
    ledger.update(30_000, 5)
    ledger.end_bolus(5, whole=True)
    ledger.update(359_999, 0)
    assert ledger.lockout_left_ms(360_000) == 1
    assert not ledger.may_begin(360_000, 6, H_MS)
    ledger.update(1, 0)
    assert ledger.may_begin(360_000, 6, H_MS)
    assert not ledger.may_begin(360_000, 1, H_MS)


@pytest.mark.requirement("SR-BOLUS-03")
def test_a_bolus_leaves_its_window_to_the_millisecond() -> None:
    ledger = Ledger()
    for _ in range(2):
        ledger.begin_bolus()
        ledger.end_bolus(5, whole=True)
    ledger.update(H_MS - 1, 0)
    assert ledger.boluses_within(H_MS) == 2
    ledger.update(1, 0)
    assert ledger.boluses_within(H_MS) == 0


@pytest.mark.requirement("SR-BOLUS-03", "SR-BOLUS-05")
def test_a_bolus_cut_short_by_a_power_cut_still_locks() -> None:
    ledger = Ledger()
    ledger.begin_bolus()
    after = Ledger()
    assert after.restore(ledger.state())
    assert after.in_bolus
    assert not after.may_begin(0, 32, H_MS)
    after.end_bolus(3, whole=False)
    assert after.lockout_left_ms(360_000) == 360_000
    after.end_bolus(3, whole=True)
    assert list(after.run) == [0, 0, 0, 1, 3]


@pytest.mark.requirement("SR-DOSE-05")
def test_a_run_counts_its_own_boluses() -> None:
    ledger = Ledger()
    ledger.request()
    ledger.begin_bolus()
    ledger.end_bolus(9, whole=True)
    ledger.request()
    ledger.refuse()
    assert (ledger.run[REQUESTED], ledger.run[DELIVERED], ledger.run[REFUSED], ledger.run[GIVEN]) == (2, 1, 1, 9)
    ledger.begin_run()
    assert list(ledger.run) == [0] * 5
    assert ledger.lockout_left_ms(H_MS) == H_MS


# --- across a power cut


@given(updates, updates, worths, st.booleans())
def test_a_restored_ledger_is_the_same_and_goes_on_the_same(
    before: list[tuple[int, int]], behind: list[tuple[int, int]], worth: Any, in_bolus: bool
) -> None:
    ledger, again = Ledger(), Ledger()
    ledger.adopt(*worth)
    for elapsed_ms, given_steps in before:
        ledger.update(elapsed_ms, given_steps)
        ledger.begin_bolus()
        ledger.end_bolus(1, whole=True)
    if in_bolus:
        ledger.begin_bolus()
    state = ledger.state()
    assert len(state) == STATE_LENGTH
    assert all(type(value) is int and 0 <= value < 1 << 32 for value in state)
    again.update(H_MS, 55)
    assert again.restore(state)
    assert again.state() == state
    for elapsed_ms, given_steps in behind:
        ledger.update(elapsed_ms, given_steps)
        again.update(elapsed_ms, given_steps)
        assert again.given() == ledger.given()
        assert again.left_steps == ledger.left_steps
    assert again.state() == ledger.state()


def test_no_time_passes_while_the_pump_is_off() -> None:
    ledger = Ledger()
    ledger.update(59 * MINUTE_MS, 100)
    after = Ledger()
    assert after.restore(ledger.state())
    after.update(0, 20)
    assert after.given() == (120, 120, 120)
    after.update(60 * MINUTE_MS, 0)
    assert after.given() == (120, 120, 120)


@pytest.mark.parametrize("value", [-1, 1 << 32, None, True, 1.0, "1"])
def test_no_state_that_no_ledger_wrote(value: Any) -> None:
    ledger = Ledger()
    ledger.update(5000, 7)
    before = ledger.state()
    for place in range(STATE_LENGTH):
        damaged = list(before)
        damaged[place] = value
        assert not ledger.restore(damaged)
    assert not ledger.restore(before[:-1])
    assert not ledger.restore([])
    assert ledger.state() == before


WINDOWS_AT = STATE_LENGTH - len(WINDOWS_MIN) * (BUCKETS + 3)

# name: (place, most that is taken, least that is not)
EDGES = {
    "format": (0, 1, 2),
    "minutes": (1, (1 << 29) - 1, 1 << 29),
    "ms of the minute": (2, MINUTE_MS - 1, MINUTE_MS),
    "steps of the minute": (3, MOST_STEPS, MOST_STEPS + 1),
    "in a bolus": (6, 1, 2),
    "boluses kept": (12, MOST_BOLUSES, MOST_BOLUSES + 1),
    "the latest": (13, 1, 2),
    "minute of an end": (14, 1, 2),
    "ms of an end": (14 + MOST_BOLUSES + 1, MINUTE_MS - 1, MINUTE_MS),
    "bucket of the hour": (WINDOWS_AT, BUCKETS, BUCKETS + 1),
    "minutes of the day's bucket": (STATE_LENGTH - BUCKETS - 2, 23, 24),
    "a bucket": (STATE_LENGTH - 1, 2 * MOST_STEPS - 14, 2 * MOST_STEPS - 13),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_edges_of_a_state(name: str) -> None:
    place, most, beyond = EDGES[name]
    ledger = Ledger()
    ledger.update(30_000, 14)
    ledger.update(31_000, 0)
    for _ in range(2):
        ledger.begin_bolus()
        ledger.end_bolus(0, whole=True)
    state = ledger.state()
    state[14 + 1] = 0  # the second end may be at any ms of an earlier minute
    assert Ledger().restore(state)
    state[place] = most
    assert Ledger().restore(state)
    state[place] = beyond
    assert not Ledger().restore(state)


def test_no_states_of_nothing_worth() -> None:
    for place in (0, 4, 5):
        state = Ledger().state()
        state[place] = 0
        assert not Ledger().restore(state)


@given(st.integers(0, STATE_LENGTH - 1), st.integers(0, (1 << 32) - 1))
def test_a_changed_state_is_refused_or_leaves_a_ledger_that_works(place: int, value: int) -> None:
    """Content is the journal's to guard, by CRC; whatever passes must not break the tick."""
    ledger = Ledger()
    ledger.update(90_000, 7)
    ledger.begin_bolus()
    ledger.end_bolus(1, whole=True)
    state = ledger.state()
    state[place] = value
    other = Ledger()
    if other.restore(state):
        other.update(25 * H_MS, 1)
        assert other.state()
        assert other.lockout_left_ms(H_MS) >= 0
    else:
        assert other.state() == Ledger().state()


def test_everything_of_the_tick_stays_a_small_int() -> None:
    ledger = Ledger()
    ledger.update(30 * H_MS, 4 * MOST_STEPS // 4)
    ledger.adopt((10**9, 1), 10**9)
    ledger.adopt((10**6, 1), 1)
    for value in (*ledger.given(), ledger.left_steps):
        assert abs(value) < 1 << 30
    assert ledger.left_steps <= 0
