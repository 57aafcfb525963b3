"""Two emulated boards at once, each in a process of its own, as pytest-xdist runs them: neither notices the other."""

from multiprocessing import get_context

import pytest

from hil.bench import open_bench
from tests.programs import flat, start

pytestmark = pytest.mark.emulated
SEED = 7


def step_times_us(seed: int) -> list[int]:
    """Of a quarter of a minute at 25 mL/h, with a pause in it."""
    with open_bench("emu://", seed=seed, plant="imperfect") as bench:
        start(bench, flat(25, 60))
        bench.run_for(8)
        bench.reconnect()
        bench.pump.pause()
        bench.run_for(1)
        bench.reconnect()
        bench.pump.resume()
        bench.run_for(6)
        return list(bench.step_times_us)


def test_one_seed_gives_the_same_step_times_on_two_boards_side_by_side() -> None:
    """To the microsecond, and the same once more with no other board beside it."""
    with get_context("spawn").Pool(2) as pool:
        first, second = pool.map(step_times_us, [SEED, SEED])
    assert len(first) > 200
    assert first == second == step_times_us(SEED)
