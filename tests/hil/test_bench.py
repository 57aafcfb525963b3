"""The bench's hands do what they say, on every target. What the pump makes of it is the other tests' business."""

import re
from typing import Any

import pytest

from hil.bench import Bench
from hil.boards import board_data
from hil.mechanics import LINE_UL
from tests.programs import ended, flat, follow, start

RED, YELLOW, CYAN = 1, 2, 4
FAST_ML_H = 400
COUNT_PA = 16 * board_data().PRESSURE_MPA_PER_COUNT / 1000  # of the 12-bit converter


def settled(bench: Bench) -> dict[str, Any]:
    """Its status after it has been idle for a second."""
    bench.pump.status()
    bench.run_for(1)
    bench.reconnect()
    status: dict[str, Any] = bench.pump.status()
    return status


def test_without_power_everything_is_dark_and_red_shines_until_the_program_runs(bench: Bench) -> None:
    settled(bench)
    assert bench.lights == 0
    bench.cut_power()
    assert bench.lights == 0
    dark = len(bench.light_edges)
    bench.run_for(1)
    assert len(bench.light_edges) == dark
    bench.restore_power()
    settled(bench)
    lights = [shown for _, shown in bench.light_edges[dark:]]
    assert lights[0] == RED, "nothing holds it off yet"
    assert {YELLOW, CYAN, RED | YELLOW | CYAN} <= set(lights), "the self-test"
    assert bench.lights == lights[-1] == 0


def test_the_self_test_sounds_the_buzzer(bench: Bench) -> None:
    settled(bench)
    tones = [hz for _, hz in bench.tone_edges]
    assert tones[0] == pytest.approx(1000, abs=8)
    assert tones[-1] == 0


def test_a_syringe_out_of_its_holder_moves_nothing_and_leaves_no_pressure(bench: Bench) -> None:
    start(bench, flat(FAST_ML_H, 60))
    bench.run_for(3)
    assert bench.pressure_kpa > 5
    left_ul = bench.target.mechanics.left_ul
    bench.remove_syringe()
    delivered_ul = bench.delivered_ul
    assert bench.pressure_kpa == 0
    bench.run_for(2)
    assert bench.delivered_ul == delivered_ul
    bench.fit_syringe()
    assert bench.target.mechanics.left_ul == pytest.approx(left_ul, abs=0.01), "it is no new one"
    bench.change_syringe()
    assert bench.target.mechanics.left_ul == 50_500


@pytest.mark.plant("ideal")  # it weighs what is spilled within seconds
def test_a_line_that_is_off_spills_and_goes_on_when_it_is_on_again(bench: Bench) -> None:
    start(bench, flat(25, 60))
    bench.run_for(3)
    bench.disconnect_line()
    mechanics = bench.target.mechanics
    delivered_ul, spilled_ul = bench.delivered_ul, mechanics.line.spilled_ul
    bench.run_for(3)
    assert bench.pressure_kpa == 0
    assert bench.delivered_ul == delivered_ul
    assert mechanics.line.spilled_ul - spilled_ul == pytest.approx(25_000 / 3600 * 3, rel=0.05)
    bench.connect_line()
    bench.run_for(5)
    assert bench.delivered_ul > delivered_ul + 10
    pushed_ul = mechanics.steps * mechanics.drive.step_ul
    line = mechanics.line
    assert pushed_ul == pytest.approx(bench.delivered_ul + line.stored_ul + line.spilled_ul)


def test_a_bubble_is_seen_until_it_has_passed_and_comes_out_as_air(bench: Bench) -> None:
    mechanics = bench.target.mechanics
    start(bench, flat(FAST_ML_H, 60))
    bench.run_for(1)
    bench.add_air(20)
    began_ul = mechanics.passed_ul
    while mechanics.air_at_detector:
        bench.run_for(0.05)
    assert 20 <= mechanics.passed_ul - began_ul < 20 + 10
    mechanics.line.delivered_ul += LINE_UL - 40  # as if most of the line had been emptied since
    assert bench.delivered_air_ul == 0
    bench.run_for(2)
    assert bench.delivered_air_ul == pytest.approx(20)
    bench.add_air()
    assert mechanics.air_at_detector
    bench.clear_air()
    assert not mechanics.air_at_detector


def test_the_pumps_clock_keeps_the_benchs_time(bench: Bench) -> None:
    began_ms, began_s = settled(bench)["time_ms"], bench.now_s
    bench.run_for(30)
    bench.reconnect()
    passed_ms = bench.pump.status()["time_ms"] - began_ms
    assert passed_ms == pytest.approx((bench.now_s - began_s) * 1000, abs=150, rel=0), "a control tick, and no more"


def test_what_the_pump_measures_is_what_was_set(bench: Bench) -> None:
    """Within one count of the converter: 4.5 mV of supply, half a degree."""
    bench.set_supply(11.5)
    bench.set_temperature(38.5)
    settled(bench)
    bench.cut_power()
    bench.restore_power()  # so that no older reading is in the mean
    start(bench, flat(25, 60))
    follow(bench, lambda status: "LIBRARY_MISSING" in status["alarms"])
    texts = [event["text"] for event in bench.pump.events() if event["kind"] == "alarm"]
    supply_mv, temperature_dc = map(int, re.findall(r"(\d+) (?:mV|dC)", texts[-1]))
    assert supply_mv == pytest.approx(11_500, abs=5)
    assert temperature_dc == pytest.approx(385, abs=5)


@pytest.mark.requirement("SR-DIAG-13")
def test_a_broken_pressure_sensor_reads_what_its_wires_give(bench: Bench) -> None:
    settled(bench)
    bench.break_pressure_sensor("open")
    assert settled(bench)["pressure_pa"] == pytest.approx(-31_250, abs=1)
    bench.break_pressure_sensor("short")
    assert settled(bench)["pressure_pa"] > board_data().PRESSURE_BAND_PA[1]
    bench.mend_pressure_sensor()
    assert abs(settled(bench)["pressure_pa"]) <= 2 * COUNT_PA


def test_a_healthy_pressure_sensor_never_reads_the_same_for_long_and_a_stuck_one_does(bench: Bench) -> None:
    settled(bench)
    assert 2 <= len({settled(bench)["pressure_pa"] for _ in range(9)}) <= 3
    bench.break_pressure_sensor("stuck")
    assert len({settled(bench)["pressure_pa"] for _ in range(5)}) == 1


@pytest.mark.requirement("SR-DIAG-14")
@pytest.mark.requirement("SR-DIAG-11")
def test_pulses_that_get_lost_are_missed(bench: Bench) -> None:
    start(bench, flat(100, 600))
    bench.run_for(2)
    bench.reconnect()
    bench.lose_pulses(5)
    status = follow(bench, ended)
    assert "MOTOR_FAULT" in status["alarms"]
    assert status["state"] == "FAULT"
    assert status["counted_steps"] == bench.steps, "the lost ones moved nothing"


@pytest.mark.requirement("SR-ACC-10")
def test_pulses_that_cease_are_missed_at_once(bench: Bench) -> None:
    """Within what the generator holds, a tick and the status: there is no hold-off."""
    start(bench, flat(25, 600))
    bench.run_for(4)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING"
    steps, ceased_s = bench.steps, bench.now_s
    bench.lose_pulses(1)
    status = follow(bench, ended)
    assert bench.now_s - ceased_s < 0.6
    assert (status["state"], "MOTOR_FAULT" in status["alarms"]) == ("FAULT", True)
    assert not bench.motor_on
    assert bench.steps == steps


@pytest.mark.requirement("SR-DIAG-14")
@pytest.mark.requirement("SR-DIAG-11")
@pytest.mark.requirement("SR-STOP-07")
def test_pulses_that_nobody_made_are_noticed(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.run_for(2)
    bench.reconnect()
    steps = bench.steps
    bench.add_pulses(12)
    bench.run_for(0.001)
    assert bench.steps - steps in (12, 13)
    status = follow(bench, ended)
    assert "MOTOR_FAULT" in status["alarms"]
    assert status["state"] == "FAULT"
    steps = bench.steps
    bench.add_pulses(3)
    bench.run_for(0.001)
    assert bench.steps == steps, "the driver is off: they move nothing"


@pytest.mark.requirement("SR-LOG-05")
def test_a_flash_that_takes_nothing_is_noticed_and_what_it_holds_stays(bench: Bench) -> None:
    start(bench, flat(25, 600))
    bench.run_for(2)
    bench.fill_flash()
    bench.reconnect()
    bench.pump.pause()
    bench.run_for(3)
    bench.reconnect()
    assert "MEMORY_FAULT" in bench.pump.status()["alarms"]
    bench.free_flash()
    bench.cut_power()
    bench.restore_power()
    settled(bench)
    status = bench.pump.status()
    assert "POWER_INTERRUPTED" in status["alarms"]
    assert status["counted_steps"] >= bench.steps
    assert [event["text"] for event in bench.pump.events()].count("start") == 1


@pytest.mark.expects("SELF_TEST_FAILED")
def test_a_key_is_held_until_it_is_let_go(bench: Bench) -> None:
    settled(bench)
    bench.cut_power()
    bench.hold_key("bolus")
    bench.restore_power()
    assert settled(bench)["state"] == "FAULT", "a key that is down at power-on fails the self-test"
    bench.cut_power()
    bench.release_key("bolus")
    bench.restore_power()
    assert settled(bench)["state"] == "IDLE"
