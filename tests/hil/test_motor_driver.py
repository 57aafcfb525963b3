"""A motor driver's own faults, on a whole pump: MOTOR_FAULT, motor off, and the log says which. The simulated pump
has the chip's model behind the firmware's own code; the emulated one has it behind the pins of its UART."""

import pytest

from hil.bench import Bench
from hil.boards import board_data
from hil.devices.motor_driver import Tmc2209Chip
from tests.programs import flat, follow, start

TOLD = {
    "over-temperature": "over-temperature",
    "short to ground": "short to ground at A",
    "short of a switch": "short of a switch at B",
    "open load": "open load at A",
    "undervoltage": "undervoltage of the charge pump",
    "reset": "reset: its settings are lost",
    "silent": "no good reply 3 times",
    "garbled": "no good reply 3 times",
}
WITHIN_S = 8.0
RIGHT = (board_data().MICROSTEPS, True, False)


def chip_of(bench: Bench) -> Tmc2209Chip:
    driver = bench.target.motor_driver
    assert isinstance(driver, Tmc2209Chip)
    return driver


@pytest.mark.sim_only("emulated seconds are dear: one of them is below, and the same code tells the others apart")
@pytest.mark.parametrize("fault", TOLD)
def test_a_fault_stops_the_motor_for_good_and_is_named(bench: Bench, fault: str) -> None:
    start(bench, flat(60, 300))
    bench.run_for(4)
    bench.reconnect()
    before_s = bench.now_s
    bench.break_driver(fault)
    follow(bench, lambda status: status["state"] == "FAULT")
    print(f"{fault}: FAULT after {bench.now_s - before_s:.1f} s")
    assert bench.now_s - before_s < WITHIN_S
    assert not bench.motor_on
    steps = bench.steps
    assert "MOTOR_FAULT" in bench.pump.status()["alarms"]
    assert faults(bench) == [f"motor driver: {TOLD[fault]}"]
    bench.break_driver(None)
    bench.run_for(4)
    bench.reconnect()
    assert bench.pump.status()["state"] == "FAULT", "a power cycle is the only way out"
    assert bench.steps == steps


@pytest.mark.expects("SELF_TEST_FAILED")
def test_on_the_wire_from_power_on_to_power_on(bench: Bench) -> None:
    """Set up at power-on; a reply that is lost now and then is no fault, a short is one; a driver that does not answer
    at power-on fails the self-test, and is set up when it does again."""
    chip = chip_of(bench)
    start(bench, flat(60, 300))
    assert settings(chip) == RIGHT
    bench.break_driver("garbled")
    bench.run_for(1.9)
    bench.break_driver(None)
    bench.run_for(1.1)
    bench.reconnect()
    assert bench.pump.status()["state"] == "INFUSING"
    bench.break_driver("short to ground")
    follow(bench, lambda status: status["state"] == "FAULT")
    assert not bench.motor_on
    assert faults(bench) == ["motor driver: short to ground at A"]

    power_cycle(bench, "garbled")
    assert bench.pump.status()["state"] == "FAULT"
    assert faults(bench)[-1:] == ["self-test: driver: silent"]
    assert settings(chip) != RIGHT
    power_cycle(bench, None)
    assert bench.pump.status()["state"] == "IDLE"
    assert bench.pump.selftest()["driver"] == "passed"
    assert settings(chip) == RIGHT


def power_cycle(bench: Bench, fault: str | None) -> None:
    bench.cut_power()
    bench.break_driver(fault)
    bench.run_for(0.2)
    bench.restore_power()
    bench.run_for(2)
    bench.reconnect()


def settings(chip: Tmc2209Chip) -> tuple[int, bool, bool]:
    return chip.microsteps, chip.spread_cycle, chip.interpolates


def faults(bench: Bench) -> list[str]:
    return [event["text"] for event in bench.pump.events() if event["kind"] == "fault"]
