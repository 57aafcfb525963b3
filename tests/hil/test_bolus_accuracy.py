"""25 boluses in a row, each weighed: mean, largest and smallest error. After IEC 60601-2-24."""

import pytest

from hil.bench import Bench
from hil.boluses import BOLUSES, bolus_errors, volumes_ml
from hil.flow import DENSITY_G_ML
from hil.instruments.balance import SerialBalance
from hil.notes import Notes
from tests.programs import flat, start

BASAL_ML_H = 1
EVERY_S = 120
MEAN_PERCENT = {0.05: 5.0, 1.0: 2.0}
EACH_PERCENT = {0.05: 15.0, 1.0: 5.0}


@pytest.mark.needs("balance")
@pytest.mark.sim_only("an hour of device time for each; the emulated chip takes 20 min for it")
@pytest.mark.requirement("SR-BOLUS-01")
@pytest.mark.parametrize("set_ml", [0.05, 1.0])
def test_twenty_five_boluses(bench: Bench, balance: SerialBalance, notes: Notes, set_ml: float) -> None:
    """On top of 1 mL/h, which is taken off; the first quarter of an hour lets it settle."""
    start(bench, flat(BASAL_ML_H, 4 * 3600))
    bench.run_for(900)
    readings = [balance.read()]
    for number in range(1, BOLUSES + 1):
        bench.reconnect()
        bench.pump.bolus(round(set_ml * 1e6), 30_000)
        bench.run_for(readings[0].time_s + number * EVERY_S - bench.now_s)
        readings.append(balance.read())
    notes.readings(f"boluses-{set_ml:g}-ml", readings)
    volumes = volumes_ml(
        [reading.grams for reading in readings], EVERY_S, DENSITY_G_ML, bench.evaporation_g_h, BASAL_ML_H
    )
    found = bolus_errors(volumes, set_ml)
    name, mean, each = f"25 boluses of {set_ml:g} mL", MEAN_PERCENT[set_ml], EACH_PERCENT[set_ml]
    notes.figure(f"{name}: %CV", found.cv_percent, "%")
    notes.check(f"{name}: mean error", found.mean_percent, "%", -mean, mean)
    notes.check(f"{name}: largest positive error", found.most_percent, "%", -each, each)
    notes.check(f"{name}: largest negative error", found.least_percent, "%", -each, each)
