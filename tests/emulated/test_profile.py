"""`make profile` looks into the emulated chip's memory: whom it finds, and that it disturbs nobody."""

import pytest

from hil.bench import open_bench
from tests.programs import flat, start
from tools.bench.profile import BEHIND, REQUEST, TICK, alone, in_c, together, watch

pytestmark = [pytest.mark.emulated, pytest.mark.slow]
SECONDS = 3


def test_every_cycle_is_found_a_function_and_nothing_is_disturbed() -> None:
    cycles = []
    for looked_at in (True, False):
        with open_bench("emu://", seed=1) as bench:
            start(bench, flat(25, 60))
            bench.run_for(1)
            before = bench.target.cycles  # type: ignore[attr-defined]
            if looked_at:
                profile = watch(bench, SECONDS, bench.pump.status)
            else:
                for _ in range(SECONDS):
                    bench.run_for(1)
                    bench.pump.status()
            cycles.append(bench.target.cycles - before)  # type: ignore[attr-defined]
            times = bench.step_times_us
            cycles.append(len(times))
    assert cycles[:2] == cycles[2:], "the chip noticed that it was looked at"
    assert profile.spent.total() == pytest.approx(cycles[0], rel=0.001)
    assert profile.ticks == pytest.approx(10 * SECONDS, abs=1)

    tick = profile.within(TICK)
    assert {"pump/core/controller.py:Controller.sense", "pump/core/feeder.py:Feeder.feed"} <= set(together(tick))
    assert "pump/core/framing.py:encode" not in together(tick), "it tells behind the tick"
    assert together(tick)[TICK] == tick.total() > alone(tick)[TICK]
    assert profile.longest_tick.total() >= tick.total() / profile.ticks
    assert "pump/core/planner.py:Planner.refill" in together(profile.within(BEHIND))
    assert "pump/drivers/link_usb.py:Link.read" in together(profile.within(REQUEST))
    assert {"mp_execute_bytecode", "mp_map_lookup"} <= set(in_c(tick))
