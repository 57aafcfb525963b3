"""What a plan says of the pump and the syringe before anything moves."""

from fractions import Fraction
from typing import Any

import pytest
from typer.testing import CliRunner

from hil.boards import board_data
from pump.core import syringes
from titrate import Plan, Protocol
from titrate.boards import BOARDS
from titrate.cli import app
from titrate.feasibility import LONGEST_STEP_S
from titrate.plan import RESERVE_ML
from titrate.reading import packaged, parse

TOP = '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "1 mg/mL"\n'


def planned(phases: str, **options: Any) -> Plan:
    return parse(TOP + phases).plan("70 kg", **options)


def kinds(plan: Plan) -> list[tuple[str, str, bool]]:
    return [(finding.kind, finding.path, finding.stops) for finding in plan.findings]


@pytest.mark.parametrize("name", BOARDS)
def test_the_boards_are_those_of_the_firmware(name: str) -> None:
    here, there = BOARDS[name], board_data(name)
    assert (here.name, here.lead_um, here.steps_per_turn) == (there.NAME, there.LEAD_UM, there.STEPS_PER_TURN)
    assert (here.most_steps_per_s, here.most_nl_h) == (there.MAX_STEPS_PER_S, there.MAX_RATE_NL_H)


@pytest.mark.requirement("SR-RES-06")
def test_the_reserve_is_that_of_the_firmware() -> None:
    assert RESERVE_ML * 1_000_000 == syringes.RESERVE_NL == 500_000


def test_a_step_and_the_fastest_flow_follow_from_gear_and_bore() -> None:
    pico = BOARDS["pico"]
    assert float(pico.step_ml("bd-plastipak-50")) * 1000 == pytest.approx(0.347069, rel=1e-4)
    assert pico.most_ml_h("bd-plastipak-50") == 1200
    assert float(pico.most_ml_h("bd-plastipak-5")) == pytest.approx(635.1, rel=1e-3)


@pytest.mark.parametrize("name", packaged())
@pytest.mark.parametrize("syringe", syringes.SYRINGES)
def test_every_packaged_regimen_is_feasible_on_every_syringe(name: str, syringe: str) -> None:
    assert not [finding for finding in Protocol.read(name).plan("70 kg", syringe=syringe).findings if finding.stops]


def test_too_fast_says_what_would_do() -> None:
    plan = planned('[[phase]]\ninfuse = "700 mL/h"\nfor = "1 h"\n', syringe="bd-plastipak-5")
    assert kinds(plan) == [("too fast", "phase[0]", True)]
    assert "700 mL/h, but pico drives a bd-plastipak-5 at 635.11" in plan.warnings[0]
    assert "possible with a drug of 1.102167 mg/mL or more or a bd-plastipak-10" in plan.warnings[0]
    assert not planned('[[phase]]\ninfuse = "700 mL/h"\nfor = "1 h"\n', syringe="bd-plastipak-10").findings


def test_a_bolus_above_the_pumps_maximum_says_how_long_it_would_take() -> None:
    """1.5 mg/kg in 60 s: 6300 mL/h at 1 mg/mL, 126 mL/h at 50 mg/mL."""
    phases = '[[phase]]\nbolus = "1.5 mg/kg"\nover = "60 s"\n'
    plan = planned(phases)
    assert kinds(plan) == [("too fast", "phase[0]", True), ("too much", "phase[0]", False)]
    assert "needs 6300 mL/h" in plan.warnings[0]
    assert "at least 315 s for it" in plan.warnings[0]
    assert "is 105 mL, and a bd-plastipak-50 delivers 50 mL" in plan.warnings[1]
    strong = parse(TOP.replace("1 mg/mL", "50 mg/mL") + phases).plan("70 kg")
    assert strong.phases[0].begin_ml_h == 126
    assert not strong.findings


def test_too_slow_for_the_step_says_from_where_on_the_flow_is_steady() -> None:
    step_ml = BOARDS["pico"].step_ml("bd-plastipak-50")
    steady = step_ml * 3600 / LONGEST_STEP_S
    below, above = (f"{float(steady * factor):.6f} mL/h" for factor in (Fraction(99, 100), Fraction(101, 100)))
    assert kinds(planned(f'[[phase]]\ninfuse = "{below}"\nfor = "24 h"\n')) == [("too slow", "phase[0]", False)]
    assert not planned(f'[[phase]]\ninfuse = "{above}"\nfor = "24 h"\n').findings
    assert not planned('[[phase]]\nramp = { from = "0 mL/h", to = "5 mL/h" }\nfor = "1 h"\n').findings
    told = planned('[[phase]]\ninfuse = "0.01 mL/h"\nfor = "24 h"\n').warnings[0]
    assert "a step of 0.347 µL every 124.9 s" in told
    assert "steady from 0.020824 mL/h on, or with a bd-plastipak-10" in told


def test_less_than_a_step_is_told() -> None:
    plan = planned('[[phase]]\ninfuse = "1 mL/h"\nfor = "1 h"\n[[phase]]\ninfuse = "0.0001 mL/h"\nfor = "1 h"\n')
    assert kinds(plan) == [("too little", "phase[1]", False)]


def test_a_phase_that_is_repeated_is_told_once() -> None:
    plan = planned('[[phase]]\nrepeat = 5\n[[phase.phase]]\ninfuse = "2000 mL/h"\nfor = "1 min"\n')
    assert kinds(plan) == [("too fast", "phase[0].phase[0]", True)]


def test_syringes_are_counted_filled_and_changed() -> None:
    plan = Protocol.read("schwartzman-2009").plan("70 kg", session=1)
    assert (plan.syringes, plan.changes_s(), plan.fills_ml) == (2, [7200], (Fraction("50.5"), Fraction("50.5")))
    small = Protocol.read("sigtermans-2010").plan("70 kg")
    assert (small.syringes, small.changes_s(), small.fills_ml[1]) == (1, [], Fraction("21.325"))


def test_a_syringe_may_be_empty_within_a_ramp() -> None:
    plan = planned('[[phase]]\nramp = { from = "0 mL/h", to = "100 mL/h" }\nfor = "2 h"\n')
    for number, time_s in enumerate(plan.changes_s(), start=1):
        assert float(plan.commanded_ml(time_s)) == pytest.approx(50 * number, rel=1e-9)
    assert plan.syringes == 2
    falling = planned('[[phase]]\nramp = { from = "100 mL/h", to = "0 mL/h" }\nfor = "2 h"\n')
    assert falling.changes_s()[0] == pytest.approx(7200 * (1 - 0.5**0.5), rel=1e-9)


def test_the_command_says_it_all() -> None:
    done = CliRunner().invoke(app, ["plan", "kiefer-2008-anesthetic"], env={"COLUMNS": "200"})
    for line in (
        "syringes: draw up 50.5 mL each, 41.9 mL for the last; 0.5 mL of it stays in the syringe",
        "changes: at 11:35:17, 23:29:34,",
        "and so on, 16 in all",
        "pump: pico with bd-plastipak-50, at most 1200 mL/h; 4.2 to 84 mL/h, a step of 0.347 µL every",
        "\nfeasible\n",
        "preview only: highest in plasma 3240 to 8040 ng/mL by 6 published models, which tell of no single subject",
    ):
        assert line in done.stdout
    told = CliRunner().invoke(app, ["plan", "sheehy-2015-low", "--board", "mega"])
    assert (told.exit_code, told.stderr.strip()) == (
        2,
        'titrate: --board: "mega" is not valid; allowed: one of pico, pico2',
    )
