"""Limits and ledger at edges that no other test meets: single steps, exact roundings, bounded work, full windows."""

from typing import Any

import pytest

from pump.core import ledger as ledgers
from pump.core import limits
from pump.core.ledger import BUCKETS, MINUTE_MS, MOST_STEPS, STATE_LENGTH, Ledger
from tests.core.entries import entry, header

H_MS = 3_600_000
WIDE = {"rate_hard_low_nl_h": 0, "rate_soft_low_nl_h": 0}


def infuse(rate_pl_h: int, duration_ms: int = H_MS) -> list[list[Any]]:
    return [["infuse", duration_ms, rate_pl_h, rate_pl_h]]


# --- limits of a program


@pytest.mark.requirement("SR-LIB-04", "SR-DOSE-01", "SR-DOSE-03", "SR-DOSE-06", "SR-BOLUS-03", "SR-BOLUS-04")
@pytest.mark.parametrize(
    ("narrowed", "asked", "found"),
    [
        ({"concentration_high_ng_ml": 999_999}, {}, ("hard", -1, 1_000_000, 999_999)),
        ({"concentration_low_ng_ml": 1_000_001}, {}, ("hard", -1, 1_000_000, 1_000_001)),
        ({"total_high_nl": 999_999}, {}, ("hard", -1, 1_000_000, 999_999)),
        ({"total_low_nl": 1_000_001}, {}, ("hard", -1, 1_000_000, 1_000_001)),
        ({"dose_1h_hard_ng_kg": 14_285}, {}, ("hard", -1, 14_286, 14_285)),
        (
            {"bolus_lockout_ms": 360_001},
            {"bolus_nl": 500_000, "bolus_ms": 60_000, "bolus_lockout_ms": 360_000},
            ("hard", -1, 360_000, 360_001),
        ),
        (
            {"bolus_hard_high_nl": 499_999},
            {"bolus_nl": 500_000, "bolus_ms": 60_000, "bolus_lockout_ms": 360_000},
            ("hard", -1, 500_000, 499_999),
        ),
    ],
)
def test_what_no_phase_is_to_blame_for_names_none(
    narrowed: dict[str, int], asked: dict[str, int], found: tuple[str, int, int, int]
) -> None:
    (finding,) = limits.check_program(entry(**narrowed), header(**asked), infuse(10**9))
    assert finding[0] == next(iter(narrowed))
    assert finding[1:5] == found


@pytest.mark.requirement("SR-BOLUS-12")
def test_a_timed_bolus_that_is_too_short_or_too_long_names_no_phase() -> None:
    assert limits.check_bolus(entry(), 500_000, 99, timed_lockout_ms=100)[0][1:5] == ("hard", -1, 99, 100)
    (found,) = limits.check_bolus(entry(), 500_000, 6 * H_MS + 1, timed_lockout_ms=0)
    assert found[1:5] == ("hard", -1, 6 * H_MS + 1, 6 * H_MS)


@pytest.mark.requirement("SR-LIB-04")
def test_a_program_without_loading_dose_meets_no_limit_of_one() -> None:
    wanting = entry(loading_hard_low_ng_kg=1, loading_rate_hard_low_nl_h=1)
    assert limits.check_program(wanting, header(), infuse(10**9)) == []


@pytest.mark.requirement("SR-LIB-04")
def test_the_slowest_phase_is_named_wherever_it_stands() -> None:
    phases = infuse(10**9) + infuse(3 * 10**7) + infuse(10**7) + infuse(2 * 10**7)
    (found,) = limits.check_program(entry(), header(), phases)
    assert found[:5] == ("rate_hard_low_nl_h", "hard", 2, 10_000, 100_000)
    near_nothing = entry(rate_hard_low_nl_h=1, rate_soft_low_nl_h=1)
    (found,) = limits.check_program(near_nothing, header(), infuse(2) + infuse(5) + infuse(10**6) + infuse(1))
    assert found[2] == 3


def test_a_turn_walks_forty_pieces_of_phases() -> None:
    short = infuse(10**9, 60_000)
    whole = infuse(10**9, 2 * H_MS)  # each two pieces: the rear end of the hour enters it in the middle
    for phases in (short * 40, whole * 20):
        check = limits.ProgramCheck(entry(**WIDE), header())
        check.add(phases)
        assert check.turn()
        check = limits.ProgramCheck(entry(**WIDE), header())
        check.add(phases + short)
        assert not check.turn()
        assert check.turn()
    window = limits.Window(short * 3, H_MS)
    assert [window.turn(1) for _ in range(4)] == [False, False, True, True]


@pytest.mark.requirement("SR-DOSE-03")
def test_the_fullest_hour_begins_where_a_slow_phase_ends_while_a_long_one_goes_on() -> None:
    slow, fast, long = infuse(10**8, 600_000), infuse(10**9, 600_000), infuse(4 * 10**8, 3 * H_MS)
    window = limits.Window(slow + fast + long, H_MS)
    assert window.turn(100)
    assert window.most == 2 * (10**9 * 600_000 + 4 * 10**8 * 3_000_000) * window.divisor


def test_a_window_without_phases_holds_nothing() -> None:
    window = limits.Window([], H_MS)
    assert window.turn(1)
    assert (window.most, window.total) == (0, 0)


@pytest.mark.requirement("SR-DOSE-03")
def test_each_window_has_its_own_steps() -> None:
    own = entry(dose_1h_hard_ng_kg=100_000, dose_4h_hard_ng_kg=200_000, dose_24h_hard_ng_kg=300_000)
    assert limits.window_steps(own, 70_000, 1_000_000, (1000, 1)) == (7_000_000, 14_000_000, 21_000_000)


@pytest.mark.requirement("SR-DOSE-03", "SR-LIB-09")
def test_no_room_is_not_one_step() -> None:
    assert limits.bolus_steps(entry(bolus_policy="reduce", bolus_hard_low_nl=0), 500, 0, (1000, 1)) == 0


# --- ledger


@pytest.mark.requirement("SR-DOSE-03", "SR-BOLUS-03")
def test_the_numbers_that_the_ledger_is_made_of() -> None:
    assert MINUTE_MS == 60_000
    assert ledgers.WINDOWS_MIN == (60, 240, 1440)
    assert MOST_STEPS == (1 << 29) - 1, "two of them are a small int"
    assert ledgers.MOST_BOLUSES == 32


def test_a_new_ledger_has_an_empty_state() -> None:
    assert Ledger().state() == [1, 0, 0, 0, 1, 1] + [0] * (STATE_LENGTH - 6)


@pytest.mark.requirement("SR-DOSE-03", "SR-DOSE-04")
def test_a_single_step_counts_and_one_backward_does_not() -> None:
    ledger = Ledger()
    ledger.limit((2, 2, 2))
    for steps, given in ((1, 1), (0, 1), (-1, 1), (1, 2)):
        ledger.update(100, steps)
        assert ledger.given() == (given,) * 3
    assert ledger.left_steps == 0


@pytest.mark.requirement("SR-DOSE-04")
def test_a_dose_is_rounded_up_to_the_nanogram() -> None:
    ledger = Ledger()
    ledger.adopt((99_999_999, 1000), 1)  # with the fraction that the ledger does not keep, at most 10^8 fL
    ledger.update(0, 10_000)
    assert ledger.given_ng() == [1, 1, 1], "10^12 ng fL/mL"
    ledger = Ledger()
    ledger.adopt((99_990, 1), 1)
    ledger.update(0, 10_001)
    assert ledger.given_ng() == [2, 2, 2], "one more than that"


@pytest.mark.requirement("SR-DOSE-04")
def test_another_step_converts_every_bucket_rounded_up() -> None:
    ledger = Ledger()
    ledger.adopt((347, 1), 1000)
    assert ledger.state()[4:6] == [347_000, 1000]
    for _ in range(BUCKETS + 1):
        ledger.update(MINUTE_MS, 1000)
    ledger.adopt((67, 1), 1000)
    assert ledger.state()[4:6] == [67_000, 1000]
    # 1000 x 347 001 / 67 000 = 5179.1, for each of 60 full minutes and the one that passes.
    assert ledger.given()[0] == 61 * 5180
    ledger = Ledger()
    ledger.adopt((347, 1), 1000)
    ledger.update(0, 67)
    ledger.begin_bolus()
    ledger.end_bolus(67_000, True)
    ledger.adopt((67, 1), 1000)
    assert ledger.given()[0] == 348, "67 x 347 001 / 67 000, a little more than 347"
    assert ledger.run[ledgers.GIVEN] == 347_001


@pytest.mark.requirement("SR-DOSE-04")
def test_a_full_window_converts_without_moving_and_an_overfull_one_becomes_recent() -> None:
    ledger = Ledger()
    ledger.update(0, 1000)
    ledger.update(2 * MINUTE_MS, MOST_STEPS - 1000)
    ledger.update(MINUTE_MS, 0)
    ledger.adopt((2, 1000), 1)  # from 1 fL, with its fraction at most 2, to 2 fL: as many steps
    assert ledger.given() == (MOST_STEPS,) * 3
    ledger.update(57 * MINUTE_MS, 0)
    assert ledger.given()[0] == MOST_STEPS
    ledger.update(MINUTE_MS, 0)
    assert ledger.given()[0] == MOST_STEPS - 1000, "the first thousand have left the hour"

    ledger = Ledger()
    for _ in range(BUCKETS + 1):
        ledger.update(0, MOST_STEPS // 50)
        ledger.update(MINUTE_MS, 0)
    ledger.adopt((2, 1000), 1)
    assert ledger.given()[0] == MOST_STEPS
    for _ in range(BUCKETS):
        ledger.update(MINUTE_MS, 0)
        assert ledger.given()[0] == MOST_STEPS
    ledger.update(MINUTE_MS, 0)
    assert ledger.given()[0] == 0
    for _ in range(BUCKETS + 1):
        ledger.update(MINUTE_MS, 0)
        assert ledger.given()[0] == 0


@pytest.mark.requirement("SR-BOLUS-03")
def test_a_running_bolus_counts_as_one_and_locks_out_the_next() -> None:
    ledger = Ledger()
    ledger.begin_bolus()
    assert ledger.boluses_within(H_MS) == 1
    assert ledger.lockout_left_ms(0) == 1
    assert ledger.lockout_left_ms(2) == 2


@pytest.mark.requirement("SR-BOLUS-03")
def test_each_bolus_keeps_its_own_end() -> None:
    ledger = Ledger()
    ledger.update(2 * H_MS, 0)
    for _ in range(3):
        ledger.update(10 * MINUTE_MS, 0)
        ledger.begin_bolus()
        ledger.end_bolus(5, whole=True)
    assert [ledger.boluses_within(minutes * MINUTE_MS) for minutes in (5, 15, 25, 60)] == [1, 2, 3, 3]


@pytest.mark.requirement("SR-BOLUS-03")
def test_a_bolus_of_long_ago_is_8000_minutes_old_and_never_younger() -> None:
    ledger = Ledger()
    ledger.begin_bolus()
    ledger.end_bolus(5, whole=True)
    for minutes in (8000, 8001, 20_000):
        ledger.update(minutes * MINUTE_MS, 0)
        assert ledger.lockout_left_ms(8000 * MINUTE_MS) == 0
        assert ledger.lockout_left_ms(8000 * MINUTE_MS + 1) == 1


@pytest.mark.requirement("SR-BOLUS-03")
@pytest.mark.parametrize(("kept", "latest", "good"), [(0, 0, True), (0, 1, False), (1, 0, True), (1, 1, False)])
def test_the_latest_bolus_of_a_state_is_one_that_is_kept(kept: int, latest: int, good: bool) -> None:
    state = Ledger().state()
    state[12:14] = [kept, latest]
    assert Ledger().restore(state) == good


@pytest.mark.requirement("SR-LIB-07")
@pytest.mark.parametrize("rate_nl_h", [1, 99_900_001])
def test_a_rate_that_an_operator_sets_belongs_to_no_phase(rate_nl_h: int) -> None:
    found = limits.check_rate(entry(), header(), rate_nl_h * 1000, [])
    assert found
    assert {finding[2] for finding in found} == {-1}
