"""Deliberate defects of firmware and plant, and the pytest plugin that switches one on: `--plant-fault NAME`.

Each is put into the simulated pump from outside; the firmware has no code for any of it. `tests` names those that are
for the defect: they must fail. tools/planted_faults.py runs them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from hil.devices import clock, interlock, pressure, stepper, watchdog
from hil.plant import line, plunger
from hil.plant.data import PlantData
from pump.core import (
    commands,
    controller,
    courses,
    dosing,
    feeder,
    framing,
    journal,
    ledger,
    limits,
    memory,
    monitors,
    panel,
    sensors,
    session,
    signals,
    states,
    tmc2209,
)


class Fault(NamedTuple):
    """what: in words. plant(): switches it on, for good. tests: functions, or one case of them, that must fail."""

    what: str
    plant: Callable[[], None]
    tests: tuple[str, ...]


def put(owner: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    """A fault that replaces owner.name by what `make` makes of it."""
    return lambda: setattr(owner, name, make(getattr(owner, name)))


def always(value: Any) -> Callable[[Any], Any]:
    """A function that does nothing, and answers this."""
    return lambda _: lambda *args, **kwargs: value


def every_hundredth_is_lost(step: Callable[..., None]) -> Callable[..., None]:
    count = [0]

    def slips(self: Any, at_us: int, direction: int) -> None:
        count[0] += 1
        if count[0] % 100:
            step(self, at_us, direction)

    return slips


def wider(step_volume_pl: Callable[..., tuple[int, int]]) -> Callable[..., tuple[int, int]]:
    def wrong(*syringe: Any) -> tuple[int, int]:
        pl, divisor = step_volume_pl(*syringe)
        return pl * 102 // 100, divisor

    return wrong


def scaled(times: float, index: int | None = None) -> Callable[[Any], Any]:
    """The result, or one value of it, times so much."""

    def make(function: Any) -> Any:
        def wrong(*args: Any) -> Any:
            found = function(*args)
            if index is None:
                return int(found * times)
            values = list(found)
            values[index] = int(values[index] * times)
            return tuple(values)

        return wrong

    return make


def half_the_concentration(window_steps: Callable[..., Any]) -> Callable[..., Any]:
    return lambda entry, weight_g, ng_ml, step_volume: window_steps(entry, weight_g, ng_ml // 2, step_volume)


def no_sound(update: Callable[..., bool]) -> Callable[..., bool]:
    def silent(self: Any, elapsed_ms: int) -> bool:
        changed = update(self, elapsed_ms)
        self.tone_hz = 0
        return changed

    return silent


def forgets_the_reply(answer: Callable[..., Any]) -> Callable[..., Any]:
    def again(self: Any, message: Any, act: Any) -> Any:
        if message == self._last_request:
            self._last_id -= 1
            self._last_request = None
        return answer(self, message, act)

    return again


def any_crc(decode: Callable[..., Any]) -> Callable[..., Any]:
    import binascii

    def lenient(data: bytes) -> Any:
        text = bytes(data[:-9])
        return decode(b"%s %08x" % (text, binascii.crc32(text)))

    return lenient


def any_digest(confirm: Callable[..., Any]) -> Callable[..., Any]:
    def trusting(pump: Any, digest: str, overrides: Any) -> Any:
        stored = pump.program.digest if pump.program and pump.program.complete else digest
        return confirm(pump, stored, overrides)

    return trusting


def command(name: str, make: Callable[[Any], Any]) -> Callable[[], None]:
    def plant() -> None:
        commands.COMMANDS[name] = make(commands.COMMANDS[name])

    return plant


def row(state: str, event: str, after: str) -> Callable[[], None]:
    def plant() -> None:
        states.STATES[state][states.NEXT][event] = after

    return plant


def pushes_on(steer: Callable[..., None]) -> Callable[..., None]:
    def wrong(self: Any) -> None:
        steer(self)
        if self.state == "ALARM":
            self.course = self.infusion

    return wrong


def claims_to_be_saved(save: Callable[..., bool]) -> Callable[..., bool]:
    def nothing(self: Any) -> bool:
        self.saved = self.last
        return True

    return nothing


def never_missing(sample: Callable[..., None]) -> Callable[..., None]:
    def present(self: Any) -> None:
        sample(self)
        self.syringe = True

    return present


def key_is_dead(pressed: Callable[..., None]) -> Callable[..., None]:
    from pump.core import keys

    return lambda pump, actions: pressed(pump, actions & ~keys.STOP)


def both(*plants: Callable[[], None]) -> Callable[[], None]:
    def plant() -> None:
        for one in plants:
            one()

    return plant


def silently_boots(booted: Callable[..., None]) -> Callable[..., None]:
    def quiet(self: Any, watchdog_reset: bool, failed: Any) -> None:
        self.memory.interrupted = False
        booted(self, watchdog_reset, failed)

    return quiet


def runs_fast(elapsed_us: Callable[..., int]) -> Callable[..., int]:
    return lambda self: elapsed_us(self) * 101 // 100


def longer_screw(drive: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, bore_mm, lead_mm, *rest: drive(self, bore_mm, lead_mm * 1.02, *rest)


def stiff_stopper(make: Callable[..., Any]) -> Callable[..., Any]:
    from dataclasses import replace

    def sticky(self: PlantData, *args: Any) -> Any:
        loose = self.stiffness_n_mm > 1e6
        return make(self if loose else replace(self, breakaway_n=9.0), *args)

    return sticky


def leaks_past_the_fitting(make: Callable[..., line.LineData]) -> Callable[..., line.LineData]:
    from dataclasses import replace

    return lambda *args: replace(make(*args), fitting_kpa_s_ul=200.0)


def colours(*flashes: tuple[int, int, int]) -> Callable[[], None]:
    def plant() -> None:
        signals.FLASHES = flashes  # type: ignore[assignment]

    return plant


HIL = "tests/hil/"
FLOW = HIL + "test_accuracy.py::test_flow_of_two_hours"
PERFECT = HIL + "test_accuracy.py::test_on_perfect_metal_the_flow_is_the_programs"
OCCLUSION = HIL + "test_occlusion.py::"
ALARM = HIL + "test_alarms.py::test_it_stops_the_motor_and_lets_nobody_on_while_its_cause_is_there"
FAULTS: dict[str, Fault] = {
    "motor-slips": Fault(
        "the motor slips at one step in a hundred, behind the pulse counter",
        put(plunger.Plunger, "step", every_hundredth_is_lost),
        (PERFECT,),
    ),
    "wrong-bore": Fault(
        "the firmware's table has a bore 1 % too wide",
        put(controller, "step_volume_pl", wider),
        (PERFECT, FLOW),
    ),
    "wrong-lead": Fault("a screw of 2.04 mm lead", put(PlantData, "drive", longer_screw), (FLOW,)),
    "sticky-stopper": Fault("a dry stopper that leaps", put(PlantData, "plunger", stiff_stopper), (FLOW,)),
    "clock-runs-fast": Fault(
        "the controller's clock gains one part in a hundred",
        put(clock.Clock, "elapsed_us", runs_fast),
        (HIL + "test_bench.py::test_the_pumps_clock_keeps_the_benchs_time",),
    ),
    "generator-fast": Fault(
        "the step generator gains one part in a hundred",
        put(stepper, "decode", lambda decode: lambda word: (decode(word)[0], decode(word)[1] * 99 // 100)),
        (HIL + "test_short_program.py::test_no_step_is_early_and_none_is_late",),
    ),
    "half-concentration": Fault(
        "the dose windows reckon with half the concentration",
        put(limits, "window_steps", half_the_concentration),
        (HIL + "test_dosing.py::test_the_dose_of_an_hour_is_never_beyond_its_limit",),
    ),
    "window-off": Fault(
        "the dose windows allow a tenth more",
        put(
            limits, "window_steps", lambda window_steps: lambda *args: tuple(s * 11 // 10 for s in window_steps(*args))
        ),
        (HIL + "test_dosing.py::test_the_dose_of_an_hour_is_never_beyond_its_limit",),
    ),
    "lockout-short": Fault(
        "a bolus is allowed a second too early",
        put(ledger.Ledger, "lockout_left_ms", lambda left: lambda self, ms: max(left(self, ms) - 1000, 0)),
        (HIL + "test_dosing.py::test_the_lockout_is_kept_to_the_control_tick",),
    ),
    "bolus-big": Fault(
        "a bolus is a tenth too big",
        put(dosing.Dosing, "check_bolus", scaled(1.1)),
        (HIL + "test_bolus_accuracy.py::test_twenty_five_boluses",),
    ),
    "kvo-fast": Fault(
        "the hold rate is doubled",
        put(dosing.Dosing, "hold_bounds", scaled(2, 0)),
        (
            HIL + "test_accuracy.py::test_hold_rate_after_the_end",
            HIL + "test_kvo.py::test_after_completion_it_holds_at_no_more_than_the_rate_that_ran",
        ),
    ),
    "occlusion-ignored": Fault(
        "no pressure is too high, and no leap is noticed",
        both(
            put(monitors.Occlusion, "update", always(False)),
            put(monitors.Leap, "update", always(0)),
        ),
        (OCCLUSION + "test_at_the_highest_rate", OCCLUSION + "test_at_low_rates", ALARM + "[sim-OCCLUSION]"),
    ),
    "pressure-half": Fault(
        "the pressure reads half of what it is",
        put(pressure.Pressure, "pascal", scaled(0.5)),
        (OCCLUSION + "test_at_low_rates",),
    ),
    "no-back-off": Fault(
        "the plunger stays where an occlusion stopped it",
        put(courses, "relief", always(None)),
        (
            OCCLUSION + "test_at_low_rates",
            OCCLUSION + "test_with_the_softest_syringe",
            HIL + "test_faults.py::test_occlusion_stops_backs_off_and_the_program_delivers_its_volume_all_the_same",
            HIL + "test_kvo.py::test_a_line_that_is_shut_while_it_holds_is_relieved_too",
        ),
    ),
    "air-ignored": Fault(
        "air is not noticed", put(monitors.Air, "update", always(False)), (ALARM + "[sim-AIR_IN_LINE]",)
    ),
    "syringe-ignored": Fault(
        "a syringe is always there",
        put(sensors.Sensors, "sample", never_missing),
        (HIL + "test_alarms.py::test_without_a_syringe_it_does_not_start", ALARM + "[sim-SYRINGE_MISSING]"),
    ),
    "heat-ignored": Fault(
        "no heat is too much", put(monitors.Heat, "update", always(False)), (ALARM + "[sim-OVERHEATED]",)
    ),
    "battery-ignored": Fault(
        "a depleted battery is taken for a low one",
        put(monitors.Supply, "update", lambda update: lambda self, mv: update(self, mv) & ~monitors.DEPLETED),
        (
            ALARM + "[sim-BATTERY_DEPLETED]",
            HIL + "test_incidents.py::test_medfusion_4000_no_alarm_on_a_depleted_battery",
        ),
    ),
    "link-loss-ignored": Fault(
        "a silent host is not missed",
        put(monitors.Silence, "update", always(False)),
        (HIL + "test_faults.py::test_a_host_that_falls_silent_is_an_alarm_and_the_program_goes_on",),
    ),
    "near-empty-late": Fault(
        "NEAR_EMPTY comes a minute late",
        put(monitors, "near_empty", lambda near: lambda nl, nl_h, minutes: near(nl, nl_h, minutes - 1)),
        (HIL + "test_alarms.py::test_near_empty_comes_minutes_ahead",),
    ),
    "alarm-silent": Fault(
        "alarms make no sound",
        put(signals.Annunciator, "update", no_sound),
        (
            HIL + "test_alarm_latency.py::test_light_and_sound_follow_the_cause",
            HIL + "test_panel.py::test_a_medium_alarm_sounds_and_flashes_as_the_standard_asks",
        ),
    ),
    "alarm-dark": Fault(
        "alarms light no lamp",
        put(signals, "FLASHES", lambda flashes: tuple((0, on, off) for _, on, off in flashes)),
        (
            HIL + "test_alarm_latency.py::test_light_and_sound_follow_the_cause",
            HIL + "test_panel.py::test_the_light_shows_the_highest_priority",
        ),
    ),
    "alarm-pumps-on": Fault(
        "the motor runs on in ALARM",
        put(controller.Controller, "_steer", pushes_on),
        (HIL + "test_incidents.py::test_medfusion_4000_delivery_went_on_during_an_alarm",),
    ),
    "ack-starts": Fault("an acknowledgement starts the motor", row("ALARM", "ACKNOWLEDGE", "INFUSING"), (ALARM,)),
    "stop-ignored": Fault(
        "the host's stop is answered and not obeyed",
        command("stop", always({})),
        (HIL + "test_faults.py::test_stop_ends_stepping_within_20_ms",),
    ),
    "stop-key-dead": Fault(
        "the stop key does nothing",
        put(panel, "pressed", key_is_dead),
        (HIL + "test_panel.py::test_one_short_press_of_stop_ends_stepping",),
    ),
    "journal-not-written": Fault(
        "the log stays in memory",
        put(journal.Journal, "save", claims_to_be_saved),
        (HIL + "test_power.py::test_what_the_log_told_is_there_after_a_power_cut",),
    ),
    "totals-not-written": Fault(
        "checkpoints are not written",
        put(memory.Memory, "save_totals", always(True)),
        (
            HIL + "test_faults.py::test_after_a_power_cut_the_pump_stands_still",
            HIL + "test_power.py::test_a_cut_at_any_byte_that_is_written_loses_nothing",
        ),
    ),
    "power-loss-hidden": Fault(
        "after a power cut the pump is as if nothing had been",
        put(controller.Controller, "booted", silently_boots),
        (HIL + "test_faults.py::test_after_a_power_cut_the_pump_stands_still",),
    ),
    "watchdog-not-fed": Fault(
        "nobody feeds the watchdog",
        put(watchdog.Watchdog, "feed", always(None)),
        (HIL + "test_short_program.py::test_ends_complete_with_every_step",),
    ),
    "watchdog-asleep": Fault(
        "the watchdog never bites",
        put(watchdog.Watchdog, "__init__", lambda init: lambda self, clock, ms: init(self, clock, 10**9)),
        (HIL + "test_faults.py::test_hang_starves_the_motor_then_the_watchdog_resets",),
    ),
    "bolus-twice": Fault(
        "a repeated request is done again",
        put(session.Session, "answer", forgets_the_reply),
        (
            HIL + "test_client.py::test_a_lost_reply_is_repeated_and_the_bolus_is_one",
            HIL + "test_link_fuzz.py::test_a_repeated_id_acts_once_and_is_answered_the_same",
        ),
    ),
    "crc-ignored": Fault(
        "a damaged line is believed",
        put(framing, "decode", any_crc),
        (HIL + "test_link_fuzz.py::test_a_flipped_bit_in_any_command_is_not_acted_on",),
    ),
    "digest-ignored": Fault(
        "any digest confirms",
        command("confirm", any_digest),
        (HIL + "test_link_fuzz.py::test_the_two_steps_before_motion_cannot_be_skipped",),
    ),
    "motor-fault-ignored": Fault(
        "pulses that get lost are not missed",
        put(controller, "motor_fault", always(False)),
        (HIL + "test_bench.py::test_pulses_that_get_lost_are_missed",),
    ),
    "interlock-open": Fault(
        "the interlock lets every pulse pass",
        put(interlock.Interlock, "passed", always(None)),
        (
            HIL + "test_interlock.py::test_pulses_that_nobody_granted_move_nothing_though_the_firmware_hangs",
            HIL + "test_interlock.py::test_a_generator_that_runs_wild_is_cut_off_at_once_and_that_is_a_fault",
        ),
    ),
    "driver-not-heard": Fault(
        "nobody hears what the motor driver says",
        put(tmc2209.Tmc2209, "look", always("")),
        (HIL + "test_motor_driver.py::test_where_no_pulse_moves_the_motor_it_is_off_for_good",),
    ),
    "no-ramp": Fault(
        "an ordinary stop is as abrupt as an alarm's",
        put(feeder.Feeder, "ramp_down", always(0)),
        (HIL + "test_ramp.py::test_pause_and_stop_ramp_down_within_20_ms_and_nothing_is_lost",),
    ),
    "relief-wrong-way": Fault(
        "a back-off goes on though the pressure rises",
        put(controller.Controller, "_relief_ends", always(False)),
        (HIL + "test_motor_driver.py::test_a_broken_dir_is_found_when_the_plunger_is_to_back_off",),
    ),
    "leaky-clamp": Fault(
        "the clamp of the bench lets through",
        put(
            line.Line,
            "clamp",
            lambda clamp: (
                lambda self, at_us, closed, leak=None: clamp(self, at_us, closed, 5.0 if leak is None else leak)
            ),
        ),
        (OCCLUSION + "test_at_low_rates",),
    ),
    "fitting-leaks": Fault(
        "a fitting leaks a drop of 40 µL in two minutes at the highest pressure",
        put(PlantData, "line", leaks_past_the_fitting),
        (HIL + "test_tightness.py::test_the_highest_pressure_stays",),
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plant-fault", choices=sorted(FAULTS), help="switches one deliberate defect on")


def pytest_configure(config: pytest.Config) -> None:
    if name := config.getoption("--plant-fault"):
        FAULTS[name].plant()
