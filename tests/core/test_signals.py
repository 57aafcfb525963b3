"""The alarm signals as a stopwatch finds them, against limits that are written down apart from the patterns."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import signals
from pump.core.signals import CYAN, HIGH, LOW, MEDIUM, RED, YELLOW, Annunciator

TICK_MS = 100
LATE_MS = 24  # what the module says a control tick may be late
C, D, E, G, HIGH_C = 262, 294, 330, 392, 523

# After IEC 60601-1-8: by priority (pulse_ms, between bursts_ms, flash in Hz, duty, light).
LIMITS = {
    HIGH: ((75, 200), (2500, 15_000), (1.4, 2.8), (0.2, 0.6), RED),
    MEDIUM: ((125, 250), (2500, 30_000), (0.4, 0.8), (0.2, 0.6), YELLOW),
    LOW: ((125, 250), (15_000, 10**6), None, (1.0, 1.0), CYAN),
}
X, Y = (50, 125), (125, 250)  # spacing of high, and of medium and low
TUNES = {  # SR-AUDIO-03
    HIGH: [HIGH_C, D, G, HIGH_C, D] * 2,
    MEDIUM: [HIGH_C, D, G],
    LOW: [E, C],
}


@st.composite
def lateness(draw: st.DrawFn) -> list[int]:
    """Microseconds by which each of some ticks is late: anything, or now on time and now as late as may be."""
    chance = random.Random(draw(st.integers(0, 10**6)))
    late_us = LATE_MS * 1000
    if draw(st.booleans()):
        return [chance.choice((0, late_us)) for _ in range(701)]
    return [chance.randint(0, late_us) for _ in range(701)]


class Stopwatch:
    """Drives an annunciator tick by tick, each tick late by its own amount, and notes what changes at which time."""

    def __init__(self, late_us: "list[int] | None" = None) -> None:
        self.annunciator = Annunciator()
        self._late_us = itertools.cycle(late_us or [0])
        self._tick = 0
        self._told_ms = 0
        self.now_ms = 0.0
        self.tones: list[tuple[float, int]] = []
        self.lights: list[tuple[float, int]] = []

    def run(self, ms: int) -> "Stopwatch":
        for _ in range(ms // TICK_MS):
            self._tick += 1
            self.now_ms = self._tick * TICK_MS + next(self._late_us) / 1000
            elapsed_ms = int(self.now_ms) - self._told_ms  # as the loop does: whole milliseconds, the rest is carried
            self._told_ms += elapsed_ms
            before = self.annunciator.tone_hz, self.annunciator.lights
            changed = self.annunciator.update(elapsed_ms)
            after = self.annunciator.tone_hz, self.annunciator.lights
            assert changed == (before != after)
            if before[0] != after[0]:
                self.tones.append((self.now_ms, after[0]))
            if before[1] != after[1]:
                self.lights.append((self.now_ms, after[1]))
        return self

    def pulses(self) -> list[tuple[float, float, int]]:
        """(begin, length, tone) of every whole pulse."""
        return [(at, end - at, tone) for (at, tone), (end, _off) in itertools.pairwise(self.tones) if tone]


def within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


@pytest.mark.requirement("SR-AUDIO-01")
@pytest.mark.requirement("SR-AUDIO-03")
@pytest.mark.parametrize("priority", [LOW, MEDIUM, HIGH])
@given(lateness())
def test_pulses_spacing_and_bursts_keep_the_limits_whatever_ticks_are_late(priority: int, late_us: list[int]) -> None:
    watch = Stopwatch(late_us)
    watch.annunciator.set(priority, new=True)
    pulses = watch.run(60_000).pulses()
    length, between, *_rest = LIMITS[priority]
    tune = TUNES[priority]
    count = len(tune)
    assert len(pulses) >= 2 * count
    for i, (at, on_ms, tone) in enumerate(pulses):
        assert within(on_ms, length)
        assert within(tone, (150, 1000))
        assert tone == tune[i % count]
        if not i:
            continue
        spacing = at - pulses[i - 1][0] - pulses[i - 1][1]
        place = i % count
        if place == 0:
            assert within(spacing, between)
        elif priority != HIGH:
            assert within(spacing, Y)
        elif place == 5:
            assert within(spacing, (350, 1300))
        elif place in (3, 8):
            pulse_ms = pulses[i - 1][1]
            assert within(spacing, (2 * X[0] + pulse_ms - 2 * LATE_MS, 2 * X[1] + pulse_ms + 2 * LATE_MS))
        else:
            assert within(spacing, X)


@pytest.mark.requirement("SR-AUDIO-01")
def test_with_ticks_on_time_the_long_spacing_of_high_is_two_spacings_and_a_pulse() -> None:
    watch = Stopwatch()
    watch.annunciator.set(HIGH, new=True)
    pulses = watch.run(3000).pulses()
    gaps = [b[0] - a[0] - a[1] for a, b in itertools.pairwise(pulses)]
    assert gaps == [100, 100, 300, 100, 500, 100, 100, 300, 100]
    assert {on_ms for _at, on_ms, _tone in pulses} == {100}


@pytest.mark.requirement("SR-VIS-02")
@pytest.mark.parametrize("priority", [MEDIUM, HIGH])
@given(lateness())
def test_flash_rate_and_duty_keep_the_limits(priority: int, late_us: list[int]) -> None:
    watch = Stopwatch(late_us)
    watch.annunciator.set(priority, new=True)
    watch.run(20_000)
    _length, _between, rate, duty, light = LIMITS[priority]
    assert {lights for _at, lights in watch.lights} == {0, light}
    on = [at for at, lights in watch.lights if lights]
    off = [at for at, lights in watch.lights if not lights]
    assert rate is not None
    assert len(on) >= 9
    for begin, end, again in zip(on, off, on[1:], strict=False):
        assert within(1000 / (again - begin), rate)
        assert within((end - begin) / (again - begin), duty)


@pytest.mark.requirement("SR-VIS-02")
def test_low_is_steady() -> None:
    watch = Stopwatch()
    watch.annunciator.set(LOW, new=True)
    watch.run(30_000)
    assert watch.lights == [(100, CYAN)]


@pytest.mark.requirement("SR-VIS-01")
def test_a_higher_priority_takes_over_at_the_next_tick_and_a_lower_one_behind_a_silence() -> None:
    watch = Stopwatch()
    watch.annunciator.set(LOW, new=True)
    watch.run(1000)
    watch.annunciator.set(HIGH, new=True)
    watch.run(100)
    assert watch.annunciator.tone_hz == HIGH_C
    assert watch.annunciator.lights == RED
    watch.annunciator.set(MEDIUM)
    watch.run(1500)
    (cut_at, cut_ms, tone), (next_at, _ms, next_tone) = watch.pulses()[-4:-2]
    assert (cut_ms, tone, next_tone) == (100, HIGH_C, HIGH_C)
    assert next_at - cut_at - cut_ms == 200, "one pulse must not run into the other"
    watch.annunciator.set(0)
    watch.run(100)
    assert (watch.annunciator.tone_hz, watch.annunciator.lights, watch.annunciator.busy) == (0, 0, False)


@pytest.mark.requirement("SR-AUDIO-05")
@settings(max_examples=30)
@given(st.integers(400, 120_000), lateness())
def test_a_pause_is_silent_ends_by_itself_in_time_and_sound_returns(ms: int, late_us: list[int]) -> None:
    watch = Stopwatch(late_us)
    watch.annunciator.set(HIGH, new=True)
    watch.run(700)
    begun_ms = watch.now_ms
    assert watch.annunciator.mute(ms)
    watch.run(100)
    assert watch.annunciator.tone_hz == 0
    silent_from = len(watch.tones)
    watch.run(ms + 500)
    returned_ms, tone = watch.tones[silent_from]
    assert tone == HIGH_C, "from the begin of a burst"
    assert ms - 3 * TICK_MS <= returned_ms - begun_ms <= ms + LATE_MS
    assert watch.annunciator.muted_ms == 0


@pytest.mark.requirement("SR-AUDIO-05")
@pytest.mark.requirement("SR-AUDIO-06")
def test_a_pause_without_an_end_or_beyond_two_minutes_is_refused() -> None:
    annunciator = Annunciator()
    assert not annunciator.mute(1000), "nothing sounds"
    annunciator.set(MEDIUM, new=True)
    for ms in (-1, 0, 120_001, 10**9):
        assert not annunciator.mute(ms)
        assert annunciator.muted_ms == 0
    assert annunciator.mute(120_000)
    assert annunciator.muted_ms == 120_000
    annunciator.unmute()
    assert annunciator.muted_ms == 0


@pytest.mark.requirement("SR-AUDIO-05")
@pytest.mark.parametrize("priority", [LOW, MEDIUM, HIGH])
def test_a_new_alarm_ends_a_pause_even_at_the_same_priority(priority: int) -> None:
    watch = Stopwatch()
    watch.annunciator.set(priority, new=True)
    watch.run(1000)
    assert watch.annunciator.mute(60_000)
    watch.run(1000)
    watch.annunciator.set(priority)
    watch.run(1000)
    assert watch.annunciator.muted_ms > 0, "an alarm that is only still there does not"
    watch.annunciator.set(priority, new=True)
    watch.run(100)
    assert watch.annunciator.muted_ms == 0
    assert watch.annunciator.tone_hz == TUNES[priority][0]


@pytest.mark.requirement("SR-LINK-07")
@pytest.mark.parametrize("by_link", [True, False])
def test_a_lost_link_ends_the_pause_that_came_over_it_and_no_other(by_link: bool) -> None:
    annunciator = Annunciator()
    annunciator.set(HIGH, new=True)
    annunciator.mute(60_000, by_link)
    annunciator.link_lost()
    assert (annunciator.muted_ms == 0) == by_link
    assert annunciator.mute(1)
    annunciator.link_lost()
    assert annunciator.muted_ms == 1, "a pause is the panel's unless it is said to be the host's"


@pytest.mark.requirement("SR-VIS-05")
@pytest.mark.parametrize(("priority", "lights"), [(LOW, CYAN | YELLOW), (MEDIUM, CYAN), (HIGH, CYAN)])
def test_a_pause_shows_as_a_steady_light_that_no_priority_shows(priority: int, lights: int) -> None:
    watch = Stopwatch()
    watch.annunciator.set(priority, new=True)
    watch.annunciator.mute(60_000)
    seen = set()
    for _ in range(50):
        watch.run(100)
        seen.add(watch.annunciator.lights)
    light = LIMITS[priority][4]
    assert seen == {lights | light} if priority == LOW else {lights, lights | light}
    assert 54_000 <= watch.annunciator.muted_ms <= 55_000, "the time left is there to be told"


@pytest.mark.requirement("SR-LIB-08")
@pytest.mark.parametrize(
    ("priority", "muted"), [(0, False), (LOW, False), (MEDIUM, False), (HIGH, False), (HIGH, True)]
)
@given(lateness())
def test_the_mark_turns_the_cyan_light_over_every_four_seconds(priority: int, muted: bool, late_us: list[int]) -> None:
    watch = Stopwatch(late_us)
    if priority:
        watch.annunciator.set(priority, new=True)
        watch.run(100)
    if muted:
        assert watch.annunciator.mute(120_000)
        watch.run(100)
    usual = watch.annunciator.lights & CYAN
    before = len(watch.lights)
    watch.annunciator.mark(True)
    watch.run(21_000)
    cyan = [(at, lights & CYAN) for at, lights in watch.lights[before:]]
    edges = [(at, now) for (_, was), (at, now) in itertools.pairwise([(0.0, usual), *cyan]) if now != was]
    begins, ends = [at for at, now in edges if now != usual], [at for at, now in edges if now == usual]
    assert 5 <= len(begins) <= 6
    assert all(3800 <= later - sooner <= 4200 for sooner, later in itertools.pairwise(begins))
    assert all(70 <= end - begin <= 330 for begin, end in zip(begins, ends, strict=False))
    watch.annunciator.mark(False)
    watch.run(100)
    before = len(watch.lights)
    watch.run(10_000)
    assert {lights & CYAN for _, lights in watch.lights[before:]} <= {usual}


@pytest.mark.requirement("SR-AUDIO-07")
def test_stop_silences_what_is_in_force_ends_a_pause_and_the_next_alarm_sounds() -> None:
    watch = Stopwatch()
    watch.annunciator.set(HIGH, new=True)
    watch.run(1000)
    watch.annunciator.mute(60_000)
    watch.annunciator.stopped()
    assert watch.annunciator.muted_ms == 0
    watch.run(100)
    count = len(watch.tones)
    watch.run(30_000)
    assert len(watch.tones) == count, "silent"
    assert len(watch.lights) > 50, "the light goes on"
    watch.annunciator.set(HIGH, new=True)
    watch.run(100)
    assert watch.annunciator.tone_hz == HIGH_C
    idle = Annunciator()
    idle.stopped()
    assert not idle.hushed, "with nothing in force there is nothing to silence"


@pytest.mark.requirement("SR-AUDIO-07")
def test_alarms_that_are_over_take_the_silence_of_stop_with_them() -> None:
    annunciator = Annunciator()
    annunciator.set(LOW, new=True)
    annunciator.stopped()
    annunciator.set(0)
    assert not annunciator.hushed


@pytest.mark.requirement("SR-AUDIO-08")
def test_a_refused_input_is_one_short_pulse_that_is_in_no_tune() -> None:
    watch = Stopwatch()
    for _ in range(3):
        watch.annunciator.refuse()
    pulses = watch.run(2000).pulses()
    assert [(on_ms, tone) for _at, on_ms, tone in pulses] == [(100, 880)]
    assert not any(880 in tune for tune in TUNES.values())
    assert not watch.annunciator.busy


@pytest.mark.requirement("SR-AUDIO-08")
@given(st.sampled_from([LOW, MEDIUM, HIGH]), st.integers(1, 100), lateness())
def test_the_cue_never_comes_closer_than_a_spacing_to_an_alarm(priority: int, after: int, late_us: list[int]) -> None:
    watch = Stopwatch(late_us)
    watch.annunciator.set(priority, new=True)
    watch.run(after * 100)
    watch.annunciator.refuse()
    pulses = watch.run(30_000).pulses()
    (place,) = [i for i, (_at, _ms, tone) in enumerate(pulses) if tone == 880]
    at, on_ms, _tone = pulses[place]
    assert at - pulses[place - 1][0] - pulses[place - 1][1] >= 150
    if place + 1 < len(pulses):
        assert pulses[place + 1][0] - at - on_ms >= 150
    assert [tone for _at, _ms, tone in pulses if tone != 880] == [
        tone for tone, _pulse in zip(itertools.cycle(TUNES[priority]), pulses[1:], strict=False)
    ], "the tune is whole"


@pytest.mark.requirement("SR-AUDIO-08")
def test_a_refusal_is_heard_while_the_alarm_is_paused() -> None:
    watch = Stopwatch()
    watch.annunciator.set(HIGH, new=True)
    watch.annunciator.mute(60_000)
    watch.run(500)
    watch.annunciator.refuse()
    watch.run(500)
    assert [tone for _at, _ms, tone in watch.pulses()] == [880]


@given(st.integers(1001, 2**30 - 1))
def test_a_loop_that_was_away_goes_on_with_the_pattern_and_ends_a_pause(ms: int) -> None:
    annunciator = Annunciator()
    annunciator.set(HIGH, new=True)
    annunciator.mute(120_000)
    annunciator.update(100)
    annunciator.update(ms)
    assert (annunciator.muted_ms == 0) == (ms >= 119_800), "a pause counts true time, and ends within a tick of its end"
    annunciator.unmute()
    watch = Stopwatch()
    watch.annunciator = annunciator
    assert len(watch.run(6000).pulses()) >= 9, "nine whole ones at least: the first may have begun before"


@pytest.mark.requirement("SR-AUDIO-01")
def test_every_edge_falls_on_a_control_tick() -> None:
    for burst in signals.BURSTS:
        for _tone, on_ms, off_ms in burst:
            assert on_ms % TICK_MS == 0
            assert off_ms % TICK_MS == 0
    for _light, period_ms, on_ms in signals.FLASHES:
        assert period_ms % TICK_MS == 0
        assert on_ms % TICK_MS == 0


def test_an_edge_is_made_at_the_nearest_tick() -> None:
    for early_ms, tone in ((50, HIGH_C), (49, 0)):
        annunciator = Annunciator()
        annunciator.set(HIGH, new=True)
        annunciator.update(100)
        annunciator.update(100 - early_ms)
        assert annunciator.tone_hz == tone


def test_a_new_annunciator_is_dark_and_silent() -> None:
    annunciator = Annunciator()
    assert (annunciator.priority, annunciator.muted_ms, annunciator.tone_hz, annunciator.lights) == (0, 0, 0, 0)
    assert not annunciator.busy
    assert not annunciator.hushed
    assert not annunciator.update(10**6)
