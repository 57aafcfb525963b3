"""The slow inputs to the sample: which sample takes which reading, and from which one on a change counts."""

import pytest

from hil.devices.clock import Clock
from hil.devices.inputs import Inputs
from hil.devices.keys import Keys
from pump.core.sensors import MEAN_OF, Sensors


def sensed() -> tuple[Inputs, Sensors]:
    inputs = Inputs(Keys(Clock(0, 100)), lambda: False)
    return inputs, Sensors(inputs, 18_300)


@pytest.mark.requirement("SR-POWER-03")
def test_readings_alternate_every_ten_samples_and_stay_in_step() -> None:
    assert MEAN_OF == 10
    inputs, sensors = sensed()
    supply, heat = sensors.battery_mv, sensors.temperature_dc
    inputs.battery, inputs.temperature = supply + 1000, heat + 1000  # each reading moves its mean
    seen: list[tuple[int, str]] = []
    for sample in range(1, 101):
        sensors.sample()
        if sensors.battery_mv != supply:
            seen.append((sample, "supply"))
        if sensors.temperature_dc != heat:
            seen.append((sample, "heat"))
        supply, heat = sensors.battery_mv, sensors.temperature_dc
    assert seen == [(10 * turn, "supply" if turn % 2 else "heat") for turn in range(1, 11)]


@pytest.mark.requirement("SR-RES-07")
def test_a_switch_counts_from_its_third_sample_on_each_time() -> None:
    inputs, sensors = sensed()
    there = sensors.syringe
    for _ in range(4):
        there = not there
        inputs.syringe = there
        states = []
        changing = [sensors.syringe_changes]
        for _ in range(3):
            sensors.sample()
            states.append(sensors.syringe == there)
            changing.append(sensors.syringe_changes)
        assert states == [False, False, True]
        assert changing == [False, True, True, False]
