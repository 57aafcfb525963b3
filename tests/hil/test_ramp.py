"""A stop from the motor's fastest: an ordinary one ramps down, an alarm's does not (SR-STOP-03, SR-STOP-04)."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from hil.bench import Bench, open_bench
from hil.plugin import need_emulator
from pump.core.syringes import fill_steps, step_volume_pl
from tests.programs import Oracle, ended, flat, follow, header, serious, start

SMALL = "bd-plastipak-5"  # its steps are so small that the motor's fastest is a rate that a board allows
FASTEST = flat(635, 6)  # 2500 steps/s
LAST_US = (1200, 1600, 2000)


@pytest.fixture
def bench(bench_url: str) -> Iterator[Bench]:
    if bench_url not in ("sim://", "emu://"):
        pytest.skip("a bench has no times of its steps")
    if bench_url == "emu://":
        need_emulator()
    with open_bench(bench_url, seed=1, syringe=SMALL) as found:
        yield found


def gaps_us(bench: Bench, count: int) -> list[int]:
    times_us = bench.step_times_us
    return [after - at for at, after in pairwise(times_us[len(times_us) - count - 1 :])]


def assert_ramp(bench: Bench) -> None:
    gaps = gaps_us(bench, 6)
    assert gaps == sorted(gaps), "ever slower"
    assert gaps[0] <= 440
    assert gaps[-3:] == pytest.approx(LAST_US, abs=50)  # by the pace, which the plan makes of whole ticks


@pytest.mark.requirement("SR-STOP-03", "SR-STOP-02")
@pytest.mark.requirement("SR-STOP-05")
def test_pause_and_stop_ramp_down_within_20_ms_and_nothing_is_lost(bench: Bench) -> None:
    start(bench, FASTEST, syringe=SMALL)
    for method in (bench.pump.pause, bench.pump.pause, bench.pump.stop):
        follow(bench, lambda status: status["infused_ms"] > 500)
        bench.run_for(0.37)
        asked_us = bench.target.now_us
        method()
        steps = bench.steps
        assert_ramp(bench)
        assert bench.step_times_us[-1] - asked_us <= 20_000
        bench.run_for(0.5)
        status = bench.pump.status()
        assert bench.steps == steps == status["counted_steps"]
        oracle = Oracle(FASTEST, SMALL)
        if status["state"] == "PAUSED":
            assert oracle.steps(status["infused_ms"] - 1) - 1 <= steps <= oracle.steps(status["infused_ms"] + 1)
            bench.pump.resume()
    assert status["state"] == "IDLE"


@pytest.mark.requirement("SR-STOP-03")
@pytest.mark.requirement("SR-STOP-05")
def test_a_program_with_ramps_in_it_ends_on_its_last_step(bench: Bench) -> None:
    phases = flat(600, 3)
    start(bench, phases, syringe=SMALL)
    for _ in range(3):
        bench.run_for(0.61)
        bench.pump.pause()
        assert_ramp(bench)
        bench.run_for(0.2)
        bench.pump.resume()
    status = follow(bench, ended)
    assert serious(status) == ["INFUSION_COMPLETE"]
    assert bench.steps == status["counted_steps"] == Oracle(phases, SMALL).steps(3000)


@pytest.mark.requirement("SR-STOP-03")
def test_an_empty_syringe_ramps_to_its_very_last_step(bench: Bench) -> None:
    fill_nl = 300_000
    bench.pump.syringe(SMALL, fill_nl)
    digest = bench.pump.load(header(FASTEST, syringe=SMALL, fill_nl=fill_nl), FASTEST)
    bench.pump.confirm(digest)
    bench.pump.start()
    status = follow(bench, lambda status: "SYRINGE_EMPTY" in status["alarms"])
    assert bench.steps == status["counted_steps"] == fill_steps(fill_nl, step_volume_pl(SMALL, 2000, 3200))
    assert gaps_us(bench, 4) == pytest.approx([800, *LAST_US], abs=2)


@pytest.mark.requirement("SR-STOP-04")
@pytest.mark.expects("GUARD_OPEN")
def test_an_alarm_stops_the_fastest_motor_without_a_ramp(bench: Bench) -> None:
    start(bench, FASTEST, syringe=SMALL)
    follow(bench, lambda status: status["infused_ms"] > 500)
    opened_us = bench.target.now_us
    bench.open_guard()
    follow(bench, lambda status: status["state"] == "ALARM")
    assert max(gaps_us(bench, 9)) < 460
    assert bench.step_times_us[-1] - opened_us <= 150_000
    steps = bench.steps
    bench.run_for(0.5)
    assert bench.steps == steps
