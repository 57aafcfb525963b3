"""Occlusion after IEC 60601-2-24: time and pressure at the alarm, and what is released when the line opens.

Three thresholds by three rates, and the lowest and highest threshold with every other syringe. What the time may be
follows from what holds the volume meanwhile: the elasticity of syringe, line and drive, the spring that friction loads,
and play.
"""

import pytest

from hil.bench import Bench
from hil.boards import board_data
from hil.delivery import occlusion
from hil.notes import Notes
from pump.core.syringes import NOMINAL_NL, SYRINGES
from tests.programs import SYRINGE, flat, follow, header

RELEASED_UL = 200  # what the makers of syringe pumps claim: 0.2 mL
SURGE_UL = 500  # SR-OCC-05
OTHERS = [pytest.param(name, marks=pytest.mark.syringe(name)) for name in SYRINGES if name != SYRINGE]
LEVELS = (0, 1, 2)
ENDS = (LEVELS[0], LEVELS[-1])
LONGEST_H = 4
SETTLES_S = 20  # 2 mL of back-off take 12 s
OVERSHOOT_KPA = 2.0  # a step at 25 mL/h, and what the friction lets go of at once


@pytest.mark.needs("occluder")
@pytest.mark.requirement("SR-OCC-01", "SR-OCC-03", "SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("level", LEVELS)
def test_at_the_highest_rate(bench: Bench, notes: Notes, level: int) -> None:
    shut(bench, notes, level, 25)


@pytest.mark.sim_only("hours of device time; the emulated chip does three of them in one of ours")
@pytest.mark.requirement("SR-OCC-01", "SR-OCC-03", "SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("ml_h", [1, 5])
@pytest.mark.parametrize("level", LEVELS)
def test_at_low_rates(bench: Bench, notes: Notes, level: int, ml_h: float) -> None:
    shut(bench, notes, level, ml_h)


@pytest.mark.sim_only("the emulated bench has the syringe of 50 mL")
@pytest.mark.requirement("SR-OCC-01", "SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("ml_h", [1, 5, 25])
@pytest.mark.parametrize("level", ENDS)
@pytest.mark.parametrize("syringe", OTHERS)
def test_with_every_other_syringe(bench: Bench, notes: Notes, syringe: str, level: int, ml_h: float) -> None:
    shut(bench, notes, level, ml_h, syringe, SURGE_UL)


@pytest.mark.plant("soft")
@pytest.mark.sim_only("the plant of the emulated bench is the imperfect one")
@pytest.mark.requirement("SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("ml_h", [5, 25])
@pytest.mark.parametrize("level", ENDS)
def test_with_the_softest_syringe(bench: Bench, notes: Notes, level: int, ml_h: float) -> None:
    """It holds so much that nearly all of the 2 mL that the plunger may go back are needed."""
    shut(bench, notes, level, ml_h, released_ul=SURGE_UL)


@pytest.mark.sim_only("the emulated bench has the syringe of 50 mL")
@pytest.mark.requirement("SR-OCC-05")
@pytest.mark.parametrize("ml_h", [1, 5, 25])
@pytest.mark.parametrize("syringe", [*OTHERS, SYRINGE])
def test_a_line_that_opens_as_the_alarm_comes(bench: Bench, notes: Notes, syringe: str, ml_h: float) -> None:
    """Before the plunger has gone back: what the back-off can still do is go on until the pressure is relieved."""
    begin(bench, LEVELS[-1], ml_h, syringe)
    bench.occlude()
    follow(bench, lambda status: status["state"] == "ALARM")
    before_ul = bench.delivered_ul
    bench.release()
    bench.run_for(SETTLES_S)
    notes.check(f"opened at the alarm, {ml_h:g} mL/h, {syringe}", bench.delivered_ul - before_ul, "µL", high=SURGE_UL)


def expected(bench: Bench, limit_kpa: float, ml_h: float) -> tuple[float, float, float]:
    """(least and most seconds to the alarm, pressure at it), from what the plant is made of and the board's limits.

    Where the rate is high enough the leap of the pressure is noticed before the limit. A real bench is not known so
    well: there the bounds are wide.
    """
    if not bench.simulated:
        return 0.0, LONGEST_H * 3600, limit_kpa / 2
    mechanics, board = bench.target.mechanics, board_data()
    plant, area_mm2 = mechanics.plant, mechanics.drive.area_mm2
    give_ul_kpa = mechanics.line.data.compliance_ul_kpa + area_mm2**2 / plant.stiffness_n_mm / 1000
    slack_mm = plant.breakaway_n / plant.stiffness_n_mm + plant.backlash_um / 1000
    ul_s, leap_kpa = ml_h / 3.6, board.PRESSURE_LEAP_PA / 1000
    leaps = ul_s * board.PRESSURE_LEAP_S / give_ul_kpa > leap_kpa
    alarm_kpa = min(limit_kpa, leap_kpa) if leaps else limit_kpa
    most_s = (limit_kpa * give_ul_kpa + slack_mm * area_mm2) / ul_s
    return round(0.9 * alarm_kpa * give_ul_kpa / ul_s, 1), round(1.05 * most_s + 5, 1), alarm_kpa


def begin(bench: Bench, level: int, ml_h: float, syringe: str) -> None:
    """An infusion at that rate, half a minute old."""
    phases = flat(ml_h, LONGEST_H * 3600)
    pump = bench.pump
    pump.configure(occlusion_level=level)
    fill_nl = SYRINGES[syringe][NOMINAL_NL]
    pump.syringe(syringe, fill_nl)
    pump.confirm(pump.load(header(phases, syringe=syringe, fill_nl=fill_nl), phases))
    pump.start()
    bench.run_for(30)
    bench.reconnect()


def shut(
    bench: Bench, notes: Notes, level: int, ml_h: float, syringe: str = SYRINGE, released_ul: float = RELEASED_UL
) -> None:
    """Shuts the line on a pump at that rate, and measures. released_ul: the largest bolus when it opens."""
    limit_kpa = board_data().OCCLUSION_PA[level] / 1000
    begin(bench, level, ml_h, syringe)
    times_s: list[float] = []
    pressures: list[float] = []
    volumes: list[float] = []

    def record() -> float:
        now_s = bench.now_s
        times_s.append(now_s)
        pressures.append(bench.pressure_kpa)
        volumes.append(bench.delivered_ul)
        return now_s

    bench.occlude()
    closed_s = record()
    follow(bench, lambda status: bool(record()) and status["state"] == "ALARM")
    alarm_s = times_s[-1]
    for _ in range(SETTLES_S):
        bench.run_for(1)
        record()
    bench.release()
    opened_s = record()
    for _ in range(SETTLES_S):
        bench.run_for(1)
        record()
    found = occlusion(
        times_s, pressures, volumes, closed_s=closed_s, alarm_s=alarm_s, opened_s=opened_s, settled_s=times_s[-1]
    )
    name = f"occlusion at {limit_kpa:g} kPa, {ml_h:g} mL/h"
    if syringe != SYRINGE:
        name += f", {syringe}"
    elif released_ul != RELEASED_UL:
        name += ", soft"
    least_s, most_s, alarm_kpa = expected(bench, limit_kpa, ml_h)
    notes.pressure(name, times_s, pressures, {"closed": closed_s, "alarm": alarm_s, "opened": opened_s})
    notes.check(f"{name}: time to the alarm", found.time_s, "s", least_s, most_s)
    notes.check(f"{name}: pressure at it", found.pressure_kpa, "kPa", 0.9 * alarm_kpa, limit_kpa + OVERSHOOT_KPA)
    notes.check(f"{name}: highest pressure", found.highest_kpa, "kPa", high=limit_kpa + OVERSHOOT_KPA)
    notes.check(f"{name}: released bolus", found.released_ul, "µL", high=released_ul)
