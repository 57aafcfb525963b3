"""The feeder: never more than 250 ms ahead, and what it says of the pulses always brackets them (D3, D4)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump.core.feeder import Feeder
from pump.core.law import Law
from pump.core.monitors import motor_fault
from pump.core.planner import Planner
from pump.core.syringes import step_volume_pl
from tests.core.strategies import SYRINGES, phases, short_ms
from tests.core.test_planner import bounded, decode

TICK_US = 10


class Generator:
    """A four-deep FIFO behind which words run one after the other, as the state machine does."""

    def __init__(self) -> None:
        self.now_us = 0
        self.end_us = 0
        self.starts_us: list[int] = []
        self.pulses_us: list[int] = []

    def room(self) -> int:
        return 4 - sum(start > self.now_us for start in self.starts_us)

    def put(self, word: int) -> None:
        steps, period = decode(word)
        start = max(self.end_us, self.now_us)
        self.starts_us.append(start)
        self.end_us = start + period * TICK_US * max(steps, 1)
        self.pulses_us += [start + (k + 1) * period * TICK_US - 30 for k in range(steps)]

    def pulses(self) -> int:
        return sum(at <= self.now_us for at in self.pulses_us)

    def enable(self, on: bool) -> None: ...
    def start(self) -> None: ...
    def halt(self) -> None: ...


@pytest.mark.requirement("SR-SAFE-01")
@given(phases(short_ms, 3), st.sampled_from(SYRINGES), st.lists(st.integers(95_000, 112_000), min_size=60, max_size=60))
def test_ahead_by_less_than_250_ms_and_pulses_are_bracketed(
    rows: list[list[Any]], syringe: str, gaps_us: list[int]
) -> None:
    rows = bounded(rows, syringe)
    generator = Generator()
    feeder = Feeder(generator)
    planner = Planner(Law(rows, step_volume_pl(syringe, 2000, 3200)), 10**9, 40)
    feeder.begin(planner, 0)
    planner.refill(20_000)
    feeder.feed()
    for gap_us in gaps_us:
        generator.now_us += gap_us
        feeder.elapse(gap_us)
        assert feeder.due <= generator.pulses() <= feeder.asked
        assert not motor_fault(feeder.due, generator.pulses(), feeder.asked)
        feeder.feed()
        assert generator.end_us - generator.now_us <= 250_000
        assert feeder.lead_us == max(generator.end_us - generator.now_us, 0)
        planner.refill(20_000)


def test_a_loop_that_was_away_is_counted_as_starved_and_nothing_is_lost() -> None:
    rows = [["infuse", 20_000, 25 * 10**9, 25 * 10**9]]
    generator = Generator()
    feeder = Feeder(generator)
    planner = Planner(Law(rows, step_volume_pl(SYRINGES[3], 2000, 3200)), 10**9, 40)
    feeder.begin(planner, 0)
    for gap_us in [100_000] * 20 + [700_000] + [100_000] * 250:
        planner.refill(20_000)
        feeder.feed()
        generator.now_us += gap_us
        feeder.elapse(gap_us)
    assert feeder.starved == 1
    assert (
        generator.pulses()
        == feeder.asked
        == feeder.due
        == Law(rows, step_volume_pl(SYRINGES[3], 2000, 3200)).steps_due(2_000_000)
    )
