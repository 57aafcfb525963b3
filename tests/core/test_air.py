"""Air in the line: the single bubble and the sum of an hour, each at its limit, one step above and one below."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.monitors import Air


def detector(single_steps: int = 100, hour_steps: int = 1000) -> Air:
    air = Air()
    air.limits(single_steps, hour_steps)
    return air


@pytest.mark.requirement("SR-AIR-01")
def test_a_single_bubble_alarms_at_its_limit_and_ends_with_liquid() -> None:
    air = detector()
    assert not air.update(True, 99)
    assert air.update(True, 1)
    assert air.update(True, 0), "the motor has stopped"
    air.forget()
    assert air.update(True, 0), "an acknowledgement removes no bubble"
    assert not air.update(False, 0)
    assert not air.update(True, 99), "the next one begins at nothing"
    assert not air.update(False, 500), "liquid is no air"
    assert not air.update(True, 99)
    assert air.update(True, 1)


@pytest.mark.requirement("SR-AIR-01")
def test_small_bubbles_add_up_within_the_hour() -> None:
    air = detector()
    for _ in range(20):
        assert not air.update(True, 49)
        assert not air.update(False, 5)
    assert not air.update(True, 19)
    assert air.update(True, 1), "1000 steps"
    for _ in range(70):
        air.pass_minute()
        assert air.update(False, 0), "it does not lapse by itself"
    air.update(True, 1)
    air.forget()
    assert air.update(True, 0), "there is air still"
    assert air.update(False, 0)
    air.forget()
    assert not air.update(False, 0)
    for _ in range(10):
        assert not air.update(True, 99)
        assert not air.update(False, 0)
    assert not air.update(True, 9), "the hour has begun anew"
    assert air.update(True, 1)
    air = detector(5000)
    air.update(True, 1000)
    air.update(False, 0)
    air.forget()
    air.pass_minute()
    air.update(True, 999)
    for _ in range(60):
        assert not air.update(True, 0)
        air.pass_minute()
    assert not air.update(True, 0), "what was forgotten does not leave the hour once more"
    assert air.update(True, 1)


@pytest.mark.requirement("SR-AIR-01")
def test_an_acknowledgement_of_something_else_leaves_the_hour_as_it_is() -> None:
    air = detector(2000)
    air.update(True, 999)
    air.update(False, 0)
    air.forget()
    assert air.update(True, 1)


@pytest.mark.requirement("SR-AIR-01")
def test_the_hour_rolls_by_whole_minutes_and_never_counts_less_than_an_hour() -> None:
    air = detector(10_000)
    air.update(True, 600)
    for _ in range(60):
        air.pass_minute()
        assert not air.update(True, 0)
    assert air.update(True, 400), "60 minutes later the first is still in"
    air = detector(10_000)
    for _ in range(30):
        air.pass_minute()
    assert not air.update(True, 999), "minutes without air leave the sum as it is"
    assert air.update(True, 1)
    air = detector(10_000)
    air.update(True, 600)
    for _ in range(61):
        air.pass_minute()
    assert not air.update(True, 999), "and then it is not"
    assert air.update(True, 1)


@pytest.mark.requirement("SR-AIR-01")
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), min_size=1, max_size=150))
def test_the_sum_is_that_of_the_latest_61_minutes(minutes: list[tuple[int, int]]) -> None:
    air = detector(1 << 20)
    steps: list[int] = []
    for made, passing in minutes:
        steps.append(made)
        full = sum(steps[-61:]) >= 1000
        assert air.update(True, made) == full
        if full:
            break
        for _ in range(passing + 1):
            air.pass_minute()
        steps += [0] * passing


@pytest.mark.requirement("SR-AIR-01")
def test_another_syringe_converts_the_air_of_the_hour_and_of_the_bubble() -> None:
    air = Air()
    air.pass_minute()
    assert not air.update(True, (1 << 29) - 1), "no syringe yet: no limit but that of small ints"
    assert air.update(True, 1)
    air = detector(100)
    air.update(True, 99)
    air.limits(51, 500)
    assert not air.update(True, 0), "99 steps are 50 of the other, rounded up"
    assert air.update(True, 1)
    air = detector(100)
    air.update(True, 99)
    air.limits(50, 500)
    assert air.update(True, 0)
    air = detector(5000)
    for _ in range(3):
        air.update(True, 301)
        air.pass_minute()
    air.limits(10_000, 2000)
    assert not air.update(True, 193), "3 x 602"
    assert air.update(True, 1)
    air = detector(5000)
    for _ in range(3):
        air.update(True, 301)
        air.pass_minute()
    air.limits(10_000, 502)
    assert not air.update(True, 45), "3 x 151.1, each rounded up, are 456"
    assert air.update(True, 1)
