"""Occlusion after IEC 60601-2-24: time and pressure at the alarm, and what is released when the line opens.

The simulated 50 mL syringe and line hold 10 uL/kPa. `pytest -s` prints the table.
"""

import pytest

from hil.bench import Bench
from hil.boards import board_data
from pump.core.syringes import SYRINGES
from tests.programs import SYRINGE, flat, follow, header

RELEASED_UL = 200  # what the makers of syringe pumps claim: 0.2 mL
LEVELS = (0, 2)
LONGEST_H = 4


@pytest.mark.requirement("SR-OCC-01", "SR-OCC-03", "SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("level", LEVELS)
def test_at_the_intermediate_rate(bench: Bench, level: int) -> None:
    check(bench, level, 25)


@pytest.mark.sim_only("hours of device time; the emulated chip does three of them in one of ours")
@pytest.mark.requirement("SR-OCC-01", "SR-OCC-03", "SR-OCC-04", "SR-OCC-05")
@pytest.mark.parametrize("ml_h", [1, 5])
@pytest.mark.parametrize("level", LEVELS)
def test_at_low_rates(bench: Bench, level: int, ml_h: float) -> None:
    check(bench, level, ml_h)


def check(bench: Bench, level: int, ml_h: float) -> None:
    """Shuts the line on a pump at that rate, and measures."""
    limit_kpa = board_data().OCCLUSION_PA[level] / 1000
    phases = flat(ml_h, LONGEST_H * 3600)
    pump = bench.pump
    pump.configure(occlusion_level=level)
    pump.syringe(SYRINGE, SYRINGES[SYRINGE][3])
    pump.confirm(pump.load(header(phases), phases))
    pump.start()
    bench.run_for(30)
    bench.reconnect()
    bench.occlude()
    shut_s = bench.now_s
    follow(bench, lambda status: status["state"] == "ALARM")
    mechanics = bench.target.mechanics
    to_alarm_s = mechanics.last_forward_us / 1e6 - shut_s
    at_alarm_kpa = max(kpa for _, kpa in mechanics._pressures)
    bench.run_for(30)
    before_ul = bench.delivered_ul
    bench.release()
    bench.run_for(30)
    released_ul = bench.delivered_ul - before_ul
    print(f"{limit_kpa:g} kPa, {ml_h:g} mL/h: {to_alarm_s:.0f} s, {at_alarm_kpa:.1f} kPa, {released_ul:.0f} uL")
    assert at_alarm_kpa < limit_kpa + 1, "the last step came soon after the limit"
    assert released_ul <= RELEASED_UL
    assert to_alarm_s <= 3600 * limit_kpa * 10 / (ml_h * 1000) * 1.05 + 5, "what the elasticity explains, and no more"
