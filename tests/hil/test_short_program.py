"""One short program with every kind of phase, step by step against the law, on the simulated and the emulated pump."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from hil.plugin import opened
from tests.programs import FLAT_RAMP_PAUSE_BOLUS, Oracle, ended, follow, serious, start

LATE_US = 1000 + 10  # 1 ms and one tick of the step generator


@dataclass
class Played:
    """What one play left: when the motor was turned on, when each step came, and the last status."""

    on_us: int
    times_us: list[int]
    status: dict[str, Any]
    delivered_ul: float


@pytest.fixture(scope="module")
def played(bench_url: str, pytestconfig: pytest.Config) -> Iterator[Played]:
    with opened(pytestconfig, bench_url, "ideal") as bench:
        start(bench, FLAT_RAMP_PAUSE_BOLUS)
        status = follow(bench, ended)
        on_us = bench.enabled_us[0]
        yield Played(on_us, list(bench.step_times_us), status, bench.delivered_ul)


def test_ends_complete_with_every_step(played: Played) -> None:
    oracle = Oracle(FLAT_RAMP_PAUSE_BOLUS)
    assert played.status["state"] == "IDLE"
    assert serious(played.status) == ["INFUSION_COMPLETE"]
    total = oracle.steps(oracle.boundaries_ms[-1])
    assert total == 3577  # so that both targets are held to the same number
    assert len(played.times_us) == played.status["counted_steps"] == played.status["asked_steps"] == total


@pytest.mark.requirement("SR-RATE-02", "SR-RATE-06", "SR-BOLUS-07")
def test_pulses_at_each_phase_boundary_are_the_laws(played: Played) -> None:
    oracle = Oracle(FLAT_RAMP_PAUSE_BOLUS)
    for boundary_ms in oracle.boundaries_ms:
        made = sum(time_us <= played.on_us + boundary_ms * 1000 for time_us in played.times_us)
        assert 0 <= oracle.steps(boundary_ms) - made <= 1


@pytest.mark.requirement("SR-RATE-08")
def test_no_step_is_early_and_none_is_late(played: Played) -> None:
    oracle = Oracle(FLAT_RAMP_PAUSE_BOLUS)
    for number, time_us in enumerate(played.times_us, start=1):
        at_ms = Fraction(time_us - played.on_us, 1000)
        assert oracle.steps(at_ms) >= number, "early"
        assert at_ms < Fraction(LATE_US, 1000) or oracle.steps(at_ms - Fraction(LATE_US, 1000)) < number, "late"


def test_what_left_the_line_is_what_was_displaced_less_what_the_line_holds(played: Played) -> None:
    displaced_ul = len(played.times_us) * float(Oracle(FLAT_RAMP_PAUSE_BOLUS).step_pl) / 1e6
    assert displaced_ul - 20 < played.delivered_ul < displaced_ul
