"""Motor, holder, syringe and line together: the plant's errors arrive at the open end, whatever hands do meanwhile."""

import pytest
import serial

from hil.bench import Options, open_bench, parse_url
from hil.mechanics import Mechanics
from hil.plant.data import IDEAL, IMPERFECT, PlantData, plant_of
from hil.targets import register
from tests.programs import flat, start

SYRINGE = "bd-plastipak-50"
STEP_US = 100_000


def pushed(mechanics: Mechanics, steps: int, from_us: int = 0) -> int:
    """Makes steps forward, one each STEP_US; the time of the last."""
    for step in range(1, steps + 1):
        mechanics.step(from_us + step * STEP_US, 1)
    return from_us + steps * STEP_US


def test_the_ideal_plant_displaces_what_the_table_says() -> None:
    mechanics = Mechanics(SYRINGE)
    pushed(mechanics, 4000)
    assert mechanics.line.displaced_ul == pytest.approx(4000 * mechanics.drive.step_ul)
    assert mechanics.left_ul == pytest.approx(50_500 - mechanics.line.displaced_ul)


def test_the_imperfect_plant_errs_by_its_bore_and_holds_back_by_its_spring() -> None:
    ideal, real = Mechanics(SYRINGE), Mechanics(SYRINGE, IMPERFECT, seed=3)
    for mechanics in (ideal, real):
        pushed(mechanics, 6400)
    wider = (1 + IMPERFECT.bore_error_percent / 100) ** 2 * (1 + IMPERFECT.lead_error_ppm / 1e6)
    spring_um = IMPERFECT.breakaway_n / IMPERFECT.stiffness_n_mm * 1000
    behind_ul = ideal.line.displaced_ul * wider - real.line.displaced_ul
    assert 0 < behind_ul < real.drive.area_mm2 * (spring_um + 50) / 1000
    assert real.plunger.leaps > 100


def test_a_smaller_syringe_gives_way_less_by_the_area_of_its_bore() -> None:
    plant = PlantData(compliance_ul_kpa=10.0)
    assert Mechanics(SYRINGE, plant).line.data.compliance_ul_kpa == 10.0
    small, large = Mechanics("bd-plastipak-5", plant), Mechanics(SYRINGE, plant)
    for mechanics in (small, large):
        mechanics.line.clamp(0, True)
    at_us = pushed(small, 100)
    assert small.pressure_kpa(at_us) == pytest.approx(large.pressure_kpa(pushed(large, 100)))


def test_steps_while_no_syringe_is_fitted_turn_the_screw_and_displace_nothing() -> None:
    mechanics = Mechanics(SYRINGE, IMPERFECT)
    at_us = pushed(mechanics, 3200)
    left_ul, displaced_ul = mechanics.left_ul, mechanics.line.displaced_ul
    mechanics.remove_syringe(at_us)
    assert mechanics.pressure_kpa(at_us) == 0
    at_us = pushed(mechanics, 500, at_us)
    assert (mechanics.left_ul, mechanics.line.displaced_ul) == (left_ul, displaced_ul)
    assert mechanics.plunger.steps == mechanics.steps == 3700
    mechanics.put_back()
    leaps = mechanics.plunger.leaps
    pushed(mechanics, 100, at_us)
    assert mechanics.plunger.leaps == leaps, "its spring is unloaded: friction holds it at first"
    pushed(mechanics, 400, at_us + 10_000_000)
    assert mechanics.line.displaced_ul > displaced_ul


def test_the_same_seed_gives_the_same_delivery_and_another_one_another() -> None:
    runs = [Mechanics(SYRINGE, IMPERFECT.drawn(5), seed=seed) for seed in (1, 1, 2)]
    ends = [mechanics.delivered_ul(pushed(mechanics, 3000)) for mechanics in runs]
    assert ends[0] == ends[1] != ends[2]


def test_back_pressure_holds_back_what_the_elasticity_takes() -> None:
    with open_bench("sim://") as level, open_bench("sim://") as high:
        high.set_back_pressure(13.33)
        for bench in (level, high):
            start(bench, flat(25, 120))
            bench.run_for(100)
        assert level.delivered_ul - high.delivered_ul == pytest.approx(13.33 * IDEAL.compliance_ul_kpa, rel=0.01)


def test_a_clamp_with_a_leak_lets_through_by_its_resistance() -> None:
    mechanics = Mechanics(SYRINGE)
    at_us = pushed(mechanics, 200)
    mechanics.line.clamp(at_us, True, 50.0)
    kpa, before_ul = mechanics.pressure_kpa(at_us), mechanics.delivered_ul(at_us)
    assert mechanics.delivered_ul(at_us + 1_000_000) - before_ul == pytest.approx(kpa / 50, rel=0.01)


def test_a_url_names_seed_syringe_and_plant() -> None:
    assert parse_url("sim://") == Options(0, SYRINGE, "ideal")
    assert parse_url("sim://?seed=4&plant=7") == Options(4, SYRINGE, "7")
    assert plant_of("imperfect") is IMPERFECT
    assert plant_of("7") == plant_of(7) == IMPERFECT.drawn(7)
    with open_bench("sim://", plant=7) as bench:
        assert bench.target.mechanics.plant == IMPERFECT.drawn(7)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sim://?plant=perfect", "allowed are ideal, imperfect, soft or a whole number"),
        ("sim://?seed=x", "seed x is no whole number"),
        ("sim://?speed=2", "allowed are seed, syringe and plant"),
    ],
)
def test_a_url_that_means_nothing_says_what_is_allowed(url: str, says: str) -> None:
    register()
    with pytest.raises(serial.SerialException, match=says):
        serial.serial_for_url(url)
