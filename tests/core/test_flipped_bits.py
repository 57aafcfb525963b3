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
from tests.core.pumps import Pump, Refused
from tests.programs import FLAT_RAMP_PAUSE_BOLUS, SYRINGE, header

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
