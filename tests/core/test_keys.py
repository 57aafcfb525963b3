"""Keys under a clumsy hand: bounce, short and long presses, two at once, stuck (SR-UI-07, SR-UI-13, SR-UI-14)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.devices.clock import Clock
from hil.devices.keys import Keys as Contacts
from pump.core import keys
from pump.core.keys import BOLUS, HOLD, MUTE, REFUSED, START, STOP, Keys

TICK_MS = 100
AGAIN_MS = 10  # where the loop looks again while a key is unsettled

NAMES = st.sampled_from(["stop", "start", "bolus", "mute"])
HELD = st.sampled_from(["start", "bolus", "mute"])
BITS = {"stop": STOP, "start": START, "bolus": BOLUS, "mute": MUTE}


class Panel:
    """Contacts, a clock and the debouncer, sampled as the loop does; actions: (ms, bits) of every action."""

    def __init__(self, seed: int = 0, bounce_us: int = 20_000, again: bool = True, begin_us: int = 0) -> None:
        self.clock = Clock(0, TICK_MS)
        self.contacts = Contacts(self.clock, seed, bounce_us)
        self.keys = Keys()
        self.again = again
        self.actions: list[tuple[float, int]] = []
        self.samples: list[tuple[int, int]] = []  # (elapsed_ms, levels)
        self._run_until(500_000)
        self.clock.now_us += begin_us % 1000
        self._next_tick_us = self.clock.now_us + begin_us
        self._told_us = self.clock.now_us

    def _run_until(self, end_us: int) -> None:
        while self.clock.now_us < end_us:
            self.clock.now_us += TICK_MS * 1000
            self._sample(TICK_MS)

    def _sample(self, elapsed_ms: int) -> None:
        levels = self.contacts.levels()
        self.samples.append((elapsed_ms, levels))
        actions = self.keys.update(elapsed_ms, levels)
        if actions:
            self.actions.append((self.clock.now_us / 1000, actions))

    def run(self, ms: int) -> "Panel":
        end_us = self.clock.now_us + ms * 1000
        while True:
            if self.again and self.keys.unsettled and self.clock.now_us + AGAIN_MS * 1000 < self._next_tick_us:
                next_us, tick = self.clock.now_us + AGAIN_MS * 1000, False
            else:
                next_us, tick = self._next_tick_us, True
            if next_us > end_us:
                self.clock.now_us = end_us
                return self
            self.clock.now_us = next_us
            if tick:
                self._next_tick_us += TICK_MS * 1000
            self._sample(TICK_MS if tick else 0)

    @property
    def bits(self) -> list[int]:
        return [bits for _at, bits in self.actions]


places = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "bounce_us": st.sampled_from([0, 5000, 20_000, 25_000]),
        "again": st.booleans(),
        "begin_us": st.integers(0, 99_999),
    }
)


@pytest.mark.requirement("SR-UI-14")
@given(places, HELD, st.integers(1350, 59_000))
def test_incident_key_bounce(place: dict[str, Any], key: str, held_ms: int) -> None:
    """Alaris, 2006: one press was taken for two. However a contact bounces, one long press is one action."""
    panel = Panel(**place)
    panel.contacts.press(key, held_ms / 1000)
    panel.run(held_ms + 8000)
    assert panel.bits == [REFUSED if key == "start" else BITS[key]], "a start that nobody confirms is refused"


@pytest.mark.requirement("SR-UI-14")
@given(places, HELD, st.integers(1, 970))
def test_a_press_that_is_too_short_does_not_count(place: dict[str, Any], key: str, held_ms: int) -> None:
    panel = Panel(**place)
    panel.contacts.press(key, held_ms / 1000)
    assert panel.run(8000).bits == []


@pytest.mark.requirement("SR-UI-14")
@given(places, st.lists(st.tuples(st.integers(100, 600), st.integers(100, 600)), min_size=5, max_size=30))
def test_taps_do_not_add_up(place: dict[str, Any], taps: list[tuple[int, int]]) -> None:
    panel = Panel(**{**place, "again": True})
    for on_ms, off_ms in taps:
        panel.contacts.press("bolus", on_ms / 1000)
        panel.run(on_ms + off_ms)
    assert panel.bits == []


@pytest.mark.requirement("SR-STOP-02")
@pytest.mark.requirement("SR-UI-14")
@given(places, st.integers(250, 5000))
def test_stop_acts_at_once_and_once(place: dict[str, Any], held_ms: int) -> None:
    panel = Panel(**place)
    pressed_ms = panel.clock.now_us / 1000
    panel.contacts.press("stop", held_ms / 1000)
    panel.run(held_ms + 2000)
    assert panel.bits == [STOP]
    latest_ms = 145 if place["again"] else 225
    assert panel.actions[0][0] - pressed_ms <= latest_ms + place["bounce_us"] / 1000


@given(st.lists(st.tuples(st.sampled_from([0, 1, 50, 100, 110, 3000]), st.integers(0, 15)), max_size=200))
def test_any_levels_at_all_follow_the_rules(samples: list[tuple[int, int]]) -> None:
    """Fuzz: a counted press was held for its time in samples without two in a row that say otherwise."""
    panel = Keys()
    held_ms = [0, 0, 0, 0]
    before = [0, 0]
    for elapsed_ms, levels in samples:
        actions = panel.update(elapsed_ms, levels)
        for i, key in enumerate(keys.KEYS):
            if levels & key or before[-1] & key:
                held_ms[i] += min(elapsed_ms, 200)
            else:
                held_ms[i] = 0
        if actions & STOP:
            assert levels & before[-1] & STOP, "two samples in a row"
        if actions & BOLUS:
            assert held_ms[2] >= 1000
        if actions & (START | MUTE):
            assert held_ms[3] >= 1000
        assert not (actions & (START | BOLUS | MUTE) and actions & STOP), "stop does not come with anything else"
        assert panel.stuck & ~panel.down == 0 or not levels & panel.stuck
        before.append(levels)


@pytest.mark.requirement("SR-UI-07")
@given(places, st.permutations(["start", "bolus", "mute"]), st.integers(0, 900), st.integers(1500, 4000))
def test_two_keys_at_once_are_ignored_and_said_to_be(
    place: dict[str, Any], order: list[str], later_ms: int, held_ms: int
) -> None:
    panel = Panel(**place)
    panel.contacts.press(order[0])
    panel.run(later_ms)
    panel.contacts.press(order[1])
    panel.run(held_ms)
    assert panel.bits == [REFUSED]
    panel.contacts.release(order[0])
    panel.run(3000)
    assert panel.bits == [REFUSED], "the one that stays down counts for nothing either"
    panel.contacts.release(order[1])
    panel.run(1000)
    panel.contacts.press("bolus", 1.4)
    panel.run(2000)
    assert panel.bits == [REFUSED, BOLUS], "and then all is as before"


@pytest.mark.requirement("SR-UI-07")
@pytest.mark.requirement("SR-STOP-02")
@given(places, HELD, st.integers(0, 900))
def test_stop_works_beside_any_other_key_and_that_one_counts_for_nothing(
    place: dict[str, Any], key: str, later_ms: int
) -> None:
    panel = Panel(**place)
    panel.contacts.press(key)
    panel.run(later_ms)
    panel.contacts.press("stop", 0.5)
    assert panel.run(3000).bits == [STOP]


@pytest.mark.requirement("SR-UI-13")
@given(places, NAMES)
def test_incident_stuck_keys(place: dict[str, Any], key: str) -> None:
    """Alaris, 145 492 units: a key that sticks is found after a minute, and leaves stop and mute usable."""
    panel = Panel(**place)
    panel.contacts.press(key)
    panel.run(59_500)
    assert panel.keys.stuck == 0
    panel.run(1000)
    assert panel.keys.stuck == BITS[key]
    panel.actions.clear()
    other = "mute" if key != "mute" else "bolus"
    panel.contacts.press(other, 1.4)
    panel.run(2000)
    assert panel.bits == [BITS[other]]
    if key != "stop":
        panel.contacts.press("stop", 0.3)
        assert panel.run(1000).bits == [BITS[other], STOP]
    panel.contacts.release(key)
    panel.run(1000)
    assert panel.keys.stuck == 0


@pytest.mark.requirement("SR-UI-13")
def test_incident_stuck_keys_at_power_on() -> None:
    """A key that is down when the pump wakes counts for nothing, and is stuck after a minute."""
    panel = Keys()
    actions = 0
    for _ in range(590):
        actions |= panel.update(100, BOLUS)
    assert (actions, panel.stuck) == (0, 0)
    for _ in range(20):
        actions |= panel.update(100, BOLUS)
    assert (actions, panel.stuck) == (0, BOLUS)


@pytest.mark.requirement("SR-UI-07")
@given(places, st.integers(0, 3000))
def test_starting_takes_two_different_keys_one_after_the_other(place: dict[str, Any], wait_ms: int) -> None:
    panel = Panel(**place)
    panel.contacts.press("start", 1.4)
    panel.run(1500 + wait_ms)
    assert panel.keys.armed_ms > 0
    assert panel.bits == []
    panel.contacts.press("mute", 1.4)
    assert panel.run(3000).bits == [START]


@pytest.mark.parametrize(
    ("then", "found"),
    [
        ([("start", 1.4)], [REFUSED]),
        ([("bolus", 1.4), ("mute", 1.4)], [HOLD, MUTE]),
        ([("stop", 0.3), ("mute", 1.4)], [STOP, MUTE]),
        ([(None, 5.0), ("mute", 1.4)], [REFUSED, MUTE]),
    ],
)
def test_anything_else_calls_a_start_off(then: list[tuple[str | None, float]], found: list[int]) -> None:
    panel = Panel()
    panel.contacts.press("start", 1.4)
    panel.run(2000)
    for key, seconds in then:
        if key:
            panel.contacts.press(key, seconds)
        panel.run(round(seconds * 1000) + 500)
    panel.run(6000)
    assert panel.bits == found


@given(places, st.integers(0, 3000))
def test_a_bolus_key_behind_the_start_key_asks_for_the_hold_rate(place: dict[str, Any], wait_ms: int) -> None:
    panel = Panel(**place)
    panel.contacts.press("start", 1.4)
    panel.run(1500 + wait_ms)
    panel.contacts.press("bolus", 1.4)
    assert panel.run(3000).bits == [HOLD]
    panel.contacts.press("bolus", 1.4)
    assert panel.run(3000).bits == [HOLD, BOLUS], "and once only"


def test_a_stall_of_the_loop_does_not_make_a_long_press_of_two_touches() -> None:
    panel = Keys()
    for _ in range(5):
        panel.update(100, 0)
    assert panel.update(100, BOLUS) == 0
    assert panel.update(100, BOLUS) == 0
    assert panel.update(30_000, BOLUS) == 0
    assert panel.update(30_000, BOLUS) == 0
    assert panel.stuck == 0


def test_at_rest_there_is_nothing_to_do() -> None:
    assert Keys().busy, "at power-on every key must first be seen up"
    panel = Panel().run(1000)
    assert not panel.keys.busy
    assert not panel.keys.unsettled


def fresh() -> Keys:
    """Keys at rest."""
    panel = Keys()
    for _ in range(5):
        panel.update(100, 0)
    return panel


def pressed(panel: Keys, key: int) -> None:
    """The two samples that debounce a press; its time counts from the second."""
    panel.update(100, key)
    panel.update(100, key)


@pytest.mark.requirement("SR-UI-14")
def test_the_minimum_to_the_millisecond() -> None:
    panel = fresh()
    pressed(panel, BOLUS)
    for _ in range(9):
        assert panel.update(100, BOLUS) == 0
    assert panel.update(99, BOLUS) == 0
    assert panel.update(1, BOLUS) == BOLUS


@pytest.mark.requirement("SR-UI-13")
def test_stuck_to_the_millisecond() -> None:
    panel = fresh()
    pressed(panel, MUTE)
    for _ in range(600):
        panel.update(100, MUTE)
    assert panel.stuck == 0
    panel.update(1, MUTE)
    assert panel.stuck == MUTE


def test_a_stall_is_credited_with_two_control_periods_at_most() -> None:
    panel = fresh()
    pressed(panel, BOLUS)
    for _ in range(4):
        assert panel.update(10_000, BOLUS) == 0
    assert panel.update(199, BOLUS) == 0
    assert panel.update(1, BOLUS) == BOLUS


def test_the_wait_for_the_second_key_to_the_millisecond() -> None:
    panel = fresh()
    pressed(panel, START)
    for _ in range(10):
        panel.update(100, START)
    assert panel.armed_ms == 5000
    assert panel.update(4999, 0) == 0
    assert panel.busy
    assert panel.update(1, 0) == REFUSED


def test_a_press_is_over_when_the_key_was_up_for_200_ms() -> None:
    for up_ms, actions in ((99, 0), (100, STOP)):
        panel = fresh()
        pressed(panel, STOP)
        panel.update(100, 0)  # the first sample of two
        panel.update(100, 0)
        panel.update(up_ms, 0)
        panel.update(100, STOP)
        assert panel.update(100, STOP) == actions
