"""One flipped bit in what decides rate and volume is found, and the pump stands still for good."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core.controller import Controller
from pump.core.law import DURATION_MS, END_PL_H, Law
from pump.core.program import PHASES_PER_LOOK, Program
from pump.core.syringes import step_volume_pl
from pump.core.units import TICKS_PER_MS
from pump.core.wire import PROGRAM
from tests.core.pumps import FILL_NL, Pump, Refused
from tests.programs import FLAT_RAMP_PAUSE_BOLUS, SYRINGE, flat, header

VALUES = ("_step", "_divisor", "end", "_before", "_begin", "_end", "_c0", "_c1", "_c2", "_s")
NUMBERS = sorted(name for name, (kind, _, _) in PROGRAM.items() if kind is int)
LENGTH_MS = sum(phase[DURATION_MS] for phase in FLAT_RAMP_PAUSE_BOLUS)


def law() -> Law:
    return Law(FLAT_RAMP_PAUSE_BOLUS, step_volume_pl(SYRINGE, 2000, 3200))


def flip(thing: Any, name: Any, bit: int) -> None:
    """One bit of one variable, wherever it is."""
    if isinstance(thing, list | dict):
        thing[name] ^= 1 << bit
    else:
        setattr(thing, name, getattr(thing, name) ^ 1 << bit)


@pytest.mark.requirement("SR-DIAG-09")
@settings(max_examples=60)
@given(st.integers(0, LENGTH_MS - 1), st.booleans(), st.sampled_from(VALUES), st.integers(0, 80))
def test_any_flipped_bit_of_the_law_in_use_is_found(at_ms: int, with_bolus: bool, name: str, bit: int) -> None:
    used = law()
    if with_bolus:
        used.add_bolus(10**8, 5000 * TICKS_PER_MS, at_ms * TICKS_PER_MS)
    used.seek(at_ms * TICKS_PER_MS)
    assert used.intact(law())
    flip(used, name, bit)
    assert not used.intact(law())


def loaded() -> Program:
    """So long that it takes several looks."""
    phases = [list(phase) for phase in FLAT_RAMP_PAUSE_BOLUS * 10]
    program = Program(header(phases))
    program.fastest_pl_h = 10**12
    program.add(0, phases)
    assert program.digest
    assert len(phases) > 2 * PHASES_PER_LOOK
    return program


def round_of(program: Program) -> list[bool]:
    return [program.recheck() for _ in range(-(-len(program.phases) // PHASES_PER_LOOK))]


@pytest.mark.requirement("SR-DIAG-09")
@settings(max_examples=60)
@given(st.integers(0, 39), st.integers(DURATION_MS, END_PL_H), st.integers(0, 60))
def test_any_flipped_bit_of_any_phase_is_found_within_a_round(index: int, column: int, bit: int) -> None:
    program = loaded()
    for _ in range(2):
        assert all(round_of(program))
    flip(program.phases[index], column, bit)
    assert not program.intact()
    assert not all(round_of(program))


@pytest.mark.requirement("SR-DIAG-09")
@settings(max_examples=30)
@given(st.sampled_from(NUMBERS), st.integers(0, 40))
def test_any_flipped_bit_of_the_header_is_found_within_a_round(name: str, bit: int) -> None:
    program = loaded()
    flip(program.header, name, bit)
    assert not program.intact()
    assert not all(round_of(program))


def volume_of_a_step(controller: Any, bit: int) -> None:
    pl, divisor = controller.step_volume
    controller.step_volume = pl ^ 1 << bit, divisor


# What is flipped in a whole pump: one of each place that the law and the program above do not stand for.
PLACES: dict[str, Callable[[Any, int], None]] = {
    "rate of the phase": lambda controller, bit: flip(controller.program.phases[0], END_PL_H, bit),
    "concentration": lambda controller, bit: flip(controller.program.header, "concentration_ng_ml", bit),
    "volume of a step": volume_of_a_step,
    "law in use": lambda controller, bit: flip(controller.infusion.planner.law, "_c1", bit),
}


@pytest.mark.requirement("SR-DIAG-09")
@pytest.mark.parametrize("bit", [0, 17])
@pytest.mark.parametrize("place", PLACES)
def test_a_bit_that_flips_in_a_run_stops_the_pump_for_good_within_two_seconds(place: str, bit: int) -> None:
    pump = Pump()
    pump.start([list(phase) for phase in FLAT_RAMP_PAUSE_BOLUS])
    pump.run(10)
    assert (pump.state, pump.alarms) == ("INFUSING", []), "nothing is found where nothing is wrong"
    PLACES[place](pump.controller, bit)
    pump.run(2.1)
    assert (pump.state, pump.alarms, pump.target.motor_on) == ("FAULT", ["SELF_TEST_FAILED"], False)
    assert pump.told("fault") == ["self-test: program"]
    steps = pump.target.stepper.pulses
    pump.ask("stop")
    pump.run(5)
    assert (pump.state, pump.target.stepper.pulses) == ("FAULT", steps)


def the_rest_of_a_timed_bolus(pump: Pump) -> Any:
    """One on request comes in its middle: what waits behind it stands in no program."""
    pump.start([["bolus", 60_000, 24 * 10**9, 24 * 10**9], *flat(5, 60)])
    pump.run(5)
    pump.ask("bolus", volume_nl=20_000, duration_ms=10_000, overrides=[])
    pump.run(2)
    return pump.controller.infusion, lambda bit: flip(pump.controller.infusion.phases[2], END_PL_H, bit)  # type: ignore[union-attr]


def the_rate_that_an_operator_set(pump: Pump) -> Any:
    rate = 10 * 10**9
    pump.start([["infuse", 60_000, rate, rate, rate // 2, 2 * rate]])
    pump.run(5)
    pump.ask("adjust", rate_pl_h=rate + 1, overrides=[])
    pump.run(2)
    return pump.controller.infusion, lambda bit: flip(pump.controller.infusion.phases[1], END_PL_H, bit)  # type: ignore[union-attr]


def what_fills_the_line(pump: Pump) -> Any:
    """One of the courses that stand in no program; the hold rate is another."""
    pump.ask("syringe", syringe=SYRINGE, fill_nl=FILL_NL)
    pump.ask("prime")
    pump.run(2)
    return pump.controller.course, lambda bit: flip(pump.controller.course.phases[0], DURATION_MS, bit)  # type: ignore[union-attr]


def the_syringes_last_step(pump: Pump) -> Any:
    pump.start(flat(5, 60))
    pump.run(5)
    return pump.controller.infusion, lambda bit: flip(pump.controller, "syringe_end_steps", bit)


def what_is_planned(name: str, ml_h: float = 2) -> Callable[[Pump], Any]:
    def at_a_steady_rate(pump: Pump) -> Any:
        pump.start(flat(ml_h, 60))
        pump.run(5)
        return pump.controller.infusion, lambda bit: flip(pump.controller.infusion.planner, name, bit)  # type: ignore[union-attr]

    return at_a_steady_rate


# What a program's digest does not cover: how to get there; what runs then, and how to flip a bit of what it goes by.
IN_A_RUN: dict[str, Callable[[Pump], Any]] = {
    "rest of a timed bolus": the_rest_of_a_timed_bolus,
    "rate that an operator set": the_rate_that_an_operator_set,
    "what fills the line": what_fills_the_line,
    "the syringe's last step": the_syringes_last_step,
    "steps that are planned": what_is_planned("planned"),
    "ticks of a step": what_is_planned("_even_ticks"),
    "rests between steps": what_is_planned("_rests"),
    "fraction of a tick": what_is_planned("_fraction"),
    "word of a step": what_is_planned("_short", 20),
    "ticks that are planned": what_is_planned("position"),
}


@pytest.mark.requirement("SR-DIAG-09")
@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("place", IN_A_RUN)
def test_a_bit_that_flips_in_what_no_program_says_stops_the_pump_within_two_seconds(place: str, bit: int) -> None:
    pump = Pump()
    runs, flip_bit = IN_A_RUN[place](pump)
    pump.run(3)
    assert pump.controller.course is runs
    assert "SELF_TEST_FAILED" not in pump.alarms, "nothing is found where nothing is wrong"
    flip_bit(bit)
    pump.run(2.1)
    assert (pump.state, pump.target.motor_on) == ("FAULT", False)
    assert "SELF_TEST_FAILED" in pump.alarms


@pytest.mark.requirement("SR-DIAG-09")
@pytest.mark.parametrize("steps", [-4096, -128, -16, 128, 4096])
def test_where_steps_share_words_too_their_number_is_that_of_the_law(steps: int) -> None:
    """At a fast rate no number is added up. What seems to be missing, a lot or 0.2 s of it, is not made up."""
    pump = Pump()
    pump.start(flat(100, 60))
    pump.run(5)
    infusion = pump.controller.infusion
    assert infusion
    assert not infusion.planner._even_ticks
    infusion.planner.planned += steps
    before = pump.target.stepper.pulses
    pump.run(1.1)
    assert (pump.state, pump.target.motor_on) == ("FAULT", False)
    assert pump.target.stepper.pulses - before <= 88, "a second of it, and no more"


@pytest.mark.requirement("SR-DIAG-09")
def test_what_was_wrong_when_a_phase_was_cut_is_found_all_the_same() -> None:
    pump = Pump()
    rate = 10 * 10**9
    pump.start([["infuse", 60_000, rate, rate, rate // 2, 2 * rate]])
    pump.run(5)
    for _ in range(2):  # the second cuts a piece, right behind the bit that flips in it
        pump.ask("adjust", rate_pl_h=rate, overrides=[])
        infusion = pump.controller.infusion
        assert infusion
        infusion.phases[-1][END_PL_H] ^= 8
    pump.run(1.1)
    assert pump.state == "FAULT"


@pytest.mark.requirement("SR-DIAG-09")
@pytest.mark.parametrize("place", [place for place in PLACES if place != "law in use"])
def test_a_bit_that_flips_behind_the_confirmation_bars_the_start(place: str) -> None:
    pump = Pump()
    pump.ask("confirm", digest=pump.load([list(phase) for phase in FLAT_RAMP_PAUSE_BOLUS]), overrides=[])
    controller: Controller = pump.controller
    PLACES[place](controller, 3)
    with pytest.raises(Refused, match="not the one that was confirmed"):
        pump.ask("start")
    pump.run(2)
    assert (pump.state, pump.target.stepper.pulses) == ("FAULT", 0)
