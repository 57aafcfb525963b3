"""An operator titrates inside a program: each new rate is checked by the pump, logged, and comes out of the line."""

from typing import Any

import pytest

from hil.bench import Bench
from pump.core.library import Library
from tests.core.entries import CONCENTRATION_NG_ML, WEIGHT_G, entry
from tests.programs import PL_PER_ML, SYRINGE, Oracle, flat, follow, header
from titrate import library_link
from titrate.errors import Refused


def give(bench: Bench, phases: list[list[Any]], **changed: Any) -> None:
    program = header(phases, concentration_ng_ml=CONCENTRATION_NG_ML, weight_g=WEIGHT_G) | changed
    bench.pump.syringe(SYRINGE, 50_000_000)
    bench.pump.confirm(bench.pump.load(program, phases))
    bench.pump.start()


def bounded(ml_h: float, seconds: float, floor_ml_h: float, ceiling_ml_h: float) -> list[list[Any]]:
    return [[*flat(ml_h, seconds)[0], round(floor_ml_h * PL_PER_ML), round(ceiling_ml_h * PL_PER_ML)]]


def test_a_new_rate_holds_until_the_end_of_the_phase_and_no_step_is_lost(bench: Bench) -> None:
    give(bench, bounded(25, 10, 10, 60) + flat(5, 2))
    follow(bench, lambda status: status["infused_ms"] >= 3000)
    bench.pump.adjust(50 * PL_PER_ML)
    status = follow(bench, lambda status: status["infused_ms"] >= 6000)
    assert (status["rate_nl_h"], status["phase"]) == (50_000_000, 0)
    bench.pump.adjust(10 * PL_PER_ML)
    assert follow(bench, lambda status: status["phase"] == 1)["rate_nl_h"] == 5_000_000
    done = follow(bench, lambda status: status["state"] == "IDLE")
    changes = [event for event in bench.pump.events() if event["kind"] == "adjust"]
    assert [event["text"] for event in changes] == ["phase 0: 50000000000 pL/h", "phase 0: 10000000000 pL/h"]
    step_nl = float(Oracle(flat(1, 1)).step_pl) / 1000
    # 3 s at 25, 3 at 50, 4 at 10, 2 at 5 mL/h, give or take half a second between asking and what is planned ahead
    least = (3.0 * 25 + 2.4 * 50 + 4.0 * 10 + 2 * 5) / 3.6e-3
    most = (3.6 * 25 + 3.7 * 50 + 4.0 * 10 + 2 * 5) / 3.6e-3
    assert least <= bench.steps * step_nl <= most
    assert done["counted_steps"] == bench.steps == done["asked_steps"]


@pytest.mark.sim_only("what is refused is decided by the same core on every target")
@pytest.mark.parametrize(
    ("rate_pl_h", "why"),
    [(61 * PL_PER_ML, "10000000000 to 60000000000"), (9 * PL_PER_ML, "the bounds of this phase"), (-1, "must be")],
)
def test_beyond_the_bounds_it_is_refused_and_nothing_changes(bench: Bench, rate_pl_h: int, why: str) -> None:
    give(bench, bounded(25, 60, 10, 60))
    with pytest.raises(Refused, match=why):
        bench.pump.adjust(rate_pl_h)
    assert follow(bench, lambda status: status["infused_ms"] > 2000)["rate_nl_h"] == 25_000_000


@pytest.mark.sim_only("what is refused is decided by the same core on every target")
def test_without_bounds_or_a_running_program_it_is_refused(bench: Bench) -> None:
    with pytest.raises(Refused, match="possible in INFUSING"):
        bench.pump.adjust(PL_PER_ML)
    give(bench, flat(25, 60))
    with pytest.raises(Refused, match="no bounds"):
        bench.pump.adjust(20 * PL_PER_ML)
    bench.pump.pause()
    with pytest.raises(Refused, match="possible in INFUSING"):
        bench.pump.adjust(20 * PL_PER_ML)


@pytest.mark.sim_only("what is refused is decided by the same core on every target")
@pytest.mark.requirement("SR-LIB-06", "SR-LIB-07")
def test_the_librarys_limits_hold_for_it_too(bench: Bench) -> None:
    limited = entry(rate_hard_high_nl_h=50_000_000, rate_soft_high_nl_h=40_000_000)
    library_link.upload(bench.pump, Library([limited]))
    give(bench, bounded(25, 60, 10, 60), code="test")
    with pytest.raises(Refused, match="hard limit is 50000000"):
        bench.pump.adjust(51 * PL_PER_ML)
    with pytest.raises(Refused, match="soft limit is 40000000"):
        bench.pump.adjust(45 * PL_PER_ML)
    bench.pump.adjust(45 * PL_PER_ML, [("rate_soft_high_nl_h", 45_000_000)])
    status = follow(bench, lambda status: status["rate_nl_h"] == 45_000_000)
    assert status["overrides"] == 1
    assert any(event["kind"] == "override" and "45000000" in event["text"] for event in bench.pump.events())


@pytest.mark.requirement("SR-BOLUS-10")
def test_a_bolus_on_request_holds_a_timed_one_up_and_both_come_out_whole(bench: Bench) -> None:
    timed = [["bolus", 6000, 60 * PL_PER_ML, 60 * PL_PER_ML]]
    give(bench, timed)
    follow(bench, lambda status: status["infused_ms"] >= 2000)
    bench.pump.bolus(volume_nl=50_000, duration_ms=2000)
    status = follow(bench, lambda status: status["state"] == "BOLUS" and status["infused_ms"] >= 3200)
    assert abs(status["rate_nl_h"] - 90_000_000) < 1000, "its own rate, and not 150 mL/h"
    done = follow(bench, lambda status: status["state"] == "IDLE")
    assert done["infused_ms"] == 8000
    whole = Oracle([*timed, ["bolus", 2000, 90 * PL_PER_ML, 90 * PL_PER_ML]])
    assert bench.steps == whole.steps(8000)
