"""Drawing liquid into the syringe: a mode of its own, from the stop only, watched, counted, and never a dose."""

import pytest

from hil.bench import Bench
from hil.boards import board_data
from pump.core.units import NL_PER_ML
from tests.hil.test_alarms import has
from tests.hil.test_dosing import STEP_NL, give, use
from tests.hil.test_memory import again
from tests.programs import SYRINGE, flat, follow, header
from titrate.errors import Refused

BOARD = board_data("pico")
ML_H = BOARD.REFILL_NL_H / NL_PER_ML
FULL_NL = 50_000_000
HELD_NL = 10_000_000


def refill(bench: Bench, volume_nl: int = 20_000_000) -> None:
    bench.pump.syringe(SYRINGE, HELD_NL)
    bench.pump.refill(volume_nl)


def filled(bench: Bench) -> str:
    """What the log says of it."""
    (text,) = [event["text"] for event in bench.pump.events() if event["kind"] == "refilled"]
    return str(text)


@pytest.mark.requirement("SR-RES-10")
def test_it_draws_in_what_was_asked_for_and_counts_it(bench: Bench) -> None:
    before_ul = bench.delivered_ul
    refill(bench, 500_000)
    status = follow(bench, lambda status: status["state"] == "IDLE")
    assert status["alarms"] == []
    assert -bench.steps * STEP_NL == pytest.approx(500_000, abs=2 * STEP_NL)
    assert status["remaining_nl"] == pytest.approx(HELD_NL + 500_000, abs=2 * STEP_NL)
    assert status["counted_steps"] == 0
    assert int(filled(bench).split()[0]) == pytest.approx(500_000, abs=2 * STEP_NL)
    bench.run_for(5)
    came_in_ul = before_ul - bench.delivered_ul
    assert 380 < came_in_ul <= 501, "through the end of the line, less the play of the nut"
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


@pytest.mark.requirement("SR-RES-10")
def test_a_stop_ends_it_and_what_is_in_by_then_is_counted(bench: Bench) -> None:
    refill(bench)
    bench.run_for(3)
    bench.reconnect()
    assert bench.pump.status()["state"] == "FILLING"
    bench.pump.stop()
    drawn_nl = -bench.steps * STEP_NL
    assert drawn_nl == pytest.approx(ML_H / 3600 * 3e6, rel=0.1)
    status = bench.pump.status()
    assert (status["state"], status["alarms"]) == ("IDLE", [])
    assert status["remaining_nl"] == pytest.approx(HELD_NL + drawn_nl, abs=2 * STEP_NL)
    steps = bench.steps
    bench.run_for(1)
    assert bench.steps == steps


@pytest.mark.expects("UPSTREAM_OCCLUSION", "FILLING_FAILED")
@pytest.mark.requirement("SR-OCC-02")
@pytest.mark.requirement("SR-RES-10")
def test_a_line_that_is_shut_stops_it_and_it_says_how_far_it_came(bench: Bench) -> None:
    refill(bench)
    bench.run_for(2)
    bench.occlude()
    status = follow(bench, has("UPSTREAM_OCCLUSION"))
    assert status["state"] == "ALARM"
    assert set(status["alarms"]) == {"UPSTREAM_OCCLUSION", "FILLING_FAILED"}
    assert -BOARD.REFILL_FALL_PA - 4000 < status["pressure_pa"] < -5000
    steps = bench.steps
    bench.run_for(3)
    bench.reconnect()
    assert bench.steps == steps, "nothing is backed off"
    assert int(filled(bench).split()[0]) < 500_000
    assert status["remaining_nl"] == pytest.approx(HELD_NL - steps * STEP_NL, abs=2 * STEP_NL)
    bench.release()
    bench.run_for(2)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.refill(100_000)
    assert follow(bench, lambda status: status["state"] == "IDLE")["alarms"] == []


@pytest.mark.expects("GUARD_OPEN", "OVER_DELIVERY", "SYRINGE_MISSING", "BATTERY_DEPLETED", "FILLING_FAILED")
@pytest.mark.requirement("SR-RES-10")
@pytest.mark.parametrize("trouble", ["GUARD_OPEN", "SYRINGE_MISSING", "BATTERY_DEPLETED"])
def test_what_stops_an_infusion_stops_it(bench: Bench, trouble: str) -> None:
    refill(bench)
    bench.run_for(1)
    causes = {"GUARD_OPEN": bench.open_guard, "SYRINGE_MISSING": bench.remove_syringe}
    causes.get(trouble, lambda: bench.set_supply(8))()
    status = follow(bench, has(trouble))
    assert status["state"] == "ALARM"
    assert {trouble, "FILLING_FAILED"} <= set(status["alarms"])
    steps = bench.steps
    bench.run_for(2)
    assert bench.steps == steps


@pytest.mark.requirement("SR-RES-10")
@pytest.mark.requirement("SR-DIR-01")
def test_nobody_refills_out_of_place_or_beyond_the_syringe(bench: Bench) -> None:
    with pytest.raises(Refused, match="declare a syringe first"):
        bench.pump.refill(1_000_000)
    bench.pump.syringe(SYRINGE, HELD_NL)
    for volume_nl in (0, -1, FULL_NL - HELD_NL + 1000, 1 << 40, True, 1.5, "1"):
        with pytest.raises(Refused):
            bench.pump.refill(volume_nl)  # type: ignore[arg-type]  # some are on purpose
    bench.remove_syringe()
    bench.run_for(1)
    bench.reconnect()
    with pytest.raises(Refused, match="no syringe in its holder"):
        bench.pump.refill(1_000_000)
    bench.fit_syringe()
    bench.run_for(1)
    bench.reconnect()
    phases = flat(25, 60)
    bench.pump.confirm(bench.pump.load(header(phases, fill_nl=HELD_NL), phases))
    for step in (lambda: None, bench.pump.start, bench.pump.pause):
        step()
        with pytest.raises(Refused, match="possible in IDLE"):
            bench.pump.refill(1_000_000)
    assert bench.steps >= 0


@pytest.mark.requirement("SR-RES-10")
def test_it_is_no_dose_and_gives_no_room_for_one(bench: Bench) -> None:
    """What is drawn in is neither given nor taken back: the windows stand as they are, before and after a power cut."""
    use(bench)
    give(bench, flat(10, 600))
    bench.run_for(20)
    bench.reconnect()
    bench.pump.stop()
    given_ng = bench.pump.doses()["windows_ng"]
    assert given_ng[0] > 0
    refill(bench, 200_000)
    follow(bench, lambda status: status["state"] == "IDLE")
    assert bench.pump.doses()["windows_ng"] == given_ng
    again(bench)
    assert bench.pump.doses()["windows_ng"] == given_ng
    assert bench.pump.status()["alarms"] == []


@pytest.mark.requirement("SR-RES-10")
def test_an_empty_syringe_is_filled_and_then_plays(bench: Bench) -> None:
    bench.pump.syringe(SYRINGE, 0)
    bench.pump.refill(300_000)
    follow(bench, lambda status: status["state"] == "IDLE")
    phases = flat(25, 20)
    bench.pump.confirm(bench.pump.load(header(phases, fill_nl=200_000), phases))
    begin = bench.steps
    bench.pump.start()
    bench.run_for(10)
    assert (bench.steps - begin) * STEP_NL == pytest.approx(25 / 3600 * 10e6, rel=0.05)


@pytest.mark.sim_only("the same core decides")
def test_a_power_cut_in_it_is_no_infusion_that_was_interrupted(bench: Bench) -> None:
    refill(bench)
    bench.run_for(2)
    again(bench)
    steps = bench.steps
    assert bench.pump.status()["alarms"] == []
    bench.run_for(2)
    assert bench.steps == steps
