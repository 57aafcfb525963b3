"""Each monitor at its thresholds: exactly there, one unit above and one below."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core import monitors
from pump.core.monitors import DEPLETED, FALL, HIGH, LOW, RISE, Leap, SensorBand, Supply

RATE = 5_000_000  # nL/h


@pytest.mark.requirement("SR-OCC-01")
def test_occlusion_begins_above_the_threshold_and_ends_at_half_of_it() -> None:
    monitor = monitors.Occlusion(69_000)
    assert not monitor.update(False, 90_000), "a motor that is off occludes nothing"
    assert not monitor.update(True, 69_000)
    assert monitor.update(True, 69_001)
    assert monitor.update(False, 34_501), "still true"
    assert not monitor.update(False, 34_500)
    assert not monitor.update(True, 69_000)


@pytest.mark.requirement("SR-OCC-01")
def test_another_occlusion_level_holds_at_once_for_beginning_and_end() -> None:
    monitor = monitors.Occlusion(69_000)
    monitor.set(30_001)
    assert monitor.threshold_pa == 30_001
    assert not monitor.update(True, 30_001)
    assert monitor.update(True, 30_002)
    assert monitor.update(True, 15_001)
    monitor.set(69_000)
    assert monitor.update(True, 34_501), "the condition survives the change"
    monitor.set(30_001)
    assert not monitor.update(True, 15_000)


@pytest.mark.requirement("SR-OCC-02")
def test_a_line_is_shut_when_the_pressure_has_fallen_further_than_the_limit_since_the_begin() -> None:
    monitor = monitors.Suction(6900)
    assert monitor.update(-6901)
    assert not monitor.update(-6900)
    monitor.begin(2000)
    assert not monitor.update(-4900)
    assert monitor.update(-4901)
    assert not monitor.update(90_000), "more is no suction"


@pytest.mark.requirement("SR-DIAG-14")
@pytest.mark.parametrize(
    ("due", "counted", "asked", "fault"), [(5, 5, 9, False), (5, 9, 9, False), (5, 4, 9, True), (5, 10, 9, True)]
)
def test_one_pulse_too_few_or_too_many_is_a_motor_fault(due: int, counted: int, asked: int, fault: bool) -> None:
    assert monitors.motor_fault(due, counted, asked) == fault


@pytest.mark.requirement("SR-LINK-06")
def test_silence_is_counted_in_elapsed_time_and_broken_by_a_line() -> None:
    monitor = monitors.Silence(15_000)
    assert not monitor.update(14_999)
    assert monitor.update(1)
    monitor.heard()
    assert not monitor.update(14_999)
    assert monitor.update(1)
    assert monitor.update(10**9)
    assert monitor.update(0), "it does not run over"


# --- leap


def settled(pressure_pa: int, rate: int = RATE, window_s: int = 4) -> Leap:
    """A monitor with rise 1000, fall 500, settle 3 s and one part in 10 of steadiness, at rest at pressure_pa."""
    leap = Leap(1000, 500, window_s, 3, 10)
    for _ in range(4 + window_s):
        assert leap.update(rate, pressure_pa) == 0
    return leap


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
@pytest.mark.parametrize(
    ("to_pa", "found"), [(11_000, 0), (11_001, RISE), (9500, 0), (9499, FALL), (10_501, 0), (9000, FALL)]
)
def test_a_leap_is_more_than_its_threshold(to_pa: int, found: int) -> None:
    assert (RISE, FALL) == (1, 2)
    assert settled(10_000).update(RATE, to_pa) == found


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
@pytest.mark.parametrize(("step_pa", "found"), [(251, RISE), (250, 0), (-126, FALL), (-125, 0)])
def test_a_leap_may_take_as_long_as_the_window(step_pa: int, found: int) -> None:
    leap = settled(10_000)
    for second in range(1, 40):
        assert leap.update(RATE, 10_000 + second * step_pa) == (found if second >= 4 else 0)


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=40), st.integers(1, 6))
def test_a_leap_is_told_by_the_latest_samples_alone(pressures: list[int], window_s: int) -> None:
    leap = settled(1000, window_s=window_s)
    before = deque([1000] * window_s, window_s)
    for pressure in pressures:
        expected = RISE if pressure - min(before) > 1000 else FALL if max(before) - pressure > 500 else 0
        assert leap.update(RATE, pressure) == expected
        if expected:
            break
        before.append(pressure)


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
@pytest.mark.parametrize(("to_pa", "found"), [(20_000, RISE), (0, FALL)])
def test_a_leap_stays_until_the_rate_changes_or_the_motor_stops(to_pa: int, found: int) -> None:
    for rate in (0, RATE + RATE // 10 + 1):
        leap = settled(10_000)
        assert leap.update(RATE, to_pa) == found
        for pressure in [to_pa] * 20 + [10_000, 20_000, 0]:
            assert leap.update(RATE, pressure) == found
        assert leap.update(rate, to_pa) == 0
        assert leap.update(RATE, 10_000) == 0, "settling anew"


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
def test_a_new_rate_has_its_time_to_settle() -> None:
    leap = settled(10_000)
    for pressure in (20_000, 15_000, 30_000, 25_000):
        assert leap.update(2 * RATE, pressure) == 0
    assert leap.update(2 * RATE, 26_000) == 0, "the fourth sample, after 3 s, is the first measure"
    assert leap.update(2 * RATE, 26_001) == RISE
    leap.update(0, 0)
    for _ in range(20):
        assert leap.update(0, 40_000) == leap.update(0, 0) == 0, "the motor is off"
    for pressure in (0, 1, 2, 25_000):
        assert leap.update(2 * RATE, pressure) == 0
    assert leap.update(2 * RATE, 24_499) == FALL


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
@pytest.mark.parametrize("sign", [1, -1])
def test_a_rate_that_hardly_changes_is_steady(sign: int) -> None:
    leap = settled(10_000)
    assert leap.update(RATE + sign * RATE // 10, 11_001) == RISE
    assert settled(10_000).update(RATE + sign * (RATE // 10 + 1), 11_001) == 0
    leap = settled(10_000)
    for second in range(1, 4):
        leap.update(RATE + sign * second * RATE // 10, 10_000)  # each against the first, not the last
    assert leap.update(RATE + sign * 3 * RATE // 10, 11_001) == 0


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-06")
def test_the_settling_time_and_steadiness_of_a_board_that_sets_none() -> None:
    leap = Leap(1000, 500, 30)
    for _ in range(10):
        assert leap.update(1600, 0) == 0
    assert leap.update(1600, 5000) == 0
    assert leap.update(1700, 6001) == RISE
    assert leap.update(1701, 6001) == 0


# --- what the sensor says of itself


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize(
    ("pressure_pa", "faulty"), [(-20_000, False), (-20_001, True), (240_000, False), (240_001, True)]
)
def test_a_pressure_outside_the_band_is_a_fault_at_once(running: bool, pressure_pa: int, faulty: bool) -> None:
    band = SensorBand(-20_000, 240_000, 120)
    assert band.update(running, pressure_pa) == faulty
    assert not band.update(running, 0), "over with the first good reading"


@pytest.mark.requirement("SR-DIAG-13")
@pytest.mark.parametrize("stuck_pa", [0, 1, 50_000])
def test_a_pressure_that_never_changes_is_stuck(stuck_pa: int) -> None:
    band = SensorBand(-20_000, 240_000, 5)
    for _ in range(5):
        assert not band.update(True, stuck_pa)
    assert band.update(True, stuck_pa), "five seconds after the first"
    assert band.update(True, stuck_pa)
    assert band.update(False, stuck_pa), "still stuck when the motor is off"
    assert not band.update(False, stuck_pa + 1)
    for _ in range(5):
        assert not band.update(True, stuck_pa + 2)
    assert band.update(True, stuck_pa + 2)
    assert not band.update(True, stuck_pa)
    for _ in range(4):
        assert not band.update(True, stuck_pa)
    assert band.update(True, stuck_pa)
    assert band.update(False, stuck_pa), "stuck is stuck from the first moment"


@pytest.mark.requirement("SR-DIAG-13")
def test_a_pressure_may_stand_still_while_the_motor_does() -> None:
    band = SensorBand(-20_000, 240_000, 5)
    for _ in range(20):
        assert not band.update(False, 300)
    for running in [True] * 4 + [False] + [True] * 4:
        assert not band.update(running, 300)
    assert band.update(True, 300)


# --- supply, heat


@pytest.mark.requirement("SR-POWER-02")
def test_the_supply_has_three_marks_and_each_its_hysteresis() -> None:
    supply = Supply(11_000, 9500, 16_000, 200)
    for mv, found in (
        (11_000, 0),
        (10_999, LOW),
        (11_199, LOW),
        (11_200, 0),
        (11_000, 0),
        (9500, LOW),
        (9499, LOW | DEPLETED),
        (9699, LOW | DEPLETED),
        (9700, LOW),
        (9500, LOW),
        (12_000, 0),
        (16_000, 0),
        (16_001, HIGH),
        (15_801, HIGH),
        (15_800, 0),
        (16_000, 0),
        (16_001, HIGH),
        (0, LOW | DEPLETED),
        (20_000, HIGH),
    ):
        assert supply.update(mv) == found, mv
    assert (LOW, DEPLETED, HIGH) == (1, 2, 4)


@pytest.mark.requirement("SR-POWER-02", "SR-ALARM-09")
def test_hysteresis_of_a_board_that_sets_none() -> None:
    supply = Supply(11_000, 9500, 16_000)
    assert [supply.update(mv) for mv in (10_999, 11_199, 11_200)] == [LOW, LOW, 0]
    heat = monitors.Heat(550)
    assert [heat.update(dc) for dc in (551, 501, 500)] == [True, True, False]


@pytest.mark.requirement("SR-ALARM-09")
def test_heat_begins_above_the_limit_and_ends_well_below() -> None:
    heat = monitors.Heat(550, 30)
    for dc, found in ((550, False), (551, True), (550, True), (521, True), (520, False), (550, False), (551, True)):
        assert heat.update(dc) == found, dc


# --- waiting, repeats, near empty


@pytest.mark.requirement("SR-ALARM-10", "SR-UI-09")
def test_waiting_is_counted_in_elapsed_time_and_begins_anew() -> None:
    monitor = monitors.Waiting(600_000)
    assert not monitor.update(True, 599_999)
    assert monitor.update(True, 1)
    assert monitor.update(True, 10**9)
    assert monitor.update(True, 0), "it does not run over"
    assert not monitor.update(False, 1000)
    assert not monitor.update(True, 599_999)
    assert not monitor.update(False, 1)
    assert not monitor.update(True, 599_999)
    assert monitor.update(True, 1)


@pytest.mark.requirement("SR-STOP-06")
@pytest.mark.parametrize("begin_ms", [0, (1 << 30) - 300_000, 10**12])
def test_the_third_restart_after_one_alarm_within_the_window_is_too_many(begin_ms: int) -> None:
    repeats = monitors.Repeats(3, 600_000)
    assert not repeats.note(begin_ms, 4)
    assert not repeats.note(begin_ms + 1, 4)
    assert repeats.note(begin_ms + 600_000, 4), "exactly the window"
    assert not repeats.note(begin_ms + 600_002, 4), "the first has left it"
    repeats.forget()
    assert not repeats.note(begin_ms + 600_003, 4)
    assert not repeats.note(begin_ms + 600_004, 4)
    assert repeats.note(begin_ms + 600_005, 4)


@pytest.mark.requirement("SR-STOP-06")
def test_different_alarms_are_counted_apart_even_when_they_come_together() -> None:
    repeats = monitors.Repeats(3, 600_000)
    assert not repeats.note(1, 1 | 8)
    assert not repeats.note(2, 2 | 8)
    assert not repeats.note(3, 1)
    assert not repeats.note(4, 2)
    assert repeats.note(5, 8 | 16)
    assert not repeats.note(6, 16)
    assert repeats.note(7, 2)
    assert not repeats.note(8, 0), "no alarm at all"
    once = monitors.Repeats(1, 10)
    assert once.note(1, 1)
    assert once.note(2, 1)


@pytest.mark.requirement("SR-STOP-06")
@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 7)), max_size=40),
    st.integers(1, 4),
    st.integers(0, 1000),
)
def test_repeats_are_those_of_any_window(restarts: list[tuple[int, int]], times: int, window_ms: int) -> None:
    repeats = monitors.Repeats(times, window_ms)
    now_ms = 0
    noted: list[tuple[int, int]] = []
    for gap_ms, bits in restarts:
        now_ms += gap_ms
        noted.append((now_ms, bits))
        within = [b for at, b in noted if now_ms - at <= window_ms]
        latest = max([sum(bool(b & bit) for b in within) for bit in (1, 2, 4) if bits & bit], default=0)
        assert repeats.note(now_ms, bits) == (latest >= times)


@pytest.mark.requirement("SR-RES-05")
@pytest.mark.parametrize(
    ("remaining_nl", "rate_nl_h", "near"),
    [
        (1_000_000, 20_000_000, False),  # exactly three minutes
        (999_999, 20_000_000, True),
        (1_000_001, 20_000_000, False),
        (1_000_000, 20_000_001, True),
        (0, 1, True),
        (0, 0, False),
        (1, 0, False),
    ],
)
def test_near_empty_is_a_matter_of_minutes_at_the_rate_of_now(remaining_nl: int, rate_nl_h: int, near: bool) -> None:
    assert monitors.near_empty(remaining_nl, rate_nl_h, 3) == near


@pytest.mark.requirement("SR-RES-05")
def test_near_empty_is_true_once_and_for_all_at_a_steady_rate() -> None:
    near = [monitors.near_empty(remaining, 20_000_000, 10) for remaining in range(5_000_000, 0, -99_999)]
    assert near == sorted(near)
    assert sum(a != b for a, b in pairwise(near)) == 1


@pytest.mark.requirement("SR-UI-08")
@pytest.mark.requirement("SR-DIAG-10")
def test_of_what_is_mended_it_tells_at_one_and_each_time_that_it_has_doubled() -> None:
    told = monitors.Doubling()
    assert [count for count in range(20) if told.update(count)] == [1, 2, 4, 8, 16]
    assert not told.update(31)
    assert told.update(50), "several at once"
    assert [count for count in range(50, 120) if told.update(count)] == [100]


def test_a_reminder_comes_after_its_first_wait_and_then_again_and_again() -> None:
    reminder = monitors.Reminder(300, 900)
    assert not reminder.update(True, 299)
    assert reminder.update(True, 1)
    assert not reminder.update(True, 899)
    assert reminder.update(True, 1)
    assert reminder.update(True, 5000), "one, however late"
    assert not reminder.update(True, 899)
    assert not reminder.update(False, 10**6)
    assert not reminder.update(True, 299), "a new wait begins with its first"
    assert reminder.update(True, 1)
