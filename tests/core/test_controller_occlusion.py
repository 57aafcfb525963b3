"""The way back: how soon an occlusion stops the motor, one move that relieves it, and no other backward step, ever."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hil.boards import board_data
from pump.core import wire
from pump.core.signals import YELLOW
from pump.core.syringes import step_volume_pl
from tests.core.hosts import start_under, under_entry
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.core.strategies import NO_SHRINKING
from tests.programs import SYRINGE, flat, header

BOARD = board_data("pico")
STEP = step_volume_pl(SYRINGE, 2000, 3200)
STEP_NL = STEP[0] / STEP[1] / 1000
RELIEF_STEPS = int(BOARD.RELIEF_NL / STEP_NL)
DELAY_US = 150_000  # that the project allows, from the first sample over the limit
RELIEF_S = 40  # longer than any relief takes


@pytest.mark.requirement("SR-OCC-03")
@pytest.mark.parametrize("level", range(3))
def test_from_the_first_sample_over_the_limit_to_stop_light_and_sound_it_is_within_the_delay(level: int) -> None:
    limit_pa = BOARD.OCCLUSION_PA[level]
    pump = Pump()
    settings = {name: default for name, (_, _, default, _) in wire.SETTINGS.items()} | {"occlusion_level": level}
    pump.ask("configure", settings=settings)
    pump.start(flat(100, 60))
    pump.run(2)
    pump.feel(limit_pa)
    pump.run(2)
    assert pump.alarms == []
    pump.feel(limit_pa + 1)
    sampled_us = pump.target.now_us + BOARD.CONTROL_PERIOD_MS * 1000  # by the next tick, the first that sees it
    pump.run(2)
    assert pump.alarms == ["OCCLUSION"]
    assert pump.state == "ALARM"
    _, tone_hz, lights = [edge for edge in pump.target.annunciator.edges if edge[0] <= sampled_us + DELAY_US][-1]
    assert tone_hz
    assert lights == YELLOW, "of medium priority"
    assert 0 < pump.target.mechanics.last_forward_us <= sampled_us + DELAY_US


@pytest.mark.requirement("SR-OCC-04")
@pytest.mark.parametrize(("seconds", "wanted_steps"), [(10, RELIEF_STEPS), (3, None)])
def test_a_pressure_that_stays_is_relieved_once_by_no_more_than_the_bound_nor_than_was_pushed(
    seconds: float, wanted_steps: int | None
) -> None:
    pump = Pump()
    pump.start(flat(1200, 60))
    pump.run(seconds)
    pump.feel(80_000)
    pump.run(0.2)
    pushed = pump.target.mechanics.steps + pump.back_steps
    pump.run(RELIEF_S)
    assert pump.back_steps == pytest.approx(wanted_steps or pushed, abs=1)
    assert pump.back_steps <= min(RELIEF_STEPS, pushed)
    assert not pump.target.motor_on
    (text,) = pump.told("relief")
    assert text == f"{int(pump.back_steps * STEP_NL)} nL back at 80000 Pa"
    pump.run(RELIEF_S)
    assert pump.back_steps <= min(RELIEF_STEPS, pushed), "no second move"
    assert pump.state == "ALARM"


@pytest.mark.requirement("SR-OCC-04")
def test_the_relief_ends_as_soon_as_the_pressure_is_relieved() -> None:
    pump = Pump()
    pump.start(flat(1200, 60))
    pump.run(10)
    pump.feel(80_000)
    pump.run(2)
    pump.feel(BOARD.RELIEVED_PA + 1)
    pump.run(2)
    assert pump.target.motor_on
    pump.feel(BOARD.RELIEVED_PA)
    pump.run(0.2)
    assert not pump.target.motor_on
    assert 0 < pump.back_steps < RELIEF_STEPS
    assert len(pump.told("relief")) == 1


@pytest.mark.requirement("SR-SAFE-02", "SR-OCC-04")
@pytest.mark.parametrize("rise_pa", [BOARD.PRESSURE_LEAP_PA - 1, BOARD.PRESSURE_LEAP_PA])
def test_a_relief_that_makes_the_pressure_rise_ends_and_counts_as_pushed(rise_pa: int) -> None:
    """Whatever the driver is: the wire of DIR is broken, and it goes on forward."""
    pump = Pump()
    pump.start(flat(600, 60))
    pump.run(10)
    pump.feel(80_000)
    pump.run(1)
    assert pump.target.motor_on
    counted, left_nl = pump.controller.kvo_steps, pump.controller.remaining_nl()
    pump.feel(80_000 + rise_pa)
    pump.run(0.2)
    rises = rise_pa == BOARD.PRESSURE_LEAP_PA
    assert pump.target.motor_on != rises
    assert (pump.told("fault") == ["relief: 90000 Pa, and rising: DIR?"]) == rises
    if rises:
        assert not pump.told("relief")
        assert pump.controller.kvo_steps - counted == pump.back_steps > 0, "delivered, on top of the program"
        assert pump.controller.remaining_nl() == pytest.approx(left_nl, abs=100 * STEP_NL)
        pump.feel(0)
        pump.run(1)
        pump.ask("acknowledge")
        pump.ask("resume")
        pump.run(60)
        assert "INFUSION_COMPLETE" in pump.alarms, "the program is delivered, no more and no less"


@pytest.mark.requirement("SR-OCC-04")
@pytest.mark.requirement("SR-BOLUS-05")
def test_when_more_of_a_bolus_is_taken_back_than_its_program_has_given_the_program_goes_on_without_it() -> None:
    pump = Pump()
    pump.start(flat(0.5, 3600))
    pump.run(5)
    pump.ask("bolus", volume_nl=1_000_000, duration_ms=60_000, overrides=[])
    pump.run(20)
    pump.feel(80_000)
    pump.run(RELIEF_S)
    pump.feel(0)
    pump.run(1)
    assert pump.state == "ALARM"
    pump.ask("acknowledge")
    pump.ask("resume")
    left = pump.target.mechanics.steps
    pump.run(100)
    assert pump.state == "INFUSING"
    assert pump.target.mechanics.steps - left == pytest.approx(0.5e6 / 36 / STEP_NL, abs=1), "the basal rate alone"


@pytest.mark.requirement("SR-OCC-04")
def test_what_is_taken_back_in_the_very_tick_of_the_end_is_still_to_come_after_a_hold() -> None:
    pump = under_entry(kvo_nl_h=500_000, kvo_nl=1_000_000, kvo_ms=60_000)
    start_under(pump, flat(99, 60))
    pump.run(60.05)
    pump.feel(80_000)
    pump.run(0.1)
    assert pump.alarms == ["OCCLUSION", "INFUSION_COMPLETE"]
    pump.run(RELIEF_S)
    pump.feel(0)
    pump.run(1)
    pump.ask("acknowledge")
    pump.ask("resume")
    pump.run(5)
    pump.ask("hold")
    pump.run(5)
    pump.ask("resume")
    pump.run(60)
    assert pump.alarms == ["INFUSION_COMPLETE"]
    assert pump.ask("status")["counted_nl"] == pytest.approx(99e6 / 60, abs=STEP_NL)


@pytest.mark.requirement("SR-OCC-04")
def test_a_hold_that_meets_an_occlusion_is_relieved_by_what_it_pushed_and_the_program_is_as_it_was() -> None:
    pump = under_entry(kvo_nl_h=1_000_000, kvo_nl=1_000_000, kvo_ms=600_000)
    start_under(pump, flat(99, 60))
    pump.run(10)
    pump.ask("hold")
    program, at_rest = pump.ask("status")["counted_steps"], pump.target.mechanics.steps
    pump.run(60)
    pushed = pump.target.mechanics.steps - at_rest
    pump.feel(80_000)
    pump.run(RELIEF_S)
    assert pump.alarms == ["OCCLUSION"]
    assert pushed - 1 <= pump.back_steps <= pushed
    assert pushed > 40
    assert pump.told("relief") == [f"{int(pump.back_steps * STEP_NL)} nL back at 80000 Pa"]
    assert pump.controller.kvo_steps == pushed - pump.back_steps
    assert pump.ask("status")["counted_steps"] == program
    assert pump.controller.remaining_nl() == pytest.approx(FILL_NL - program * STEP_NL, abs=2 * STEP_NL)
    pump.feel(0)
    pump.run(1)
    pump.ask("acknowledge")
    pump.ask("resume")
    pump.run(60)
    assert pump.alarms == ["INFUSION_COMPLETE"]
    assert pump.ask("status")["counted_nl"] == pytest.approx(99e6 / 60, abs=STEP_NL)


@pytest.mark.requirement("SR-BOLUS-02")
def test_while_a_bolus_that_was_taken_back_comes_again_no_rate_is_set_beside_it() -> None:
    pump = Pump()
    pump.start([[*flat(1, 600)[0], 0, BOARD.MAX_RATE_NL_H * 1000]])
    pump.run(5)
    pump.ask("bolus", volume_nl=1_000_000, duration_ms=4000, overrides=[])
    pump.run(8)
    pump.feel(80_000)
    pump.run(RELIEF_S)
    pump.feel(0)
    pump.run(1)
    pump.ask("acknowledge")
    pump.ask("resume")
    fastest = {"rate_pl_h": BOARD.MAX_RATE_NL_H * 1000, "overrides": []}
    for _ in range(60):
        with pytest.raises(Refused, match="taken back"):
            pump.ask("adjust", **fastest)
        pump.run(0.1)
    pump.run(5)
    pump.ask("adjust", **fastest)


# --- whatever happens


def occlude(pump: Pump) -> None:
    pump.target.sensor.offset_kpa = 90


def release(pump: Pump) -> None:
    pump.target.sensor.offset_kpa = 0


def reboot(pump: Pump) -> None:
    pump.target.cut_power()
    pump.target.restore_power()


def noise(pump: Pump) -> None:
    if pump.target.motor_on and pump.state in ("INFUSING", "BOLUS"):  # elsewhere nobody could tell it from the pump's
        pump.target.add_pulses(300)


FAULTS: dict[str, Any] = {
    "occlude": occlude,
    "release": release,
    "reboot": reboot,
    "noise": noise,
    "hang": lambda pump: pump.target.hang(),
    "open the guard": lambda pump: pump.target.close_guard(False),
    "close the guard": lambda pump: pump.target.close_guard(True),
    "take the syringe out": lambda pump: pump.target.fit(False),
    "put the syringe in": lambda pump: pump.target.fit(True),
    "let the supply fail": lambda pump: pump.target.set_supply(8),
    "mend the supply": lambda pump: pump.target.set_supply(12),
    "lose pulses": lambda pump: pump.target.lose_pulses(7),
    "break the sensor": lambda pump: setattr(pump.target.sensor, "fault", "open"),
    "fill the flash": lambda pump: pump.target.fill_flash(True),
}
REQUESTS: dict[str, dict[str, Any]] = {
    "start": {},
    "pause": {},
    "resume": {},
    "stop": {},
    "hold": {},
    "acknowledge": {},
    "bolus": {"volume_nl": 200_000, "duration_ms": 2000, "overrides": []},
    "adjust": {"rate_pl_h": 10**9, "overrides": []},
    "syringe": {"syringe": SYRINGE, "fill_nl": FILL_NL},
    "prime": {},
    "refill": {"volume_nl": 1_000_000},
}
PHASES = [["infuse", 600_000, 600 * 10**9, 600 * 10**9, 0, 900 * 10**9]]
ACTIONS = st.tuples(st.sampled_from([*FAULTS, *REQUESTS, "load"]), st.sampled_from([0.05, 1, 7, RELIEF_S]))


def act(pump: Pump, name: str) -> None:
    """Does it, or asks for it; a refusal is as good as anything."""
    if name in FAULTS:
        FAULTS[name](pump)
        return
    if name == "refill" and pump.state == "IDLE":
        return  # a mode of its own, which no infusion is in
    try:
        if name == "load":
            loaded = pump.ask("load", program=header(PHASES), first=0, phases=PHASES)
            pump.ask("confirm", digest=loaded["digest"], overrides=[])
        else:
            pump.ask(name, **REQUESTS[name])
    except Refused:
        pass


@pytest.mark.requirement("SR-DIR-01")
@settings(max_examples=20, phases=NO_SHRINKING)
@example([("occlude", RELIEF_S), ("release", 1), ("acknowledge", 1), ("resume", 7)])  # forward again
@given(st.lists(ACTIONS, min_size=4, max_size=14))
def test_nothing_that_is_asked_and_no_fault_drives_it_back_further_than_an_alarms_one_relief(
    actions: list[tuple[str, float]],
) -> None:
    """Backward steps come in ALARM alone, after an occlusion, and each time no more than the bound."""
    pump = Pump()
    pump.start(PHASES)
    pump.run(2)
    reliefs, before = 0, 0
    for name, seconds in [*actions, ("occlude", RELIEF_S)]:
        was, logged = pump.state, len(pump.told("alarm"))
        act(pump, name)
        pump.run(seconds)
        occlusions = sum(text.startswith("OCCLUSION") for text in pump.told("alarm")[logged:])
        reliefs += occlusions
        if pump.back_steps > before:
            assert occlusions or was == "ALARM", f"{name}: back in {was}"
        before = pump.back_steps
        assert before <= reliefs * (RELIEF_STEPS + 1)
        assert pump.target.mechanics.steps >= 0, "further than it had pushed"
        pump.controller.access.hear()
    if pump.state == "FAULT":
        assert not pump.target.motor_on
