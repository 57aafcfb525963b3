"""The ring between planner and feeder: what is in flight must not be overwritten by what is planned (D3, D4)."""

from typing import Any

import pytest

from pump.core.feeder import Feeder
from pump.core.law import Law
from pump.core.planner import Planner
from pump.core.syringes import step_volume_pl
from tests.core.strategies import SYRINGES
from tests.core.test_feeder import Generator
from tests.programs import PL_PER_ML, Oracle

PLAN_TICKS = 20_000  # as the app plans
PERIOD_US = 100_000


@pytest.mark.requirement("SR-DIAG-14")
@pytest.mark.parametrize(
    "rows",
    [
        [["ramp", 200, 0, 1200 * PL_PER_ML]],
        [["ramp", 200, 1 * PL_PER_ML, 900 * PL_PER_ML]],
        [["ramp", 60_000, 0, 1200 * PL_PER_ML]],
        [["ramp", 60_000, 1200 * PL_PER_ML, 0]],
        [["infuse", 20, (100 + 1000 * (i % 2)) * PL_PER_ML, (100 + 1000 * (i % 2)) * PL_PER_ML] for i in range(60)],
    ],
)
def test_steep_ramps_and_short_phases_never_look_like_a_motor_fault(rows: list[list[Any]]) -> None:
    """Many short words fill the ring to the brim while others are still in the generator."""
    step_volume = step_volume_pl(SYRINGES[3], 2000, 3200)
    generator = Generator()
    feeder = Feeder(generator)
    planner = Planner(Law(rows, step_volume), 10**9, 40)
    feeder.begin(planner, 0)
    planner.refill(PLAN_TICKS)
    feeder.feed()
    for _ in range(800):
        generator.now_us += PERIOD_US
        feeder.elapse(PERIOD_US)
        pulses = generator.pulses()
        assert feeder.due <= pulses <= feeder.asked
        feeder.feed()
        planner.refill(PLAN_TICKS)
        if feeder.is_over():
            break
    assert feeder.due == generator.pulses() == feeder.asked == Oracle(rows).steps(10**9)


@pytest.mark.requirement("SR-DIAG-14")
@pytest.mark.parametrize("late_us", [50, 500, 1900])
def test_the_last_step_is_not_due_before_a_generator_that_began_late_has_made_it(late_us: int) -> None:
    """SLACK_US allows for a start that much later than the loop believes; at the end of a program too."""
    law = Law([["infuse", 3000, 25 * PL_PER_ML, 25 * PL_PER_ML]], step_volume_pl(SYRINGES[3], 2000, 3200))
    for limit in (1, 20):  # the syringe's last step, at which planning ends
        for phase_us in range(0, 100_000, late_us // 2):
            generator = Generator()
            feeder = Feeder(generator)
            planner = Planner(law, limit, 40)
            feeder.begin(planner, 0)
            planner.refill(PLAN_TICKS)
            feeder.feed()
            generator.now_us = -late_us
            for gap_us in [phase_us] + [PERIOD_US] * 30:
                generator.now_us += gap_us
                feeder.elapse(gap_us)
                assert feeder.due <= generator.pulses(), "a pulse is missed that is still to come"
                if feeder.is_over():
                    assert generator.pulses() == feeder.asked, "it is called over before the last step is made"
                    break
                feeder.feed()
                planner.refill(PLAN_TICKS)
