"""Laws of every plan: nothing lost, no gaps, exact sums; and the program is the plan within 1 nL."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump.core import wire
from tests.host.strategies import plans, protocols
from titrate import Plan, Protocol
from titrate.phases import Bolus, Infuse, Ramp, Staircase
from titrate.places import key_path
from titrate.program import plan_of
from titrate.protocol import walk
from titrate.quantities import Quantity
from titrate.reading import packaged, parse

NL_PER_ML = 1_000_000


@given(plans())
def test_phases_follow_each_other_and_add_up(plan: Plan) -> None:
    assert plan.phases[0].begin_s == 0
    assert all(one.end_s == following.begin_s for one, following in pairwise(plan.phases))
    assert all(phase.end_s > phase.begin_s for phase in plan.phases)
    assert plan.total_ml == sum(phase.volume_ml for phase in plan.phases)
    assert plan.total_mg == plan.total_ml * plan.concentration_mg_ml
    for phase in plan.phases:
        hours = (phase.end_s - phase.begin_s) / 3600
        assert phase.volume_ml == (phase.begin_ml_h + phase.end_ml_h) / 2 * hours
        assert phase.begin_mg_kg_h == phase.begin_ml_h * plan.concentration_mg_ml / plan.weight_kg


def mg(quantity: Quantity, plan: Plan) -> Fraction:
    """A dose or a rate for the plan's subject and drug, worked out here."""
    factor = {"mg/kg": plan.weight_kg, "mL": plan.concentration_mg_ml, "mg": 1}[quantity.unit.removesuffix("/h")]
    return quantity.value * factor


@given(protocols(), st.integers(1, 300))
def test_caps_and_bounds_are_respected(protocol: Protocol, weight_kg: int) -> None:
    plan = protocol.plan(f"{weight_kg} kg")
    told = {key_path(path): phase for path, phase in walk(protocol.phase)}
    for planned in plan.phases:
        phase = told[planned.path]
        rates_mg_h = [rate * plan.concentration_mg_ml for rate in (planned.begin_ml_h, planned.end_ml_h)]
        if isinstance(phase, (Infuse, Ramp, Staircase)) and phase.cap:
            assert max(rates_mg_h) <= mg(phase.cap, plan)
        if isinstance(phase, Bolus) and phase.cap:
            assert planned.dose_mg <= mg(phase.cap, plan)
        bounds = getattr(phase, "bounds", None)
        assert (planned.floor_ml_h is None) is (bounds is None)
        if bounds:
            assert planned.floor_ml_h is not None
            assert planned.ceiling_ml_h is not None
            assert mg(bounds.floor, plan) == planned.floor_ml_h * plan.concentration_mg_ml <= min(rates_mg_h)
            assert mg(bounds.ceiling, plan) >= planned.ceiling_ml_h * plan.concentration_mg_ml >= max(rates_mg_h)


@given(protocols())
def test_what_is_written_reads_back_equal(protocol: Protocol) -> None:
    again = parse(protocol.toml(), "again.toml")
    assert again == protocol
    assert again.toml() == protocol.toml()
    assert again.plan("70 kg") == protocol.plan("70 kg")


@given(plans())
def test_plan_to_program_to_plan_is_the_identity_to_1_nl(plan: Plan) -> None:
    again = plan_of(*plan.program)
    assert tuple(again.program) == tuple(plan.program)
    assert again.program.digest == plan.program.digest
    for there, here in zip(again.phases, plan.phases, strict=True):
        assert there.kind == here.kind
        assert abs(there.volume_ml - here.volume_ml) * NL_PER_ML < 1
        assert abs(there.end_s - here.end_s) <= Fraction(len(plan.phases), 1000)
    assert abs(again.total_ml - plan.total_ml) * NL_PER_ML < 1


@pytest.mark.parametrize("name", packaged())
def test_packaged_plans_go_to_the_pump_and_back(name: str) -> None:
    plan = Protocol.read(name).plan("70 kg")
    again = plan_of(*plan.program(code=plan.code))
    assert again.code == plan.code
    assert [phase.end_s for phase in again.phases] == [phase.end_s for phase in plan.phases]
    assert abs(again.total_ml - plan.total_ml) * NL_PER_ML < 1
    assert abs(again.total_mg - plan.total_mg) * 1000 < 1  # 1 ug


@given(plans(), st.lists(st.fractions(min_value=-1, max_value=2, max_denominator=1000), max_size=8))
def test_the_commanded_volume_never_falls_and_meets_every_boundary(plan: Plan, parts: list[Fraction]) -> None:
    volumes_ml = [plan.commanded_ml(part * plan.duration_s) for part in sorted(parts)]
    assert volumes_ml == sorted(volumes_ml)
    assert plan.commanded_ml(-1) == 0
    due_ml = Fraction()
    for phase in plan.phases:
        assert plan.commanded_ml(phase.begin_s) == due_ml
        due_ml += phase.volume_ml
    assert plan.commanded_ml(plan.duration_s + 1) == plan.total_ml == due_ml


@pytest.mark.requirement("SR-DOSE-02")
@settings(max_examples=200)
@given(plans())
def test_each_phase_of_the_program_is_within_1_nl(plan: Plan) -> None:
    header, phases = plan.program
    assert header["phases"] == len(phases) == len(plan.phases)
    for sent, meant in zip(phases, plan.phases, strict=True):
        volume_nl = Fraction((sent[2] + sent[3]) * sent[1], 2 * 1000 * 3_600_000)
        assert abs(volume_nl - meant.volume_ml * NL_PER_ML) < 1


@given(plans())
def test_the_program_is_what_the_wire_declares(plan: Plan) -> None:
    header, phases = plan.program
    assert set(header) == set(wire.PROGRAM)
    for key, (kind, least, most) in wire.PROGRAM.items():
        assert type(header[key]) is kind
        assert least <= (len(header[key]) if kind is str else header[key]) <= most
    for kind, *amounts in phases:
        assert kind in wire.KINDS
        assert all(type(amount) is int and amount >= 0 for amount in amounts)
        assert 1 <= amounts[0] <= wire.MAX_PHASE_MS
        if kind in ("infuse", "bolus"):
            assert amounts[1] == amounts[2]
        if kind == "pause":
            assert amounts[1:] == [0, 0]
    assert len(wire.program_digest(header, phases)) == 64


def planned(phases: str, **options: Any) -> Plan:
    top = '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "1 mg/mL"\n'
    return parse(top + phases).plan("70 kg", **options)


def kinds(plan: Plan) -> list[tuple[str, float, float, float]]:
    return [(p.kind, float(p.end_s - p.begin_s), float(p.begin_ml_h), float(p.end_ml_h)) for p in plan.phases]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ('from = "10 mg/h", to = "30 mg/h"', [("ramp", 1800, 10, 20), ("infuse", 1800, 20, 20)]),
        ('from = "30 mg/h", to = "10 mg/h"', [("infuse", 1800, 20, 20), ("ramp", 1800, 20, 10)]),
        ('from = "20 mg/h", to = "30 mg/h"', [("infuse", 3600, 20, 20)]),
        ('from = "0 mg/h", to = "20 mg/h"', [("ramp", 3600, 0, 20)]),
    ],
)
def test_a_ramp_stops_at_its_cap(span: str, expected: list[tuple[str, float, float, float]]) -> None:
    plan = planned(f'[[phase]]\nramp = {{ {span} }}\nfor = "1 h"\ncap = "20 mg/h"\n')
    assert kinds(plan) == expected


def test_repeats_count_from_start_to_start_and_nest() -> None:
    plan = planned(
        '[[phase]]\nrepeat = 2\nevery = "24 h"\n[[phase.phase]]\nrepeat = 2\nevery = "2 h"\n'
        '[[phase.phase.phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
    )
    assert [float(phase.begin_s) / 3600 for phase in plan.phases if phase.kind == "infuse"] == [0, 2, 24, 26]
    assert plan.duration_s == 27 * 3600


def test_a_pause_longer_than_the_wire_allows_is_cut() -> None:
    plan = planned('[[phase]]\nrepeat = 2\nevery = "21 d"\n[[phase.phase]]\ninfuse = "1 mg/h"\nfor = "24 h"\n')
    assert [phase.kind for phase in plan.phases] == ["infuse", "pause", "pause", "infuse"]
    assert plan.phases[-1].begin_s == 21 * 86400


def test_sessions_are_counted_through_the_outermost_repeats() -> None:
    text = "".join(f'[[phase]]\nrepeat = 2\n[[phase.phase]]\ninfuse = "{rate} mg/h"\nfor = "1 h"\n' for rate in (1, 2))
    assert [planned(text, session=session).total_mg for session in (1, 2, 3, 4)] == [1, 1, 2, 2]


def test_a_stated_flow_that_agrees_is_accepted() -> None:
    assert planned('[[phase]]\ninfuse = "0.35 mg/kg/h"\nfor = "1 h"\nrate = "24.5 mL/h"\n').total_ml == Fraction(49, 2)


def test_a_program_can_be_for_another_syringe_and_fill() -> None:
    header, _ = Protocol.read("schwartzman-2009").plan().program("bd-plastipak-20", fill_nl=18_000_000, attended=False)
    assert (header["syringe"], header["fill_nl"], header["attended"]) == ("bd-plastipak-20", 18_000_000, 0)


def test_a_demand_goes_to_the_pump_and_back() -> None:
    plan = planned(
        '[demand]\nbolus = "1 mg/kg"\nover = "2 min"\nlockout = "15 min"\n[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
    )
    header, _ = plan.program
    assert (header["bolus_nl"], header["bolus_ms"], header["bolus_lockout_ms"]) == (70_000_000, 120_000, 900_000)
    assert plan_of(*plan.program).demand == plan.demand
    assert plan.total_mg == 1


@pytest.mark.requirement("SR-DOC-02")
def test_a_program_tells_author_and_date_of_the_file_or_what_it_is_called_with() -> None:
    plan = planned('[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n')
    assert (plan.program.header["author"], plan.program.header["date"]) == ("not stated", "0000-00-00")
    assert plan.program(author="A. Tester").header["author"] == "A. Tester"
    packaged_plan = Protocol.read("patil-2012").plan()
    assert packaged_plan.program.header["date"] == "2026-11-24"
    assert packaged_plan.code == "patil-2012"


@pytest.mark.parametrize(
    ("length", "hours"), [('dose = "20 mg"', 2), ('volume = "30 mL"', 3), ('dose = "20 mg"\nvolume = "20 mL"', 2)]
)
def test_an_infusion_may_end_with_its_dose_or_volume(length: str, hours: int) -> None:
    plan = planned(f'[[phase]]\ninfuse = "20 mg/h"\ncap = "10 mg/h"\n{length}\n')
    assert plan.duration_s == hours * 3600


def test_a_bolus_may_run_at_a_flow() -> None:
    plan = planned('[[phase]]\nbolus = "1 mg/kg"\nrate = "140 mL/h"\n')
    assert (plan.duration_s, plan.total_ml) == (1800, 70)


@pytest.mark.parametrize("steps", ['step = "5 mg/h"', 'step = "5 mg/h", steps = 4', "steps = 4"])
def test_a_staircase_by_step_or_steps(steps: str) -> None:
    plan = planned(f'[[phase]]\nstaircase = {{ from = "25 mg/h", to = "10 mg/h", {steps} }}\neach = "1 h"\n')
    assert [float(phase.begin_ml_h) for phase in plan.phases] == [25, 20, 15, 10]


def test_a_mixture_and_a_concentration_that_agree_are_one() -> None:
    text = (
        '[protocol]\nname = "p"\ntitle = "P"\n[drug]\nname = "k"\nconcentration = "0.98 mg/mL"\nmixed_for = "25 mL/h"\n'
    )
    text += '[[phase]]\ninfuse = "0.35 mg/kg/h"\nfor = "4 h"\ncap = "30 mL/h"\n'
    assert parse(text).plan("70 kg").phases[0].begin_ml_h == 25


def test_the_largest_dose_in_a_window_is_found_between_the_boundaries() -> None:
    """A rise and a fall of 1 h each: the fullest half hour is the one in the middle, 3/4 of the peak's 20 mg/h."""
    from titrate.stretches import Stretch, largest_dose_mg

    rise = Stretch("ramp", Fraction(3600), Fraction(0), Fraction(20), ("phase", 0))
    fall = Stretch("ramp", Fraction(3600), Fraction(20), Fraction(0), ("phase", 1))
    dose_mg, end_s = largest_dose_mg([rise, fall], Fraction(1800))
    assert (dose_mg, end_s) == (Fraction("8.75"), 4500)
    assert largest_dose_mg([rise, fall], Fraction(36000)) == (20, 7200)


def test_an_age_that_is_not_known_is_warned_of() -> None:
    text = '[subject]\nage_range = { from = "12 years", to = "17 years" }\n[[phase]]\ninfuse = "1 mg/h"\nfor = "1 h"\n'
    assert planned(text).warnings == (
        "the age of the subject is not known; this protocol is for 12 years to 17 years (--age)",
    )
    assert planned(text, age="15 years").warnings == ()
