"""What comes into the log: a record of all that is done or happens, of each fault, and of each that is mended."""

from collections.abc import Callable
from typing import Any

import pytest

from pump.core import framing
from pump.core.chain import TAIL
from tests.core.pumps import Pump, Refused
from tests.programs import flat

PHASES = flat(60, 25)


def records(pump: Pump, behind: int) -> list[str]:
    """What is logged behind a sequence number, in short; but not that an alarm was signalled."""
    found = []
    for number, _, kind, text in pump.log:
        if number > behind and kind != "signal":
            short = text if kind == "state" else text.partition(" at ")[0].partition(":")[0].partition(",")[0]
            found.append(f"{kind} {short}")
    return found


def asks(method: str, **params: Any) -> Callable[[Pump], object]:
    return lambda pump: pump.ask(method, **params)


def asks_in_vain(method: str, **params: Any) -> Callable[[Pump], object]:
    def act(pump: Pump) -> None:
        with pytest.raises(Refused):
            pump.ask(method, **params)

    return act


def presses(key: str) -> Callable[[Pump], object]:
    return lambda pump: pump.target.press(key, 1.2)


def confirms(pump: Pump) -> None:
    assert pump.controller.program
    pump.ask("confirm", digest=pump.controller.program.digest, overrides=[])


# One session: what is done or happens, and what the log then has of it.
SESSION: list[tuple[Callable[[Pump], object], list[str]]] = [
    (asks("exercise", lights=1, tone_hz=0, ms=100), ["command exercise"]),
    (lambda pump: pump.load(PHASES), ["command syringe", "command load"]),
    (asks_in_vain("confirm", digest="0" * 64, overrides=[]), ["refused confirm"]),
    (confirms, ["state IDLE > READY: CONFIRM", "command confirm"]),
    (
        asks("start"),
        ["versions pump simulated", "state READY > INFUSING: START", "command start", "alarm LIBRARY_MISSING"],
    ),
    (
        asks("bolus", volume_nl=50_000, duration_ms=1000, overrides=[]),
        ["state INFUSING > BOLUS: BOLUS", "command bolus", "state BOLUS > INFUSING: BOLUS_DONE"],
    ),
    (asks("pause"), ["state INFUSING > PAUSED: PAUSE", "command pause"]),
    (asks("resume"), ["state PAUSED > INFUSING: RESUME", "command resume"]),
    (lambda pump: pump.target.fit(False), ["alarm SYRINGE_MISSING", "state INFUSING > ALARM: HALT"]),
    (asks("mute", ms=1000), ["command mute"]),
    (lambda pump: pump.target.fit(True), []),  # the alarm stays until somebody has seen it
    (asks("acknowledge"), ["cleared SYRINGE_MISSING", "state ALARM > PAUSED: ACKNOWLEDGE", "command acknowledge"]),
    (asks("resume"), ["state PAUSED > INFUSING: RESUME", "command resume"]),
    (presses("bolus"), ["refused bolus (key)"]),
    (asks("hold"), ["state INFUSING > KVO: HAZARD", "state KVO > PAUSED: HOLD_DONE", "command hold"]),
    (asks("clock", utc_s=1_800_000_000, ms=0), ["clock utc_s 1800000000.000"]),
    (presses("stop"), ["state PAUSED > IDLE: STOP", "command stop (key)", "cleared LIBRARY_MISSING"]),
    (asks("clear", what="settings"), ["command clear"]),
    (asks("update"), ["command update"]),
]


@pytest.mark.requirement("SR-LOG-01")
def test_each_action_of_operator_and_pump_and_each_event_has_one_record() -> None:
    pump = Pump()
    pump.run(1)
    assert records(pump, 0)[1:] == ["state BOOT > IDLE: SELF_TEST_PASSED", "session bench begins run test"]
    assert pump.told("boot") == [f"{pump.controller.build.VERSION} {pump.controller.build.DIGEST[:16]}"]
    for act, expected in SESSION[:-1]:
        last = pump.log[-1][0]
        act(pump)
        pump.run(1.5)
        assert records(pump, last) == expected
    last = pump.log[-1][0]
    act, expected = SESSION[-1]  # there is no controller behind it that could be asked
    act(pump)
    assert records(pump, last) == expected


# --- faults


def key_is_down_at_power_on(pump: Pump) -> None:
    pump.target.press("bolus", None)
    pump.run(0.1)
    pump.restart()


def settings_get_damaged(pump: Pump) -> None:
    """The newest of them: those before are good."""
    for level in (0, 2):
        pump.ask("configure", settings={**pump.ask("settings"), "near_empty_level": level})
    store = pump.target.store
    store.flip_bit("settings1", 8 * len(store.files["settings1"]) // 2)
    pump.restart()


def driver_fails_in_a_run(pump: Pump) -> None:
    pump.start(PHASES)
    pump.run(3)
    pump.target.motor_driver.fault = "short to ground"


def pulses_get_lost(pump: Pump) -> None:
    pump.start(PHASES)
    pump.run(3)
    pump.target.lose_pulses(10)


def pressure_sensor_comes_off(pump: Pump) -> None:
    pump.target.sensor.fault = "open"


def chip_is_colder_than_can_be(pump: Pump) -> None:
    pump.target.set_temperature(-50)


def program_gets_damaged_in_a_run(pump: Pump) -> None:
    pump.start(PHASES)
    pump.run(3)
    assert pump.controller.program
    pump.controller.program.phases[0][2] ^= 1


FAULTS: dict[str, tuple[Callable[[Pump], object], str]] = {
    "self-test: keys": (key_is_down_at_power_on, "SELF_TEST_FAILED"),
    "settings: damaged": (settings_get_damaged, "MEMORY_FAULT"),
    "motor driver: short": (driver_fails_in_a_run, "MOTOR_FAULT"),
    "pulses: ": (pulses_get_lost, "MOTOR_FAULT"),
    "pressure sensor: -": (pressure_sensor_comes_off, "SENSOR_FAULT"),
    "supply and temperature: 12000 mV, -500 dC": (chip_is_colder_than_can_be, "SENSOR_FAULT"),
    "self-test: program": (program_gets_damaged_in_a_run, "SELF_TEST_FAILED"),
}


@pytest.mark.requirement("SR-LOG-02")
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_one_record_and_its_alarm_is_the_next_record(fault: str) -> None:
    bring, alarm = FAULTS[fault]
    pump = Pump()
    bring(pump)
    pump.run(10)
    log = pump.log
    ((place, found_ms),) = [(place, entry[1]) for place, entry in enumerate(log) if entry[2] == "fault"]
    assert log[place][3].startswith(fault)
    _, raised_ms, kind, text = log[place + 1]
    assert (kind, text.partition(" at ")[0]) == ("alarm", alarm)
    assert raised_ms - found_ms <= 100, "a control tick"
    assert pump.alarms == [alarm]


# --- what is mended


@pytest.mark.requirement("SR-DIAG-10")
def test_a_damaged_line_that_the_host_repeats_is_logged_and_no_alarm() -> None:
    pump = Pump()
    assert pump.target.link.plugged
    line = framing.encode({"id": 0, "method": "hello", "params": {}})
    pump.target.write(line[:10] + b"#" + line[11:])
    pump.target.write(line)
    pump.run(2)
    assert pump.told("mended") == ["link: 1 faulty lines passed over"]
    assert (pump.state, pump.controller.alarms) == ("IDLE", 0)


@pytest.mark.requirement("SR-DIAG-10")
def test_a_driver_that_answers_when_it_is_asked_again_is_logged_the_seldomer_the_more_often_and_no_alarm() -> None:
    pump = Pump()
    for looks_s in (2.0, 1.0, 1.0, 1.0):
        pump.run(5)
        pump.target.motor_driver.fault = "silent"
        pump.run(looks_s)
        pump.target.motor_driver.fault = None
    pump.run(5)
    replies = [text.partition(":")[2].split()[0] for text in pump.told("mended")]
    assert pump.told("mended")[0].endswith("replies lost, asked again")
    assert replies == ["2", "4"], "of 2, 3, 4 and 5"
    assert (pump.state, pump.controller.alarms, pump.told("fault")) == ("IDLE", 0, [])


@pytest.mark.requirement("SR-ALARM-12")
def test_a_reminder_says_what_the_pump_saw_before() -> None:
    pump = Pump()
    pump.start(PHASES)
    pump.run(3)
    pump.ask("pause")
    pump.run(301)
    (text,) = pump.told("reminder")
    assert text.startswith("waiting in PAUSED at ")
    assert len(text.partition("each second before ")[2].split()) == 6, "five readings, and the unit"


@pytest.mark.requirement("SR-DIAG-10")
def test_a_record_that_a_power_cut_tore_is_cut_off_and_logged_and_no_alarm() -> None:
    pump = Pump()
    for _ in range(3):
        pump.ask("stop")
    pump.run(1)
    store = pump.target.store
    pump.restart()
    assert pump.told("mended") == [], "nothing was torn"
    pump.target.cut_power()
    store.files[TAIL] = store.files[TAIL][:-1]
    pump.target.restore_power()
    pump.run(1)
    assert pump.told("mended") == ["journal: 1 records cut off in the middle"]
    assert (pump.state, pump.controller.alarms, pump.told("fault")) == ("IDLE", 0, [])
