"""The ramp of a stop: its steps come ever later, none before its tick, none beyond what was planned (SR-STOP-03)."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil.boards import board_data
from hil.devices.clock import Clock
from hil.devices.interlock import Interlock
from hil.devices.motor_driver import Dumb
from hil.devices.stepper import FIFO_WORDS, PULSE_US, Odometer, Stepper
from pump.core import slowing
from pump.core.feeder import Feeder
from pump.core.law import Law
from pump.core.planner import Planner
from pump.core.syringes import step_volume_pl
from pump.core.units import TICKS_PER_S, US_PER_TICK
from tests.core.strategies import SYRINGES, phases, short_ms
from tests.core.test_planner import SHORTEST, bounded, play
from tests.programs import Oracle

START_STOP = 200  # ticks: 500 steps/s
RAMP = slowing.ramp(SHORTEST, START_STOP)
MOST_US = 6_000  # and the halt before it
GROUPED = 64  # ticks: so late may a step of a group be, a quarter for each of 256
FAST = [["infuse", 4000, 600 * 10**9, 600 * 10**9]]  # 2363 steps/s with the smallest syringe
SMALL = SYRINGES[0]


@given(st.integers(12, 500), st.integers(12, 1000))
def test_it_goes_evenly_down_to_the_start_stop_rate(shortest: int, start_stop: int) -> None:
    found = slowing.ramp(shortest, start_stop)
    if start_stop <= shortest:
        assert found == ()
        return
    gaps = [after - at for at, after in pairwise((shortest, *found))]
    assert found[-1] == start_stop
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize("board", ["pico", "pico2"])
def test_the_ramp_of_each_board_fits_the_generator_and_is_soon_over(board: str) -> None:
    data = board_data(board)
    found = slowing.ramp(TICKS_PER_S // data.MAX_STEPS_PER_S, TICKS_PER_S // data.START_STOP_STEPS_PER_S)
    assert sum(found) * US_PER_TICK <= MOST_US
    assert len(found) <= FIFO_WORDS


class Run:
    """Planner, feeder and simulated generator without an app. made_us: when each step was made."""

    def __init__(self, rows: list[list[Any]], syringe: str, limit: int = 10**9) -> None:
        self.made_us: list[int] = []
        self.clock = Clock(0, 100)
        driver = Dumb()
        interlock = Interlock(self.clock, driver, lambda _: None)
        self.stepper = Stepper(self.clock, driver, interlock)
        self.odometer = Odometer(self.stepper)
        driver.connect(self.odometer.steps, lambda at_us, _: self.made_us.append(at_us), 16)
        interlock.enable(10**6)
        self.planner = Planner(Law(rows, step_volume_pl(syringe, 2000, 3200)), limit, SHORTEST)
        self.planner.ramp = RAMP
        self.feeder = Feeder(self.stepper)
        self.feeder.begin(self.planner, 0)
        self.planner.refill(20_000)
        self.feeder.feed()
        self.stepper.start()

    def run(self, us: int) -> None:
        while us:
            part = min(us, 2000)
            us -= part
            self.clock.now_us += part
            self.feeder.elapse(part)
            self.planner.refill(20_000)
            self.feeder.feed()

    def stop(self) -> int:
        """As the app stops it; microseconds that the ramp was given."""
        ramp_us = self.feeder.ramp_down(self.odometer.steps())
        self.clock.pause_us(ramp_us)
        self.stepper.halt()
        return ramp_us


@pytest.mark.requirement("SR-STOP-03")
@example(FAST, SMALL, 2_000_000, 10**9)
@example(FAST, SMALL, 2_000_000, 4720)
@example([*FAST, ["pause", 1000, 0, 0]], SMALL, 3_997_000, 10**9)
@example([["ramp", 400, 600 * 10**9, 0]], SMALL, 60_000, 10**9)
@given(phases(short_ms, 4), st.sampled_from(SYRINGES), st.integers(1, 4_000_000), st.integers(1, 10_000))
def test_at_any_rate_and_any_moment_the_steps_come_ever_later_and_none_is_early(
    rows: list[list[Any]], syringe: str, stop_us: int, limit: int
) -> None:
    rows = bounded(rows, syringe)
    oracle = Oracle(rows, syringe)
    run = Run(rows, syringe, limit)
    run.run(stop_us)
    before = max(run.odometer.steps(), 1)
    ramp_us = run.stop()
    made_us, asked = run.made_us, run.feeder.asked
    assert ramp_us <= MOST_US
    assert len(made_us) <= min(asked, limit)
    for number, at_us in enumerate(made_us, start=1):
        assert oracle.volume_pl(Fraction(at_us + 30, 1000)) >= number * oracle.step_pl, "early"
    if ramp_us:
        gaps = [after - at for at, after in pairwise(made_us[before - 1 :])]
        assert gaps == sorted(gaps)
        assert made_us[-1] == run.clock.now_us - PULSE_US, "it waits no longer than for the last"
        run.feeder.ramped(len(made_us))
        at = run.planner.position - run.planner.ahead_ticks - run.feeder.lead_us // US_PER_TICK
        assert len(made_us) - 2 <= oracle.steps(Fraction(at, 100)), "nothing is ahead of the law"
        if limit > asked:
            assert oracle.steps(Fraction(at, 100)) <= len(made_us) + 1, "nor to be made up"


@pytest.mark.requirement("SR-STOP-03")
@pytest.mark.parametrize(
    ("ml_h", "wanted"),
    [(600, [1200, 1600, 2000]), (300, [2000]), (130, []), (126, None)],  # 2363, 1181, 512 and 496 steps/s
)
def test_the_faster_the_motor_the_longer_its_ramp(ml_h: int, wanted: list[int] | None) -> None:
    run = Run([["infuse", 4000, ml_h * 10**9, ml_h * 10**9]], SMALL)
    run.run(2_000_000)
    before = run.odometer.steps()
    if wanted is None:
        assert run.stop() == 0
        return
    assert run.stop() > 0
    gaps = [after - at for at, after in pairwise(run.made_us[before - 1 :])]
    assert gaps[1:] == wanted
    fast = run.made_us[before - 1] - run.made_us[before - 2]
    assert fast <= gaps[0] <= 2 * fast + 30, "the halt is in it"


@pytest.mark.requirement("SR-STOP-03", "SR-RES-06")
@example(FAST, SMALL, 100)
@given(phases(short_ms), st.sampled_from(SYRINGES), st.integers(1, 400))
def test_the_syringes_last_steps_come_ever_later_none_is_early_and_the_law_goes_on_exact(
    rows: list[list[Any]], syringe: str, limit: int
) -> None:
    rows = bounded(rows, syringe)
    oracle = Oracle(rows, syringe)
    planner = Planner(Law(rows, step_volume_pl(syringe, 2000, 3200)), limit, SHORTEST)
    planner.ramp = RAMP
    made, _ = play(planner, 0)
    for number, tick in enumerate(made, start=1):
        assert oracle.volume_pl(Fraction(tick, 100)) >= number * oracle.step_pl, "early"
    assert len(made) == min(limit, oracle.steps(10**9))
    assert planner.intact()
    if planner.dry:
        gaps = [after - at for at, after in pairwise(made[-5:])]
        assert all(gap >= ticks for gap, ticks in zip(reversed(gaps), reversed(RAMP), strict=False))
    planner.limit = 10**9  # another syringe
    planner.seek(planner.position, len(made))
    more, _ = play(planner, planner.position)
    assert len(made) + len(more) == oracle.steps(10**9)
    for number, tick in enumerate(more, start=len(made) + 1):
        assert oracle.volume_pl(Fraction(tick, 100)) >= number * oracle.step_pl
        assert oracle.volume_pl(Fraction(max(tick - GROUPED, 0), 100)) < (number + 1) * oracle.step_pl
