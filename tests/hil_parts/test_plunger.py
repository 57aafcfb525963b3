"""Drive and plunger: where the nut stands, how friction lets go, and that both ledgers close."""

import math
from dataclasses import replace

import pytest

from hil.plant.data import IDEAL, IMPERFECT, PlantData
from hil.plant.drive import Drive
from hil.plant.line import Line
from hil.plant.plunger import Plunger, PlungerData
from tests.hil_parts.fine_steps import Slow

BORE_MM, LEAD_MM, TURN = 26.59, 2.0, 3200


def plant(data: PlantData, seed: int = 1) -> Plunger:
    drive = data.drive(BORE_MM, LEAD_MM, TURN)
    return data.plunger(drive, Line(data.line()), seed)


def test_an_ideal_drive_displaces_the_same_with_each_step() -> None:
    drive = IDEAL.drive(BORE_MM, LEAD_MM, TURN)
    assert drive.step_ul == pytest.approx(math.pi / 4 * BORE_MM**2 * LEAD_MM / TURN)
    for index in (-7, 0, 1, 3199, 3200, 1_000_001):
        assert drive.displacement_ul(index) == pytest.approx(index * drive.step_ul)


def test_the_errors_of_screw_and_rotor_return_with_each_turn_and_have_their_amplitude() -> None:
    drive = Drive(BORE_MM, LEAD_MM, TURN, pitch_error_um=5, pitch_phase_turn=0.3, microstep_error_um=0.5)
    errors = [drive.position_um(step) - drive.step_um * step for step in range(2 * TURN)]
    assert errors[0] == errors[TURN] == 0
    assert (max(errors) - min(errors)) / 2 == pytest.approx(5.5, abs=0.2)
    assert errors[16] == pytest.approx(5 * (math.sin(2 * math.pi * 0.305) - math.sin(2 * math.pi * 0.3)))
    assert drive.displacement_ul(TURN) == pytest.approx(TURN * drive.step_ul)


def test_a_longer_lead_and_a_wider_bore_displace_more() -> None:
    drive = PlantData(bore_error_percent=1, lead_error_ppm=1000).drive(BORE_MM, LEAD_MM, TURN)
    assert drive.step_ul == pytest.approx(IDEAL.drive(BORE_MM, LEAD_MM, TURN).step_ul * 1.01**2 * 1.001)


def test_play_is_taken_up_before_the_plunger_follows_back() -> None:
    plunger = plant(PlantData(backlash_um=50))
    for _ in range(200):
        plunger.step(0, 1)
    top_um = plunger.position_um
    for _ in range(80):  # 50 um are 80 microsteps
        plunger.step(0, -1)
    assert plunger.position_um == pytest.approx(top_um)
    plunger.step(0, -1)
    assert plunger.position_um == pytest.approx(top_um - 0.625)


def test_the_plunger_stands_at_the_end_of_its_travel() -> None:
    plunger = plant(IDEAL)
    plunger.left_ul = 10 * plunger.drive.step_ul
    for _ in range(15):
        plunger.step(0, 1)
    assert plunger.line.displaced_ul == pytest.approx(10 * plunger.drive.step_ul)


def test_an_elastic_drive_needs_friction_that_lets_go() -> None:
    with pytest.raises(ValueError, match="breakaway_n"):
        PlungerData(stiffness_n_mm=60, breakaway_n=5, sliding_n=5)


@pytest.mark.parametrize("step_s", [0.02, 0.4])
@pytest.mark.parametrize("back_kpa", [0.0, -13.33])
def test_leaps_between_events_equal_fine_steps(step_s: float, back_kpa: float) -> None:
    data = PlantData(
        stiffness_n_mm=60, breakaway_n=3.2, sliding_n=3.0, backlash_um=8, compliance_ul_kpa=5, resistance_kpa_s_ul=1.0
    )
    plunger = plant(data)
    line, drive = plunger.line, plunger.drive
    slow = Slow(5, 1.0, back_kpa, 0.0, drive.area_mm2, 0.06, 8, 3.2, 3.0)
    line.set_back_pressure(0, back_kpa)
    motor_uj, at_us = 0.0, 0
    for count in range(1, 241):
        direction = -1 if 150 < count <= 190 else 1
        at_us += round(step_s * 1e6)
        plunger.step(at_us, direction)
        slow.run(step_s, 0.02)
        before_n = slow.net_n() + slow.pressure * slow.area_mm2 / 1000
        slow.nut_um += direction * drive.step_um
        after_n = slow.net_n() + slow.pressure * slow.area_mm2 / 1000
        motor_uj += (before_n + after_n) / 2 * direction * drive.step_um
        slow.settle()
    assert plunger.leaps > 10
    assert line.pressure_kpa == pytest.approx(slow.pressure, rel=1e-6)
    assert plunger.position_um == pytest.approx(slow.plunger_um, rel=1e-6)
    assert line.delivered_ul == pytest.approx(slow.delivered, rel=1e-6, abs=1e-6)
    gap_um = plunger.nut_um - plunger.position_um
    spring_uj = 0.06 / 2 * (max(gap_um, 0) ** 2 + min(gap_um + 8, 0) ** 2)
    spent_uj = plunger.friction_uj + spring_uj + line.stored_uj + slow.lost_uj + back_kpa * line.delivered_ul
    assert plunger.motor_uj == pytest.approx(spent_uj, rel=1e-6)
    assert plunger.friction_uj == pytest.approx(slow.friction_uj, rel=1e-5)
    assert plunger.motor_uj == pytest.approx(motor_uj, rel=1e-4)  # there the play ends within a step
    assert line.displaced_ul == pytest.approx(line.delivered_ul + line.stored_ul, abs=1e-9)


def test_a_plunger_that_follows_a_leak_equals_fine_steps() -> None:
    """The clamp is shut and the nut stands: the spring follows what goes past the fitting, leap by leap."""
    data = PlantData(stiffness_n_mm=60, breakaway_n=3.2, sliding_n=3.0, compliance_ul_kpa=5)
    drive = data.drive(BORE_MM, LEAD_MM, TURN)
    line = Line(replace(data.line(), fitting_kpa_s_ul=20.0))
    plunger = data.plunger(drive, line)
    slow = Slow(5, math.inf, 0.0, 0.0, drive.area_mm2, 0.06, 0, 3.2, 3.0, leak=20.0)
    line.clamp(0, True)
    for count in range(1, 1001):
        plunger.step(count * 20_000, 1)
        slow.run(0.02, 0.02)
        slow.nut_um += drive.step_um
        slow.settle()
    pushed = plunger.leaps
    line.advance(220_000_000)
    slow.run(200, 0.1)
    assert plunger.leaps > pushed + 10
    assert line.pressure_kpa == pytest.approx(slow.pressure, rel=1e-6)
    assert line.spilled_ul == pytest.approx(slow.spilled, rel=1e-6)
    assert line.delivered_ul == 0
    assert line.displaced_ul == pytest.approx(line.spilled_ul + line.stored_ul, abs=1e-9)


def test_suction_pulls_a_loose_plunger_through_its_play() -> None:
    plunger = plant(PlantData(stiffness_n_mm=60, breakaway_n=1.0, sliding_n=0.5, backlash_um=40, compliance_ul_kpa=5))
    plunger.line.set_back_pressure(0, -13.33)
    plunger.line.advance(600_000_000)
    assert 40 < plunger.position_um < 200
    assert plunger.line.delivered_ul > 20


def test_a_bubble_makes_leaps_longer_and_volume_still_adds_up() -> None:
    plungers = [plant(IMPERFECT), plant(IMPERFECT)]
    plungers[1].line.add_bubble(0, 2000, to_end_ul=1e9)
    for plunger in plungers:
        for count in range(2000):
            plunger.step(count * 50_000, 1)
        line = plunger.line
        assert line.displaced_ul == pytest.approx(line.delivered_ul + line.stored_ul, abs=1e-7)
    assert plungers[0].leaps > 1.5 * plungers[1].leaps > 10


def test_one_seed_one_specimen() -> None:
    assert IMPERFECT.drawn(3) == IMPERFECT.drawn(3) != IMPERFECT.drawn(4)
    runs = []
    for seed in (5, 5, 6):
        plunger = plant(IMPERFECT.drawn(2), seed)
        for count in range(3000):
            plunger.step(count * 100_000, 1)
        runs.append(plunger.line.delivered_ul)
    assert runs[0] == runs[1] != runs[2]
