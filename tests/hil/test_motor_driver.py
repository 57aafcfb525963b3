"""A motor driver's own faults, on a whole pump: MOTOR_FAULT, motor off, and the log says which. The simulated pump
has the chip's model behind the firmware's own code; the emulated one has it behind the pins of its UART."""

import re

import pytest

from hil.bench import Bench
from hil.boards import board_data
from hil.devices.motor_driver import CHOPCONF, NO_DIR, NO_EN, NO_STEP, Tmc2209Chip
from pump.core.tmc2209 import datagram
from tests.programs import SYRINGE, Oracle, ended, flat, follow, serious, start

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
WITHIN_S = 4.3  # with the tick that raises the alarm
LAST_S = 10.3  # an open load is one when it was seen three times
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
    assert bench.now_s - before_s < (LAST_S if fault == "open load" else WITHIN_S)
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


# --- pulses and levels that do not reach the driver

STEP_UL = float(Oracle(flat(1, 1)).step_pl) / 1e6
PLACE = r"motor driver: at \d+ of 1024 in its table, by the pulses at \d+: STEP or DIR\?"


def until_it_stops(bench: Bench, most_s: float) -> float:
    """Device seconds until the motor is off."""
    before_s = bench.now_s
    while bench.motor_on and bench.now_s - before_s < most_s:
        bench.run_for(0.1)
    return bench.now_s - before_s


def is_off_for_good(bench: Bench) -> bool:
    bench.reconnect()
    status = bench.pump.status()
    return not bench.motor_on and status["state"] == "FAULT" and "MOTOR_FAULT" in status["alarms"]


@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-14")
@pytest.mark.parametrize(("fault", "within_s"), [(NO_STEP, 14.3), (NO_EN, 7.3)])
def test_where_no_pulse_moves_the_motor_it_is_off_for_good(bench: Bench, fault: str, within_s: float) -> None:
    start(bench, flat(100, 300))
    bench.run_for(8)
    bench.break_driver(fault)
    steps, pulses = bench.steps, len(bench.step_times_us)
    took_s = until_it_stops(bench, 20)
    assert is_off_for_good(bench)
    missed_ul = (len(bench.step_times_us) - pulses) * STEP_UL
    print(f"{fault}: {faults(bench)} after {took_s:.1f} s, {missed_ul:.0f} uL at 100 mL/h")
    assert bench.steps == steps, "the plunger has stood"
    assert took_s < within_s
    assert missed_ul < 100 / 3.6 * within_s
    (told,) = faults(bench)
    assert (
        re.fullmatch(PLACE, told) if fault == NO_STEP else told == "motor driver: EN is high at its pin, not as driven"
    )


@pytest.mark.sim_only("the law is the core's; here is the plunger, at rates that are common and at awkward ones")
@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-14")
@pytest.mark.parametrize("ml_h", [5, 25, 60, 80, 200, 400])
@pytest.mark.parametrize("at_s", [6.1, 7.7, 9.4])
@pytest.mark.expects("LINE_DISCONNECTED")
def test_a_broken_step_is_found_at_any_rate(bench: Bench, ml_h: float, at_s: float) -> None:
    start(bench, flat(ml_h, 300))
    bench.run_for(at_s)
    bench.break_driver(NO_STEP)
    took_s = until_it_stops(bench, 30)
    assert took_s < 19.3
    if not is_off_for_good(bench):  # at a fast rate the pressure may have said sooner that nothing flows
        assert not bench.motor_on
        assert serious(bench.pump.status())[0] == "LINE_DISCONNECTED"
        return
    assert re.fullmatch(PLACE, faults(bench)[0])


@pytest.mark.requirement("SR-SAFE-02", "SR-OCC-04")
@pytest.mark.plant("ideal")
def test_a_broken_dir_is_found_when_the_plunger_is_to_back_off(bench: Bench) -> None:
    """Until then the driver sees what it should: low is forward, with the wire and without."""
    bench.break_driver(NO_DIR)
    start(bench, flat(300, 60))
    bench.run_for(2)
    bench.occlude()
    follow(bench, ended)
    stopped_at = bench.steps
    took_s = until_it_stops(bench, 20)
    bench.run_for(4)
    assert is_off_for_good(bench)
    pushed_ul = (bench.steps - stopped_at) * STEP_UL
    print(f"{NO_DIR}: {faults(bench)} after {took_s:.1f} s, {pushed_ul:.0f} uL pushed instead of taken back")
    rising, told = faults(bench)
    assert re.fullmatch(r"relief: \d+ Pa, and rising: DIR\?", rising), "so it has ended before the driver was asked"
    assert told == "motor driver: DIR is low at its pin, not as driven"
    assert took_s < 1
    assert 0 < pushed_ul < 120


@pytest.mark.sim_only("as with the back-off, by the same code")
@pytest.mark.requirement("SR-SAFE-02", "SR-RES-10")
def test_a_broken_dir_is_found_when_the_syringe_is_refilled(bench: Bench) -> None:
    bench.break_driver(NO_DIR)
    bench.pump.syringe(SYRINGE, 10_000_000)
    bench.run_for(3)
    bench.pump.refill(20_000_000)
    took_s = until_it_stops(bench, 20)
    assert is_off_for_good(bench)
    assert faults(bench) == ["motor driver: DIR is low at its pin, not as driven"]
    assert took_s < 4.3
    assert 0 < bench.steps * STEP_UL < 120, "pushed, at 100 mL/h"


@pytest.mark.sim_only("the plunger of both goes by the same model of the driver")
@pytest.mark.requirement("SR-SAFE-02")
def test_other_microsteps_are_found_by_the_place(bench: Bench) -> None:
    """Eight of them: each step is twice as far."""
    start(bench, flat(25, 300))
    bench.run_for(5)
    steps, pulses = bench.steps, len(bench.step_times_us)
    chip = chip_of(bench)
    for byte in datagram(CHOPCONF, chip.registers[CHOPCONF] + (1 << 24)):
        chip.receive(byte)
    bench.expected.update(["MOTOR_FAULT", "OVER_DELIVERY"])
    took_s = until_it_stops(bench, 20)
    assert is_off_for_good(bench)
    assert took_s < 14.3
    assert re.fullmatch(PLACE, faults(bench)[0])
    assert len(bench.step_times_us) - pulses == bench.steps - steps, "two at a pulse"


@pytest.mark.requirement("SR-SAFE-02", "SR-DIAG-10")
def test_nothing_that_a_pump_does_looks_like_a_broken_wire(bench: Bench) -> None:
    """An occlusion with its back-off, the rest of the program, a prime, a refill, and the board's fastest."""
    start(bench, flat(300, 20))
    bench.run_for(4)
    bench.occlude()
    follow(bench, ended)
    bench.run_for(8)
    bench.release()
    bench.run_for(1)
    bench.reconnect()
    bench.pump.acknowledge()
    bench.pump.resume()
    assert serious(follow(bench, ended)) == ["INFUSION_COMPLETE"]
    bench.pump.acknowledge()
    bench.pump.syringe(SYRINGE, 10_000_000)
    bench.pump.prime()
    bench.run_for(5)
    bench.reconnect()
    bench.pump.stop()
    bench.run_for(10)  # what the prime left of pressure is no fall
    bench.reconnect()
    bench.pump.refill(300_000)
    assert serious(follow(bench, ended)) == []
    bench.disconnect_line()  # at such rates the line's own resistance would count as an occlusion
    bench.run_for(1)
    start(bench, flat(630, 15), syringe="bd-plastipak-5")
    steps = bench.steps
    assert serious(follow(bench, ended)) == ["INFUSION_COMPLETE"]
    assert (bench.steps - steps) / 15 == pytest.approx(2475, abs=10)
    bench.run_for(14)
    bench.reconnect()
    assert faults(bench) == []
