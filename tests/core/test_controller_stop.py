"""Start, stop and start again, asked of the controller itself: what bars a start, what a stop books, what goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pump.core import readings, wire
from pump.core.syringes import fill_steps, step_volume_pl
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.core.strategies import NO_SHRINKING
from tests.programs import SYRINGE, Oracle, flat, header

STEP = step_volume_pl(SYRINGE, 2000, 3200)
PHASES = flat(300, 60)
NG_PER_NL = 0.98  # at the concentration of the tests' header


def ready(pump: Pump) -> None:
    pump.ask("confirm", digest=pump.load(PHASES), overrides=[])
    assert pump.state == "READY"


def steps(pump: Pump) -> int:
    return pump.target.mechanics.steps


# --- what bars a start


def fails_its_self_test(pump: Pump) -> None:
    ready(pump)
    pump.target.cut_power()
    pump.target.sensor.fault = "open"
    pump.target.restore_power()
    pump.controller.access.hear()


def has_no_syringe_declared(pump: Pump) -> None:
    digest = pump.ask("load", program=header(PHASES), first=0, phases=PHASES)["digest"]
    with pytest.raises(Refused, match="declare a bd-plastipak-50 first"):
        pump.ask("confirm", digest=digest, overrides=[])


def has_no_program_confirmed(pump: Pump) -> None:
    pump.load(PHASES)


def has_an_alarm_that_nobody_acknowledged(pump: Pump) -> None:
    pump.start(PHASES)
    pump.run(1)
    pump.target.fit(False)
    pump.run(1)
    pump.target.fit(True)
    pump.run(1)
    pump.ask("stop")
    ready(pump)


def is_under_a_blocking_condition(pump: Pump) -> None:
    ready(pump)
    pump.target.set_supply(8)
    pump.run(30)


def has_no_syringe_in_its_holder(pump: Pump) -> None:
    ready(pump)
    pump.target.fit(False)
    pump.run(1)


def has_its_guard_open(pump: Pump) -> None:
    ready(pump)
    pump.target.close_guard(False)
    pump.run(1)


def holds_another_program_than_was_confirmed(pump: Pump) -> None:
    ready(pump)
    assert pump.controller.program is not None
    pump.controller.program.phases[0][1] += 1


BARS: list[tuple[Callable[[Pump], None], str]] = [
    (fails_its_self_test, "in state FAULT; possible in READY"),
    (has_no_syringe_declared, "in state IDLE; possible in READY"),
    (has_no_program_confirmed, "in state IDLE; possible in READY"),
    (has_an_alarm_that_nobody_acknowledged, "acknowledge first: SYRINGE_MISSING"),
    (is_under_a_blocking_condition, "in state ALARM; possible in READY"),
    (has_no_syringe_in_its_holder, "no syringe in its holder"),
    (has_its_guard_open, "the guard is open"),
    (holds_another_program_than_was_confirmed, "not the one that was confirmed"),
]


@pytest.mark.requirement("SR-STOP-01")
@pytest.mark.parametrize(("comes_to_it", "why"), BARS, ids=lambda value: getattr(value, "__name__", ""))
def test_it_does_not_start_and_says_why_while_it(comes_to_it: Callable[[Pump], None], why: str) -> None:
    pump = Pump()
    comes_to_it(pump)
    before = steps(pump)
    with pytest.raises(Refused, match=why):
        pump.ask("start")
    assert not pump.target.motor_on
    pump.run(1)
    assert steps(pump) == before


@pytest.mark.requirement("SR-STOP-01")
def test_it_starts_once_all_that_barred_it_is_over() -> None:
    pump = Pump()
    has_an_alarm_that_nobody_acknowledged(pump)
    before = steps(pump)
    pump.ask("acknowledge")
    pump.ask("start")
    assert pump.state == "INFUSING"
    pump.run(1)
    assert pump.target.motor_on
    assert steps(pump) > before


# --- while it runs, nothing of the program is changed


@pytest.mark.requirement("SR-RATE-07")
def test_what_is_asked_for_another_program_moves_no_step_of_the_one_that_runs() -> None:
    left_alone, edited = Pump(), Pump()
    bounds = [10 * 10**9, 30 * 10**9]
    phases = [*flat(60, 4), ["ramp", 4000, 10 * 10**9, 90 * 10**9], [*flat(20, 4)[0], *bounds]]
    other = flat(300, 60)
    edits: list[tuple[str, dict[str, Any]]] = [
        ("load", {"program": header(other), "first": 0, "phases": other}),
        ("load", {"program": header(phases), "first": 3, "phases": other}),
        ("confirm", {"digest": wire.program_digest(header(other), other), "overrides": []}),
        ("syringe", {"syringe": SYRINGE, "fill_nl": 1_000_000}),
        ("configure", {"settings": {name: row[0] for name, row in wire.SETTINGS.items()}}),
        ("adjust", {"rate_pl_h": bounds[1] + 1, "overrides": []}),
        ("start", {}),
    ]
    for pump in (left_alone, edited):
        pump.start(phases)
    for turn in range(35):
        for pump in (left_alone, edited):
            pump.run(0.33)
        method, params = edits[turn % len(edits)]
        with pytest.raises(Refused):
            edited.ask(method, **params)
        assert edited.ask("status")["rate_nl_h"] == left_alone.ask("status")["rate_nl_h"] > 0
    times_us = [list(pump.target.mechanics.step_times_us) for pump in (left_alone, edited)]
    assert times_us[0] == times_us[1]
    assert len(times_us[0]) > 300


# --- an ordinary stop


def by_host(pump: Pump) -> None:
    pump.ask("stop")


def by_key(pump: Pump) -> None:
    pump.target.press("stop", 0.15)
    pump.run(0.2)


@pytest.mark.requirement("SR-STOP-03")
@pytest.mark.parametrize("stop", [by_host, by_key])
@settings(max_examples=15, phases=NO_SHRINKING)
@given(st.integers(1, 1200), st.integers(100, 4000))
def test_a_stop_ends_on_a_whole_step_and_all_that_was_pushed_is_booked(
    stop: Callable[[Pump], None], ml_h: int, after_ms: int
) -> None:
    """What the generator held and did not make is no step, and no step that it made is missing."""
    pump = Pump()
    pump.start(flat(ml_h, 60))
    pump.run(after_ms / 1000)
    stop(pump)
    made = steps(pump)
    assert pump.state == "IDLE"
    assert not pump.target.motor_on
    status = readings.status(pump.controller)
    assert status["counted_steps"] == made
    assert status["counted_nl"] == made * STEP[0] // (STEP[1] * 1000)
    assert status["remaining_nl"] == (fill_steps(FILL_NL, STEP) - made) * STEP[0] // (STEP[1] * 1000)
    given_ng = pump.ask("doses")["windows_ng"][0]
    assert given_ng == pytest.approx(status["counted_nl"] * NG_PER_NL, rel=0.01, abs=1)
    pump.run(1)
    assert steps(pump) == made


@pytest.mark.requirement("SR-STOP-03")
def test_a_stop_on_an_empty_syringe_is_at_its_last_step_and_that_is_booked() -> None:
    pump = Pump()
    pump.ask("syringe", syringe=SYRINGE, fill_nl=200_000)
    changed = header(PHASES, fill_nl=200_000)
    digest = pump.ask("load", program=changed, first=0, phases=PHASES)["digest"]
    pump.ask("confirm", digest=digest, overrides=[])
    pump.ask("start")
    pump.run(4)
    assert pump.state == "ALARM"
    assert "SYRINGE_EMPTY" in pump.alarms
    status = readings.status(pump.controller)
    assert status["counted_steps"] == steps(pump) == fill_steps(200_000, STEP)
    assert status["remaining_nl"] == 0
    assert not pump.target.motor_on


@pytest.mark.requirement("SR-STOP-03")
@pytest.mark.requirement("SR-BOLUS-03")
def test_a_stop_between_an_alarm_and_the_halt_that_follows_it_books_the_program_and_ends_its_bolus() -> None:
    pump = Pump()
    pump.start(PHASES)
    pump.run(2)
    pump.target.fill_flash(True)
    pump.ask("bolus", volume_nl=100_000, duration_ms=8000, overrides=[])
    while pump.state == "BOLUS":
        pump.run(0.01)
    assert "MEMORY_FAULT" in pump.alarms
    assert pump.target.motor_on, "it is halted with the next tick"
    pump.ask("stop")
    assert readings.status(pump.controller)["counted_steps"] == steps(pump)
    assert pump.controller.kvo_steps == 0
    assert pump.ask("doses")["abandoned"] == 1
    pump.target.fill_flash(False)
    pump.ask("acknowledge")
    pump.start(PHASES)
    pump.run(2)
    pump.ask("bolus", volume_nl=100_000, duration_ms=8000, overrides=[])


@pytest.mark.requirement("SR-STOP-05")
@settings(max_examples=15, phases=NO_SHRINKING)
@example([100, 1])
@given(st.lists(st.integers(1, 1500), max_size=5))
def test_after_each_pause_it_goes_on_with_what_is_left_and_repeats_nothing(runs_ms: list[int]) -> None:
    phases = [*flat(60, 4), ["ramp", 4000, 10 * 10**9, 90 * 10**9], ["pause", 500, 0, 0], *flat(200, 2)]
    pump = Pump()
    pump.start(phases)
    for ms in runs_ms:
        pump.run(ms / 1000)
        pump.ask("pause")
        made, at_ms = steps(pump), readings.status(pump.controller)["infused_ms"]
        pump.run(0.7)
        assert steps(pump) == made, "a step while it is paused"
        assert made <= Oracle(phases).steps(at_ms + 1)
        pump.ask("resume")
    pump.run(13)
    assert "INFUSION_COMPLETE" in pump.alarms
    assert steps(pump) == readings.status(pump.controller)["counted_steps"] == Oracle(phases).steps(10_500)


@pytest.mark.requirement("SR-STOP-05")
def test_a_program_that_was_stopped_is_gone_and_cannot_be_begun_again_from_its_first_step() -> None:
    pump = Pump()
    digest = pump.load(PHASES, fill_nl=1_000_000)
    pump.ask("confirm", digest=digest, overrides=[])
    pump.ask("start")
    pump.run(2)
    pump.ask("stop")
    made = steps(pump)
    for method in ("start", "resume"):
        with pytest.raises(Refused, match="in state IDLE"):
            pump.ask(method)
    with pytest.raises(Refused, match="no complete program is loaded"):
        pump.ask("confirm", digest=digest, overrides=[])
    pump.run(2)
    assert steps(pump) == made
    assert readings.status(pump.controller)["counted_steps"] == made, "for whoever loads the rest"


# --- a stop by an alarm


def occluded(pump: Pump) -> None:
    pump.feel(69_001)


def guard_open(pump: Pump) -> None:
    pump.target.close_guard(False)


def noise(pump: Pump) -> None:
    pump.target.add_pulses(300)  # fewer than the interlock lets pass


def flash_fails(pump: Pump) -> None:
    pump.target.app._background.advance = lambda: "flash"


@pytest.mark.requirement("SR-STOP-04")
@pytest.mark.parametrize(
    ("cause", "alarm", "state"),
    [
        (occluded, "OCCLUSION", "ALARM"),
        (guard_open, "GUARD_OPEN", "ALARM"),
        (noise, "MOTOR_FAULT", "FAULT"),
        (flash_fails, "SELF_TEST_FAILED", "FAULT"),
    ],
)
def test_no_step_forward_is_made_from_the_moment_at_which_a_fault_is_latched(
    cause: Callable[[Pump], None], alarm: str, state: str
) -> None:
    """Though the generator holds a quarter of a second of steps."""
    pump = Pump()
    pump.start(flat(1200, 60))
    pump.run(2.05)
    mechanics, controller = pump.target.mechanics, pump.controller
    latched_us: list[int] = []
    raise_alarms = controller.raise_alarms

    def watched(bits: int) -> None:
        latched_us.append(pump.target.now_us)
        raise_alarms(bits)

    controller.raise_alarms = watched  # type: ignore[method-assign]
    cause(pump)
    pump.run(2)
    assert alarm in pump.alarms
    assert pump.state == state
    assert latched_us[0] - 2000 < mechanics.last_forward_us <= latched_us[0], "it ran until then, and no further"
